//! Passwords for single old apps.

use atpass_entryway::store::AppPasswordRecord;
use atpass_protocol::id::Did;
use atpass_provider::store::StoreError;
use rusqlite::{Connection, params};

use super::super::row::{Columns, unavailable};

pub(super) fn add(db: &Connection, record: &AppPasswordRecord) -> Result<bool, StoreError> {
    let sql = "INSERT INTO app_passwords (did, name, hash, created_at, privileged)
        SELECT ?1, ?2, ?3, ?4, ?5
        WHERE EXISTS (SELECT 1 FROM accounts WHERE did = ?1 AND sign_up IS NULL)
        ON CONFLICT DO NOTHING";
    let row = params![
        record.did.as_str(),
        record.name,
        record.hash,
        record.created_at.as_secs(),
        record.privileged
    ];
    Ok(db.execute(sql, row).map_err(unavailable)? > 0)
}

pub(super) fn of(db: &Connection, did: &Did) -> Result<Vec<AppPasswordRecord>, StoreError> {
    let sql = "SELECT * FROM app_passwords WHERE did = ? ORDER BY created_at, name";
    let mut select = db.prepare_cached(sql).map_err(unavailable)?;
    let mut rows = select.query([did.as_str()]).map_err(unavailable)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(unavailable)? {
        let columns = Columns::of("app_passwords", row);
        found.push(AppPasswordRecord {
            did: columns.parse("did")?,
            name: columns.get("name")?,
            hash: columns.get("hash")?,
            created_at: columns.time("created_at")?,
            privileged: columns.get("privileged")?,
        });
    }
    Ok(found)
}

pub(super) fn revoke_all(db: &Connection, did: &Did) -> Result<(), StoreError> {
    db.execute("DELETE FROM app_passwords WHERE did = ?", [did.as_str()])
        .map_err(unavailable)?;
    Ok(())
}

pub(super) fn revoke(db: &Connection, did: &Did, name: &str) -> Result<(), StoreError> {
    for sql in [
        "DELETE FROM app_passwords WHERE did = ? AND name = ?",
        "DELETE FROM legacy_sessions WHERE did = ? AND app_password = ?",
    ] {
        db.execute(sql, [did.as_str(), name]).map_err(unavailable)?;
    }
    Ok(())
}
