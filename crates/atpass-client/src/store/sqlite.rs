//! A store in one SQLite file.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use atpass_protocol::id::Did;
use atpass_protocol::time::UnixTime;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use rusqlite_migration::{M, Migrations};

use super::{PutOutcome, Record, SessionKey, SessionStore, StoreFailure};

/// Sessions in an SQLite database, for an app on one machine. Any number of processes may share the
/// file; each write is on the disk before it is reported.
///
/// The database is this store's own: it keeps its schema's version in `user_version`.
#[derive(Clone, Debug)]
pub struct SqliteStore(Arc<Mutex<Connection>>);

/// How long a process waits for another one's write.
const BUSY: Duration = Duration::from_secs(10);
/// Expired logins that one new login clears away at most.
const MOST_SWEPT: u32 = 100;

const STEPS: &[M<'static>] = &[M::up(
    "CREATE TABLE session (
         name TEXT PRIMARY KEY,
         did TEXT NOT NULL,
         version INTEGER NOT NULL,
         record BLOB NOT NULL
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX session_by_did ON session (did);
     CREATE TABLE login (
         name TEXT PRIMARY KEY,
         until INTEGER NOT NULL,
         record BLOB NOT NULL
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX login_by_time ON login (until);
     -- The last version that was given out, to any session: none comes back.
     CREATE TABLE last_version (version INTEGER NOT NULL) STRICT;
     INSERT INTO last_version VALUES (0);",
)];
const MIGRATIONS: Migrations<'static> = Migrations::from_slice(STEPS);

impl SqliteStore {
    /// In this file, which is made (for its owner only) if it isn't there.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, StoreFailure> {
        let path = path.as_ref().to_owned();
        let opened = tokio::task::spawn_blocking(move || {
            open(&path).map_err(|error| StoreFailure(format!("{}: {error}", path.display())))
        });
        let connection = opened
            .await
            .map_err(|error| StoreFailure(error.to_string()))??;
        Ok(Self(Arc::new(Mutex::new(connection))))
    }

    /// SQLite blocks, so it works beside the reactor; one act after the other.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreFailure> {
        let connection = self.0.clone();
        let done = tokio::task::spawn_blocking(move || {
            work(&mut connection.lock().unwrap_or_else(PoisonError::into_inner))
        });
        let done = done
            .await
            .map_err(|error| StoreFailure(error.to_string()))?;
        done.map_err(|error| StoreFailure(error.to_string()))
    }
}

fn open(path: &Path) -> Result<Connection, Box<dyn std::error::Error + Send + Sync>> {
    make_private(path)?;
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    MIGRATIONS.to_latest(&mut connection)?;
    Ok(connection)
}

#[cfg(unix)]
fn make_private(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = std::fs::OpenOptions::new();
    // SQLite gives the files beside it the same mode.
    options.write(true).create(true).truncate(false).mode(0o600);
    options.open(path).map(drop)
}

#[cfg(not(unix))]
fn make_private(_: &Path) -> std::io::Result<()> {
    Ok(())
}

/// SQLite's numbers are signed.
fn version(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

/// One that it can't store is no session's.
fn number(version: u64) -> i64 {
    i64::try_from(version).unwrap_or(-1)
}

#[async_trait]
impl SessionStore for SqliteStore {
    async fn get(&self, key: &SessionKey) -> Result<Option<(Record, u64)>, StoreFailure> {
        let key = key.as_str().to_owned();
        self.run(move |connection| {
            let mut statement =
                connection.prepare_cached("SELECT record, version FROM session WHERE name = ?1")?;
            let found = statement.query_row([key], |row| {
                Ok((Record::new(row.get(0)?), version(row.get(1)?)))
            });
            found.optional()
        })
        .await
    }

    async fn put(
        &self,
        key: &SessionKey,
        did: &Did,
        record: &Record,
        expected: Option<u64>,
    ) -> Result<PutOutcome, StoreFailure> {
        let (key, did) = (key.as_str().to_owned(), did.as_str().to_owned());
        let record = record.clone();
        self.run(move |connection| {
            let act = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let next: i64 = act
                .prepare_cached("UPDATE last_version SET version = version + 1 RETURNING version")?
                .query_row([], |row| row.get(0))?;
            let changed = match expected {
                None => act
                    .prepare_cached(
                        "INSERT INTO session (name, did, version, record) VALUES (?1, ?2, ?3, ?4)
                         ON CONFLICT DO NOTHING",
                    )?
                    .execute(params![key, did, next, record.as_bytes()])?,
                Some(expected) => act
                    .prepare_cached(
                        "UPDATE session SET did = ?2, version = ?3, record = ?4
                         WHERE name = ?1 AND version = ?5",
                    )?
                    .execute(params![key, did, next, record.as_bytes(), number(expected)])?,
            };
            if changed == 0 {
                return Ok(PutOutcome::Conflict);
            }
            act.commit()?;
            Ok(PutOutcome::Stored(version(next)))
        })
        .await
    }

    async fn remove(&self, key: &SessionKey, expected: Option<u64>) -> Result<bool, StoreFailure> {
        let key = key.as_str().to_owned();
        self.run(move |connection| {
            let mut statement = connection.prepare_cached(
                "DELETE FROM session WHERE name = ?1 AND (?2 IS NULL OR version = ?2)",
            )?;
            let removed = statement.execute(params![key, expected.map(number)])?;
            Ok(removed > 0)
        })
        .await
    }

    async fn list(&self, did: Option<&Did>) -> Result<Vec<SessionKey>, StoreFailure> {
        let did = did.map(|did| did.as_str().to_owned());
        self.run(move |connection| {
            let mut statement = connection
                .prepare_cached("SELECT name FROM session WHERE ?1 IS NULL OR did = ?1")?;
            let names = statement.query_map([did], |row| row.get::<_, String>(0))?;
            names.map(|name| name.map(SessionKey::new)).collect()
        })
        .await
    }

    async fn put_pending(
        &self,
        name: &str,
        record: &Record,
        until: UnixTime,
        now: UnixTime,
    ) -> Result<(), StoreFailure> {
        let (name, record) = (name.to_owned(), record.clone());
        self.run(move |connection| {
            let act = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            act.prepare_cached(
                "DELETE FROM login WHERE name IN
                 (SELECT name FROM login WHERE until <= ?1 ORDER BY until LIMIT ?2)",
            )?
            .execute(params![now.as_secs(), MOST_SWEPT])?;
            act.prepare_cached(
                "INSERT OR REPLACE INTO login (name, until, record) VALUES (?1, ?2, ?3)",
            )?
            .execute(params![name, until.as_secs(), record.as_bytes()])?;
            act.commit()
        })
        .await
    }

    async fn take_pending(
        &self,
        name: &str,
        now: UnixTime,
    ) -> Result<Option<Record>, StoreFailure> {
        let name = name.to_owned();
        self.run(move |connection| {
            let mut statement = connection
                .prepare_cached("DELETE FROM login WHERE name = ?1 RETURNING until, record")?;
            let taken = statement.query_row([name], |row| {
                Ok((row.get::<_, i64>(0)?, Record::new(row.get(1)?)))
            });
            let taken = taken.optional()?;
            let in_time = |(until, _): &(i64, Record)| *until > now.as_secs();
            Ok(taken.filter(in_time).map(|(_, record)| record))
        })
        .await
    }
}
