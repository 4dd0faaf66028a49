//! What counts once only: keys that were used, for as long as they would be accepted.

use atpass_protocol::time::UnixTime;
use atpass_provider::store::AssertionUse;
use deadpool_postgres::GenericClient;

use super::pool::{Failure, delete_batch, execute};

/// Uses an assertion up. Returns whether it is the first time.
pub(super) async fn first_use(
    db: &impl GenericClient,
    assertion: &AssertionUse,
    now: UnixTime,
) -> Result<bool, Failure> {
    note(db, &assertion.key, assertion.until, now).await
}

pub(super) async fn note(
    db: &impl GenericClient,
    key: &[u8],
    until: UnixTime,
    now: UnixTime,
) -> Result<bool, Failure> {
    let sql = "INSERT INTO seen (key, expires_at) VALUES ($1, $2)
        ON CONFLICT (key) DO UPDATE SET expires_at = excluded.expires_at WHERE seen.expires_at <= $3";
    let noted = execute(db, sql, &[&key, &until.as_secs(), &now.as_secs()]).await?;
    Ok(noted > 0)
}

pub(super) async fn sweep(
    db: &impl GenericClient,
    now: UnixTime,
    batch: u32,
) -> Result<usize, Failure> {
    let sql = "DELETE FROM seen WHERE key IN (
        SELECT key FROM seen WHERE expires_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED)";
    delete_batch(db, sql, now, batch).await
}
