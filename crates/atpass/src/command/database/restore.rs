//! `atpass database restore`: a database from a copy, in which nothing is good again that was used up.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use atpass_protocol::time::{Clock, SystemClock};
use atpass_store::{Since, SqliteStore, Voided};
use clap::Args;
use serde::Serialize;

use super::voided_text;
use crate::cli::DatabasePlace;
use crate::log::audit;
use crate::output::{many, print, print_json};

/// Make the database from a copy that `atpass database backup` made
///
/// Accounts are as they were: with the passwords, handles and addresses of the backup, also where they were
/// changed, disabled or removed since. What could have been used up or taken away since is void: everybody signs
/// in again, apps ask for consent again, app passwords are made anew, and the server signs with a new key.
/// Stop the server before, and move the old database away: none may be there.
#[derive(Debug, Args)]
pub(super) struct RestoreArgs {
    /// The copy
    file: PathBuf,
    /// Keep sessions, keys and everything else, because no server ran on the database since the backup was begun
    ///
    /// For moving to another machine: stop the server, copy, restore there. Where the server did run, used
    /// refresh tokens would be good again, and so would those of people who had signed out.
    #[arg(long)]
    nothing_happened_since: bool,
    #[command(flatten)]
    place: DatabasePlace,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    database: String,
    backup_made_at: String,
    accounts: u64,
    /// Whether everything that could have been used up since is void.
    voided: bool,
    sessions_ended: usize,
    browsers_signed_out: usize,
    approvals_forgotten: usize,
    app_passwords_removed: usize,
    signing_keys_removed: usize,
}

pub(super) async fn run(args: &RestoreArgs) -> anyhow::Result<ExitCode> {
    let location = args.place.location(&args.place.load()?)?;
    let database = location.file("restore")?.to_owned();
    let since = if args.nothing_happened_since {
        Since::Nothing
    } else {
        Since::Unknown
    };
    let (backup, place) = (args.file.clone(), database.clone());
    let work = move || SqliteStore::restore(&backup, &place, since, SystemClock.now());
    let restored = tokio::task::spawn_blocking(work).await?;
    let restored = restored.with_context(|| {
        let (from, to) = (args.file.display(), database.display());
        format!("restore the database {to} from {from}")
    })?;
    let voided = restored.voided.unwrap_or_default();
    let report = Report {
        database: database.display().to_string(),
        backup_made_at: restored.made_at,
        accounts: restored.accounts,
        voided: restored.voided.is_some(),
        sessions_ended: voided.sessions,
        browsers_signed_out: voided.browsers,
        approvals_forgotten: voided.approvals,
        app_passwords_removed: voided.app_passwords,
        signing_keys_removed: voided.signing_keys,
    };
    let what = format!(
        "file={} backup_made_at={} voided={} sessions_ended={}",
        args.file.display(),
        report.backup_made_at,
        report.voided,
        report.sessions_ended
    );
    audit("database_restored", &what);
    if args.json {
        print_json(&report)?;
    } else {
        print(&text(&report, &voided))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn text(report: &Report, voided: &Voided) -> String {
    let first = format!(
        "Restored {} as of {}, with {}.",
        report.database,
        report.backup_made_at,
        many(report.accounts, "account")
    );
    if !report.voided {
        return format!("{first}\nEverything is as it was then, sessions and keys too.");
    }
    format!("{first}\n{}", voided_text(voided))
}
