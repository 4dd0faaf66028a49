//! Pushed requests, and the codes that they become.

use atpass_protocol::jose::Jkt;
use atpass_protocol::pkce::CodeChallenge;
use atpass_protocol::time::UnixTime;
use atpass_protocol::token::SessionId;
use atpass_provider::store::{
    AlreadyUsed, ApproveOutcome, AssertionUse, CodeRecord, ConsumeOutcome, Digest32, RequestRecord,
    SessionRecord,
};
use deadpool_postgres::{GenericClient, Transaction};

use super::pool::{Failure, delete_batch, execute, query_one, query_opt, unavailable};
use super::row::{Columns, to_json};
use super::seen;

/// Seconds for which a code is remembered, and with it its challenge and state.
const CODE_MEMORY: i64 = 24 * 60 * 60;

pub(super) async fn push(
    db: &impl GenericClient,
    record: &RequestRecord,
) -> Result<Option<AlreadyUsed>, Failure> {
    let request = serde_json::to_string(&record.request).map_err(unavailable)?;
    let client_key = to_json(record.client_key.as_ref())?;
    let sql = "WITH used AS (
            SELECT EXISTS (SELECT FROM codes WHERE challenge = $7) AS challenge,
                EXISTS (SELECT FROM codes WHERE client_id = $8 AND state = $9) AS state
        ), pushed AS (
            INSERT INTO requests (id, request, jkt, client_key, created_at, expires_at)
            SELECT $1::bytea, $2::text, $3::bytea, $4::text, $5::bigint, $6::bigint
            FROM used WHERE NOT (challenge OR state)
        )
        SELECT challenge, state FROM used";
    let row = query_one(
        db,
        sql,
        &[
            &record.id.as_slice(),
            &request,
            &record.jkt.as_bytes().as_slice(),
            &client_key,
            &record.created_at.as_secs(),
            &record.expires_at.as_secs(),
            &record.request.code_challenge.as_bytes().as_slice(),
            &record.request.client_id.as_str(),
            &record.state_digest().as_slice(),
        ],
    )
    .await?;
    Ok(match (row.try_get(0)?, row.try_get(1)?) {
        (true, _) => Some(AlreadyUsed::Challenge),
        (false, true) => Some(AlreadyUsed::State),
        (false, false) => None,
    })
}

/// The same with an assertion that it uses up.
pub(super) async fn push_with(
    db: &Transaction<'_>,
    record: &RequestRecord,
    assertion: &AssertionUse,
) -> Result<Option<AlreadyUsed>, Failure> {
    if !seen::first_use(db, assertion, record.created_at).await? {
        return Ok(Some(AlreadyUsed::Assertion));
    }
    push(db, record).await
}

pub(super) async fn find(
    db: &impl GenericClient,
    id: &Digest32,
    now: UnixTime,
) -> Result<Option<RequestRecord>, Failure> {
    let sql = "SELECT id, request, jkt, client_key, created_at, expires_at
        FROM requests WHERE id = $1 AND expires_at > $2";
    let row = query_opt(db, sql, &[&id.as_slice(), &now.as_secs()]).await?;
    let Some(row) = row else { return Ok(None) };
    let columns = Columns {
        table: "requests",
        row: &row,
    };
    let request: &str = columns.get("request")?;
    Ok(Some(RequestRecord {
        id: columns.digest("id")?,
        request: serde_json::from_str(request)
            .map_err(|error| columns.corrupt("request", error))?,
        jkt: Jkt::from_bytes(columns.digest("jkt")?),
        client_key: columns.json("client_key")?,
        created_at: columns.time("created_at")?,
        expires_at: columns.time("expires_at")?,
    }))
}

/// One statement. Of two that come with the same challenge the later one breaks the table's constraint; tried
/// again, it finds the challenge used.
pub(super) async fn approve(
    db: &impl GenericClient,
    request: &Digest32,
    code: &CodeRecord,
) -> Result<ApproveOutcome, Failure> {
    let client_key = to_json(code.client_key.as_ref())?;
    let sql = "WITH used AS (
            SELECT FROM codes WHERE challenge = $5
        ), closed AS (
            DELETE FROM requests WHERE id = $1 AND expires_at > $11 AND NOT EXISTS (SELECT FROM used)
            RETURNING true
        ), issued AS (
            INSERT INTO codes (id, client_id, redirect_uri, challenge, state, jkt, client_key, did,
                scope, created_at, expires_at)
            SELECT $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12 FROM closed
        ), remembered AS (
            INSERT INTO approvals (did, client_id, scope, approved_at)
            SELECT $9, $3, $10, $11 FROM closed
            ON CONFLICT (did, client_id)
            DO UPDATE SET scope = excluded.scope, approved_at = excluded.approved_at
        )
        SELECT EXISTS (SELECT FROM used), EXISTS (SELECT FROM closed)";
    let row = query_one(
        db,
        sql,
        &[
            &request.as_slice(),
            &code.id.as_slice(),
            &code.client_id.as_str(),
            &code.redirect_uri.as_str(),
            &code.challenge.as_bytes().as_slice(),
            &code.state.as_slice(),
            &code.jkt.as_bytes().as_slice(),
            &client_key,
            &code.did.as_str(),
            &code.scope.to_string(),
            &code.created_at.as_secs(),
            &code.expires_at.as_secs(),
        ],
    )
    .await?;
    Ok(match (row.try_get(0)?, row.try_get(1)?) {
        (true, _) => ApproveOutcome::ChallengeUsed,
        (false, true) => ApproveOutcome::Issued,
        (false, false) => ApproveOutcome::RequestGone,
    })
}

pub(super) async fn close(
    db: &impl GenericClient,
    request: &Digest32,
    now: UnixTime,
) -> Result<bool, Failure> {
    let sql = "DELETE FROM requests WHERE id = $1 AND expires_at > $2";
    let closed = execute(db, sql, &[&request.as_slice(), &now.as_secs()]).await?;
    Ok(closed > 0)
}

pub(super) async fn find_code(
    db: &impl GenericClient,
    id: &Digest32,
) -> Result<Option<CodeRecord>, Failure> {
    let sql = "SELECT id, client_id, redirect_uri, challenge, state, jkt, client_key, did, scope,
        created_at, expires_at, session FROM codes WHERE id = $1";
    let Some(row) = query_opt(db, sql, &[&id.as_slice()]).await? else {
        return Ok(None);
    };
    let columns = Columns {
        table: "codes",
        row: &row,
    };
    let session: Option<i64> = columns.get("session")?;
    Ok(Some(CodeRecord {
        id: columns.digest("id")?,
        client_id: columns.parse("client_id")?,
        redirect_uri: columns.parse("redirect_uri")?,
        challenge: CodeChallenge::from_bytes(columns.digest("challenge")?),
        state: columns.digest("state")?,
        jkt: Jkt::from_bytes(columns.digest("jkt")?),
        client_key: columns.json("client_key")?,
        did: columns.parse("did")?,
        scope: columns.parse("scope")?,
        created_at: columns.time("created_at")?,
        expires_at: columns.time("expires_at")?,
        session: session.map(SessionId::from_i64),
    }))
}

/// One statement for the one who wins. Whoever doesn't reads afterwards for whom it was: that never changes
/// any more.
pub(super) async fn consume_code(
    db: &impl GenericClient,
    code: &Digest32,
    session: &SessionRecord,
    now: UnixTime,
) -> Result<ConsumeOutcome, Failure> {
    let client_key = to_json(session.client_key.as_ref())?;
    let sql = "WITH won AS (
            UPDATE codes SET session = $2 WHERE id = $1 AND session IS NULL AND expires_at > $3
            RETURNING true
        ), begun AS (
            INSERT INTO sessions (id, did, client_id, jkt, client_key, scope, generation, rotated_at,
                created_at, expires_at, refresh_expires_at)
            SELECT $2, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13 FROM won
        )
        SELECT EXISTS (SELECT FROM won)";
    let row = query_one(
        db,
        sql,
        &[
            &code.as_slice(),
            &session.id.as_i64(),
            &now.as_secs(),
            &session.did.as_str(),
            &session.client_id.as_str(),
            &session.jkt.as_bytes().as_slice(),
            &client_key,
            &session.scope.to_string(),
            &i64::from(session.generation),
            &session.rotated_at.as_secs(),
            &session.created_at.as_secs(),
            &session.expires_at.as_secs(),
            &session.refresh_expires_at.as_secs(),
        ],
    )
    .await?;
    if row.try_get(0)? {
        return Ok(ConsumeOutcome::Consumed);
    }
    let select = "SELECT session FROM codes WHERE id = $1";
    let row = query_opt(db, select, &[&code.as_slice()]).await?;
    let session: Option<i64> = match row {
        Some(row) => row.try_get(0)?,
        None => None,
    };
    Ok(match session {
        Some(session) => ConsumeOutcome::AlreadyConsumed(SessionId::from_i64(session)),
        None => ConsumeOutcome::Gone,
    })
}

/// The same with an assertion that it uses up.
pub(super) async fn consume_code_with(
    db: &Transaction<'_>,
    code: &Digest32,
    session: &SessionRecord,
    assertion: &AssertionUse,
    now: UnixTime,
) -> Result<ConsumeOutcome, Failure> {
    if !seen::first_use(db, assertion, now).await? {
        return Ok(ConsumeOutcome::AssertionUsed);
    }
    consume_code(db, code, session, now).await
}

/// Expired requests, and codes past their memory.
pub(super) async fn sweep(
    db: &impl GenericClient,
    now: UnixTime,
    batch: u32,
) -> Result<(usize, usize), Failure> {
    let requests = "DELETE FROM requests WHERE id IN (
        SELECT id FROM requests WHERE expires_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED)";
    let codes = "DELETE FROM codes WHERE id IN (
        SELECT id FROM codes WHERE created_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED)";
    let requests = delete_batch(db, requests, now, batch).await?;
    let codes = delete_batch(db, codes, now.plus(-CODE_MEMORY), batch).await?;
    Ok((requests, codes))
}
