//! Sessions of apps that know no OAuth.

use atpass_entryway::store::{LegacyRotation, LegacySessionRecord};
use atpass_protocol::id::Did;
use atpass_protocol::time::UnixTime;
use atpass_protocol::token::SessionId;
use atpass_provider::store::StoreError;
use rusqlite::{Connection, OptionalExtension, params};

use super::super::row::{Columns, unavailable};

/// The conditions stand in the statement itself: a removal, a changed password or a revoked app password that
/// came first leaves no session.
pub(super) fn begin(
    db: &Connection,
    record: &LegacySessionRecord,
    checked_hash: &str,
) -> Result<bool, StoreError> {
    let sql = "INSERT INTO legacy_sessions
            (id, did, app_password, privileged, generation, rotated_at, expires_at)
        SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 FROM accounts
        WHERE did = ?2 AND sign_up IS NULL AND active AND CASE WHEN ?3 IS NULL
            THEN password_hash = ?8
            ELSE EXISTS (SELECT 1 FROM app_passwords
                WHERE did = ?2 AND name = ?3 AND hash = ?8 AND privileged = ?4)
            END";
    let (name, privileged) = match &record.app_password {
        Some((name, privileged)) => (Some(name), *privileged),
        None => (None, false),
    };
    let row = params![
        record.id.as_i64(),
        record.did.as_str(),
        name,
        privileged,
        record.generation,
        record.rotated_at.as_secs(),
        record.expires_at.as_secs(),
        checked_hash
    ];
    Ok(db.execute(sql, row).map_err(unavailable)? > 0)
}

pub(super) fn rotate(
    db: &Connection,
    id: SessionId,
    presented: u32,
    now: UnixTime,
    grace: i64,
    expires_at: UnixTime,
) -> Result<LegacyRotation, StoreError> {
    let Some(mut session) = find(db, id)? else {
        return Ok(LegacyRotation::Over);
    };
    if session.expires_at <= now {
        return Ok(LegacyRotation::Over);
    }
    let next = session.generation.checked_add(1);
    if let (true, Some(next)) = (presented == session.generation, next) {
        (session.generation, session.rotated_at, session.expires_at) = (next, now, expires_at);
        let sql = "UPDATE legacy_sessions SET generation = ?, rotated_at = ?, expires_at = ? WHERE id = ?";
        let row = params![next, now.as_secs(), expires_at.as_secs(), id.as_i64()];
        db.execute(sql, row).map_err(unavailable)?;
        return Ok(LegacyRotation::GoesOn(session));
    }
    let is_predecessor = presented.checked_add(1) == Some(session.generation);
    if is_predecessor && now.since(session.rotated_at) <= grace {
        return Ok(LegacyRotation::GoesOn(session));
    }
    end(db, id)?;
    Ok(LegacyRotation::Over)
}

fn find(db: &Connection, id: SessionId) -> Result<Option<LegacySessionRecord>, StoreError> {
    let sql = "SELECT * FROM legacy_sessions WHERE id = ?";
    let mut select = db.prepare_cached(sql).map_err(unavailable)?;
    let found = select
        .query_row([id.as_i64()], |row| Ok(read(row)))
        .optional()
        .map_err(unavailable)?;
    found.transpose()
}

fn read(row: &rusqlite::Row<'_>) -> Result<LegacySessionRecord, StoreError> {
    let columns = Columns::of("legacy_sessions", row);
    let name: Option<String> = columns.get("app_password")?;
    let privileged = columns.get("privileged")?;
    Ok(LegacySessionRecord {
        id: SessionId::from_i64(columns.get("id")?),
        did: columns.parse("did")?,
        app_password: name.map(|name| (name, privileged)),
        generation: columns.get("generation")?,
        rotated_at: columns.time("rotated_at")?,
        expires_at: columns.time("expires_at")?,
    })
}

pub(super) fn end(db: &Connection, id: SessionId) -> Result<(), StoreError> {
    db.execute("DELETE FROM legacy_sessions WHERE id = ?", [id.as_i64()])
        .map_err(unavailable)?;
    Ok(())
}

/// Ends all of an account's.
pub(in super::super) fn end_all(db: &Connection, did: &Did) -> Result<(), StoreError> {
    db.execute("DELETE FROM legacy_sessions WHERE did = ?", [did.as_str()])
        .map_err(unavailable)?;
    Ok(())
}

pub(super) fn sweep(db: &Connection, now: UnixTime, batch: u32) -> Result<usize, StoreError> {
    let sql = "DELETE FROM legacy_sessions WHERE id IN
        (SELECT id FROM legacy_sessions WHERE expires_at <= ? LIMIT ?)";
    db.execute(sql, params![now.as_secs(), batch])
        .map_err(unavailable)
}
