//! The SQLite database that is left.

use std::path::Path;

use atpass_protocol::time::UnixTime;
use atpass_provider::store::SigningKeyRecord;
use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, params_from_iter};
use zeroize::Zeroizing;

use super::CopyError;
use super::tables::Table;
use crate::sqlite::{MOVED, SqliteStore, is_moved, refuse_copies};

/// Rows of one act.
const BATCH: usize = 2000;

/// The database, which nobody else can open while this is held.
pub(super) struct Source(Connection);

/// A secret, and its name.
pub(super) type KeptSecret = (String, Zeroizing<[u8; 32]>);

/// Some rows, in the order of their keys.
pub(super) struct Batch {
    /// For each column of the table the values of all rows.
    pub(super) columns: Vec<Vec<Value>>,
    pub(super) rows: usize,
    /// The key of the last row.
    pub(super) last: Vec<Value>,
}

impl Source {
    /// Takes the database for this process alone: no server may run on it, and none can start.
    pub(super) fn open(path: &Path) -> Result<Self, CopyError> {
        if !path.try_exists()? {
            return Err(CopyError::NoSource(path.to_owned()));
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let db = Connection::open_with_flags(path, flags)?;
        db.pragma_update(None, "locking_mode", "exclusive")?;
        let busy = |error: rusqlite::Error| match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DatabaseBusy) => CopyError::InUse(path.to_owned()),
            _ => error.into(),
        };
        db.execute_batch("BEGIN EXCLUSIVE; COMMIT").map_err(busy)?;
        refuse_copies(&db)?;
        let versions = crate::sqlite::versions(&db)?;
        if versions.found != versions.known {
            return Err(CopyError::SourceSchema(versions));
        }
        Ok(Self(db))
    }

    pub(super) fn is_moved(&self) -> Result<bool, CopyError> {
        Ok(is_moved(&self.0)?)
    }

    /// From now on no server opens it.
    pub(super) fn mark(&self, moved: bool) -> Result<(), CopyError> {
        let id = if moved { MOVED } else { 0 };
        self.0.pragma_update(None, "synchronous", "full")?;
        self.0.pragma_update(None, "application_id", id)?;
        // The mark is in the file itself, whatever happens to its log.
        self.0
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        Ok(())
    }

    pub(super) fn count(&self, table: &str) -> Result<u64, CopyError> {
        let sql = format!("SELECT count(*) FROM {table}");
        let rows: i64 = self.0.query_row(&sql, [], |row| row.get(0))?;
        Ok(rows.unsigned_abs())
    }

    /// The next rows after this key, or the first ones.
    pub(super) fn batch(
        &self,
        table: &Table,
        after: Option<&[Value]>,
    ) -> Result<Option<Batch>, CopyError> {
        let names: Vec<_> = table.columns.iter().map(|(name, _)| *name).collect();
        let key = names.get(..table.keys).unwrap_or_default().join(", ");
        let places = vec!["?"; table.keys].join(", ");
        let condition = match after {
            Some(_) => format!("WHERE ({key}) > ({places})"),
            None => String::new(),
        };
        let sql = format!(
            "SELECT {} FROM {} {condition} ORDER BY {key} LIMIT {BATCH}",
            names.join(", "),
            table.name
        );
        let mut select = self.0.prepare_cached(&sql)?;
        let mut found = select.query(params_from_iter(after.unwrap_or_default()))?;
        let mut batch = Batch {
            columns: vec![Vec::with_capacity(BATCH); names.len()],
            rows: 0,
            last: Vec::new(),
        };
        while let Some(row) = found.next()? {
            for (number, column) in batch.columns.iter_mut().enumerate() {
                column.push(row.get(number)?);
            }
            batch.rows += 1;
        }
        let keys = batch.columns.iter().take(table.keys);
        batch.last = keys.filter_map(|column| column.last().cloned()).collect();
        Ok((batch.rows > 0).then_some(batch))
    }

    /// The signing keys, the oldest first.
    pub(super) fn signing_keys(&self) -> Result<Vec<SigningKeyRecord>, CopyError> {
        let sql = "SELECT kid, pkcs8, created_at, signs_from, retired_at
            FROM signing_keys ORDER BY created_at, rowid";
        let mut select = self.0.prepare(sql)?;
        let keys = select.query_map([], |row| {
            Ok(SigningKeyRecord {
                kid: row.get(0)?,
                pkcs8: Zeroizing::new(row.get(1)?),
                created_at: UnixTime::from_secs(row.get(2)?),
                signs_from: UnixTime::from_secs(row.get(3)?),
                retired_at: row.get::<_, Option<i64>>(4)?.map(UnixTime::from_secs),
            })
        })?;
        Ok(keys.collect::<Result<_, _>>()?)
    }

    pub(super) fn secrets(&self) -> Result<Vec<KeptSecret>, CopyError> {
        let mut select = self.0.prepare("SELECT name, value FROM secrets")?;
        let secrets = select.query_map([], |row| Ok((row.get(0)?, Zeroizing::new(row.get(1)?))))?;
        Ok(secrets.collect::<Result<_, _>>()?)
    }
}

/// Whether a database is one that can be copied from at all, told before anything is asked of the other side.
pub(super) fn check(path: &Path) -> Result<(), CopyError> {
    match SqliteStore::schema(path) {
        Ok(Some(_)) | Err(crate::OpenError::Moved) => Ok(()),
        Ok(None) => Err(CopyError::NoSource(path.to_owned())),
        Err(error) => Err(error.into()),
    }
}
