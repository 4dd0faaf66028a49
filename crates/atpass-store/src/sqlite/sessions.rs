//! Sessions: one row each, found by its number and updated in place.

use atpass_protocol::id::Did;
use atpass_protocol::jose::Jkt;
use atpass_protocol::revocation::EndedCursor;
use atpass_protocol::time::UnixTime;
use atpass_protocol::token::SessionId;
use atpass_provider::refresh::{RefreshDecision, decide};
use atpass_provider::store::{EndReason, Rotation, SessionRecord, StoreError};
use rusqlite::{Connection, named_params, params};

use super::approvals;
use super::row::{Columns, to_json, unavailable};

/// Seconds for which a session is remembered after its end.
const MEMORY: i64 = 30 * 24 * 60 * 60;

pub(super) fn insert(db: &Connection, session: &SessionRecord) -> Result<(), StoreError> {
    let client_key = to_json(session.client_key.as_ref())?;
    let sql = "INSERT INTO sessions (id, did, client_id, jkt, client_key, scope, generation, rotated_at, created_at, expires_at, refresh_expires_at)
        VALUES (:id, :did, :client_id, :jkt, :client_key, :scope, :generation, :rotated_at, :created_at, :expires_at, :refresh_expires_at)";
    db.prepare_cached(sql)
        .and_then(|mut insert| {
            insert.execute(named_params! {
                ":id": session.id.as_i64(),
                ":did": session.did.as_str(),
                ":client_id": session.client_id.as_str(),
                ":jkt": session.jkt.as_bytes(),
                ":client_key": client_key,
                ":scope": session.scope.to_string(),
                ":generation": session.generation,
                ":rotated_at": session.rotated_at.as_secs(),
                ":created_at": session.created_at.as_secs(),
                ":expires_at": session.expires_at.as_secs(),
                ":refresh_expires_at": session.refresh_expires_at.as_secs(),
            })
        })
        .map_err(unavailable)?;
    Ok(())
}

pub(super) fn find(db: &Connection, id: SessionId) -> Result<Option<SessionRecord>, StoreError> {
    let mut select = db
        .prepare_cached("SELECT * FROM sessions WHERE id = ?")
        .map_err(unavailable)?;
    let mut rows = select.query([id.as_i64()]).map_err(unavailable)?;
    let row = rows.next().map_err(unavailable)?;
    row.map(read).transpose()
}

pub(super) fn read(row: &rusqlite::Row<'_>) -> Result<SessionRecord, StoreError> {
    let columns = Columns::of("sessions", row);
    Ok(SessionRecord {
        id: SessionId::from_i64(columns.get("id")?),
        did: columns.parse("did")?,
        client_id: columns.parse("client_id")?,
        jkt: Jkt::from_bytes(columns.get("jkt")?),
        client_key: columns.json("client_key")?,
        scope: columns.parse("scope")?,
        generation: columns.get("generation")?,
        rotated_at: columns.time("rotated_at")?,
        created_at: columns.time("created_at")?,
        expires_at: columns.time("expires_at")?,
        refresh_expires_at: columns.time("refresh_expires_at")?,
        ended: ended(&columns)?,
    })
}

fn ended(columns: &Columns<'_>) -> Result<Option<(UnixTime, EndReason)>, StoreError> {
    let at = columns.time_if("ended_at")?;
    let reason: Option<String> = columns.get("end_reason")?;
    match (at, reason) {
        (None, None) => Ok(None),
        (Some(at), Some(word)) => {
            let known = EndReason::ALL
                .into_iter()
                .find(|reason| reason.as_str() == word);
            let reason = known.ok_or_else(|| columns.corrupt("end_reason", word))?;
            Ok(Some((at, reason)))
        }
        (Some(_), None) | (None, Some(_)) => {
            Err(columns.corrupt("ended_at", "without its other half"))
        }
    }
}

/// The compare-and-swap; and only where it doesn't win, the rule.
pub(super) fn rotate(db: &Connection, rotation: &Rotation) -> Result<RefreshDecision, StoreError> {
    let sql = "UPDATE sessions SET generation = generation + 1, rotated_at = :now, refresh_expires_at = :refresh_expires_at
        WHERE id = :id AND generation = :presented AND generation < 4294967295
            AND ended_at IS NULL AND expires_at > :now AND refresh_expires_at > :now";
    // Without RETURNING: for that SQLite copies every page that it is about to change.
    let rotated = db
        .prepare_cached(sql)
        .and_then(|mut update| {
            update.execute(named_params! {
                ":id": rotation.session.as_i64(),
                ":presented": rotation.presented,
                ":now": rotation.now.as_secs(),
                ":refresh_expires_at": rotation.refresh_expires_at.as_secs(),
            })
        })
        .map_err(unavailable)?;
    if rotated > 0 {
        let generation = rotation.presented.saturating_add(1);
        return Ok(RefreshDecision::Rotated { generation });
    }
    let row = find(db, rotation.session)?;
    let decision = decide(
        row.as_ref(),
        rotation.presented,
        rotation.now,
        rotation.recovery,
    );
    match decision {
        RefreshDecision::Replayed => {
            end(db, rotation.session, EndReason::Replayed, rotation.now)?;
        }
        RefreshDecision::Rotated { .. } => {
            return Err(StoreError::Corrupt {
                table: "sessions",
                detail: "the rule and the statement disagree on a rotation".into(),
            });
        }
        RefreshDecision::Repeated { .. }
        | RefreshDecision::Ended
        | RefreshDecision::Expired
        | RefreshDecision::Unknown
        | RefreshDecision::AssertionUsed => {}
    }
    Ok(decision)
}

pub(super) fn end(
    db: &Connection,
    id: SessionId,
    reason: EndReason,
    now: UnixTime,
) -> Result<bool, StoreError> {
    let sql = "UPDATE sessions SET ended_at = ?, end_reason = ? WHERE id = ? AND ended_at IS NULL";
    let ended = db
        .prepare_cached(sql)
        .and_then(|mut update| update.execute(params![now.as_secs(), reason.as_str(), id.as_i64()]))
        .map_err(unavailable)?;
    if ended > 0 && matches!(reason, EndReason::Owner | EndReason::Operator) {
        approvals::forget_of_session(db, id)?;
    }
    Ok(ended > 0)
}

/// Ends all sessions of an account. Returns which.
pub(super) fn end_all(
    db: &Connection,
    did: &Did,
    reason: EndReason,
    now: UnixTime,
) -> Result<Vec<SessionId>, StoreError> {
    let sql = "UPDATE sessions SET ended_at = ?, end_reason = ? WHERE did = ? AND ended_at IS NULL RETURNING id";
    let mut update = db.prepare_cached(sql).map_err(unavailable)?;
    let rows = update.query_map(
        params![now.as_secs(), reason.as_str(), did.as_str()],
        |row| row.get(0),
    );
    let ids = rows
        .and_then(Iterator::collect::<rusqlite::Result<Vec<i64>>>)
        .map_err(unavailable)?;
    Ok(ids.into_iter().map(SessionId::from_i64).collect())
}

pub(super) fn ended_after(
    db: &Connection,
    after: EndedCursor,
    limit: u32,
) -> Result<Vec<(SessionId, UnixTime)>, StoreError> {
    let sql = "SELECT id, ended_at FROM sessions
        WHERE ended_at IS NOT NULL AND (ended_at, id) > (?, ?) ORDER BY ended_at, id LIMIT ?";
    let mut select = db.prepare_cached(sql).map_err(unavailable)?;
    let place = params![after.at.as_secs(), after.session.as_i64(), limit];
    let rows = select.query_map(place, |row| {
        Ok((
            SessionId::from_i64(row.get(0)?),
            UnixTime::from_secs(row.get(1)?),
        ))
    });
    rows.and_then(Iterator::collect).map_err(unavailable)
}

pub(super) fn of_account(
    db: &Connection,
    did: &Did,
    now: UnixTime,
) -> Result<Vec<SessionRecord>, StoreError> {
    let sql = "SELECT * FROM sessions WHERE did = ? AND ended_at IS NULL AND expires_at > ? ORDER BY created_at DESC, id";
    let mut select = db.prepare_cached(sql).map_err(unavailable)?;
    let mut rows = select
        .query(params![did.as_str(), now.as_secs()])
        .map_err(unavailable)?;
    let mut sessions = Vec::new();
    while let Some(row) = rows.next().map_err(unavailable)? {
        sessions.push(read(row)?);
    }
    Ok(sessions)
}

pub(super) fn sweep(db: &Connection, now: UnixTime, batch: u32) -> Result<usize, StoreError> {
    let until = now.plus(-MEMORY).as_secs();
    let delete = |sql: &str, batch: u32| {
        db.prepare_cached(sql)
            .and_then(|mut delete| delete.execute(params![until, batch]))
            .map_err(unavailable)
    };
    let ended = delete(
        "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE ended_at <= ? LIMIT ?)",
        batch,
    )?;
    let expired =
        "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE expires_at <= ? LIMIT ?)";
    let left = batch.saturating_sub(u32::try_from(ended).unwrap_or(batch));
    Ok(ended + delete(expired, left)?)
}
