//! What was found is kept for a while, and looked up by one caller at a time.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use atpass_protocol::time::UnixTime;
use tokio::sync::OnceCell;

use crate::IdentityError;

/// Seconds for which an answer is good: the profile allows ten minutes for logins.
const LIFETIME: i64 = 600;
/// Seconds for which a failure is remembered, so that a flood of logins with one bad name costs one
/// look-up.
const NEGATIVE_LIFETIME: i64 = 10;
/// The most answers that are kept.
const CAPACITY: usize = 1000;

/// Answers by key. Callers who ask for the same at once share one look-up.
pub(crate) struct Cache<K, V>(Mutex<HashMap<K, Slot<V>>>);

struct Slot<V> {
    begun: UnixTime,
    answer: Arc<OnceCell<Result<V, IdentityError>>>,
}

impl<V> Slot<V> {
    /// Whether its answer may be used: still on its way, or recent enough.
    fn is_good(&self, now: UnixTime) -> bool {
        let age = now.since(self.begun);
        match self.answer.get() {
            None => age <= LIFETIME,
            Some(Ok(_)) => (0..LIFETIME).contains(&age),
            Some(Err(_)) => (0..NEGATIVE_LIFETIME).contains(&age),
        }
    }

    fn is_under_way(&self) -> bool {
        self.answer.get().is_none()
    }
}

impl<K, V> Default for Cache<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash + Clone, V: Clone> Cache<K, V> {
    /// The answer for `key`: a recent one, or else what `look_up` finds. With `anew`, an answer
    /// that was already there isn't used.
    pub(crate) async fn get(
        &self,
        key: &K,
        now: UnixTime,
        anew: bool,
        look_up: impl Future<Output = Result<V, IdentityError>>,
    ) -> Result<V, IdentityError> {
        let answer = self.slot(key, now, anew);
        // Where the caller that looks up gives up, the next one takes over.
        answer.get_or_init(|| look_up).await.clone()
    }

    fn slot(&self, key: &K, now: UnixTime, anew: bool) -> Arc<OnceCell<Result<V, IdentityError>>> {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = slots.get(key)
            && slot.is_good(now)
            && (!anew || slot.is_under_way())
        {
            return slot.answer.clone();
        }
        if slots.len() >= CAPACITY {
            slots.retain(|_, slot| slot.is_good(now));
        }
        if slots.len() >= CAPACITY {
            slots.retain(|_, slot| slot.is_under_way());
        }
        let answer = Arc::default();
        let slot = Slot {
            begun: now,
            answer: Arc::clone(&answer),
        };
        slots.insert(key.clone(), slot);
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use atpass_protocol::id::Did;
    use std::sync::atomic::{AtomicU32, Ordering};

    fn failure() -> IdentityError {
        IdentityError::Method(Did::parse("did:example:x").unwrap())
    }

    /// Clause ID-DISC-04: ten minutes at most.
    #[tokio::test]
    async fn answers_and_failures_age() {
        let cache = Cache::default();
        let at = UnixTime::from_secs;
        let ask =
            async |now, anew, answer| cache.get(&"k", at(now), anew, async move { answer }).await;
        assert_eq!(ask(0, false, Ok(1)).await, Ok(1));
        assert_eq!(ask(599, false, Ok(2)).await, Ok(1));
        assert_eq!(ask(600, false, Ok(3)).await, Ok(3));
        assert_eq!(ask(601, true, Ok(4)).await, Ok(4), "asked for anew");
        assert_eq!(ask(602, false, Ok(5)).await, Ok(4));
        assert_eq!(ask(2000, false, Err(failure())).await, Err(failure()));
        assert_eq!(ask(2009, false, Ok(6)).await, Err(failure()));
        assert_eq!(ask(2010, false, Ok(6)).await, Ok(6));
        assert_eq!(
            ask(1000, false, Ok(7)).await,
            Ok(7),
            "a clock that went back trusts nothing"
        );
    }

    #[tokio::test]
    async fn one_look_up_for_all() {
        let cache = Arc::new(Cache::<u32, u32>::default());
        let (count, gate) = (
            Arc::new(AtomicU32::new(0)),
            Arc::new(tokio::sync::Notify::new()),
        );
        let callers: Vec<_> = (0..50)
            .map(|_| {
                let (cache, count, gate) = (cache.clone(), count.clone(), gate.clone());
                tokio::spawn(async move {
                    let look_up = async move {
                        count.fetch_add(1, Ordering::SeqCst);
                        gate.notified().await;
                        Ok(7)
                    };
                    cache.get(&1, UnixTime::from_secs(0), false, look_up).await
                })
            })
            .collect();
        tokio::task::yield_now().await;
        gate.notify_one();
        for caller in callers {
            assert_eq!(caller.await.unwrap(), Ok(7));
        }
        assert_eq!(count.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn bounded() {
        let cache = Cache::default();
        for key in 0..3 * CAPACITY {
            cache
                .get(&key, UnixTime::from_secs(0), false, async { Ok(()) })
                .await
                .unwrap();
        }
        assert!(cache.0.lock().unwrap().len() <= CAPACITY);
    }
}
