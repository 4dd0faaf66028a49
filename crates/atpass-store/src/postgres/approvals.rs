//! What an account last granted to a client.

use atpass_protocol::id::{ClientId, Did};
use atpass_protocol::scope::ScopeSet;
use atpass_protocol::time::UnixTime;
use deadpool_postgres::GenericClient;

use super::pool::{Failure, delete_batch, query_opt};
use super::row::Columns;

/// Seconds for which an approval stands without being given again: as long as a session of a
/// confidential client may last.
const MEMORY: i64 = 730 * 24 * 60 * 60;

pub(super) async fn find(
    db: &impl GenericClient,
    did: &Did,
    client_id: &ClientId,
) -> Result<Option<ScopeSet>, Failure> {
    let sql = "SELECT scope FROM approvals WHERE did = $1 AND client_id = $2";
    let row = query_opt(db, sql, &[&did.as_str(), &client_id.as_str()]).await?;
    let Some(row) = row else { return Ok(None) };
    let columns = Columns {
        table: "approvals",
        row: &row,
    };
    Ok(Some(columns.parse("scope")?))
}

pub(super) async fn sweep(
    db: &impl GenericClient,
    now: UnixTime,
    batch: u32,
) -> Result<usize, Failure> {
    let sql = "DELETE FROM approvals WHERE (did, client_id) IN (
        SELECT did, client_id FROM approvals WHERE approved_at <= $1 LIMIT $2
        FOR UPDATE SKIP LOCKED)";
    delete_batch(db, sql, now.plus(-MEMORY), batch).await
}
