//! What scopes of access tokens stand for, where the scope itself would be too long.

use atpass_protocol::time::UnixTime;
use deadpool_postgres::GenericClient;

use super::pool::{Failure, delete_batch, execute, query_opt};

pub(super) async fn keep(
    db: &impl GenericClient,
    reference: &str,
    scope: &str,
    until: UnixTime,
) -> Result<(), Failure> {
    let sql = "INSERT INTO scope_references AS kept (reference, scope, used_until)
        VALUES ($1, $2, $3) ON CONFLICT (reference)
        DO UPDATE SET used_until = greatest(kept.used_until, excluded.used_until)";
    execute(db, sql, &[&reference, &scope, &until.as_secs()]).await?;
    Ok(())
}

pub(super) async fn find(
    db: &impl GenericClient,
    reference: &str,
) -> Result<Option<String>, Failure> {
    let sql = "SELECT scope FROM scope_references WHERE reference = $1";
    let row = query_opt(db, sql, &[&reference]).await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}

pub(super) async fn sweep(
    db: &impl GenericClient,
    now: UnixTime,
    batch: u32,
) -> Result<usize, Failure> {
    let sql = "DELETE FROM scope_references WHERE reference IN (
        SELECT reference FROM scope_references WHERE used_until <= $1 LIMIT $2
        FOR UPDATE SKIP LOCKED)";
    delete_batch(db, sql, now, batch).await
}
