//! The project's own chores.
//!
//! `cargo xtask test` runs every check and every test, `cargo xtask setup` installs what they need,
//! `cargo xtask arrows` compares the crates' dependencies with the table in `arrows.rs`,
//! `cargo xtask clauses` lists the requirements of the standards with the tests that show them,
//! `cargo xtask bench` measures what logins, refreshes and verifications cost, beside others, and `cargo xtask faults`
//! kills, empties and cuts off the parts of several nodes under load.

mod arrows;
mod bench;
mod clauses;
mod crate_tests;
mod defects;
mod faults;
mod postgres;
mod process;
mod results;
mod server;
mod setup;
mod test;
mod valkey;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};

/// The project's own chores.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Debug, Subcommand)]
enum Chore {
    /// Run every check and every test; what cannot run fails.
    Test(test::Options),
    /// Install what the tests need: Node, Chromium, PostgreSQL, Valkey, Valgrind and the packages of `peers/`.
    Setup,
    /// Check that the crates depend on each other only as the architecture allows.
    Arrows,
    /// Write `docs/clauses.md`: which tests show which requirement of the standards.
    Clauses(clauses::Options),
    /// Measure, beside the peers: servers, clients, verification, memory, what each request costs.
    Bench(bench::Options),
    /// Several nodes under load whose parts are killed, emptied and cut off: nothing may be lost or count twice.
    Faults(faults::Options),
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the chore; `false` means that it has already said what failed.
fn run(arguments: &Arguments) -> Result<bool> {
    let root = repository_root()?;
    match &arguments.chore {
        Chore::Test(options) => Ok(test::run(&root, options)),
        Chore::Setup => setup::run(&root).map(|_ready| true),
        Chore::Arrows => arrows::run(&root).map(|()| true),
        Chore::Clauses(options) => clauses::run(&root, options).map(|()| true),
        Chore::Bench(options) => bench::run(&root, options).map(|()| true),
        Chore::Faults(options) => faults::run(&root, options).map(|()| true),
    }
}

fn repository_root() -> Result<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = here
        .parent()
        .context("xtask lies in a folder of the repository")?;
    Ok(root.to_owned())
}
