//! The program of `bench/load`: a growing database, and several servers at one PostgreSQL.

use std::path::Path;

use anyhow::{Context, Result};
use clap::Args;

use crate::postgres::Postgres;
use crate::process;
use crate::valkey::Valkey;

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

/// What is passed on to the program of `bench/load`.
#[derive(Debug, Args)]
pub(super) struct Growth {
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
pub(super) struct Scaling {
    /// How many servers.
    #[arg(long, default_value = "1,2,4")]
    nodes: String,
    /// Seconds of each measurement.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=60))]
    seconds: u32,
}

/// The program, which prints the tables, on a PostgreSQL of its own and, for some, a Valkey.
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

/// A growing database.
pub(super) fn growth(root: &Path, what: &Growth, json: bool) -> Result<()> {
    let seconds = what.seconds.to_string();
    let arguments = ["growth", "--sizes", &what.sizes, "--stores", &what.stores];
    let arguments = [&arguments[..], &["--seconds", &seconds]].concat();
    load(root, json, &arguments, None)
}

/// Several servers.
pub(super) fn scaling(root: &Path, what: &Scaling, json: bool) -> Result<()> {
    let program = super::programs::releases(root)?.program;
    let program = program.to_str().context("the target folder's name")?;
    let seconds = what.seconds.to_string();
    let arguments = ["scaling", "--nodes", &what.nodes, "--program", program];
    let arguments = [&arguments[..], &["--seconds", &seconds]].concat();
    load(root, json, &arguments, Some(&Valkey::start()?))
}
