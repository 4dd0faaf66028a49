//! An app that dies in the middle of a refresh, and one that starts after it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use atpass_client::store::{PutOutcome, Record, StoreFailure};
use atpass_client::{MemoryStore, SessionKey, SessionStore};
use atpass_protocol::id::Did;
use atpass_protocol::time::UnixTime;
use tokio::sync::Notify;

use crate::library::client_of;
use crate::scene::{World, works};

/// A store whose owner dies at a write of a session: it never returns, before or after it is carried out.
struct Fatal {
    inner: Arc<MemoryStore>,
    writes_until_death: AtomicUsize,
    dies_after_write: bool,
    died: Notify,
}

impl Fatal {
    async fn die(&self) {
        self.died.notify_one();
        std::future::pending::<()>().await;
    }
}

#[async_trait]
impl SessionStore for Fatal {
    async fn get(&self, key: &SessionKey) -> Result<Option<(Record, u64)>, StoreFailure> {
        self.inner.get(key).await
    }

    async fn put(
        &self,
        key: &SessionKey,
        did: &Did,
        record: &Record,
        expected: Option<u64>,
    ) -> Result<PutOutcome, StoreFailure> {
        let dies = self.writes_until_death.fetch_sub(1, Ordering::Relaxed) == 0;
        if dies && !self.dies_after_write {
            self.die().await;
        }
        let outcome = self.inner.put(key, did, record, expected).await;
        if dies {
            self.die().await;
        }
        outcome
    }

    async fn remove(&self, key: &SessionKey, expected: Option<u64>) -> Result<bool, StoreFailure> {
        self.inner.remove(key, expected).await
    }

    async fn list(&self, did: Option<&Did>) -> Result<Vec<SessionKey>, StoreFailure> {
        self.inner.list(did).await
    }

    async fn put_pending(
        &self,
        name: &str,
        record: &Record,
        until: UnixTime,
        now: UnixTime,
    ) -> Result<(), StoreFailure> {
        self.inner.put_pending(name, record, until, now).await
    }

    async fn take_pending(
        &self,
        name: &str,
        now: UnixTime,
    ) -> Result<Option<Record>, StoreFailure> {
        self.inner.take_pending(name, now).await
    }
}

/// Clause C-REF-04: whichever write of a refresh it dies at, the next process has the session.
#[tokio::test(flavor = "multi_thread")]
async fn at_any_write() {
    let world = World::start().await;
    // A refresh writes its mark, and then the new tokens.
    for (writes_until_death, dies_after_write) in [(0, false), (0, true), (1, false), (1, true)] {
        let name = format!("{writes_until_death} {dies_after_write}");
        let store = Arc::new(MemoryStore::default());
        let healthy = || client_of(world.parts(store.clone()));
        let session = world.log_in(&healthy()).await;
        let fatal = Arc::new(Fatal {
            inner: store.clone(),
            writes_until_death: AtomicUsize::new(writes_until_death),
            dies_after_write,
            died: Notify::new(),
        });
        let doomed = client_of(world.parts(fatal.clone()));
        let its_own = doomed.restore(session.key()).await.unwrap().unwrap();
        let refresh = tokio::spawn(async move { its_own.refresh().await });
        fatal.died.notified().await;
        refresh.abort();

        // The mark's time is over, and the server still gives the answer again.
        world.lab.clock.advance(16);
        let next = healthy();
        let interrupted = next.resume_refreshes().await.unwrap();
        let marked = matches!(
            (writes_until_death, dies_after_write),
            (0, true) | (1, false)
        );
        assert_eq!(interrupted, usize::from(marked), "{name}");
        world.lab.clock.advance(3600);
        works(&next.restore(session.key()).await.unwrap().unwrap()).await;
        assert_eq!(next.resume_refreshes().await.unwrap(), 0, "{name}");
    }
}
