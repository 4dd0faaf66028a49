//! The fault test of several nodes, in its long form. `cargo xtask test` runs the short one.

use std::path::Path;

use anyhow::{Context, Result};
use clap::Args;

use crate::{postgres, process, valkey};

/// What `cargo xtask faults` takes.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// People who use a session each, at the same time.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(4..=10_000))]
    sessions: u32,
    /// For how long there is trouble, once a quarter of the sessions has begun.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=600))]
    minutes: u32,
    /// What the order of the faults, and all other chance, is made from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Builds the test and runs it; its table is printed.
pub(crate) fn run(root: &Path, options: &Options) -> Result<()> {
    let postgres = postgres::programs().context("PostgreSQL is missing: `cargo xtask setup`")?;
    let valkey = valkey::program().context("Valkey is missing: `cargo xtask setup`")?;
    let mut cargo = process::cargo(root);
    cargo
        .args(["test", "--package", "atpass", "--test", "nodes", "--"])
        .args(["--exact", "three_nodes_with_postgres_and_valkey"])
        .arg("--nocapture")
        .env(postgres::PROGRAMS_VARIABLE, postgres)
        .env(valkey::PROGRAM_VARIABLE, valkey)
        .env("ATPASS_FAULTS_SESSIONS", options.sessions.to_string())
        .env("ATPASS_FAULTS_SECONDS", (options.minutes * 60).to_string())
        .env("ATPASS_FAULTS_SEED", options.seed.to_string());
    process::run(&mut cargo)
}
