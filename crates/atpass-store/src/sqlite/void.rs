//! What becomes void when a database goes back in time.

use atpass_protocol::time::UnixTime;
use atpass_provider::store::StoreError;
use rusqlite::{Connection, params};

use super::SqliteStore;
use super::row::unavailable;
use crate::void::{VOID, Voided};

impl SqliteStore {
    /// Makes void, in one act, all that could have been used up or taken away by a server that ran on
    /// later data than these: for a database that was restored from a copy.
    ///
    /// Removed are all requests, codes, sessions, browsers, approvals, codes of letters, app passwords,
    /// references to scopes and signing keys; and every account is marked as one whose sessions all
    /// ended at `now`, so that older tokens of old apps count no more. Access tokens are void with the
    /// keys that signed them; a server that starts makes a new one. Kept are the accounts with their
    /// passwords, as they were; the secrets (no token lives by them alone); invites; lexicons; and the
    /// assertions that were seen: forgetting them could only make them good again.
    pub async fn void_spent(&self, now: UnixTime) -> Result<Voided, StoreError> {
        self.write(move |db| spent(db, now)).await
    }
}

/// The act of [`SqliteStore::void_spent`], inside the caller's transaction.
pub(super) fn spent(db: &Connection, now: UnixTime) -> Result<Voided, StoreError> {
    let mut voided = Voided::default();
    for table in VOID {
        let rows = db
            .execute(&format!("DELETE FROM {table}"), [])
            .map_err(unavailable)?;
        voided.add(table, rows);
    }
    let sql = "UPDATE accounts SET sessions_ended_at = max(?, coalesce(sessions_ended_at, 0))";
    db.execute(sql, params![now.as_secs()])
        .map_err(unavailable)?;
    Ok(voided)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A new table has to be thought about here.
    #[test]
    fn every_table_is_decided() {
        const KEPT: [&str; 5] = ["accounts", "secrets", "invites", "lexicons", "seen"];
        let mut db = Connection::open_in_memory().unwrap();
        super::super::migrations().to_latest(&mut db).unwrap();
        let mut select = db
            .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
            .unwrap();
        let tables: Vec<String> = select
            .query_map([], |row| row.get(0))
            .unwrap()
            .collect::<rusqlite::Result<_>>()
            .unwrap();
        let mut decided = [VOID.as_slice(), KEPT.as_slice()].concat();
        decided.sort_unstable();
        assert_eq!(tables, decided);
    }
}
