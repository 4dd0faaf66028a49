//! Pushed requests, and the codes that they become.

use atpass_protocol::jose::Jkt;
use atpass_protocol::pkce::CodeChallenge;
use atpass_protocol::time::UnixTime;
use atpass_protocol::token::SessionId;
use atpass_provider::store::{
    AlreadyUsed, ApproveOutcome, CodeRecord, ConsumeOutcome, Digest32, RequestRecord,
    SessionRecord, StoreError,
};
use rusqlite::{Connection, OptionalExtension, named_params, params};

use super::row::{Columns, to_json, unavailable};
use super::{approvals, sessions};

/// Seconds for which a code is remembered, and with it its challenge and state.
const CODE_MEMORY: i64 = 24 * 60 * 60;

pub(super) fn push(
    db: &Connection,
    record: &RequestRecord,
) -> Result<Option<AlreadyUsed>, StoreError> {
    let used = already_used(db, record)?;
    if used.is_some() {
        return Ok(used);
    }
    let request = serde_json::to_string(&record.request).map_err(unavailable)?;
    let sql = "INSERT INTO requests (id, request, jkt, client_key, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)";
    let client_key = to_json(record.client_key.as_ref())?;
    let (created_at, expires_at) = (record.created_at.as_secs(), record.expires_at.as_secs());
    db.prepare_cached(sql)
        .and_then(|mut insert| {
            insert.execute(params![
                record.id,
                request,
                record.jkt.as_bytes(),
                client_key,
                created_at,
                expires_at
            ])
        })
        .map_err(unavailable)?;
    Ok(None)
}

pub(super) fn find(
    db: &Connection,
    id: &Digest32,
    now: UnixTime,
) -> Result<Option<RequestRecord>, StoreError> {
    let sql = "SELECT * FROM requests WHERE id = ? AND expires_at > ?";
    let mut select = db.prepare_cached(sql).map_err(unavailable)?;
    let mut rows = select
        .query(params![id, now.as_secs()])
        .map_err(unavailable)?;
    let Some(row) = rows.next().map_err(unavailable)? else {
        return Ok(None);
    };
    let columns = Columns::of("requests", row);
    let request: String = columns.get("request")?;
    Ok(Some(RequestRecord {
        id: columns.get("id")?,
        request: serde_json::from_str(&request)
            .map_err(|error| columns.corrupt("request", error))?,
        jkt: Jkt::from_bytes(columns.get("jkt")?),
        client_key: columns.json("client_key")?,
        created_at: columns.time("created_at")?,
        expires_at: columns.time("expires_at")?,
    }))
}

fn already_used(
    db: &Connection,
    record: &RequestRecord,
) -> Result<Option<AlreadyUsed>, StoreError> {
    let request = &record.request;
    let sql = "SELECT EXISTS (SELECT 1 FROM codes WHERE challenge = ?),
        EXISTS (SELECT 1 FROM codes WHERE client_id = ? AND state = ?)";
    let used = db
        .prepare_cached(sql)
        .and_then(|mut select| {
            let (challenge, client_id) = (request.code_challenge.as_bytes(), &request.client_id);
            let values = params![challenge, client_id.as_str(), record.state_digest()];
            select.query_row(values, |row| Ok((row.get(0)?, row.get(1)?)))
        })
        .map_err(unavailable)?;
    Ok(match used {
        (true, _) => Some(AlreadyUsed::Challenge),
        (false, true) => Some(AlreadyUsed::State),
        (false, false) => None,
    })
}

fn challenge_is_used(db: &Connection, challenge: &CodeChallenge) -> Result<bool, StoreError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM codes WHERE challenge = ?)";
    db.prepare_cached(sql)
        .and_then(|mut select| select.query_row([challenge.as_bytes()], |row| row.get(0)))
        .map_err(unavailable)
}

pub(super) fn approve(
    db: &Connection,
    request: &Digest32,
    code: &CodeRecord,
) -> Result<ApproveOutcome, StoreError> {
    if challenge_is_used(db, &code.challenge)? {
        return Ok(ApproveOutcome::ChallengeUsed);
    }
    if !close(db, request, code.created_at)? {
        return Ok(ApproveOutcome::RequestGone);
    }
    let client_key = to_json(code.client_key.as_ref())?;
    let sql = "INSERT INTO codes (id, client_id, redirect_uri, challenge, state, jkt, client_key, did, scope, created_at, expires_at)
        VALUES (:id, :client_id, :redirect_uri, :challenge, :state, :jkt, :client_key, :did, :scope, :created_at, :expires_at)";
    db.prepare_cached(sql)
        .and_then(|mut insert| {
            insert.execute(named_params! {
                ":id": code.id,
                ":client_id": code.client_id.as_str(),
                ":redirect_uri": code.redirect_uri.as_str(),
                ":challenge": code.challenge.as_bytes(),
                ":state": code.state,
                ":jkt": code.jkt.as_bytes(),
                ":client_key": client_key,
                ":did": code.did.as_str(),
                ":scope": code.scope.to_string(),
                ":created_at": code.created_at.as_secs(),
                ":expires_at": code.expires_at.as_secs(),
            })
        })
        .map_err(unavailable)?;
    approvals::remember(db, code)?;
    Ok(ApproveOutcome::Issued)
}

pub(super) fn close(
    db: &Connection,
    request: &Digest32,
    now: UnixTime,
) -> Result<bool, StoreError> {
    let sql = "DELETE FROM requests WHERE id = ? AND expires_at > ?";
    let closed = db
        .prepare_cached(sql)
        .and_then(|mut delete| delete.execute(params![request, now.as_secs()]))
        .map_err(unavailable)?;
    Ok(closed > 0)
}

pub(super) fn find_code(db: &Connection, id: &Digest32) -> Result<Option<CodeRecord>, StoreError> {
    let mut select = db
        .prepare_cached("SELECT * FROM codes WHERE id = ?")
        .map_err(unavailable)?;
    let mut rows = select.query([id]).map_err(unavailable)?;
    let Some(row) = rows.next().map_err(unavailable)? else {
        return Ok(None);
    };
    let columns = Columns::of("codes", row);
    Ok(Some(CodeRecord {
        id: columns.get("id")?,
        client_id: columns.parse("client_id")?,
        redirect_uri: columns.parse("redirect_uri")?,
        challenge: CodeChallenge::from_bytes(columns.get("challenge")?),
        state: columns.get("state")?,
        jkt: Jkt::from_bytes(columns.get("jkt")?),
        client_key: columns.json("client_key")?,
        did: columns.parse("did")?,
        scope: columns.parse("scope")?,
        created_at: columns.time("created_at")?,
        expires_at: columns.time("expires_at")?,
        session: columns
            .get::<Option<i64>>("session")?
            .map(SessionId::from_i64),
    }))
}

pub(super) fn consume_code(
    db: &Connection,
    code: &Digest32,
    session: &SessionRecord,
    now: UnixTime,
) -> Result<ConsumeOutcome, StoreError> {
    let sql = "SELECT session, expires_at FROM codes WHERE id = ?";
    let found: Option<(Option<i64>, i64)> = db
        .prepare_cached(sql)
        .and_then(|mut select| {
            select
                .query_row([code], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()
        })
        .map_err(unavailable)?;
    match found {
        Some((Some(session), _)) => Ok(ConsumeOutcome::AlreadyConsumed(SessionId::from_i64(
            session,
        ))),
        Some((None, expires_at)) if now.as_secs() < expires_at => {
            sessions::insert(db, session)?;
            db.prepare_cached("UPDATE codes SET session = ? WHERE id = ?")
                .and_then(|mut update| update.execute(params![session.id.as_i64(), code]))
                .map_err(unavailable)?;
            Ok(ConsumeOutcome::Consumed)
        }
        Some((None, _)) | None => Ok(ConsumeOutcome::Gone),
    }
}

/// Expired requests, and codes past their memory.
pub(super) fn sweep(
    db: &Connection,
    now: UnixTime,
    batch: u32,
) -> Result<(usize, usize), StoreError> {
    let delete = |sql: &str, until: UnixTime| {
        db.prepare_cached(sql)
            .and_then(|mut delete| delete.execute(params![until.as_secs(), batch]))
            .map_err(unavailable)
    };
    let requests =
        "DELETE FROM requests WHERE id IN (SELECT id FROM requests WHERE expires_at <= ? LIMIT ?)";
    let codes =
        "DELETE FROM codes WHERE id IN (SELECT id FROM codes WHERE created_at <= ? LIMIT ?)";
    Ok((
        delete(requests, now)?,
        delete(codes, now.plus(-CODE_MEMORY))?,
    ))
}
