//! Instructions, counted by callgrind: the same program on a simulated processor.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::process;

/// Where the example `request_costs` says that a request begins or ends.
const EDGE: &str = "request_costs::count::edge*";
/// Files begin with it.
const NAME: &str = "costs";

/// The program that simulates.
pub(crate) fn program() -> Option<PathBuf> {
    process::find_program(&["valgrind"])
}

/// Instructions of each of so many requests, in all threads, in the order in which they were sent.
pub(super) fn instructions(costs: &Path, requests: usize) -> Result<Vec<u64>> {
    let valgrind = program().context("valgrind is missing: `cargo xtask setup`")?;
    let folder = TempDir::with_prefix("atpass-callgrind-")?;
    let mut command = Command::new(valgrind);
    command
        .args(["--quiet", "--tool=callgrind", "--dump-line=no"])
        .arg(format!("--dump-before={EDGE}"))
        .arg(format!(
            "--callgrind-out-file={}",
            folder.path().join(NAME).display()
        ))
        .arg(costs)
        .arg("requests");
    process::output(&mut command)?;
    let dumps = dumps(folder.path())?;
    // Before each edge one, and one at the end.
    ensure!(
        dumps.len() == 2 * requests,
        "callgrind wrote {} times, and not twice for each of {requests} requests: where does {EDGE} lie?",
        dumps.len()
    );
    // The first is what came before the first request, the second that request, and so on.
    let within = dumps.iter().skip(1).step_by(2);
    within
        .map(|path| total(&fs::read_to_string(path)?))
        .collect()
}

/// What was written at an edge, in order: `costs.1`, `costs.2`, and so on. What is written at the end has no number.
fn dumps(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut dumps = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let number = path.extension().and_then(|number| number.to_str());
        if let Some(number) = number.and_then(|number| number.parse::<u32>().ok()) {
            dumps.push((number, path));
        }
    }
    dumps.sort();
    Ok(dumps.into_iter().map(|(_, path)| path).collect())
}

/// The sum of a dump.
fn total(dump: &str) -> Result<u64> {
    let totals = dump.lines().find_map(|line| line.strip_prefix("totals: "));
    let totals = totals.context("callgrind wrote no totals")?;
    totals
        .trim()
        .parse()
        .with_context(|| format!("cannot read the totals {totals:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dumps_are_in_the_order_of_their_numbers() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["costs", "costs.10", "costs.9", "costs.1"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let found = dumps(folder.path()).unwrap();
        let names: Vec<_> = found
            .iter()
            .map(|path| path.file_name().unwrap().to_str().unwrap())
            .collect();
        assert_eq!(names, ["costs.1", "costs.9", "costs.10"]);
    }

    #[test]
    fn the_total_is_the_sum_of_a_dump() {
        assert_eq!(total("fn=(1)\n12 3\n\ntotals: 1234\n").unwrap(), 1234);
        assert!(total("fn=(1)\n").is_err());
    }
}
