//! `atpass database backup`: a copy of the database, beside a running server.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context;
use atpass_protocol::time::{Clock, SystemClock};
use atpass_store::{Progress, SqliteStore};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use crate::cli::DatabasePlace;
use crate::log::audit;
use crate::output::{many, print, print_json};

/// Copy the database into a new file, also while the server runs
///
/// Nobody waits for it: the copy is one moment's state, from when it begins. It is checked before it gets its
/// name, and never takes the place of another file. It holds the server's secrets and the hashes of
/// passwords: only its owner may read it; keep it like the database. It can't be served: `atpass database
/// restore` makes a database from it in which no used token is good again.
#[derive(Debug, Args)]
pub(super) struct BackupArgs {
    /// The copy, which may not be there yet
    file: PathBuf,
    #[command(flatten)]
    place: DatabasePlace,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Made {
    path: String,
    bytes: u64,
    accounts: u64,
    /// Live or remembered.
    sessions: u64,
    seconds: f64,
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long it took is part of the result"
)]
pub(super) async fn run(args: &BackupArgs) -> anyhow::Result<ExitCode> {
    let location = args.place.location(&args.place.load()?)?;
    let database = location.file("back up")?.to_owned();
    let (live, file) = (database.clone(), args.file.clone());
    let bar = progress(args.json);
    let (start, told) = (Instant::now(), bar.clone());
    let work = move || {
        let tell = move |progress: Progress| {
            told.set_length(progress.of);
            told.set_position(progress.done);
        };
        SqliteStore::backup(&live, &file, SystemClock.now(), tell)
    };
    let backup = tokio::task::spawn_blocking(work).await?;
    bar.finish_and_clear();
    let backup = backup.with_context(|| {
        let (from, to) = (database.display(), args.file.display());
        format!("copy the database {from} to {to}")
    })?;
    let made = Made {
        path: args.file.display().to_string(),
        bytes: backup.bytes,
        accounts: backup.accounts,
        sessions: backup.sessions,
        seconds: start.elapsed().as_secs_f64(),
    };
    let Made { path, seconds, .. } = &made;
    let what = format!(
        "file={path} bytes={} sessions={}",
        made.bytes, made.sessions
    );
    audit("database_copied", &what);
    if args.json {
        print_json(&made)?;
    } else {
        print(&format!(
            "Copied the database to {path}: {} KiB with {} and {}, checked, in {seconds:.1} s.\n\
             It holds the server's secrets. `atpass database restore {path}` makes a database from it.",
            made.bytes / 1024,
            many(made.accounts, "account"),
            many(made.sessions, "session"),
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// On a terminal, for people.
fn progress(json: bool) -> ProgressBar {
    if json {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:40} {bytes} of at most {total_bytes}");
    ProgressBar::no_length().with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
