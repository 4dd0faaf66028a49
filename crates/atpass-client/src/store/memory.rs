//! A store in memory: gone with the process.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use atpass_protocol::request::State;

use super::{PendingLogin, PutOutcome, SessionKey, SessionStore, StoreFailure, StoredSession};

/// The most logins under way; beyond it the oldest is dropped.
const MOST_PENDING: usize = 10_000;

/// Sessions in memory, for tests and for apps that may forget.
#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<Content>);

#[derive(Debug, Default)]
struct Content {
    sessions: HashMap<SessionKey, (StoredSession, u64)>,
    pending: HashMap<String, PendingLogin>,
    /// Never goes back, so that a version is never used twice for one name.
    version: u64,
}

impl MemoryStore {
    fn content(&self) -> MutexGuard<'_, Content> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl SessionStore for MemoryStore {
    async fn get(&self, key: &SessionKey) -> Result<Option<(StoredSession, u64)>, StoreFailure> {
        Ok(self.content().sessions.get(key).cloned())
    }

    async fn put(
        &self,
        key: &SessionKey,
        session: &StoredSession,
        expected: Option<u64>,
    ) -> Result<PutOutcome, StoreFailure> {
        let mut content = self.content();
        if content.sessions.get(key).map(|(_, version)| *version) != expected {
            return Ok(PutOutcome::Conflict);
        }
        content.version += 1;
        let version = content.version;
        content
            .sessions
            .insert(key.clone(), (session.clone(), version));
        Ok(PutOutcome::Stored(version))
    }

    async fn remove(&self, key: &SessionKey) -> Result<(), StoreFailure> {
        self.content().sessions.remove(key);
        Ok(())
    }

    async fn list(&self) -> Result<Vec<SessionKey>, StoreFailure> {
        Ok(self.content().sessions.keys().cloned().collect())
    }

    async fn put_pending(&self, state: &State, login: &PendingLogin) -> Result<(), StoreFailure> {
        let mut content = self.content();
        if content.pending.len() >= MOST_PENDING {
            let oldest = content
                .pending
                .iter()
                .min_by_key(|(_, login)| login.created_at);
            if let Some(oldest) = oldest.map(|(state, _)| state.clone()) {
                content.pending.remove(&oldest);
            }
        }
        content
            .pending
            .insert(state.as_str().to_owned(), login.clone());
        Ok(())
    }

    async fn take_pending(&self, state: &State) -> Result<Option<PendingLogin>, StoreFailure> {
        Ok(self.content().pending.remove(state.as_str()))
    }
}
