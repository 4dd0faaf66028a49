//! Allocations and instructions of each request, which don't depend on what else the machine does.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use serde::{Deserialize, Serialize};

use super::baseline::{Baseline, compare};
use super::report::table;
use super::{callgrind, programs};
use crate::process;

/// What `cargo xtask bench counts` takes.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Keep what is counted now, for later runs to be held against.
    #[arg(long)]
    write: bool,
}

/// What one request costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Cost {
    pub(super) allocations: u64,
    /// That were allocated.
    pub(super) bytes: u64,
    pub(super) instructions: u64,
}

/// By the name of the request.
pub(super) type Costs = BTreeMap<String, Cost>;

/// What the example `request_costs` prints.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Printed {
    /// Of each row, so many requests don't count.
    warm_ups: usize,
    rows: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    name: String,
    requests: Vec<Allocated>,
}

#[derive(Deserialize)]
struct Allocated {
    allocations: u64,
    bytes: u64,
}

/// Counts the requests of a release, or writes down all that later runs are held against.
pub(super) fn run(root: &Path, options: &Options, json: bool) -> Result<()> {
    let release = measure(&programs::releases(root)?.request_costs)?;
    if options.write {
        let development = measure(&development_program(root)?)?;
        let baseline = Baseline::new(root, development, release)?;
        return baseline.write(root);
    }
    if json {
        println!("{}", serde_json::json!({ "counts": release }));
        return Ok(());
    }
    let baseline = Baseline::read(root)?;
    say(&baseline, &baseline.release, &release, root)
}

/// Counts the requests of the development build that the tests made, and fails where one costs more than is kept.
pub(crate) fn check(root: &Path) -> Result<()> {
    let program = example(root)?;
    ensure!(
        program.is_file(),
        "the build left no example `request_costs`"
    );
    let baseline = Baseline::read(root)?;
    say(&baseline, &baseline.development, &measure(&program)?, root)
}

/// The example as the tests build it: with all of the workspace, whose crates choose features for each other.
fn development_program(root: &Path) -> Result<PathBuf> {
    let mut cargo = process::cargo(root);
    process::run(cargo.args(["build", "--workspace", "--bins", "--examples"]))?;
    example(root)
}

fn example(root: &Path) -> Result<PathBuf> {
    let target = process::target_folder(root)?;
    Ok(target.join("debug").join("examples").join("request_costs"))
}

/// The median of each kind of request: once for what was allocated, once more for the instructions.
pub(super) fn measure(program: &Path) -> Result<Costs> {
    let printed = process::output(Command::new(program).arg("requests"))?;
    let printed: Printed =
        serde_json::from_str(&printed).context("cannot read what was counted")?;
    let requests = printed.rows.iter().map(|row| row.requests.len()).sum();
    let instructions = callgrind::instructions(program, requests)?;
    costs(&printed, &instructions)
}

fn costs(printed: &Printed, instructions: &[u64]) -> Result<Costs> {
    let mut instructions = instructions.iter().copied();
    let mut costs = Costs::new();
    for row in &printed.rows {
        let counted: Vec<u64> = instructions.by_ref().take(row.requests.len()).collect();
        let of = |each: &mut dyn Iterator<Item = u64>| median(each.skip(printed.warm_ups));
        let allocated = row.requests.iter();
        let cost = Cost {
            allocations: of(&mut allocated.clone().map(|request| request.allocations))?,
            bytes: of(&mut allocated.map(|request| request.bytes))?,
            instructions: of(&mut counted.into_iter())?,
        };
        costs.insert(row.name.clone(), cost);
    }
    Ok(costs)
}

fn median(numbers: impl Iterator<Item = u64>) -> Result<u64> {
    let mut numbers: Vec<u64> = numbers.collect();
    numbers.sort_unstable();
    let middle = numbers.get(numbers.len() / 2);
    middle.copied().context("nothing was counted")
}

/// Prints what was counted beside what is kept, and fails where it is too much more.
fn say(baseline: &Baseline, kept: &Costs, found: &Costs, root: &Path) -> Result<()> {
    let was = |name: &str, of: fn(&Cost) -> u64| {
        kept.get(name)
            .map_or("nothing".to_owned(), |cost| of(cost).to_string())
    };
    let rows = found.iter().map(|(name, cost)| {
        [
            name.clone(),
            cost.allocations.to_string(),
            was(name, |cost| cost.allocations),
            cost.bytes.to_string(),
            was(name, |cost| cost.bytes),
            cost.instructions.to_string(),
            was(name, |cost| cost.instructions),
        ]
    });
    let head = [
        "",
        "allocations",
        "kept",
        "bytes",
        "kept",
        "instructions",
        "kept",
    ];
    println!("{}", table(head, rows));
    let same = baseline.is_of_here(root)?;
    if !same {
        println!(
            "Instructions aren't compared: those that are kept are of {} on {}.",
            baseline.rustc, baseline.processor
        );
    }
    let compared = compare(kept, found, same);
    for less in &compared.less {
        println!("{less}: `cargo xtask bench counts --write` keeps that");
    }
    if !compared.more.is_empty() {
        bail!(
            "{}. If it must be so: `cargo xtask bench counts --write`",
            compared.more.join("; ")
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_without_what_warms_up() {
        let printed = r#"{"warmUps":1,"rows":[
            {"name":"a","requests":[{"allocations":90,"bytes":9},{"allocations":3,"bytes":5},
                {"allocations":7,"bytes":4},{"allocations":2,"bytes":6}]},
            {"name":"b","requests":[{"allocations":1,"bytes":1},{"allocations":8,"bytes":2}]}]}"#;
        let printed = serde_json::from_str(printed).unwrap();
        let costs = costs(&printed, &[900, 30, 10, 20, 900, 40]).unwrap();
        let cost = |allocations, bytes, instructions| Cost {
            allocations,
            bytes,
            instructions,
        };
        assert_eq!(costs["a"], cost(3, 5, 20));
        assert_eq!(costs["b"], cost(8, 2, 40));
    }

    #[test]
    fn too_few_requests_are_an_error() {
        let printed =
            r#"{"warmUps":1,"rows":[{"name":"a","requests":[{"allocations":9,"bytes":9}]}]}"#;
        let printed = serde_json::from_str(printed).unwrap();
        assert!(costs(&printed, &[1]).is_err());
    }
}
