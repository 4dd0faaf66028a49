//! What changes about an account as a whole.

use atpass_protocol::id::Did;
use atpass_protocol::time::UnixTime;
use atpass_protocol::token::SessionId;
use atpass_provider::accounts::Account;
use atpass_provider::store::{EndReason, StoreError};
use rusqlite::{Connection, params};

use super::row::{Columns, unavailable};
use super::{devices, entryway, sessions};

/// With a new password go the account's sessions and app passwords. `None` where there is no such account.
pub(super) fn set_password(
    db: &Connection,
    did: &Did,
    hash: &str,
    now: UnixTime,
) -> Result<Option<Vec<SessionId>>, StoreError> {
    if !write_password(db, did, hash)? {
        return Ok(None);
    }
    entryway::forget_app_passwords(db, did)?;
    end_everything(db, did, now).map(Some)
}

pub(super) fn set_active(
    db: &Connection,
    did: &Did,
    active: bool,
    now: UnixTime,
) -> Result<Option<Vec<SessionId>>, StoreError> {
    let sql = "UPDATE accounts SET active = ? WHERE did = ? AND sign_up IS NULL";
    let changed = db.execute(sql, params![active, did.as_str()]);
    match changed.map_err(unavailable)? {
        0 => Ok(None),
        _ if active => Ok(Some(Vec::new())),
        _ => end_everything(db, did, now).map(Some),
    }
}

/// Removes an account with everything; `None` where there is none. One that is being made isn't there yet.
pub(super) fn remove(
    db: &Connection,
    did: &Did,
    now: UnixTime,
) -> Result<Option<Vec<SessionId>>, StoreError> {
    let delete = |sql: &str| db.execute(sql, [did.as_str()]).map_err(unavailable);
    if delete("DELETE FROM accounts WHERE did = ? AND sign_up IS NULL")? == 0 {
        return Ok(None);
    }
    delete("DELETE FROM approvals WHERE did = ?")?;
    entryway::forget(db, did)?;
    end_everything(db, did, now).map(Some)
}

/// Whether there is such an account. A code for another new password is void.
pub(super) fn write_password(db: &Connection, did: &Did, hash: &str) -> Result<bool, StoreError> {
    let sql = "UPDATE accounts SET password_hash = ? WHERE did = ? AND sign_up IS NULL";
    let changed = db.execute(sql, [hash, did.as_str()]).map_err(unavailable)?;
    entryway::void_reset_code(db, did)?;
    Ok(changed > 0)
}

/// Ends the account's sessions, those that a code was still to become and those of old apps too, and signs it
/// out of all browsers. Returns the OAuth sessions.
pub(super) fn end_everything(
    db: &Connection,
    did: &Did,
    now: UnixTime,
) -> Result<Vec<SessionId>, StoreError> {
    let sql =
        "UPDATE codes SET expires_at = ?1 WHERE did = ?2 AND session IS NULL AND expires_at > ?1";
    db.execute(sql, params![now.as_secs(), did.as_str()])
        .map_err(unavailable)?;
    let sql = "UPDATE accounts SET sessions_ended_at = ? WHERE did = ?";
    db.execute(sql, params![now.as_secs(), did.as_str()])
        .map_err(unavailable)?;
    entryway::end_legacy_sessions(db, did)?;
    devices::sign_out_everywhere(db, did)?;
    sessions::end_all(db, did, EndReason::Account, now)
}

pub(super) fn read(columns: &Columns<'_>) -> Result<Account, StoreError> {
    Ok(Account {
        did: columns.parse("did")?,
        handle: columns.parse("handle")?,
        audience: columns.parse("audience")?,
        active: columns.get("active")?,
    })
}
