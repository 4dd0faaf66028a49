//! Signing keys and shared secrets.

use atpass_protocol::time::UnixTime;
use atpass_provider::store::{SigningKeyRecord, StoreError};
use rusqlite::{Connection, params};
use zeroize::Zeroizing;

use super::row::{Columns, unavailable};

pub(super) fn all(db: &Connection) -> Result<Vec<SigningKeyRecord>, StoreError> {
    let sql = "SELECT * FROM signing_keys ORDER BY created_at DESC, rowid DESC";
    let mut select = db.prepare_cached(sql).map_err(unavailable)?;
    let mut rows = select.query([]).map_err(unavailable)?;
    let mut keys = Vec::new();
    while let Some(row) = rows.next().map_err(unavailable)? {
        let columns = Columns::of("signing_keys", row);
        keys.push(SigningKeyRecord {
            kid: columns.get("kid")?,
            pkcs8: Zeroizing::new(columns.get("pkcs8")?),
            created_at: columns.time("created_at")?,
            signs_from: columns.time("signs_from")?,
            retired_at: columns
                .get::<Option<i64>>("retired_at")?
                .map(UnixTime::from_secs),
        });
    }
    Ok(keys)
}

pub(super) fn add(db: &Connection, key: &SigningKeyRecord) -> Result<(), StoreError> {
    let pkcs8: &[u8] = &key.pkcs8;
    let sql = "INSERT INTO signing_keys (kid, pkcs8, created_at, signs_from) VALUES (?, ?, ?, ?)";
    let (created_at, signs_from) = (key.created_at.as_secs(), key.signs_from.as_secs());
    db.prepare_cached(sql)
        .and_then(|mut insert| insert.execute(params![key.kid, pkcs8, created_at, signs_from]))
        .map_err(unavailable)?;
    Ok(())
}

pub(super) fn add_first(
    db: &Connection,
    key: &SigningKeyRecord,
    now: UnixTime,
) -> Result<(), StoreError> {
    let sql =
        "SELECT EXISTS (SELECT 1 FROM signing_keys WHERE retired_at IS NULL AND signs_from <= ?)";
    let signs: bool = db
        .query_row(sql, [now.as_secs()], |row| row.get(0))
        .map_err(unavailable)?;
    if signs { Ok(()) } else { add(db, key) }
}

pub(super) fn retire(db: &Connection, kid: &str, now: UnixTime) -> Result<bool, StoreError> {
    let sql = "UPDATE signing_keys SET retired_at = ? WHERE kid = ? AND retired_at IS NULL";
    let retired = db
        .prepare_cached(sql)
        .and_then(|mut update| update.execute(params![now.as_secs(), kid]))
        .map_err(unavailable)?;
    Ok(retired > 0)
}

pub(super) fn secret(
    db: &Connection,
    name: &str,
    candidate: &[u8; 32],
) -> Result<[u8; 32], StoreError> {
    let sql = "INSERT INTO secrets (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING";
    db.prepare_cached(sql)
        .and_then(|mut insert| insert.execute(params![name, candidate]))
        .map_err(unavailable)?;
    db.prepare_cached("SELECT value FROM secrets WHERE name = ?")
        .and_then(|mut select| select.query_row([name], |row| row.get(0)))
        .map_err(unavailable)
}
