//! Every check and every test, in an order where the quick ones come first.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use std::{env, fmt, fs};

use anyhow::{Context, Result, anyhow};
use clap::{Args, ValueEnum};

use crate::results::{self, Results, Suite};
use crate::setup::{self, Ready};
use crate::{arrows, bench, clauses, crate_tests, process};

/// What `cargo xtask test` takes.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Run only the tests whose name contains one of these words, and no other checks.
    filter: Vec<String>,
    /// Run only these steps, and what they need; may be repeated.
    #[arg(long, value_name = "STEP")]
    only: Vec<Step>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Step {
    Setup,
    Arrows,
    Clauses,
    Format,
    Clippy,
    Test,
    Doc,
    Build,
    Counts,
    Peers,
}

impl Step {
    const ALL: [Self; 10] = [
        Self::Setup,
        Self::Arrows,
        Self::Clauses,
        Self::Format,
        Self::Clippy,
        Self::Test,
        Self::Doc,
        Self::Build,
        Self::Counts,
        Self::Peers,
    ];

    /// Whether this step runs with these options; the peer tests need the program and the tools, and so do the
    /// counts.
    fn is_wanted(self, options: &Options) -> bool {
        let Options { filter, only } = options;
        let named = match (only.is_empty(), filter.is_empty()) {
            (false, _) => only.contains(&self),
            (true, true) => true,
            (true, false) => matches!(self, Self::Test | Self::Peers),
        };
        let needs_these = [Self::Counts, Self::Peers];
        let needed = matches!(self, Self::Setup | Self::Build)
            && needs_these.iter().any(|step| step.is_wanted(options));
        named || needed
    }

    fn title(self) -> &'static str {
        match self {
            Self::Setup => "setup: what the tests need",
            Self::Arrows => "arrows: the crates' dependencies",
            Self::Clauses => "clauses: which tests show which",
            Self::Format => "format: cargo fmt",
            Self::Clippy => "clippy: cargo clippy",
            Self::Test => "test: cargo test",
            Self::Doc => "doc: cargo doc",
            Self::Build => "build: the program, and the examples",
            Self::Counts => "counts: what each request costs",
            Self::Peers => "peers: the official clients and a browser",
        }
    }
}

/// What the last step takes from the steps before it.
#[derive(Debug, Default)]
struct Found {
    tools: Option<Ready>,
    program: Option<PathBuf>,
}

/// How one step went.
struct Row {
    step: Step,
    took: Duration,
    result: Result<()>,
}

impl fmt::Display for Row {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.result.is_ok() { "ok" } else { "FAILED" };
        write!(
            formatter,
            "{word:<6} {:>7.1} s  {}",
            self.took.as_secs_f64(),
            self.step.title()
        )
    }
}

/// Runs the steps; a failed one doesn't keep the later ones from running. `false` when any failed.
pub(crate) fn run(root: &Path, options: &Options) -> bool {
    let mut found = Found::default();
    let mut rows = Vec::new();
    for step in Step::ALL.into_iter().filter(|step| step.is_wanted(options)) {
        println!("\n=== {}", step.title());
        let start = now();
        let result = run_step(step, root, options, &mut found);
        let row = Row {
            step,
            took: start.elapsed(),
            result,
        };
        if let Err(error) = &row.result {
            println!("error: {error:#}");
        }
        println!("--- {row}");
        rows.push(row);
    }
    println!("\n=== summary");
    for row in &rows {
        println!("{row}");
        if let Err(error) = &row.result {
            println!("                  {error:#}");
        }
    }
    rows.iter().all(|row| row.result.is_ok())
}

fn run_step(step: Step, root: &Path, options: &Options, found: &mut Found) -> Result<()> {
    let mut cargo = process::cargo(root);
    match step {
        Step::Setup => found.tools = Some(setup::run(root)?),
        Step::Arrows => arrows::run(root)?,
        Step::Clauses => {
            let options = clauses::Options {
                check: true,
                strict: false,
            };
            clauses::run(root, &options)?;
        }
        Step::Format => process::run(cargo.args(["fmt", "--all", "--check"]))?,
        Step::Clippy => {
            cargo.args([
                "clippy",
                "--workspace",
                "--all-targets",
                "--all-features",
                "--",
                "-D",
                "warnings",
            ]);
            process::run(&mut cargo)?;
        }
        Step::Test => crate_tests::run(root, &options.filter)?,
        Step::Doc => {
            cargo
                .args(["doc", "--workspace", "--no-deps", "--all-features"])
                .env("RUSTDOCFLAGS", "-D warnings");
            process::run(&mut cargo)?;
        }
        Step::Build => {
            // The whole workspace, and not as a release: so all of it is there already, from the tests of
            // the crates. Nothing is measured.
            process::run(cargo.args(["build", "--workspace", "--bins", "--examples"]))?;
            found.program = Some(program(root)?);
        }
        Step::Counts => {
            found
                .program
                .as_ref()
                .context("cannot run: the examples were not built")?;
            bench::check_counts(root)?;
        }
        Step::Peers => run_peers(root, options, found)?,
    }
    Ok(())
}

/// Where the build put the program.
fn program(root: &Path) -> Result<PathBuf> {
    let program = process::target_folder(root)?
        .join("debug")
        .join(format!("atpass{}", env::consts::EXE_SUFFIX));
    if !program.is_file() {
        return Err(anyhow!("the build left no program `atpass`"));
    }
    Ok(program)
}

fn run_peers(root: &Path, options: &Options, found: &Found) -> Result<()> {
    let tools = found.tools.as_ref().context("cannot run: setup failed")?;
    let program = found
        .program
        .as_ref()
        .context("cannot run: the program was not built")?;
    let peers = root.join("peers");
    let screenshots =
        env::var_os("ATPASS_SCREENSHOTS").map_or_else(|| peers.join("screenshots"), PathBuf::from);
    let target = process::target_folder(root)?;
    fs::create_dir_all(&target).context("cannot make the target folder")?;
    let report = target.join("peers.tap");
    let mut node = Command::new(&tools.node);
    node.current_dir(peers)
        .args(["--test", "--test-timeout=600000"])
        .args(["--test-reporter=spec", "--test-reporter-destination=stdout"])
        .arg("--test-reporter=tap")
        .arg(format!("--test-reporter-destination={}", report.display()))
        .args(
            options
                .filter
                .iter()
                .map(|word| format!("--test-name-pattern=/{}/", escape_pattern(word))),
        )
        .env("ATPASS_BIN", program)
        .env("ATPASS_EXAMPLES", target.join("debug"))
        .env("ATPASS_CHROMIUM", &tools.chromium)
        .env("ATPASS_SCREENSHOTS", screenshots);
    let ran = process::run(&mut node);
    let report = fs::read_to_string(&report).context("node left no report")?;
    let whole = options.filter.is_empty();
    Results::note(root, Suite::Node, whole, results::of_tap(&report))?;
    ran
}

/// Node takes a regular expression where cargo takes a word.
fn escape_pattern(word: &str) -> String {
    let mut pattern = String::new();
    for character in word.chars() {
        if !character.is_alphanumeric() && character != '_' && character != ' ' {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern
}

#[expect(
    clippy::disallowed_methods,
    reason = "the elapsed time is only printed"
)]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(filter: &[&str], only: &[Step]) -> Vec<Step> {
        let filter = filter.iter().map(ToString::to_string).collect();
        let options = Options {
            filter,
            only: only.to_vec(),
        };
        Step::ALL
            .into_iter()
            .filter(|step| step.is_wanted(&options))
            .collect()
    }

    #[test]
    fn without_options_every_step_runs() {
        assert_eq!(wanted(&[], &[]), Step::ALL);
    }

    #[test]
    fn a_filter_runs_the_tests_and_what_they_need() {
        assert_eq!(
            wanted(&["refresh"], &[]),
            [Step::Setup, Step::Test, Step::Build, Step::Peers]
        );
    }

    #[test]
    fn a_named_step_brings_what_it_needs() {
        assert_eq!(
            wanted(&[], &[Step::Doc, Step::Format]),
            [Step::Format, Step::Doc]
        );
        assert_eq!(
            wanted(&[], &[Step::Peers]),
            [Step::Setup, Step::Build, Step::Peers]
        );
        assert_eq!(
            wanted(&[], &[Step::Counts]),
            [Step::Setup, Step::Build, Step::Counts]
        );
        assert_eq!(wanted(&["refresh"], &[Step::Test]), [Step::Test]);
    }

    #[test]
    fn words_are_taken_literally() {
        assert_eq!(escape_pattern("official client"), "official client");
        assert_eq!(escape_pattern("a.b/c"), r"a\.b\/c");
    }
}
