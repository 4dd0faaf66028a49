//! A database on SQLite that grows.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use atpass_store::SqliteStore;
use rusqlite::{Connection, params};
use tempfile::TempDir;

use crate::apps::{SCOPE, stored};
use crate::population::{AUDIENCE, PASSWORD_HASH, Population, accounts_of};
use crate::stored::Sizes;

/// Rows of one transaction.
const BATCH: u64 = 100_000;

/// A file in a folder of its own, which goes with it.
pub struct SqliteDatabase {
    folder: TempDir,
}

impl SqliteDatabase {
    pub fn new() -> Result<Self> {
        let folder = TempDir::with_prefix("atpass-growth-")?;
        let database = Self { folder };
        SqliteStore::open(&database.path())?;
        Ok(database)
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join("atpass.sqlite")
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn open(&self) -> Result<SqliteStore> {
        Ok(SqliteStore::open_existing(&self.path())?)
    }

    /// Stores the sessions from one number up to another, with their accounts. In the order of their numbers, which
    /// is none of the indexes': so they are as full as those of a database that grew over years.
    pub fn grow(&self, population: &Population, from: u64, to: u64) -> Result<()> {
        let mut connection = Connection::open(self.path())?;
        // Nobody else is here, and what is lost in a crash is made again.
        for (name, value) in [
            ("journal_mode", "off"),
            ("synchronous", "off"),
            ("locking_mode", "exclusive"),
            ("cache_size", "-2000000"),
        ] {
            connection.pragma_update(None, name, value)?;
        }
        let mut begin = from;
        while begin < to {
            let end = (begin + BATCH).min(to);
            let transaction = connection.transaction()?;
            add_accounts(
                &transaction,
                population,
                accounts_of(begin),
                accounts_of(end),
            )?;
            add_sessions(&transaction, population, begin, end)?;
            transaction.commit()?;
            begin = end;
        }
        connection.execute_batch("PRAGMA analysis_limit = 1000; ANALYZE")?;
        connection.close().map_err(|(_, error)| error)?;
        // Nothing of it shall reach the disk while something is measured.
        fs::File::open(self.path())?.sync_all()?;
        Ok(())
    }

    /// What is on the disk.
    pub(crate) fn sizes(&self) -> Result<Sizes> {
        let connection = Connection::open(self.path())?;
        let of = |table: &str| -> Result<u64> {
            let sql =
                "SELECT coalesce(sum(pgsize), 0) FROM dbstat WHERE aggregate = TRUE AND name IN
                (SELECT name FROM sqlite_schema WHERE tbl_name = ?)";
            let bytes: i64 = connection.query_row(sql, [table], |row| row.get(0))?;
            Ok(u64::try_from(bytes)?)
        };
        Ok(Sizes {
            sessions: of("sessions")?,
            accounts: of("accounts")?,
        })
    }
}

fn add_accounts(db: &Connection, population: &Population, from: u64, to: u64) -> Result<()> {
    let sql = "INSERT INTO accounts (did, handle, email, password_hash, audience, created_at)
        VALUES (?, ?, ?, ?, ?, ?)";
    let mut insert = db.prepare(sql)?;
    let created_at = population.now.as_secs();
    for number in from..to {
        let account = population.account(number);
        insert.execute(params![
            account.did,
            account.handle,
            account.email,
            PASSWORD_HASH,
            AUDIENCE,
            created_at
        ])?;
    }
    Ok(())
}

fn add_sessions(db: &Connection, population: &Population, from: u64, to: u64) -> Result<()> {
    let sql =
        "INSERT INTO sessions (id, did, client_id, jkt, client_key, scope, generation, rotated_at,
            created_at, expires_at, refresh_expires_at, ended_at, end_reason)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let mut insert = db.prepare(sql)?;
    for number in from..to {
        let session = population.session(number);
        let app = &population.apps[session.app];
        let ended_at = session.ended_at.map(|at| at.as_secs());
        insert.execute(params![
            session.id.as_i64(),
            session.did,
            app.id.as_str(),
            stored(population.keys[session.key].thumbprint()),
            app.key.as_ref().map(|key| &key.stored),
            SCOPE,
            session.generation,
            session.rotated_at.as_secs(),
            session.created_at.as_secs(),
            session.expires_at.as_secs(),
            session.refresh_expires_at.as_secs(),
            ended_at,
            ended_at.map(|_| "revoked"),
        ])?;
    }
    Ok(())
}
