//! A store in memory: gone with the process.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use atpass_protocol::id::Did;
use atpass_protocol::time::UnixTime;

use super::{PutOutcome, Record, SessionKey, SessionStore, StoreFailure};

/// The most logins under way; beyond it the one that ends first is dropped.
const MOST_PENDING: usize = 10_000;

/// Sessions in memory, for tests and for apps that may forget.
#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<Content>);

#[derive(Debug, Default)]
struct Content {
    sessions: HashMap<SessionKey, Kept>,
    pending: HashMap<String, (Record, UnixTime)>,
    /// Never goes back, so that a version is never used twice for one name.
    version: u64,
}

#[derive(Debug)]
struct Kept {
    did: Did,
    record: Record,
    version: u64,
}

impl MemoryStore {
    fn content(&self) -> MutexGuard<'_, Content> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl SessionStore for MemoryStore {
    async fn get(&self, key: &SessionKey) -> Result<Option<(Record, u64)>, StoreFailure> {
        let content = self.content();
        let kept = content.sessions.get(key);
        Ok(kept.map(|kept| (kept.record.clone(), kept.version)))
    }

    async fn put(
        &self,
        key: &SessionKey,
        did: &Did,
        record: &Record,
        expected: Option<u64>,
    ) -> Result<PutOutcome, StoreFailure> {
        let mut content = self.content();
        if content.sessions.get(key).map(|kept| kept.version) != expected {
            return Ok(PutOutcome::Conflict);
        }
        content.version += 1;
        let kept = Kept {
            did: did.clone(),
            record: record.clone(),
            version: content.version,
        };
        let version = kept.version;
        content.sessions.insert(key.clone(), kept);
        Ok(PutOutcome::Stored(version))
    }

    async fn remove(&self, key: &SessionKey, expected: Option<u64>) -> Result<bool, StoreFailure> {
        let mut content = self.content();
        let found = content.sessions.get(key).map(|kept| kept.version);
        if found.is_none() || expected.is_some_and(|expected| found != Some(expected)) {
            return Ok(false);
        }
        content.sessions.remove(key);
        Ok(true)
    }

    async fn list(&self, did: Option<&Did>) -> Result<Vec<SessionKey>, StoreFailure> {
        let content = self.content();
        let wanted = content
            .sessions
            .iter()
            .filter(|(_, kept)| did.is_none_or(|did| kept.did == *did));
        Ok(wanted.map(|(key, _)| key.clone()).collect())
    }

    async fn put_pending(
        &self,
        name: &str,
        record: &Record,
        until: UnixTime,
        now: UnixTime,
    ) -> Result<(), StoreFailure> {
        let mut content = self.content();
        if content.pending.len() >= MOST_PENDING {
            content.pending.retain(|_, (_, until)| *until > now);
        }
        if content.pending.len() >= MOST_PENDING {
            let first = content.pending.iter().min_by_key(|(_, (_, until))| *until);
            if let Some(first) = first.map(|(name, _)| name.clone()) {
                content.pending.remove(&first);
            }
        }
        content
            .pending
            .insert(name.to_owned(), (record.clone(), until));
        Ok(())
    }

    async fn take_pending(
        &self,
        name: &str,
        now: UnixTime,
    ) -> Result<Option<Record>, StoreFailure> {
        let taken = self.content().pending.remove(name);
        Ok(taken
            .filter(|(_, until)| *until > now)
            .map(|(record, _)| record))
    }
}
