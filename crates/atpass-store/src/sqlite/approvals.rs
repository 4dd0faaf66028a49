//! What an account last granted to a client.

use atpass_protocol::id::{ClientId, Did};
use atpass_protocol::scope::ScopeSet;
use atpass_protocol::time::UnixTime;
use atpass_protocol::token::SessionId;
use atpass_provider::store::{CodeRecord, StoreError};
use rusqlite::{Connection, params};

use super::row::{Columns, unavailable};

/// Seconds for which an approval stands without being given again: as long as a session of a
/// confidential client may last.
const MEMORY: i64 = 730 * 24 * 60 * 60;

/// The last grant counts, also where it is narrower than the one before.
pub(super) fn remember(db: &Connection, code: &CodeRecord) -> Result<(), StoreError> {
    let sql = "INSERT INTO approvals (did, client_id, scope, approved_at) VALUES (?, ?, ?, ?)
        ON CONFLICT (did, client_id) DO UPDATE SET scope = excluded.scope, approved_at = excluded.approved_at";
    let (did, client_id) = (code.did.as_str(), code.client_id.as_str());
    db.prepare_cached(sql)
        .and_then(|mut upsert| {
            let scope = code.scope.to_string();
            upsert.execute(params![did, client_id, scope, code.created_at.as_secs()])
        })
        .map_err(unavailable)?;
    Ok(())
}

pub(super) fn find(
    db: &Connection,
    did: &Did,
    client_id: &ClientId,
) -> Result<Option<ScopeSet>, StoreError> {
    let sql = "SELECT scope FROM approvals WHERE did = ? AND client_id = ?";
    let mut select = db.prepare_cached(sql).map_err(unavailable)?;
    let mut rows = select
        .query(params![did.as_str(), client_id.as_str()])
        .map_err(unavailable)?;
    let Some(row) = rows.next().map_err(unavailable)? else {
        return Ok(None);
    };
    let columns = Columns::of("approvals", row);
    columns.parse("scope").map(Some)
}

/// Forgets what the client of a session was granted by the session's account.
pub(super) fn forget_of_session(db: &Connection, session: SessionId) -> Result<(), StoreError> {
    let sql = "DELETE FROM approvals WHERE (did, client_id) IN (SELECT did, client_id FROM sessions WHERE id = ?)";
    db.prepare_cached(sql)
        .and_then(|mut delete| delete.execute([session.as_i64()]))
        .map_err(unavailable)?;
    Ok(())
}

pub(super) fn sweep(db: &Connection, now: UnixTime, batch: u32) -> Result<usize, StoreError> {
    let sql = "DELETE FROM approvals WHERE (did, client_id) IN (SELECT did, client_id FROM approvals WHERE approved_at <= ? LIMIT ?)";
    db.prepare_cached(sql)
        .and_then(|mut delete| delete.execute(params![now.plus(-MEMORY).as_secs(), batch]))
        .map_err(unavailable)
}
