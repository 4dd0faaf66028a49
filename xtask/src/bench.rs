//! Measurements: what logins and refreshes cost, what the verification of a request costs, whether a resource
//! server under load notices that keys are rotated, and what becomes of it all with millions of stored sessions
//! and on several servers.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use clap::{Args, Subcommand};
use serde::Deserialize;

use crate::postgres::Postgres;
use crate::valkey::Valkey;
use crate::{process, setup};

/// How PostgreSQL is set for measurements: what it confirms is on the disk, as it is by default, and its memory is
/// that of a small server of its own.
const POSTGRES: [&str; 6] = [
    "fsync=on",
    "synchronous_commit=on",
    "full_page_writes=on",
    "shared_buffers=512MB",
    "max_wal_size=4GB",
    "max_connections=300",
];

/// What `cargo xtask bench` takes.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Print one JSON object, as the last line of the output, instead of tables and logs.
    #[arg(long, global = true)]
    json: bool,
    /// What to measure; the round trips, where nothing is said.
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Our client beside the official one: how many requests a login and a refresh cost.
    RoundTrips,
    /// The verification of a request beside the bare signature and beside other libraries.
    Verify,
    /// Keys that are rotated while a resource server is under load: no request may fail.
    Rotation(Rotation),
    /// Refreshes and verifications while the database grows, on both kinds of database.
    Growth(Growth),
    /// Refreshes on several servers at one PostgreSQL, and what each costs whom.
    Scaling(Scaling),
}

/// What is passed on to the program of `bench/load`.
#[derive(Debug, Args)]
struct Growth {
    /// Stored sessions, the fewest first. Ten millions take 12 GB for each kind of database.
    #[arg(long, default_value = "10000,1000000,10000000")]
    sizes: String,
    /// Seconds of each measurement.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=60))]
    seconds: u32,
    /// Which databases.
    #[arg(long, default_value = "sqlite,postgres")]
    stores: String,
}

/// What is passed on to the program of `bench/load`.
#[derive(Debug, Args)]
struct Scaling {
    /// How many servers.
    #[arg(long, default_value = "1,2,4")]
    nodes: String,
    /// Seconds of each measurement.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=60))]
    seconds: u32,
}

/// How much load, and for how long.
#[derive(Debug, Args)]
struct Rotation {
    /// How long.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=3600))]
    seconds: u32,
    /// Requests a second.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    rate: u32,
}

/// Builds what the measurement needs, and runs it.
pub(crate) fn run(root: &Path, options: &Options) -> Result<()> {
    match &options.what {
        None | Some(What::RoundTrips) => round_trips(root, options.json),
        Some(What::Verify) => verify(root, options.json),
        Some(What::Rotation(load)) => rotation(root, load, options.json),
        Some(What::Growth(what)) => growth(root, what, options.json),
        Some(What::Scaling(what)) => scaling(root, what, options.json),
    }
}

/// The programs of `peers/bench`, which print the tables.
fn round_trips(root: &Path, json: bool) -> Result<()> {
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
        .args(json.then_some("--json"))
        .env(
            "ATPASS_EXAMPLES",
            process::target_folder(root)?.join("debug"),
        );
    process::run(&mut node)
}

/// The program of `bench/`, a workspace of its own, which prints the table.
fn verify(root: &Path, json: bool) -> Result<()> {
    let mut cargo = process::cargo(root);
    cargo
        .args(["run", "--release", "--locked"])
        .args(["--manifest-path", "bench/Cargo.toml", "--"])
        .args(json.then_some("--json"));
    process::run(&mut cargo)
}

/// The program of `bench/load`, which prints the tables, on a PostgreSQL of its own and, for some, a Valkey.
fn load(root: &Path, json: bool, arguments: &[&str], valkey: Option<&Valkey>) -> Result<()> {
    let postgres = Postgres::start_with(&POSTGRES)?;
    let mut cargo = process::cargo(root);
    cargo
        .args(["run", "--release", "--locked"])
        .args(["--manifest-path", "bench/load/Cargo.toml", "--"])
        .args(arguments)
        .args(json.then_some("--json"))
        .env("ATPASS_BENCH_POSTGRES", postgres.url())
        .envs(valkey.map(|valkey| ("ATPASS_BENCH_VALKEY", valkey.url())));
    process::run(&mut cargo)
}

fn growth(root: &Path, what: &Growth, json: bool) -> Result<()> {
    let seconds = what.seconds.to_string();
    let arguments = ["growth", "--sizes", &what.sizes, "--stores", &what.stores];
    let arguments = [&arguments[..], &["--seconds", &seconds]].concat();
    load(root, json, &arguments, None)
}

fn scaling(root: &Path, what: &Scaling, json: bool) -> Result<()> {
    let mut cargo = process::cargo(root);
    process::run(cargo.args(["build", "--release", "--package", "atpass"]))?;
    let program = process::target_folder(root)?.join("release").join("atpass");
    let program = program.to_str().context("the target folder's name")?;
    let seconds = what.seconds.to_string();
    let arguments = ["scaling", "--nodes", &what.nodes, "--program", program];
    let arguments = [&arguments[..], &["--seconds", &seconds]].concat();
    load(root, json, &arguments, Some(&Valkey::start()?))
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

fn rotation(root: &Path, load: &Rotation, json: bool) -> Result<()> {
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
