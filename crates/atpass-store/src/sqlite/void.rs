//! What becomes void when a database goes back in time.

use atpass_protocol::time::UnixTime;
use atpass_provider::store::StoreError;
use rusqlite::{Connection, params};

use super::row::unavailable;
use crate::void::{VOID, Voided};

/// The act, inside the caller's transaction.
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
