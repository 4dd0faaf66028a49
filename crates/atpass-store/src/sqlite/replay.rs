//! The memory of what must count once only.

use async_trait::async_trait;
use atpass_protocol::time::UnixTime;
use atpass_provider::store::StoreError;
use atpass_replay::{Era, Fresh, GRACE, MemoryReplay, Namespace, Replay, ReplayUnavailable};
use rusqlite::{Connection, params};

use super::SqliteStore;
use super::row::unavailable;

/// Client assertions in the database, so that none counts again after a restart (clause
/// AS-AUTHN-05); DPoP proofs in memory, because their nonces end with its era.
#[derive(Debug)]
pub struct SqliteReplay {
    store: SqliteStore,
    proofs: MemoryReplay,
}

impl SqliteReplay {
    /// A memory in this database.
    pub fn new(store: SqliteStore) -> Self {
        Self {
            store,
            proofs: MemoryReplay::default(),
        }
    }
}

#[async_trait]
impl Replay for SqliteReplay {
    fn era(&self) -> Option<Era> {
        self.proofs.era()
    }

    async fn ask_era(&self) -> Result<Era, ReplayUnavailable> {
        self.proofs.ask_era().await
    }

    async fn accept_once(
        &self,
        namespace: Namespace,
        key: &[u8; 32],
        until: UnixTime,
        now: UnixTime,
    ) -> Result<Fresh, ReplayUnavailable> {
        match namespace {
            Namespace::Dpop(_) => self.proofs.accept_once(namespace, key, until, now).await,
            Namespace::ClientAssertion => {
                let key = *key;
                let act = move |db: &Connection| record(db, &key, until.plus(GRACE), now);
                let first = self.store.write(act).await;
                if first.map_err(ReplayUnavailable::new)? {
                    Ok(Fresh::First)
                } else {
                    Ok(Fresh::Seen)
                }
            }
        }
    }
}

fn record(
    db: &Connection,
    key: &[u8; 32],
    until: UnixTime,
    now: UnixTime,
) -> Result<bool, StoreError> {
    let sql = "INSERT INTO seen (key, expires_at) VALUES (?1, ?2)
        ON CONFLICT (key) DO UPDATE SET expires_at = excluded.expires_at WHERE seen.expires_at <= ?3";
    let added = db
        .prepare_cached(sql)
        .and_then(|mut insert| insert.execute(params![key, until.as_secs(), now.as_secs()]))
        .map_err(unavailable)?;
    Ok(added > 0)
}

pub(super) fn sweep(db: &Connection, now: UnixTime, batch: u32) -> Result<usize, StoreError> {
    let sql = "DELETE FROM seen WHERE key IN (SELECT key FROM seen WHERE expires_at <= ? LIMIT ?)";
    db.prepare_cached(sql)
        .and_then(|mut delete| delete.execute(params![now.as_secs(), batch]))
        .map_err(unavailable)
}
