//! Refreshes and verifications under load.
//!
//! `cargo xtask bench growth` and `cargo xtask bench scaling` run it.

use anyhow::Result;
use atpass_bench_load::{growth, scaling};
use clap::{Parser, Subcommand};

/// Refreshes and verifications under load.
#[derive(Debug, Parser)]
struct Options {
    /// Print one JSON object instead of tables.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// While the database grows.
    Growth(growth::Growth),
    /// On several servers at one PostgreSQL.
    Scaling(scaling::Scaling),
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    match &options.what {
        What::Growth(growth) => growth::run(growth, options.json).await,
        What::Scaling(scaling) => scaling::run(scaling, options.json).await,
    }
}
