//! Sessions of apps that know no OAuth.

use atpass_entryway::store::{LegacyRotation, LegacySessionRecord};
use atpass_protocol::id::Did;
use atpass_protocol::time::UnixTime;
use atpass_protocol::token::SessionId;
use atpass_provider::store::StoreError;
use deadpool_postgres::{GenericClient, Transaction};
use tokio_postgres::Row;

use super::super::pool::{Failure, delete_batch, execute, query_opt};
use super::super::row::Columns;

/// Account and then app password are held while the session begins: a removal, a changed password or a revoked app
/// password that came first leaves no session, and one that comes meanwhile waits and finds it.
pub(super) async fn begin(
    db: &impl GenericClient,
    record: &LegacySessionRecord,
    checked_hash: &str,
) -> Result<bool, Failure> {
    let sql = "WITH account AS (
            SELECT did FROM accounts WHERE did = $2 AND sign_up IS NULL AND active
                AND ($3::text IS NOT NULL OR password_hash = $8) FOR NO KEY UPDATE
        ), app_password AS (
            SELECT FROM app_passwords JOIN account USING (did)
            WHERE name = $3 AND hash = $8 AND privileged = $4 FOR SHARE OF app_passwords
        )
        INSERT INTO legacy_sessions
            (id, did, app_password, privileged, generation, rotated_at, expires_at)
        SELECT $1, did, $3, $4, $5, $6, $7 FROM account
        WHERE $3::text IS NULL OR EXISTS (SELECT FROM app_password)";
    let (name, privileged) = match &record.app_password {
        Some((name, privileged)) => (Some(name), *privileged),
        None => (None, false),
    };
    let begun = execute(
        db,
        sql,
        &[
            &record.id.as_i64(),
            &record.did.as_str(),
            &name,
            &privileged,
            &i64::from(record.generation),
            &record.rotated_at.as_secs(),
            &record.expires_at.as_secs(),
            &checked_hash,
        ],
    )
    .await?;
    Ok(begun > 0)
}

pub(super) async fn rotate(
    db: &Transaction<'_>,
    id: SessionId,
    presented: u32,
    now: UnixTime,
    grace: i64,
    expires_at: UnixTime,
) -> Result<LegacyRotation, Failure> {
    let sql = "SELECT id, did, app_password, privileged, generation, rotated_at, expires_at
        FROM legacy_sessions WHERE id = $1 FOR UPDATE";
    let Some(row) = query_opt(db, sql, &[&id.as_i64()]).await? else {
        return Ok(LegacyRotation::Over);
    };
    let mut session = read(&row)?;
    if session.expires_at <= now {
        return Ok(LegacyRotation::Over);
    }
    let next = session.generation.checked_add(1);
    if let (true, Some(next)) = (presented == session.generation, next) {
        (session.generation, session.rotated_at, session.expires_at) = (next, now, expires_at);
        let sql = "UPDATE legacy_sessions SET generation = $1, rotated_at = $2, expires_at = $3
            WHERE id = $4";
        let seconds = (now.as_secs(), expires_at.as_secs());
        execute(
            db,
            sql,
            &[&i64::from(next), &seconds.0, &seconds.1, &id.as_i64()],
        )
        .await?;
        return Ok(LegacyRotation::GoesOn(session));
    }
    let is_predecessor = presented.checked_add(1) == Some(session.generation);
    if is_predecessor && now.since(session.rotated_at) <= grace {
        return Ok(LegacyRotation::GoesOn(session));
    }
    end(db, id).await?;
    Ok(LegacyRotation::Over)
}

fn read(row: &Row) -> Result<LegacySessionRecord, StoreError> {
    let columns = Columns {
        table: "legacy_sessions",
        row,
    };
    let name: Option<String> = columns.get("app_password")?;
    let privileged = columns.get("privileged")?;
    Ok(LegacySessionRecord {
        id: columns.session("id")?,
        did: columns.parse("did")?,
        app_password: name.map(|name| (name, privileged)),
        generation: columns.generation()?,
        rotated_at: columns.time("rotated_at")?,
        expires_at: columns.time("expires_at")?,
    })
}

pub(super) async fn end(db: &impl GenericClient, id: SessionId) -> Result<(), Failure> {
    let sql = "DELETE FROM legacy_sessions WHERE id = $1";
    execute(db, sql, &[&id.as_i64()]).await?;
    Ok(())
}

/// Ends all of an account's.
pub(in super::super) async fn end_all(db: &Transaction<'_>, did: &Did) -> Result<(), Failure> {
    let sql = "DELETE FROM legacy_sessions WHERE did = $1";
    execute(db, sql, &[&did.as_str()]).await?;
    Ok(())
}

pub(super) async fn sweep(
    db: &impl GenericClient,
    now: UnixTime,
    batch: u32,
) -> Result<usize, Failure> {
    let sql = "DELETE FROM legacy_sessions WHERE id IN (
        SELECT id FROM legacy_sessions WHERE expires_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED)";
    delete_batch(db, sql, now, batch).await
}
