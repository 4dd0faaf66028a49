//! What scopes of access tokens stand for, where the scope itself would be too long.

use atpass_protocol::time::UnixTime;
use atpass_provider::store::StoreError;
use rusqlite::{Connection, OptionalExtension, params};

use super::row::unavailable;

pub(super) fn keep(
    db: &Connection,
    reference: &str,
    scope: &str,
    until: UnixTime,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO scope_references (reference, scope, used_until) VALUES (?, ?, ?)
        ON CONFLICT (reference) DO UPDATE SET used_until = max(used_until, excluded.used_until)";
    db.execute(sql, params![reference, scope, until.as_secs()])
        .map_err(unavailable)?;
    Ok(())
}

pub(super) fn find(db: &Connection, reference: &str) -> Result<Option<String>, StoreError> {
    let sql = "SELECT scope FROM scope_references WHERE reference = ?";
    db.query_row(sql, [reference], |row| row.get(0))
        .optional()
        .map_err(unavailable)
}

pub(super) fn sweep(db: &Connection, now: UnixTime, batch: u32) -> Result<usize, StoreError> {
    let sql = "DELETE FROM scope_references WHERE reference IN
        (SELECT reference FROM scope_references WHERE used_until <= ? LIMIT ?)";
    db.execute(sql, params![now.as_secs(), batch])
        .map_err(unavailable)
}
