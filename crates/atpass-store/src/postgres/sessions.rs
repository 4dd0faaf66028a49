//! Sessions: one row each, found by its number and updated in place.

use atpass_protocol::id::Did;
use atpass_protocol::jose::Jkt;
use atpass_protocol::revocation::EndedCursor;
use atpass_protocol::time::UnixTime;
use atpass_protocol::token::SessionId;
use atpass_provider::refresh::{RefreshDecision, decide};
use atpass_provider::store::{AssertionUse, EndReason, Rotation, SessionRecord, StoreError};
use deadpool_postgres::{GenericClient, Transaction};
use tokio_postgres::Row;

use super::pool::{Failure, execute, query, query_one, query_opt, rows};
use super::row::Columns;
use super::seen;

/// Seconds for which a session is remembered after its end.
const MEMORY: i64 = 30 * 24 * 60 * 60;

/// Every column by name: a statement that was prepared before a migration stays good after it.
macro_rules! columns {
    () => {
        "id, did, client_id, jkt, client_key, scope, generation, rotated_at, created_at, expires_at,
        refresh_expires_at, ended_at, end_reason"
    };
}
pub(super) use columns;

pub(super) async fn find(
    db: &impl GenericClient,
    id: SessionId,
) -> Result<Option<SessionRecord>, Failure> {
    let sql = concat!("SELECT ", columns!(), " FROM sessions WHERE id = $1");
    let row = query_opt(db, sql, &[&id.as_i64()]).await?;
    Ok(row.as_ref().map(read).transpose()?)
}

pub(super) fn read(row: &Row) -> Result<SessionRecord, StoreError> {
    let columns = Columns {
        table: "sessions",
        row,
    };
    let ended_at = columns.time_if("ended_at")?;
    let reason: Option<&str> = columns.get("end_reason")?;
    let ended = match (ended_at, reason) {
        (None, None) => None,
        (Some(at), Some(word)) => {
            let known = EndReason::ALL
                .into_iter()
                .find(|reason| reason.as_str() == word);
            let reason = known.ok_or_else(|| columns.corrupt("end_reason", word))?;
            Some((at, reason))
        }
        (Some(_), None) | (None, Some(_)) => {
            return Err(columns.corrupt("ended_at", "without its other half"));
        }
    };
    Ok(SessionRecord {
        id: columns.session("id")?,
        did: columns.parse("did")?,
        client_id: columns.parse("client_id")?,
        jkt: Jkt::from_bytes(columns.digest("jkt")?),
        client_key: columns.json("client_key")?,
        scope: columns.parse("scope")?,
        generation: columns.generation()?,
        rotated_at: columns.time("rotated_at")?,
        created_at: columns.time("created_at")?,
        expires_at: columns.time("expires_at")?,
        refresh_expires_at: columns.time("refresh_expires_at")?,
        ended,
    })
}

/// The compare-and-swap. `None` where it didn't win.
pub(super) async fn swap(
    db: &impl GenericClient,
    rotation: &Rotation,
) -> Result<Option<RefreshDecision>, Failure> {
    let sql = "UPDATE sessions
        SET generation = generation + 1, rotated_at = $3, refresh_expires_at = $4
        WHERE id = $1 AND generation = $2 AND generation < 4294967295
            AND ended_at IS NULL AND expires_at > $3 AND refresh_expires_at > $3
        RETURNING generation";
    let row = query_opt(
        db,
        sql,
        &[
            &rotation.session.as_i64(),
            &i64::from(rotation.presented),
            &rotation.now.as_secs(),
            &rotation.refresh_expires_at.as_secs(),
        ],
    )
    .await?;
    let Some(row) = row else { return Ok(None) };
    let columns = Columns {
        table: "sessions",
        row: &row,
    };
    let generation = columns.generation()?;
    Ok(Some(RefreshDecision::Rotated { generation }))
}

/// Uses the assertion up, and does both in the same transaction: the swap, and where it doesn't win, the rule.
pub(super) async fn rotate_with(
    db: &Transaction<'_>,
    rotation: &Rotation,
    assertion: &AssertionUse,
) -> Result<RefreshDecision, Failure> {
    if !seen::first_use(db, assertion, rotation.now).await? {
        return Ok(RefreshDecision::AssertionUsed);
    }
    match swap(db, rotation).await? {
        Some(decision) => Ok(decision),
        None => decide_and_do(db, rotation).await,
    }
}

/// The rule, on the row that nobody else changes meanwhile.
pub(super) async fn decide_and_do(
    db: &Transaction<'_>,
    rotation: &Rotation,
) -> Result<RefreshDecision, Failure> {
    let sql = concat!(
        "SELECT ",
        columns!(),
        " FROM sessions WHERE id = $1 FOR UPDATE"
    );
    let row = query_opt(db, sql, &[&rotation.session.as_i64()]).await?;
    let row = row.as_ref().map(read).transpose()?;
    let decision = decide(
        row.as_ref(),
        rotation.presented,
        rotation.now,
        rotation.recovery,
    );
    match decision {
        RefreshDecision::Replayed => {
            end(db, rotation.session, EndReason::Replayed, rotation.now).await?;
        }
        // It became the current one since.
        RefreshDecision::Rotated { .. } => {
            return swap(db, rotation).await?.ok_or_else(|| {
                Failure::Store(StoreError::Corrupt {
                    table: "sessions",
                    detail: "the rule and the statement disagree on a rotation".into(),
                })
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

pub(super) async fn end(
    db: &impl GenericClient,
    id: SessionId,
    reason: EndReason,
    now: UnixTime,
) -> Result<bool, Failure> {
    let sql = "WITH ended AS (
            UPDATE sessions SET ended_at = $2, end_reason = $3 WHERE id = $1 AND ended_at IS NULL
            RETURNING did, client_id
        ), forgotten AS (
            DELETE FROM approvals USING ended
            WHERE $4 AND approvals.did = ended.did AND approvals.client_id = ended.client_id
        )
        SELECT EXISTS (SELECT FROM ended)";
    let for_good = matches!(reason, EndReason::Owner | EndReason::Operator);
    let row = query_one(
        db,
        sql,
        &[&id.as_i64(), &now.as_secs(), &reason.as_str(), &for_good],
    )
    .await?;
    Ok(row.try_get(0)?)
}

/// Ends all sessions of an account. Returns which.
pub(super) async fn end_all(
    db: &impl GenericClient,
    did: &Did,
    reason: EndReason,
    now: UnixTime,
) -> Result<Vec<SessionId>, Failure> {
    let sql = "UPDATE sessions SET ended_at = $1, end_reason = $2
        WHERE did = $3 AND ended_at IS NULL RETURNING id";
    let rows = query(db, sql, &[&now.as_secs(), &reason.as_str(), &did.as_str()]).await?;
    let id = |row: Row| Ok(SessionId::from_i64(row.try_get(0)?));
    rows.into_iter().map(id).collect()
}

pub(super) async fn ended_after(
    db: &impl GenericClient,
    after: EndedCursor,
    limit: u32,
) -> Result<Vec<(SessionId, UnixTime)>, Failure> {
    let sql = "SELECT id, ended_at FROM sessions
        WHERE ended_at IS NOT NULL AND (ended_at, id) > ($1, $2) ORDER BY ended_at, id LIMIT $3";
    let rows = query(
        db,
        sql,
        &[
            &after.at.as_secs(),
            &after.session.as_i64(),
            &i64::from(limit),
        ],
    )
    .await?;
    let ended = |row: Row| {
        let (id, at) = (row.try_get(0)?, row.try_get(1)?);
        Ok((SessionId::from_i64(id), UnixTime::from_secs(at)))
    };
    rows.into_iter().map(ended).collect()
}

pub(super) async fn of_account(
    db: &impl GenericClient,
    did: &Did,
    now: UnixTime,
) -> Result<Vec<SessionRecord>, Failure> {
    let sql = concat!(
        "SELECT ",
        columns!(),
        " FROM sessions WHERE did = $1 AND ended_at IS NULL AND expires_at > $2
        ORDER BY created_at DESC, id"
    );
    let rows = query(db, sql, &[&did.as_str(), &now.as_secs()]).await?;
    let sessions: Result<_, _> = rows.iter().map(read).collect();
    Ok(sessions?)
}

pub(super) async fn sweep(
    db: &impl GenericClient,
    now: UnixTime,
    batch: u32,
) -> Result<usize, Failure> {
    let until = now.plus(-MEMORY).as_secs();
    let mut left = i64::from(batch);
    let mut swept = 0;
    for sql in [
        "DELETE FROM sessions WHERE id IN (
            SELECT id FROM sessions WHERE ended_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED)",
        "DELETE FROM sessions WHERE id IN (
            SELECT id FROM sessions WHERE expires_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED)",
    ] {
        let gone = execute(db, sql, &[&until, &left]).await?;
        left -= i64::try_from(gone).unwrap_or(left);
        swept += rows(gone);
    }
    Ok(swept)
}
