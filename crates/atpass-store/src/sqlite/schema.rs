//! The schema, and why a database can't be opened.

use rusqlite::Connection;
use rusqlite_migration::{M, Migrations};

use crate::database::SchemaVersions;

/// The schema, step by step. A step is never changed once it was released.
pub(super) fn migrations() -> Migrations<'static> {
    Migrations::new(vec![
        M::up(include_str!("../../migrations/0001_init.sql")),
        M::up(include_str!("../../migrations/0002_entryway.sql")),
        M::up(include_str!("../../migrations/0003_seen_in_order.sql")),
    ])
}

/// Why a database can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// SQLite says so.
    #[error("the database can't be opened: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// It is of a newer version of this program, or a migration failed.
    #[error("the database can't be brought to this program's version: {0}")]
    Migration(#[from] rusqlite_migration::Error),
    /// There is no such file.
    #[error("there is no database")]
    Missing,
    /// Its schema isn't this program's.
    #[error("the database has {0}")]
    Schema(SchemaVersions),
    /// It is a copy that was made to be restored.
    #[error(
        "this file is a backup of {made_at} and no database to work on: what was used up since would be good \
         again; move it to another place and run `atpass database restore FILE` with its new name"
    )]
    Backup {
        /// When it was made: RFC 3339, UTC.
        made_at: String,
    },
    /// It is what is left of one whose making was interrupted.
    #[error(
        "this file is an incomplete backup, whose making was interrupted: delete it and use another one"
    )]
    IncompleteBackup,
    /// It was copied to PostgreSQL, or the copying was begun.
    #[error(
        "the database was moved to PostgreSQL and isn't served any more: what was used there would be good \
         again here (an `atpass store copy` that isn't complete can be run again, or given up with --give-up)"
    )]
    Moved,
    /// A file can't be read, or a thread of the store can't be started.
    #[error("the system refused: {0}")]
    System(#[from] std::io::Error),
}

/// The `application_id` of a database that was moved away: "atpM". One that is in use has 0.
pub(crate) const MOVED: i32 = i32::from_be_bytes(*b"atpM");

pub(crate) fn is_moved(connection: &Connection) -> rusqlite::Result<bool> {
    let id: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    Ok(id == MOVED)
}

pub(crate) fn versions(connection: &Connection) -> Result<SchemaVersions, OpenError> {
    let found = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let pending = migrations().pending_migrations(connection)?;
    let known = found + i64::from(pending);
    Ok(SchemaVersions { found, known })
}

#[cfg(test)]
mod tests {
    #[test]
    fn migrations_are_sound() {
        super::migrations().validate().unwrap();
    }
}
