//! What changes about an account.

use atpass_entryway::store::Taken;
use atpass_protocol::id::{Did, Handle};
use atpass_protocol::time::UnixTime;
use deadpool_postgres::{GenericClient, Transaction};

use super::super::pool::{Failure, execute};
use super::{app_passwords, codes, exists};

pub(super) async fn handle(
    db: &Transaction<'_>,
    did: &Did,
    handle: &Handle,
) -> Result<Result<(), Taken>, Failure> {
    if exists(db, "handle", Some(handle.as_str()), Some(did)).await? {
        return Ok(Err(Taken::Handle));
    }
    let sql = "UPDATE accounts SET handle = $1 WHERE did = $2 AND sign_up IS NULL";
    execute(db, sql, &[&handle.as_str(), &did.as_str()]).await?;
    Ok(Ok(()))
}

pub(super) async fn email(
    db: &Transaction<'_>,
    did: &Did,
    email: &str,
    confirmed_at: Option<UnixTime>,
) -> Result<Result<(), Taken>, Failure> {
    if exists(db, "email", Some(email), Some(did)).await? {
        return Ok(Err(Taken::Email));
    }
    let sql = "UPDATE accounts SET email = $1, email_confirmed_at = $2
        WHERE did = $3 AND sign_up IS NULL";
    let confirmed_at = confirmed_at.map(UnixTime::as_secs);
    execute(db, sql, &[&email, &confirmed_at, &did.as_str()]).await?;
    codes::void(db, did, None).await?;
    Ok(Ok(()))
}

pub(super) async fn confirm_email(
    db: &impl GenericClient,
    did: &Did,
    email: &str,
    now: UnixTime,
) -> Result<bool, Failure> {
    let sql = "UPDATE accounts SET email_confirmed_at = $1
        WHERE did = $2 AND email = $3 AND sign_up IS NULL";
    Ok(execute(db, sql, &[&now.as_secs(), &did.as_str(), &email]).await? > 0)
}

/// A password that was changed meanwhile isn't overwritten.
pub(super) async fn upgrade_password(
    db: &impl GenericClient,
    did: &Did,
    old: &str,
    new: &str,
) -> Result<bool, Failure> {
    let sql = "UPDATE accounts SET password_hash = $1
        WHERE did = $2 AND password_hash = $3 AND sign_up IS NULL";
    Ok(execute(db, sql, &[&new, &did.as_str(), &old]).await? > 0)
}

pub(super) async fn deactivated(
    db: &impl GenericClient,
    did: &Did,
    since: Option<UnixTime>,
) -> Result<(), Failure> {
    let sql = "UPDATE accounts SET deactivated_at = $1 WHERE did = $2 AND sign_up IS NULL";
    execute(db, sql, &[&since.map(UnixTime::as_secs), &did.as_str()]).await?;
    Ok(())
}

/// Whoever was in with the old password may have made some.
pub(in super::super) async fn forget_app_passwords(
    db: &Transaction<'_>,
    did: &Did,
) -> Result<(), Failure> {
    app_passwords::revoke_all(db, did).await
}

/// What belongs to an account that goes.
pub(in super::super) async fn forget(db: &Transaction<'_>, did: &Did) -> Result<(), Failure> {
    app_passwords::revoke_all(db, did).await?;
    codes::void(db, did, None).await
}
