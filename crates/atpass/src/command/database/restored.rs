//! `atpass database restored`: after PostgreSQL's own tools have put a database back.

use std::process::ExitCode;

use anyhow::bail;
use atpass_protocol::time::{Clock, SystemClock};
use atpass_store::{OperatorStore, PostgresStore};
use clap::Args;
use serde::Serialize;

use super::voided_text;
use crate::cli::DatabasePlace;
use crate::database::Location;
use crate::log::audit;
use crate::output::{print, print_json};

/// Make void what may have been used since, after a PostgreSQL database was put back to an earlier time
///
/// After a restore by `pg_restore`, of a base backup or to a point in time, and after a failover that lost
/// transactions: before any server starts on it. Refresh tokens that were used, sessions that were ended,
/// consents that were withdrawn and keys that were given up since would be good again; this ends them all.
/// Accounts and passwords stay as they are in the database.
#[derive(Debug, Args)]
pub(super) struct RestoredArgs {
    #[command(flatten)]
    place: DatabasePlace,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    database: String,
    sessions_ended: usize,
    browsers_signed_out: usize,
    approvals_forgotten: usize,
    app_passwords_removed: usize,
    signing_keys_removed: usize,
}

pub(super) async fn run(args: &RestoredArgs) -> anyhow::Result<ExitCode> {
    let location = args.place.location(&args.place.load()?)?;
    let Location::Postgres(config) = &location else {
        bail!("this is for PostgreSQL; `atpass database restore FILE` does it for SQLite");
    };
    let store = PostgresStore::open(config).await?;
    let voided = store.void_spent(SystemClock.now()).await?;
    let report = Report {
        database: location.shown(),
        sessions_ended: voided.sessions,
        browsers_signed_out: voided.browsers,
        approvals_forgotten: voided.approvals,
        app_passwords_removed: voided.app_passwords,
        signing_keys_removed: voided.signing_keys,
    };
    let what = format!(
        "database={} sessions_ended={}",
        report.database, report.sessions_ended
    );
    audit("database_restored", &what);
    if args.json {
        print_json(&report)?;
    } else {
        print(&format!(
            "{} is ready for servers.\n{}",
            report.database,
            voided_text(&voided)
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}
