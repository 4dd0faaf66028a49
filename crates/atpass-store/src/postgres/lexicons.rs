//! Permission sets as they were last resolved.

use async_trait::async_trait;
use atpass_protocol::id::Nsid;
use atpass_provider::lexicons::{KeptLexicon, LexiconStore, LexiconStoreError};
use deadpool_postgres::GenericClient;

use super::PostgresStore;
use super::pool::{Failure, execute, query_opt, run};
use super::row::Columns;

/// The most that are kept. Strangers choose the names; of those that are in use each is resolved
/// once a day, so the oldest are the ones that nobody misses.
const MOST: i64 = 5000;

#[async_trait]
impl LexiconStore for PostgresStore {
    async fn get(&self, nsid: &Nsid) -> Result<Option<KeptLexicon>, LexiconStoreError> {
        let found = run!(self, |db| find(db, nsid));
        found.map_err(|error| LexiconStoreError(error.to_string()))
    }

    async fn put(&self, nsid: &Nsid, kept: &KeptLexicon) -> Result<(), LexiconStoreError> {
        let done = run!(self, |db| keep(db, nsid, kept));
        done.map_err(|error| LexiconStoreError(error.to_string()))
    }
}

async fn find(db: &impl GenericClient, nsid: &Nsid) -> Result<Option<KeptLexicon>, Failure> {
    let sql = "SELECT did, cid, document, resolved_at FROM lexicons WHERE nsid = $1";
    let Some(row) = query_opt(db, sql, &[&nsid.as_str()]).await? else {
        return Ok(None);
    };
    let columns = Columns {
        table: "lexicons",
        row: &row,
    };
    Ok(Some(KeptLexicon {
        resolved_at: columns.time("resolved_at")?,
        did: columns.parse("did")?,
        cid: columns.parse("cid")?,
        document: columns.get("document")?,
    }))
}

async fn keep(db: &impl GenericClient, nsid: &Nsid, kept: &KeptLexicon) -> Result<(), Failure> {
    let upsert = "INSERT INTO lexicons (nsid, did, cid, document, resolved_at)
        VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (nsid) DO UPDATE SET did = excluded.did, cid = excluded.cid,
            document = excluded.document, resolved_at = excluded.resolved_at";
    execute(
        db,
        upsert,
        &[
            &nsid.as_str(),
            &kept.did.as_str(),
            &kept.cid.to_string(),
            &kept.document,
            &kept.resolved_at.as_secs(),
        ],
    )
    .await?;
    let make_room = "DELETE FROM lexicons WHERE nsid IN
        (SELECT nsid FROM lexicons ORDER BY resolved_at DESC, nsid OFFSET $1)";
    execute(db, make_room, &[&MOST]).await?;
    Ok(())
}
