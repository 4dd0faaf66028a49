//! Codes that were sent by e-mail: one for each account and purpose.

use atpass_entryway::store::EmailPurpose;
use atpass_protocol::id::Did;
use atpass_protocol::time::UnixTime;
use atpass_provider::store::{Digest32, StoreError};
use rusqlite::{Connection, params};

use super::super::row::{Columns, unavailable};

pub(super) fn put(
    db: &Connection,
    did: &Did,
    purpose: EmailPurpose,
    code: &Digest32,
    expires_at: UnixTime,
) -> Result<(), StoreError> {
    let sql =
        "INSERT OR REPLACE INTO email_codes (did, purpose, code, expires_at) VALUES (?, ?, ?, ?)";
    let row = params![did.as_str(), purpose.as_str(), code, expires_at.as_secs()];
    db.execute(sql, row).map_err(unavailable)?;
    Ok(())
}

pub(super) fn take(
    db: &Connection,
    did: Option<&Did>,
    purpose: EmailPurpose,
    code: &Digest32,
    now: UnixTime,
) -> Result<Option<Did>, StoreError> {
    let sql = "SELECT did FROM email_codes WHERE purpose = ?1 AND code = ?2 AND expires_at > ?3
        AND (?4 IS NULL OR did = ?4) LIMIT 2";
    let row = params![purpose.as_str(), code, now.as_secs(), did.map(Did::as_str)];
    let mut select = db.prepare_cached(sql).map_err(unavailable)?;
    let mut rows = select.query(row).map_err(unavailable)?;
    let Some(row) = rows.next().map_err(unavailable)? else {
        return Ok(None);
    };
    let columns = Columns::of("email_codes", row);
    let owner = columns.parse("did")?;
    if rows.next().map_err(unavailable)?.is_some() {
        return Ok(None);
    }
    void(db, &owner, Some(purpose))?;
    Ok(Some(owner))
}

/// Removes an account's code for this purpose, or its codes for all.
pub(super) fn void(
    db: &Connection,
    did: &Did,
    purpose: Option<EmailPurpose>,
) -> Result<(), StoreError> {
    let sql = "DELETE FROM email_codes WHERE did = ?1 AND (?2 IS NULL OR purpose = ?2)";
    let row = params![did.as_str(), purpose.map(EmailPurpose::as_str)];
    db.execute(sql, row).map_err(unavailable)?;
    Ok(())
}

/// For a password that was just changed.
pub(in super::super) fn void_reset_code(db: &Connection, did: &Did) -> Result<(), StoreError> {
    void(db, did, Some(EmailPurpose::ResetPassword))
}

pub(super) fn sweep(db: &Connection, now: UnixTime, batch: u32) -> Result<usize, StoreError> {
    let sql = "DELETE FROM email_codes WHERE (did, purpose) IN
        (SELECT did, purpose FROM email_codes WHERE expires_at <= ? LIMIT ?)";
    db.execute(sql, params![now.as_secs(), batch])
        .map_err(unavailable)
}
