//! What changes about an account.

use atpass_entryway::store::Taken;
use atpass_protocol::id::{Did, Handle};
use atpass_protocol::time::UnixTime;
use atpass_protocol::token::SessionId;
use atpass_provider::store::StoreError;
use rusqlite::{Connection, params};

use super::super::accounts::set_password;
use super::super::row::unavailable;
use super::{app_passwords, codes, exists};

pub(super) fn handle(
    db: &Connection,
    did: &Did,
    handle: &Handle,
) -> Result<Result<(), Taken>, StoreError> {
    if exists(db, "handle", Some(handle.as_str()), Some(did))? {
        return Ok(Err(Taken::Handle));
    }
    let sql = "UPDATE accounts SET handle = ? WHERE did = ? AND sign_up IS NULL";
    db.execute(sql, [handle.as_str(), did.as_str()])
        .map_err(unavailable)?;
    Ok(Ok(()))
}

pub(super) fn email(
    db: &Connection,
    did: &Did,
    email: &str,
    confirmed_at: Option<UnixTime>,
) -> Result<Result<(), Taken>, StoreError> {
    if exists(db, "email", Some(email), Some(did))? {
        return Ok(Err(Taken::Email));
    }
    let sql = "UPDATE accounts SET email = ?, email_confirmed_at = ?
        WHERE did = ? AND sign_up IS NULL";
    let confirmed_at = confirmed_at.map(UnixTime::as_secs);
    db.execute(sql, params![email, confirmed_at, did.as_str()])
        .map_err(unavailable)?;
    codes::void(db, did, None)?;
    Ok(Ok(()))
}

pub(super) fn confirm_email(
    db: &Connection,
    did: &Did,
    email: &str,
    now: UnixTime,
) -> Result<bool, StoreError> {
    let sql = "UPDATE accounts SET email_confirmed_at = ?
        WHERE did = ? AND email = ? AND sign_up IS NULL";
    let confirmed = db
        .execute(sql, params![now.as_secs(), did.as_str(), email])
        .map_err(unavailable)?;
    Ok(confirmed > 0)
}

pub(super) fn password(
    db: &Connection,
    did: &Did,
    hash: &str,
    now: UnixTime,
) -> Result<Vec<SessionId>, StoreError> {
    let ended = set_password(db, did, hash, now)?;
    Ok(ended.unwrap_or_default())
}

/// A password that was changed meanwhile isn't overwritten.
pub(super) fn upgrade_password(
    db: &Connection,
    did: &Did,
    old: &str,
    new: &str,
) -> Result<bool, StoreError> {
    let sql = "UPDATE accounts SET password_hash = ?
        WHERE did = ? AND password_hash = ? AND sign_up IS NULL";
    let upgraded = db
        .execute(sql, [new, did.as_str(), old])
        .map_err(unavailable)?;
    Ok(upgraded > 0)
}

pub(super) fn deactivated(
    db: &Connection,
    did: &Did,
    since: Option<UnixTime>,
) -> Result<(), StoreError> {
    let sql = "UPDATE accounts SET deactivated_at = ? WHERE did = ? AND sign_up IS NULL";
    let since = since.map(UnixTime::as_secs);
    db.execute(sql, params![since, did.as_str()])
        .map_err(unavailable)?;
    Ok(())
}

/// Whoever was in with the old password may have made some.
pub(in super::super) fn forget_app_passwords(db: &Connection, did: &Did) -> Result<(), StoreError> {
    db.execute("DELETE FROM app_passwords WHERE did = ?", [did.as_str()])
        .map_err(unavailable)?;
    Ok(())
}

/// What belongs to an account that goes.
pub(in super::super) fn forget(db: &Connection, did: &Did) -> Result<(), StoreError> {
    app_passwords::revoke_all(db, did)?;
    codes::void(db, did, None)
}
