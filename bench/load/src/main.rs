//! Refreshes and verifications under load: while the database grows to millions of sessions, and on several
//! servers at one PostgreSQL.
//!
//! `cargo xtask bench growth` and `cargo xtask bench scaling` run it.
//!
//! | File | holds |
//! | --- | --- |
//! | `population` | who is stored, by number |
//! | `apps` | their apps |
//! | `stored`, `sqlite`, `postgres` | databases, and how they are filled |
//! | `server` | authorization and resource server in this process |
//! | `nodes` | the program, several times |
//! | `refreshes`, `verifications` | requests, signed beforehand |
//! | `drive` | sends them |
//! | `usage`, `disk`, `quiet` | processor and disk, and who else uses them |
//! | `growth`, `scaling`, `growth_table` | the measurements |

mod apps;
mod disk;
mod drive;
mod growth;
mod growth_table;
mod nodes;
mod population;
mod postgres;
mod quiet;
mod refreshes;
mod scaling;
mod server;
mod sqlite;
mod stored;
mod usage;
mod verifications;

use anyhow::Result;
use atpass_protocol::random::SystemRandom;
use atpass_protocol::seal::SealingKeys;
use atpass_protocol::secret::Secret;
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

/// How far it is, for those who wait.
fn note(text: &str) {
    eprintln!("{text}");
}

/// A new master key, as its file holds it and as it is used.
fn master_key() -> Result<(Secret, SealingKeys)> {
    let text = SealingKeys::generate(&SystemRandom);
    let keys = SealingKeys::parse(&text)?;
    Ok((text, keys))
}
