//! Codes that were sent by e-mail: one for each account and purpose.

use atpass_entryway::store::EmailPurpose;
use atpass_protocol::id::Did;
use atpass_protocol::time::UnixTime;
use atpass_provider::store::{Digest32, StoreError};
use rusqlite::{Connection, OptionalExtension, params};

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
    let sql = "DELETE FROM email_codes WHERE purpose = ?1 AND code = ?2 AND expires_at > ?3
        AND (?4 IS NULL OR did = ?4) RETURNING did";
    let row = params![purpose.as_str(), code, now.as_secs(), did.map(Did::as_str)];
    let taken = db
        .query_row(sql, row, |row| {
            let columns = Columns {
                table: "email_codes",
                row,
            };
            Ok(columns.parse("did"))
        })
        .optional()
        .map_err(unavailable)?;
    taken.transpose()
}

pub(super) fn sweep(db: &Connection, now: UnixTime, batch: u32) -> Result<usize, StoreError> {
    let sql = "DELETE FROM email_codes WHERE (did, purpose) IN
        (SELECT did, purpose FROM email_codes WHERE expires_at <= ? LIMIT ?)";
    db.execute(sql, params![now.as_secs(), batch])
        .map_err(unavailable)
}
