//! The programs that measure: each alone, with what it prints, and for the whole of the measurements.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::{process, setup};

/// The programs of `peers/bench`, which print the tables.
pub(super) fn round_trips(root: &Path, json: bool) -> Result<()> {
    let mut node = round_trips_command(root)?;
    process::run(node.args(json.then_some("--json")))
}

/// What they found, without the log of each request. Quickly: without the person who takes a minute.
pub(super) fn found_round_trips(root: &Path, quick: bool) -> Result<Value> {
    let mut node = round_trips_command(root)?;
    node.arg("--json").args(quick.then_some("--quick"));
    let mut found = member(&mut node, "roundTrips")?;
    remove(&mut found, "log");
    Ok(found)
}

fn round_trips_command(root: &Path) -> Result<Command> {
    let tools = setup::run(root)?;
    let mut cargo = process::cargo(root);
    cargo.args(["build", "--package", "atpass-testnet"]).args([
        "--example",
        "client_driver",
        "--example",
        "recorded_network",
    ]);
    process::run(&mut cargo)?;
    let mut node = Command::new(&tools.node);
    node.current_dir(root.join("peers"))
        .arg("bench/main.js")
        .env(
            "ATPASS_EXAMPLES",
            process::target_folder(root)?.join("debug"),
        );
    Ok(node)
}

/// The program of `bench/`, a workspace of its own, which prints the table.
pub(super) fn verify(root: &Path, json: bool) -> Result<()> {
    let mut cargo = bench_package(root, "bench/Cargo.toml");
    process::run(cargo.args(json.then_some("--json")))
}

/// What it found, beside these libraries or, where none is named, all of them.
pub(super) fn found_verify(root: &Path, quick: bool, peers: &[&str]) -> Result<Value> {
    let mut cargo = bench_package(root, "bench/Cargo.toml");
    cargo.arg("--json");
    if quick {
        cargo.args(["--batches", "20"]);
    }
    for peer in peers {
        cargo.args(["--peer", peer]);
    }
    member(&mut cargo, "verify")
}

/// What the program of `bench/beside` found: our server beside the official one.
pub(super) fn found_beside(root: &Path, quick: bool) -> Result<Value> {
    setup::run(root)?;
    let program = releases(root)?.program;
    let mut cargo = bench_package(root, "bench/beside/Cargo.toml");
    cargo
        .arg("--json")
        .args(quick.then_some("--quick"))
        .arg("--program")
        .arg(program)
        .arg("--peers")
        .arg(root.join("peers"));
    member(&mut cargo, "beside")
}

fn bench_package(root: &Path, manifest: &str) -> Command {
    let mut cargo = process::cargo(root);
    cargo
        .args(["run", "--release", "--locked"])
        .args(["--manifest-path", manifest, "--"]);
    cargo
}

/// Releases of the program `atpass`, and of the example that counts. Both at once: each alone wants other features of
/// the crates below, which would then be built twice.
pub(super) struct Releases {
    pub(super) program: PathBuf,
    pub(super) request_costs: PathBuf,
}

/// Builds them.
pub(super) fn releases(root: &Path) -> Result<Releases> {
    let mut cargo = process::cargo(root);
    cargo.args(["build", "--release", "--package", "atpass"]);
    cargo.args(["--package", "atpass-testnet", "--bin", "atpass"]);
    process::run(cargo.args(["--example", "request_costs"]))?;
    let folder = process::target_folder(root)?.join("release");
    Ok(Releases {
        program: folder.join("atpass"),
        request_costs: folder.join("examples").join("request_costs"),
    })
}

/// A member of the object that a program prints as its last line.
fn member(command: &mut Command, name: &str) -> Result<Value> {
    let printed = process::printed(command)?;
    let last = printed.lines().last().unwrap_or_default();
    let mut found: Value = serde_json::from_str(last)
        .with_context(|| format!("cannot read what {} printed", process::describe(command)))?;
    let member = found.get_mut(name).map(Value::take);
    member.with_context(|| format!("{} printed no {name}", process::describe(command)))
}

/// Removes all members of this name.
fn remove(value: &mut Value, name: &str) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(|value| remove(value, name)),
        Value::Object(members) => {
            members.remove(name);
            members.values_mut().for_each(|value| remove(value, name));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_last_line_counts() {
        let mut command = Command::new("echo");
        let found = member(command.arg("hello\n{\"a\":[1,2]}"), "a").unwrap();
        assert_eq!(found, json!([1, 2]));
        let error = member(Command::new("echo").arg("{}"), "a").unwrap_err();
        assert!(error.to_string().contains("`echo {}` printed no a"));
    }

    #[test]
    fn logs_are_left_out_wherever_they_are() {
        let mut found = json!([{ "clients": [{ "log": [1], "cases": [{ "log": [], "ms": 1 }] }] }]);
        remove(&mut found, "log");
        assert_eq!(found, json!([{ "clients": [{ "cases": [{ "ms": 1 }] }] }]));
    }
}
