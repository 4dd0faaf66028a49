//! Permission sets as they were last resolved.

use async_trait::async_trait;
use atpass_protocol::id::Nsid;
use atpass_provider::lexicons::{KeptLexicon, LexiconStore, LexiconStoreError};
use atpass_provider::store::StoreError;
use rusqlite::{Connection, params};

use super::SqliteStore;
use super::row::{Columns, unavailable};

/// The most that are kept. Strangers choose the names; of those that are in use each is resolved
/// once a day, so the oldest are the ones that nobody misses.
const MOST: u32 = 5000;

#[async_trait]
impl LexiconStore for SqliteStore {
    async fn get(&self, nsid: &Nsid) -> Result<Option<KeptLexicon>, LexiconStoreError> {
        let nsid = nsid.clone();
        let found = self.read(move |db| find(db, &nsid)).await;
        found.map_err(|error| LexiconStoreError(error.to_string()))
    }

    async fn put(&self, nsid: &Nsid, kept: &KeptLexicon) -> Result<(), LexiconStoreError> {
        let (nsid, kept) = (nsid.clone(), kept.clone());
        let done = self.write(move |db| keep(db, &nsid, &kept)).await;
        done.map_err(|error| LexiconStoreError(error.to_string()))
    }
}

fn find(db: &Connection, nsid: &Nsid) -> Result<Option<KeptLexicon>, StoreError> {
    let mut select = db
        .prepare_cached("SELECT * FROM lexicons WHERE nsid = ?")
        .map_err(unavailable)?;
    let mut rows = select.query([nsid.as_str()]).map_err(unavailable)?;
    let Some(row) = rows.next().map_err(unavailable)? else {
        return Ok(None);
    };
    let columns = Columns::of("lexicons", row);
    Ok(Some(KeptLexicon {
        resolved_at: columns.time("resolved_at")?,
        did: columns.parse("did")?,
        cid: columns.parse("cid")?,
        document: columns.get("document")?,
    }))
}

fn keep(db: &Connection, nsid: &Nsid, kept: &KeptLexicon) -> Result<(), StoreError> {
    let upsert =
        "INSERT INTO lexicons (nsid, did, cid, document, resolved_at) VALUES (?, ?, ?, ?, ?)
        ON CONFLICT (nsid) DO UPDATE SET did = excluded.did, cid = excluded.cid,
            document = excluded.document, resolved_at = excluded.resolved_at";
    let values = params![
        nsid.as_str(),
        kept.did.as_str(),
        kept.cid.to_string(),
        kept.document,
        kept.resolved_at.as_secs()
    ];
    let make_room = "DELETE FROM lexicons WHERE nsid IN
        (SELECT nsid FROM lexicons ORDER BY resolved_at DESC, nsid LIMIT -1 OFFSET ?)";
    db.prepare_cached(upsert)
        .and_then(|mut upsert| upsert.execute(values))
        .and_then(|_| db.prepare_cached(make_room)?.execute([MOST]))
        .map_err(unavailable)?;
    Ok(())
}
