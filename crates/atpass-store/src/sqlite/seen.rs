//! What counts once only: keys that were used, for as long as they would be accepted.

use atpass_protocol::time::UnixTime;
use atpass_provider::store::{AssertionUse, StoreError};
use rusqlite::{Connection, params};

use super::row::unavailable;

/// Uses an assertion up, where there is one. Returns whether it is the first time.
pub(super) fn first_use(
    db: &Connection,
    assertion: Option<&AssertionUse>,
    now: UnixTime,
) -> Result<bool, StoreError> {
    match assertion {
        None => Ok(true),
        Some(assertion) => note(db, &assertion.key, assertion.until, now),
    }
}

pub(super) fn note(
    db: &Connection,
    key: &[u8],
    until: UnixTime,
    now: UnixTime,
) -> Result<bool, StoreError> {
    let sql = "INSERT INTO seen (key, expires_at) VALUES (?1, ?2)
        ON CONFLICT (key) DO UPDATE SET expires_at = excluded.expires_at WHERE seen.expires_at <= ?3";
    let added = db
        .prepare_cached(sql)
        .and_then(|mut insert| insert.execute(params![key, until.as_secs(), now.as_secs()]))
        .map_err(unavailable)?;
    Ok(added > 0)
}

pub(super) fn sweep(db: &Connection, now: UnixTime, batch: u32) -> Result<usize, StoreError> {
    let sql = "DELETE FROM seen WHERE key IN (SELECT key FROM seen WHERE expires_at <= ? LIMIT ?)";
    db.prepare_cached(sql)
        .and_then(|mut delete| delete.execute(params![now.as_secs(), batch]))
        .map_err(unavailable)
}
