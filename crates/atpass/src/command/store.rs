//! `atpass store copy`: from SQLite to PostgreSQL.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use atpass_store::{CopyProgress, PostgresConfig, copy_to_postgres, give_copy_up};
use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use crate::cli::ConfigFile;
use crate::config::Loaded;
use crate::database::{Location, in_folder};
use crate::log::audit;
use crate::output::{many, print, print_json};

/// Move from one kind of database to another
#[derive(Debug, Args)]
#[command(arg_required_else_help = true)]
pub(crate) struct StoreArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Copy(CopyArgs),
}

/// Copy a SQLite database into the PostgreSQL database of the configuration
///
/// Stop the server first. From the beginning on the file is marked, and no server opens it any more; only when
/// everything has arrived and was counted do servers open the other one. So no session is in two places.
/// Whatever interrupts it: run it again, and it goes on where it was. Sessions, browsers and keys go on as
/// they are, and nobody notices.
#[derive(Debug, Args)]
struct CopyArgs {
    /// Folder of the SQLite database, `data` of the old configuration
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
    /// Remove what was copied, and let the file be served again; only while the copy isn't complete
    #[arg(long)]
    give_up: bool,
    #[command(flatten)]
    config: ConfigFile,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    from: String,
    to: String,
    accounts: u64,
    sessions: u64,
    rows: u64,
    /// Rows that an earlier beginning had copied.
    earlier: u64,
}

pub(crate) async fn run(args: &StoreArgs) -> anyhow::Result<ExitCode> {
    let Command::Copy(args) = &args.command;
    let loaded = Loaded::read(args.config.config.as_deref());
    let Location::Postgres(to) = loaded.location()? else {
        bail!("the configuration has no PostgreSQL database: set url under [database]");
    };
    let from = in_folder(&args.from);
    let places = (from.display().to_string(), to.place());
    if args.give_up {
        give_copy_up(&from, &to).await.context("give the copy up")?;
        audit(
            "store_copy_given_up",
            &format!("from={} to={}", places.0, places.1),
        );
        let text = format!("Given up. {} may be served again.", places.0);
        return if args.json {
            print_json(&serde_json::json!({ "given_up": places.0 }))
        } else {
            print(&text)
        }
        .map(|()| ExitCode::SUCCESS);
    }
    copy(args, from, &to).await
}

async fn copy(args: &CopyArgs, from: PathBuf, to: &PostgresConfig) -> anyhow::Result<ExitCode> {
    let bar = progress(args.json);
    let tell = |progress: CopyProgress| {
        bar.set_length(progress.of);
        bar.set_position(progress.done);
        bar.set_message(progress.table);
    };
    let copied = copy_to_postgres(&from, to, tell).await;
    bar.finish_and_clear();
    let shown = (from.display().to_string(), to.place());
    let copied = copied.with_context(|| format!("copy {} to {}", shown.0, shown.1))?;
    let what = format!("from={} to={} rows={}", shown.0, shown.1, copied.rows);
    audit("store_copied", &what);
    let report = Report {
        from: shown.0,
        to: shown.1,
        accounts: copied.accounts,
        sessions: copied.sessions,
        rows: copied.rows,
        earlier: copied.earlier,
    };
    if args.json {
        print_json(&report)?;
    } else {
        let Report { from, to, .. } = &report;
        let (accounts, sessions) = (
            many(report.accounts, "account"),
            many(report.sessions, "session"),
        );
        print(&format!(
            "Copied {from} to {to}: {accounts}, {sessions}, {} in all.\nServers may be started on it. {from} isn't served any more; delete it when nothing is missed.",
            many(report.rows, "row")
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn progress(json: bool) -> ProgressBar {
    if json {
        return ProgressBar::hidden();
    }
    let style =
        ProgressStyle::with_template("{bar:40} {human_pos} of {human_len} rows, {msg}, {eta}");
    ProgressBar::no_length().with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
