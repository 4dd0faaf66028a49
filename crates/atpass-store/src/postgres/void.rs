//! What becomes void when a database goes back in time.

use atpass_protocol::time::UnixTime;
use deadpool_postgres::ClientWrapper;

use super::pool::{Failure, rows};
use crate::replay::ERA;
use crate::void::{VOID, Voided};

/// Takes as long as it takes, so on a connection that nobody gets afterwards. No server may run meanwhile. The
/// era of proofs ends as well, because some that were seen may be forgotten.
pub(super) async fn spent(mut connection: ClientWrapper, now: UnixTime) -> Result<Voided, Failure> {
    let db = connection.transaction().await?;
    db.batch_execute("SET LOCAL statement_timeout = 0").await?;
    let mut voided = Voided::default();
    for table in VOID {
        let sql = format!("SELECT count(*) FROM {table}");
        let there: i64 = db.query_one(&sql, &[]).await?.try_get(0)?;
        voided.add(table, rows(there.unsigned_abs()));
    }
    let all = format!("TRUNCATE {}", VOID.join(", "));
    db.batch_execute(&all).await?;
    let sql = "UPDATE accounts
        SET sessions_ended_at = greatest($1, coalesce(sessions_ended_at, 0))";
    db.execute(sql, &[&now.as_secs()]).await?;
    db.execute("DELETE FROM secrets WHERE name = $1", &[&ERA])
        .await?;
    db.commit().await?;
    Ok(voided)
}
