//! Copies of the database, and the way back from one.
//!
//! Tokens are spent: a database as it was yesterday takes what was used up today. So a copy isn't a
//! database. From its first byte on it carries a mark that every opening refuses, and only
//! [`SqliteStore::restore`] takes the mark away, after what may have been spent since is void.

mod make;
mod restore;

use std::path::{Path, PathBuf};

use atpass_protocol::time::UnixTime;
use rusqlite::{Connection, OptionalExtension};

use super::{OpenError, SchemaVersions, SqliteStore};
use crate::void::Voided;

/// The `application_id` of a copy: "atpB". A database has 0.
const MARK: i32 = i32::from_be_bytes(*b"atpB");

/// The table that only a complete copy has: when it was made.
const MADE: &str = "backup_made";

/// A copy that was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backup {
    /// Its size.
    pub bytes: u64,
    /// Accounts in it, those in the making too.
    pub accounts: u64,
    /// Sessions in it, live or remembered.
    pub sessions: u64,
}

/// How far a copy is, in bytes. An estimate: a copy has none of the database's gaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Written.
    pub done: u64,
    /// To be written at most.
    pub of: u64,
}

/// What may have happened between a backup and its restoring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// The server may have run: what could have been spent or withdrawn is void.
    Unknown,
    /// No server ran on the database after the backup was begun: everything is as it was, and stays.
    Nothing,
}

/// A database that was restored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// When the backup was made: RFC 3339 without seconds' fractions, in UTC.
    pub made_at: String,
    /// Its accounts, those in the making too.
    pub accounts: u64,
    /// What became void; `None` where nothing had to.
    pub voided: Option<Voided>,
}

/// Why there is no copy, or no restored database. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The file that is to be written is there.
    #[error("{} is there already and is not overwritten: choose another name, or move it away", .0.display())]
    Exists(PathBuf),
    /// SQLite would take the copy for a part of the database.
    #[error("{} is a name that SQLite keeps for the database itself: choose another one", .0.display())]
    OfTheDatabase(PathBuf),
    /// A database is where one is to be restored, or what belongs to a running server's.
    #[error(
        "{} is there: stop the server if it runs, move the database with its -wal and -shm to another place, \
         then restore",
        .0.display()
    )]
    DatabaseThere(PathBuf),
    /// Made by something else.
    #[error("the file is no backup: only what `atpass database backup` made can be restored")]
    NotABackup,
    /// The making of it was interrupted.
    #[error("the backup is incomplete: its making was interrupted; use another one")]
    Incomplete,
    /// A newer program's.
    #[error("it has {0}: use the newer atpass that has made it")]
    Newer(SchemaVersions),
    /// The copy isn't what it should be.
    #[error(
        "the copy is damaged and was thrown away: {0}; look at the disk, and at `PRAGMA integrity_check`"
    )]
    Damaged(String),
    /// SQLite takes names in UTF-8 only.
    #[error("the name {} is not UTF-8: use another one", .0.display())]
    Name(PathBuf),
    /// So much was written meanwhile that the log would fill the disk.
    #[error(
        "the database's log grew by {} MiB while it was copied, so the copying was given up: write to a faster \
         disk, or in a quieter hour",
        make::MOST_LOG >> 20
    )]
    TooSlow,
    /// The database can't be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// SQLite failed.
    #[error("the database refused")]
    Sqlite(#[from] rusqlite::Error),
    /// The system failed.
    #[error("the system refused")]
    System(#[from] std::io::Error),
}

impl SqliteStore {
    /// Copies the database at `live` into a new file, which only its owner may read. Works beside a
    /// running server, and nobody waits for it: it reads one snapshot. The copy has that name only when
    /// it is complete, checked and on the disk. `progress` is told now and then; what blocks it blocks
    /// the copying.
    ///
    /// Blocks the thread.
    pub fn backup(
        live: &Path,
        to: &Path,
        now: UnixTime,
        progress: impl FnMut(Progress) + Send + 'static,
    ) -> Result<Backup, BackupError> {
        make::make(live, to, now, progress)
    }

    /// Makes a database at `database`, where none may be, from a backup. It appears there complete and
    /// safe, of this program's schema, or not at all.
    ///
    /// Blocks the thread.
    pub fn restore(
        backup: &Path,
        database: &Path,
        since: Since,
        now: UnixTime,
    ) -> Result<Restored, BackupError> {
        restore::restore(backup, database, since, now)
    }
}

/// What a file says of itself.
enum Marked {
    /// A database to work on, as far as the mark goes.
    No,
    /// A copy whose making was interrupted.
    Incomplete,
    /// A copy of this time, for people.
    Complete(String),
}

fn read_mark(connection: &Connection) -> rusqlite::Result<Marked> {
    let mark: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    if mark != MARK {
        return Ok(Marked::No);
    }
    let there = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = ?)";
    if !connection.query_row(there, [MADE], |row| row.get::<_, bool>(0))? {
        return Ok(Marked::Incomplete);
    }
    let sql = format!("SELECT strftime('%Y-%m-%dT%H:%M:%SZ', made_at, 'unixepoch') FROM {MADE}");
    let made_at = connection
        .query_row(&sql, [], |row| row.get(0))
        .optional()?;
    Ok(made_at.map_or(Marked::Incomplete, Marked::Complete))
}

/// Refuses what isn't a database to work on. Changes nothing.
pub(crate) fn refuse_copies(connection: &Connection) -> Result<(), OpenError> {
    match read_mark(connection)? {
        Marked::No => Ok(()),
        Marked::Incomplete => Err(OpenError::IncompleteBackup),
        Marked::Complete(made_at) => Err(OpenError::Backup { made_at }),
    }
}

/// A new file of our own beside `beside`, that is gone again unless it is kept.
fn partial(beside: &Path) -> std::io::Result<tempfile::NamedTempFile> {
    let mut prefix = beside.file_name().unwrap_or_default().to_owned();
    prefix.push(".");
    // Only its owner may read it: it holds the server's keys.
    tempfile::Builder::new()
        .prefix(&prefix)
        .suffix(".partial")
        .tempfile_in(folder(beside))
}

/// The names that a database takes: its own, and those of what SQLite keeps beside it.
fn names(database: &Path) -> [PathBuf; 4] {
    ["", "-wal", "-shm", "-journal"].map(|suffix| {
        let mut path = database.as_os_str().to_owned();
        path.push(suffix);
        path.into()
    })
}

fn folder(of: &Path) -> &Path {
    match of.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

/// Gives the file its name, as the last step, unless something has that name already.
fn publish(file: tempfile::NamedTempFile, name: &Path) -> Result<(), BackupError> {
    file.as_file().sync_all()?;
    if let Err(error) = file.persist_noclobber(name) {
        return Err(match error.error.kind() {
            std::io::ErrorKind::AlreadyExists => BackupError::Exists(name.to_owned()),
            _ => error.error.into(),
        });
    }
    // The name is on the disk as well.
    std::fs::File::open(folder(name))?.sync_all()?;
    Ok(())
}

/// Whether every page and index is as it should be.
fn check(connection: &Connection) -> Result<(), BackupError> {
    let said: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if said == "ok" {
        Ok(())
    } else {
        Err(BackupError::Damaged(said))
    }
}

fn count(connection: &Connection, table: &str) -> rusqlite::Result<u64> {
    let sql = format!("SELECT count(*) FROM {table}");
    let rows: i64 = connection.query_row(&sql, [], |row| row.get(0))?;
    Ok(rows.unsigned_abs())
}
