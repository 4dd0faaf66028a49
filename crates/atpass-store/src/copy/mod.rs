//! From SQLite to PostgreSQL: a server's whole database, when one machine isn't enough any more.
//!
//! At no moment can both be served, or neither be finished: first the file is marked, and no server opens
//! it any more; then its rows are copied, some at a time, with a note of how far it is in the same act; and
//! last PostgreSQL is opened for servers. Whatever ends the copying in between, it is begun again and goes
//! on where it was; or it is given up, and the file is served as before.

mod source;
mod tables;
mod target;

use std::path::{Path, PathBuf};

use atpass_provider::store::StoreError;

use crate::database::SchemaVersions;
use crate::postgres::{PostgresConfig, PostgresOpenError, PostgresStore};
use crate::sqlite::OpenError;
use source::Source;
use tables::TABLES;
use target::Target;

/// Why a database wasn't copied. It can be begun again.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// There is nothing to copy.
    #[error("there is no database at {}", .0.display())]
    NoSource(PathBuf),
    /// A server runs on it, or another command works on it.
    #[error("{} is in use: stop the server that runs on it, then try again", .0.display())]
    InUse(PathBuf),
    /// The file isn't of this program's schema.
    #[error("the database to copy has {0}: run `atpass database migrate` on it first")]
    SourceSchema(SchemaVersions),
    /// PostgreSQL isn't empty, and not from an earlier beginning of this copy.
    #[error("the PostgreSQL database has data of its own already: copy into an empty one")]
    NotEmpty,
    /// It is the copy of another file.
    #[error("the PostgreSQL database is being copied from {0} already")]
    FromElsewhere(String),
    /// There is nothing to give up.
    #[error(
        "the copy is complete, and servers may have run on it since: there is no way back to the file"
    )]
    Complete,
    /// A value in the file isn't of the kind that its column has.
    #[error("a row of {table} can't be copied: {column} isn't what it should be")]
    Value {
        /// Where.
        table: &'static str,
        /// In which column.
        column: &'static str,
    },
    /// What arrived isn't what there was.
    #[error("of {table}, {found} rows arrived and {expected} were there")]
    Count {
        /// Which table.
        table: &'static str,
        /// Rows in the file.
        expected: u64,
        /// Rows in PostgreSQL.
        found: u64,
    },
    /// The file can't be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// SQLite failed.
    #[error("SQLite refused")]
    Sqlite(#[from] rusqlite::Error),
    /// PostgreSQL can't be opened.
    #[error(transparent)]
    Postgres(#[from] PostgresOpenError),
    /// PostgreSQL failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The system failed.
    #[error("the system refused")]
    System(#[from] std::io::Error),
}

/// How far a copy is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CopyProgress {
    /// The table whose turn it is.
    pub table: &'static str,
    /// Rows copied, of all tables.
    pub done: u64,
    /// Rows there are, of all tables.
    pub of: u64,
}

/// What was copied, and that it is complete.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Copied {
    /// Accounts, those in the making too.
    pub accounts: u64,
    /// Sessions, live or remembered.
    pub sessions: u64,
    /// Rows of all tables.
    pub rows: u64,
    /// Rows of them that an earlier beginning had copied.
    pub earlier: u64,
}

/// Copies the SQLite database at `from`, on which no server runs, into a PostgreSQL database that is empty, or
/// in which an earlier copy of the same file was interrupted. Makes the tables there. Keys and secrets are
/// sealed on the way.
pub async fn copy_to_postgres(
    from: &Path,
    to: &PostgresConfig,
    progress: impl Fn(CopyProgress),
) -> Result<Copied, CopyError> {
    source::check(from)?;
    let from = std::fs::canonicalize(from)?;
    let mut source = with(from.clone(), |from| Source::open(&from)).await?;
    let target = Target::begin(to, &from.display().to_string()).await?;
    // In this order: a mark without its other half can be given up or gone on with.
    if !source.is_moved()? {
        source.mark(true)?;
    }
    let mut expected = Vec::new();
    for table in TABLES {
        expected.push(source.count(table.name)?);
    }
    let of = expected.iter().sum();
    let (mut done, mut earlier) = (0, 0);
    for table in TABLES {
        let (mut after, copied) = target.reached(table).await?;
        done += copied;
        earlier += copied;
        loop {
            let place = after.clone();
            let read;
            (source, read) = with((source, place), move |(source, place)| {
                let batch = source.batch(table, place.as_deref())?;
                Ok((source, batch))
            })
            .await?;
            let Some(batch) = read else { break };
            target.put(table, &batch).await?;
            done += batch.rows as u64;
            after = Some(batch.last);
            progress(CopyProgress {
                table: table.name,
                done,
                of,
            });
        }
    }
    target
        .put_keys(&source.signing_keys()?, &source.secrets()?)
        .await?;
    let mut copied = Copied {
        rows: of,
        earlier,
        ..Copied::default()
    };
    for (table, expected) in TABLES.iter().zip(expected) {
        let found = target.count(table.name).await?;
        if found != expected {
            return Err(CopyError::Count {
                table: table.name,
                expected,
                found,
            });
        }
        match table.name {
            "accounts" => copied.accounts = found,
            "sessions" => copied.sessions = found,
            _ => {}
        }
    }
    target.finish().await?;
    Ok(copied)
}

/// Gives up a copy that isn't complete: what is in PostgreSQL goes, and the file may be served again.
pub async fn give_copy_up(from: &Path, to: &PostgresConfig) -> Result<(), CopyError> {
    source::check(from)?;
    let from = std::fs::canonicalize(from)?;
    let source = with(from.clone(), |from| Source::open(&from)).await?;
    Target::give_up(to, &from.display().to_string()).await?;
    source.mark(false)
}

/// Does what blocks on a thread for that.
async fn with<A: Send + 'static, T: Send + 'static>(
    argument: A,
    work: impl FnOnce(A) -> Result<T, CopyError> + Send + 'static,
) -> Result<T, CopyError> {
    tokio::task::spawn_blocking(move || work(argument))
        .await
        .map_err(std::io::Error::other)?
}

impl From<crate::postgres::PostgresConfigError> for CopyError {
    fn from(error: crate::postgres::PostgresConfigError) -> Self {
        Self::Postgres(error.into())
    }
}

/// Opens PostgreSQL with its tables, whatever state they are in.
async fn with_tables(to: &PostgresConfig) -> Result<PostgresStore, CopyError> {
    Ok(PostgresStore::migrate(to).await?)
}
