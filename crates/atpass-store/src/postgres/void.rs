//! What becomes void when a database goes back in time.

use atpass_protocol::time::UnixTime;
use atpass_provider::store::StoreError;

use super::PostgresStore;
use super::pool::{Failure, rows};
use crate::replay::ERA;
use crate::void::{VOID, Voided};

impl PostgresStore {
    /// Makes void, in one act, all that could have been used up or taken away by servers that ran on later data
    /// than these: for a database that PostgreSQL's own tools have restored. What that is stands at
    /// [`SqliteStore::void_spent`](crate::SqliteStore::void_spent); the era of proofs ends as well, because
    /// some that were seen may be forgotten. No server may run on it meanwhile.
    pub async fn void_spent(&self, now: UnixTime) -> Result<Voided, StoreError> {
        // Takes as long as it takes, so on a connection that nobody gets afterwards.
        let mut connection = self.own_connection().await?;
        let mut void = async || {
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
            Ok::<_, Failure>(voided)
        };
        Ok(void().await?)
    }
}
