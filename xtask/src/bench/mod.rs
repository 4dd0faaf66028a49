//! Measurements: the whole of them with one report, and each alone.
//!
//! | File | holds |
//! | --- | --- |
//! | `whole` | all of them in one run, beside the peers |
//! | `programs` | the programs that measure: client, verification, servers side by side |
//! | `counts`, `callgrind`, `baseline` | allocations and instructions of each request, held against what is kept |
//! | `sizes` | the program and the pages |
//! | `machine` | where and with what it was measured |
//! | `report` | what is written about it |
//! | `load`, `rotation` | growing databases, several servers, keys that are exchanged |

mod baseline;
mod callgrind;
mod counts;
mod load;
mod machine;
mod programs;
mod report;
mod rotation;
mod sizes;
mod whole;

use std::path::Path;

use anyhow::{Result, ensure};
use clap::{Args, Subcommand};

pub(crate) use callgrind::program as valgrind;
pub(crate) use counts::check as check_counts;

/// What `cargo xtask bench` takes.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Print one JSON object, as the last line of the output, instead of tables and logs.
    #[arg(long, global = true)]
    json: bool,
    #[command(flatten)]
    whole: whole::Choice,
    /// What to measure; all that the report tells of, where nothing is said.
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Our client beside the official one: how many requests a login and a refresh cost.
    RoundTrips,
    /// The verification of a request beside the bare signature and beside other libraries.
    Verify,
    /// Allocations and instructions of each request, beside those that the repository keeps.
    Counts(counts::Options),
    /// Writes the report anew from what was measured: pages and pictures, where `report.json` lies.
    Report(whole::Again),
    /// Keys that are rotated while a resource server is under load: no request may fail.
    Rotation(rotation::Load),
    /// Refreshes and verifications while the database grows, on both kinds of database.
    Growth(load::Growth),
    /// Refreshes on several servers at one PostgreSQL, and what each costs whom.
    Scaling(load::Scaling),
}

/// Builds what the measurement needs, and runs it.
pub(crate) fn run(root: &Path, options: &Options) -> Result<()> {
    let json = options.json;
    let Some(what) = &options.what else {
        return whole::run(root, &options.whole, json);
    };
    ensure!(
        options.whole.is_default(),
        "--quick, --only and --peer go with the whole of the measurements"
    );
    match what {
        What::RoundTrips => programs::round_trips(root, json),
        What::Verify => programs::verify(root, json),
        What::Counts(options) => counts::run(root, options, json),
        What::Report(again) => whole::write_again(root, again),
        What::Rotation(load) => rotation::run(root, load, json),
        What::Growth(what) => load::growth(root, what, json),
        What::Scaling(what) => load::scaling(root, what, json),
    }
}
