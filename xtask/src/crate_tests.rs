//! The tests of the crates: built by cargo, then each test program run by itself, so that it is known
//! whose each result is.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::postgres::{self, Postgres};
use crate::process;
use crate::results::{Outcome, Results, Suite, of_harness_line};
use crate::valkey::{self, Valkey};

/// A message of cargo's about something that it built.
#[derive(Debug, Deserialize)]
struct Message {
    manifest_path: Option<PathBuf>,
    target: Option<Target>,
    profile: Option<Profile>,
    executable: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Profile {
    test: bool,
}

/// A test program.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Program {
    /// What the names of its tests begin with: the crate, and the program if it is one of `tests`.
    name: String,
    folder: PathBuf,
    executable: PathBuf,
}

/// Runs every test, or those whose name contains one of the words; a failed one doesn't keep the others
/// from running. Leaves the results behind.
pub(crate) fn run(root: &Path, filter: &[String]) -> Result<()> {
    let mut outcomes = BTreeMap::new();
    let mut failed = Vec::new();
    let programs = programs(root)?;
    let (postgres, valkey) = (Postgres::start()?, Valkey::start()?);
    let servers = [
        (postgres::VARIABLE, postgres.url().into()),
        (postgres::PROGRAMS_VARIABLE, postgres.programs().into()),
        (valkey::VARIABLE, valkey.url().into()),
        (valkey::PROGRAM_VARIABLE, valkey.program().into()),
    ];
    for program in programs {
        if !run_program(&program, filter, &servers, &mut outcomes)? {
            failed.push(program.name);
        }
    }
    Results::note(root, Suite::Cargo, filter.is_empty(), outcomes)?;
    let mut cargo = process::cargo(root);
    cargo
        .args(["test", "--workspace", "--doc", "--no-fail-fast", "--"])
        .args(filter);
    if let Err(error) = process::run(&mut cargo) {
        failed.push(format!("{error:#}"));
    }
    if !failed.is_empty() {
        bail!("tests failed: {}", failed.join(", "));
    }
    Ok(())
}

/// Builds the test programs of the workspace.
fn programs(root: &Path) -> Result<Vec<Program>> {
    let mut cargo = process::cargo(root);
    cargo
        .args(["test", "--workspace", "--no-run", "--quiet"])
        .arg("--message-format=json-render-diagnostics")
        .stderr(Stdio::inherit());
    let output = cargo.output().context("cannot start cargo")?;
    if !output.status.success() {
        bail!("{} ended with {}", process::describe(&cargo), output.status);
    }
    let messages = String::from_utf8(output.stdout).context("cargo printed no UTF-8")?;
    let mut programs = Vec::new();
    for line in messages.lines() {
        let message = serde_json::from_str(line).context("cannot read what cargo printed")?;
        programs.extend(program(message));
    }
    programs.sort();
    Ok(programs)
}

/// The test program that a message tells of, if it does.
fn program(message: Message) -> Option<Program> {
    let (target, executable) = (message.target?, message.executable?);
    if !message.profile?.test {
        return None;
    }
    let folder = message.manifest_path?.parent()?.to_owned();
    let mut name = folder.file_name()?.to_str()?.to_owned();
    if target.kind.iter().any(|kind| kind == "test") {
        name = format!("{name}::{}", target.name);
    }
    Some(Program {
        name,
        folder,
        executable,
    })
}

/// Runs a test program, tells it in variables where the servers are, shows what it prints and notes its
/// results; `false` when a test failed.
fn run_program(
    program: &Program,
    filter: &[String],
    servers: &[(&str, OsString)],
    outcomes: &mut BTreeMap<String, Outcome>,
) -> Result<bool> {
    let name = &program.name;
    println!("\n    {name}");
    // As cargo would run it.
    let mut command = Command::new(&program.executable);
    command
        .args(filter)
        .current_dir(&program.folder)
        .env("CARGO_MANIFEST_DIR", &program.folder)
        .envs(servers.iter().map(|(name, value)| (name, value)))
        .stdout(Stdio::piped());
    let mut child = command
        .spawn()
        .with_context(|| format!("cannot start the tests of {name}"))?;
    let output = child.stdout.take().context("no output to read")?;
    let mut output = BufReader::new(output);
    let mut line = Vec::new();
    while output.read_until(b'\n', &mut line)? > 0 {
        std::io::stdout().write_all(&line)?;
        let outcome = of_harness_line(&String::from_utf8_lossy(&line));
        outcomes.extend(outcome.map(|(test, outcome)| (format!("{name}::{test}"), outcome)));
        line.clear();
    }
    Ok(child.wait()?.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(message: &str) -> Option<String> {
        program(serde_json::from_str(message).unwrap()).map(|program| program.name)
    }

    #[test]
    fn test_programs_are_told_from_all_that_cargo_builds() {
        let message = |kind: &str, test: bool| {
            format!(
                r#"{{"reason":"compiler-artifact","manifest_path":"/x/crates/c/Cargo.toml",
                "target":{{"name":"login","kind":["{kind}"]}},"profile":{{"test":{test}}},
                "executable":"/x/target/debug/deps/login-1"}}"#
            )
        };
        assert_eq!(name(&message("test", true)), Some("c::login".into()));
        assert_eq!(name(&message("lib", true)), Some("c".into()));
        assert_eq!(name(&message("bin", true)), Some("c".into()));
        assert_eq!(name(&message("bin", false)), None);
        assert_eq!(name(r#"{"reason":"build-finished","success":true}"#), None);
    }

    #[test]
    fn a_program_is_run_and_its_results_are_noted() {
        let mut outcomes = BTreeMap::new();
        let program = Program {
            name: "c::p".into(),
            folder: ".".into(),
            executable: "/bin/echo".into(),
        };
        let said = ["test a::b ... FAILED".to_owned()];
        assert!(run_program(&program, &said, &[], &mut outcomes).unwrap());
        assert_eq!(outcomes["c::p::a::b"], Outcome::Failed);
    }
}
