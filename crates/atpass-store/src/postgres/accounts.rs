//! What changes about an account as a whole.

use atpass_protocol::id::Did;
use atpass_protocol::time::UnixTime;
use atpass_protocol::token::SessionId;
use atpass_provider::store::EndReason;
use deadpool_postgres::Transaction;

use super::pool::{Failure, execute};
use super::{devices, entryway, sessions};

/// With a new password go the account's sessions and app passwords. `None` where there is no such account.
pub(super) async fn set_password(
    db: &Transaction<'_>,
    did: &Did,
    hash: &str,
    now: UnixTime,
) -> Result<Option<Vec<SessionId>>, Failure> {
    if !write_password(db, did, hash).await? {
        return Ok(None);
    }
    entryway::forget_app_passwords(db, did).await?;
    end_everything(db, did, now).await.map(Some)
}

/// Whether there is such an account. A code for another new password is void.
pub(super) async fn write_password(
    db: &Transaction<'_>,
    did: &Did,
    hash: &str,
) -> Result<bool, Failure> {
    let sql = "UPDATE accounts SET password_hash = $1 WHERE did = $2 AND sign_up IS NULL";
    let changed = execute(db, sql, &[&hash, &did.as_str()]).await?;
    entryway::void_reset_code(db, did).await?;
    Ok(changed > 0)
}

pub(super) async fn set_active(
    db: &Transaction<'_>,
    did: &Did,
    active: bool,
    now: UnixTime,
) -> Result<Option<Vec<SessionId>>, Failure> {
    let sql = "UPDATE accounts SET active = $1 WHERE did = $2 AND sign_up IS NULL";
    match execute(db, sql, &[&active, &did.as_str()]).await? {
        0 => Ok(None),
        _ if active => Ok(Some(Vec::new())),
        _ => end_everything(db, did, now).await.map(Some),
    }
}

/// Removes an account with everything; `None` where there is none. One that is being made isn't there yet.
pub(super) async fn remove(
    db: &Transaction<'_>,
    did: &Did,
    now: UnixTime,
) -> Result<Option<Vec<SessionId>>, Failure> {
    let sql = "DELETE FROM accounts WHERE did = $1 AND sign_up IS NULL";
    if execute(db, sql, &[&did.as_str()]).await? == 0 {
        return Ok(None);
    }
    execute(db, "DELETE FROM approvals WHERE did = $1", &[&did.as_str()]).await?;
    entryway::forget(db, did).await?;
    end_everything(db, did, now).await.map(Some)
}

/// Ends the account's sessions, those that a code was still to become and those of old apps too, and signs it
/// out of all browsers. Returns the OAuth sessions.
///
/// In this order: a code that is being exchanged meanwhile is waited for, and its session is seen.
async fn end_everything(
    db: &Transaction<'_>,
    did: &Did,
    now: UnixTime,
) -> Result<Vec<SessionId>, Failure> {
    let seconds = now.as_secs();
    let sql =
        "UPDATE codes SET expires_at = $1 WHERE did = $2 AND session IS NULL AND expires_at > $1";
    execute(db, sql, &[&seconds, &did.as_str()]).await?;
    let sql = "UPDATE accounts SET sessions_ended_at = $1 WHERE did = $2";
    execute(db, sql, &[&seconds, &did.as_str()]).await?;
    entryway::end_legacy_sessions(db, did).await?;
    devices::sign_out_everywhere(db, did).await?;
    sessions::end_all(db, did, EndReason::Account, now).await
}
