//! `atpass database`: the schema, how much there is, copies and the way back from one.

mod backup;
mod restore;
mod restored;

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, anyhow, bail};
use atpass_protocol::time::{Clock, SystemClock};
use atpass_store::{
    NodeRecord, PostgresConfig, PostgresStore, SchemaVersions, SqliteStore, Voided,
};
use clap::{Args, Subcommand};
use serde::Serialize;

use crate::cli::DatabasePlace;
use crate::database::Location;
use crate::output::{many, print, print_json, time};

/// Make the database, bring it up to date, tell its state, copy and restore it
#[derive(Debug, Args)]
#[command(arg_required_else_help = true)]
pub(crate) struct DatabaseArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make the database if there is none, and bring its schema to this program's version
    ///
    /// Make a copy before, with `atpass database backup`: an older program refuses the database afterwards.
    Migrate {
        #[command(flatten)]
        place: DatabasePlace,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Tell the schema's version, and how much there is; fails if `atpass serve` would refuse it
    Status {
        #[command(flatten)]
        place: DatabasePlace,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    Backup(backup::BackupArgs),
    Restore(restore::RestoreArgs),
    Restored(restored::RestoredArgs),
}

pub(crate) async fn run(args: &DatabaseArgs) -> anyhow::Result<ExitCode> {
    match &args.command {
        Command::Migrate { place, json } => migrate(place, *json).await,
        Command::Status { place, json } => status(place, *json).await,
        Command::Backup(args) => backup::run(args).await,
        Command::Restore(args) => restore::run(args).await,
        Command::Restored(args) => restored::run(args).await,
    }
}

#[derive(Serialize)]
struct Migrated {
    database: String,
    /// Absent where there was no database.
    from: Option<i64>,
    to: i64,
}

async fn migrate(place: &DatabasePlace, json: bool) -> anyhow::Result<ExitCode> {
    let location = place.location(&place.load()?)?;
    let shown = location.shown();
    let (before, after) = match &location {
        Location::Sqlite(path) => migrate_sqlite(path),
        Location::Postgres(config) => migrate_postgres(config).await,
    }
    .with_context(|| format!("the database {shown}"))?;
    let migrated = Migrated {
        from: before.map(|versions| versions.found),
        to: after.map_or(0, |versions| versions.found),
        database: shown,
    };
    if json {
        print_json(&migrated)?;
    } else {
        let Migrated { database, from, to } = &migrated;
        print(&match from {
            None => format!("Made {database}, schema version {to}."),
            Some(from) if from == to => format!("{database} is up to date, schema version {to}."),
            Some(from) => format!("Brought {database} from schema version {from} to {to}."),
        })?;
    }
    Ok(ExitCode::SUCCESS)
}

type BeforeAndAfter = (Option<SchemaVersions>, Option<SchemaVersions>);

fn migrate_sqlite(path: &Path) -> anyhow::Result<BeforeAndAfter> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("make the folder {}", folder.display()))?;
    }
    let before = SqliteStore::schema(path)?;
    if let Some(versions) = before.filter(|versions| versions.found > versions.known) {
        bail!("it has {versions}: use the newer atpass that has migrated it");
    }
    if before.is_none() {
        make_private(path)?;
    }
    drop(SqliteStore::open(path)?);
    Ok((before, SqliteStore::schema(path)?))
}

/// Servers may run on it meanwhile.
async fn migrate_postgres(config: &PostgresConfig) -> anyhow::Result<BeforeAndAfter> {
    let before = PostgresStore::schema(config).await?;
    drop(PostgresStore::migrate(config).await?);
    Ok((before, PostgresStore::schema(config).await?))
}

/// The database holds the server's keys: nobody else on the machine may read it. What SQLite puts
/// beside it has the same permissions.
fn make_private(path: &Path) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    Ok(())
}

#[derive(Serialize)]
struct Status {
    database: String,
    /// `missing`, `older`, `current` or `newer`.
    state: &'static str,
    schema_version: Option<i64>,
    /// The version of this program.
    expected_version: Option<i64>,
    bytes: u64,
    log_bytes: u64,
    /// Known for a current schema only.
    accounts: Option<i64>,
    live_sessions: Option<i64>,
    remembered_sessions: Option<i64>,
    /// The servers that run on it, where several can.
    nodes: Vec<ShownNode>,
}

#[derive(Serialize)]
struct ShownNode {
    name: String,
    version: String,
    /// The same for all that are configured alike.
    configuration: String,
    started_at: String,
}

impl From<NodeRecord> for ShownNode {
    fn from(node: NodeRecord) -> Self {
        let [a, b, c, d, ..] = node.configuration;
        Self {
            name: node.name,
            version: node.version,
            configuration: format!("{a:02x}{b:02x}{c:02x}{d:02x}"),
            started_at: time(node.started_at),
        }
    }
}

async fn status(place: &DatabasePlace, json: bool) -> anyhow::Result<ExitCode> {
    let loaded = place.load()?;
    let location = place.location(&loaded)?;
    let shown = location.shown();
    let failed = || format!("the database {shown}");
    let versions = match &location {
        Location::Sqlite(path) => SqliteStore::schema(path).with_context(failed)?,
        Location::Postgres(config) => PostgresStore::schema(config).await.with_context(failed)?,
    };
    // A newer schema than this program's may still be one that it serves on.
    let store = location.open(loaded.file.as_deref()).await;
    let state = match versions {
        None => "missing",
        Some(_) if store.is_ok() => "current",
        Some(SchemaVersions { found, known }) if found < known => "older",
        Some(SchemaVersions { found, known }) if found > known => "newer",
        Some(_) => {
            return Err(store
                .err()
                .unwrap_or_else(|| anyhow!("{shown} can't be used")));
        }
    };
    if let Ok(store) = &store {
        // With another master key than the database's no server starts.
        store.signing_keys().await.with_context(failed)?;
    }
    let now = SystemClock.now();
    let (counts, (bytes, log_bytes), nodes) = match &store {
        Ok(store) => (
            Some(store.counts(now).await?),
            store.size().await?,
            store.nodes(now).await?,
        ),
        Err(_) => (None, (0, 0), Vec::new()),
    };
    let status = Status {
        database: shown,
        state,
        schema_version: versions.map(|versions| versions.found),
        expected_version: versions.map(|versions| versions.known),
        bytes,
        log_bytes,
        accounts: counts.map(|counts| counts.accounts),
        live_sessions: counts.map(|counts| counts.live_sessions),
        remembered_sessions: counts.map(|counts| counts.sessions),
        nodes: nodes.into_iter().map(ShownNode::from).collect(),
    };
    if json {
        print_json(&status)?;
    } else {
        print(&text(&status, versions))?;
    }
    Ok(if state == "current" {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn text(status: &Status, versions: Option<SchemaVersions>) -> String {
    let Some(versions) = versions else {
        return format!(
            "There is no database at {}; `atpass database migrate` makes it.",
            status.database
        );
    };
    let mut lines = vec![
        format!("database   {}", status.database),
        match status.state {
            "older" => format!(
                "schema     version {}, this program's is {}: run `atpass database migrate`",
                versions.found, versions.known
            ),
            "newer" => format!(
                "schema     version {}, this program's is {}: use a newer atpass",
                versions.found, versions.known
            ),
            _ => format!("schema     version {}, up to date", versions.found),
        },
        format!(
            "size       {} KiB, and {} KiB of log",
            status.bytes / 1024,
            status.log_bytes / 1024
        ),
    ];
    if let (Some(accounts), Some(live), Some(all)) = (
        status.accounts,
        status.live_sessions,
        status.remembered_sessions,
    ) {
        lines.push(format!("accounts   {accounts}"));
        lines.push(format!("sessions   {live} live, {all} remembered"));
    }
    for node in &status.nodes {
        lines.push(format!(
            "server     {}, version {}, configuration {}, since {}",
            node.name, node.version, node.configuration, node.started_at
        ));
    }
    lines.join("\n")
}

/// What became void, for people.
fn voided_text(voided: &Voided) -> String {
    let ended = [
        many(voided.sessions, "session"),
        many(voided.browsers, "browser"),
        many(voided.approvals, "consent"),
        many(voided.app_passwords, "app password"),
        many(voided.signing_keys, "signing key"),
    ];
    format!(
        "Void, as it may have been used up or taken away since: {}.\n\
         Passwords are those of the backup, also where somebody chose a new one since; accounts that were \
         disabled or removed since are back. The server makes a new signing key when it starts.",
        ended.join(", ")
    )
}
