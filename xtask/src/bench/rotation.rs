//! Keys that are rotated while a resource server is under load.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde::Deserialize;

use crate::process;

/// How much load, and for how long.
#[derive(Debug, Args)]
pub(super) struct Load {
    /// How long.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=3600))]
    seconds: u32,
    /// Requests a second.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    rate: u32,
}

/// What the example `issuer_rotation` of the testnet prints.
#[derive(Deserialize)]
struct Printed {
    rotation: Found,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    seconds: f64,
    requests: u32,
    per_second: f64,
    p50_ms: f64,
    p99_ms: f64,
    keys_that_signed: u32,
    keys_gone: u32,
    key_fetches: u32,
    failed: u32,
    failures: serde_json::Map<String, serde_json::Value>,
}

/// Builds the example and runs it.
pub(super) fn run(root: &Path, load: &Load, json: bool) -> Result<()> {
    let mut cargo = process::cargo(root);
    cargo
        .args(["build", "--release", "--package", "atpass-testnet"])
        .args(["--example", "issuer_rotation"]);
    process::run(&mut cargo)?;
    let program = process::target_folder(root)?
        .join("release")
        .join("examples")
        .join("issuer_rotation");
    let mut program = Command::new(program);
    program
        .env("RATE", load.rate.to_string())
        .env("FOR", load.seconds.to_string());
    let printed = process::output(&mut program)?;
    let Printed { rotation: found } =
        serde_json::from_str(&printed).context("cannot read what the measurement printed")?;
    if json {
        print!("{printed}");
    } else {
        print(&found);
    }
    ensure!(found.failed == 0, "{} requests failed", found.failed);
    Ok(())
}

fn print(found: &Found) {
    println!(
        "{} requests in {:.1} s, {:.0} a second",
        found.requests, found.seconds, found.per_second
    );
    println!(
        "latency: p50 {:.2} ms, p99 {:.2} ms",
        found.p50_ms, found.p99_ms
    );
    println!(
        "keys: {} signed in turn, {} of them gone again by the end, fetched {} times",
        found.keys_that_signed, found.keys_gone, found.key_fetches
    );
    println!("failed: {}", found.failed);
    for (failure, times) in &found.failures {
        println!("  {times} × {failure}");
    }
}
