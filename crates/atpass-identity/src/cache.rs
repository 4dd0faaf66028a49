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

/// Seconds between two looks for answers whose time is over.
const TIDY: i64 = 60;

/// Answers by key. Callers who ask for the same at once share one look-up.
pub(crate) struct Cache<K, V>(Mutex<Slots<K, V>>);

struct Slots<K, V> {
    by_key: HashMap<K, Slot<V>>,
    tidied: UnixTime,
}

struct Slot<V> {
    begun: UnixTime,
    /// Begun by a caller who wanted no old answer.
    anew: bool,
    answer: Answer<V>,
}

type Answer<V> = Arc<OnceCell<Result<V, IdentityError>>>;

impl<V> Slot<V> {
    /// Whether its answer may be used: still on its way, or recent enough.
    fn is_good(&self, now: UnixTime) -> bool {
        let age = now.since(self.begun);
        match self.answer.get() {
            None => self.is_under_way(),
            Some(Ok(_)) => (0..LIFETIME).contains(&age),
            Some(Err(_)) => (0..NEGATIVE_LIFETIME).contains(&age),
        }
    }

    /// Whether somebody waits for it. A look-up whose callers all gave up is none.
    fn is_under_way(&self) -> bool {
        self.answer.get().is_none() && Arc::strong_count(&self.answer) > 1
    }

    fn has_failed(&self) -> bool {
        matches!(self.answer.get(), Some(Err(_)))
    }
}

impl<K, V> Default for Cache<K, V> {
    fn default() -> Self {
        Self(Mutex::new(Slots {
            by_key: HashMap::new(),
            tidied: UnixTime::from_secs(0),
        }))
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

    fn slot(&self, key: &K, now: UnixTime, anew: bool) -> Answer<V> {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = slots.by_key.get(key)
            && slot.is_good(now)
            && (!anew || (slot.anew && slot.is_under_way()))
        {
            return slot.answer.clone();
        }
        slots.make_room(now);
        let answer = Arc::default();
        let slot = Slot {
            begun: now,
            anew,
            answer: Arc::clone(&answer),
        };
        slots.by_key.insert(key.clone(), slot);
        answer
    }
}

impl<K: Eq + Hash + Clone, V> Slots<K, V> {
    /// Drops what is over, now and then; and where there is no room, failures first, then what is
    /// oldest. A stranger who asks for much only ever takes the place of others like them and of
    /// the old.
    fn make_room(&mut self, now: UnixTime) {
        let full = self.by_key.len() >= CAPACITY;
        if full || !(0..TIDY).contains(&now.since(self.tidied)) {
            self.by_key.retain(|_, slot| slot.is_good(now));
            self.tidied = now;
        }
        if self.by_key.len() >= CAPACITY {
            self.by_key.retain(|_, slot| !slot.has_failed());
        }
        if self.by_key.len() >= CAPACITY {
            let mut times: Vec<_> = self.by_key.values().map(|slot| slot.begun).collect();
            times.sort_unstable();
            let until = times.get(CAPACITY / 10).copied().unwrap_or(now);
            // Of those begun in one second, as many as there are too many.
            let mut left = CAPACITY / 10;
            self.by_key.retain(|_, slot| {
                let drop = left > 0 && slot.begun <= until;
                left -= usize::from(drop);
                !drop
            });
        }
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
        assert!(cache.0.lock().unwrap().by_key.len() <= CAPACITY);
    }

    /// Who gives up leaves nothing behind, and pushes nobody out.
    #[tokio::test]
    async fn callers_who_gave_up() {
        let cache = Cache::default();
        let now = UnixTime::from_secs(0);
        cache.get(&0, now, false, async { Ok(7) }).await.unwrap();
        for key in 1..2 * CAPACITY {
            let look_up = cache.get(&key, now, false, std::future::pending());
            let _ = tokio::time::timeout(std::time::Duration::ZERO, look_up).await;
        }
        assert!(cache.0.lock().unwrap().by_key.len() <= CAPACITY);
        let kept = cache.get(&0, now, false, async { Ok(8) }).await;
        assert_eq!(kept, Ok(7));
    }

    /// Failures make room for answers, never the other way.
    #[tokio::test]
    async fn failures_go_first() {
        let cache = Cache::default();
        let now = UnixTime::from_secs(0);
        cache.get(&0, now, false, async { Ok(7) }).await.unwrap();
        for key in 1..10 * CAPACITY {
            let failed = cache.get(&key, now, false, async { Err(failure()) }).await;
            assert_eq!(failed, Err(failure()));
        }
        let kept = cache.get(&0, now, false, async { Ok(8) }).await;
        assert_eq!(kept, Ok(7));
    }

    /// Clause C-SUB-02: who wants it anew doesn't get what was asked for before.
    #[tokio::test]
    async fn anew_joins_nobody_older() {
        let cache = Arc::new(Cache::<u32, u32>::default());
        let now = UnixTime::from_secs(0);
        let older = cache.clone();
        let (send, receive) = tokio::sync::oneshot::channel::<()>();
        let older = tokio::spawn(async move {
            let look_up = async {
                let _ = receive.await;
                Ok(1)
            };
            older.get(&1, now, false, look_up).await
        });
        tokio::task::yield_now().await;
        assert_eq!(cache.get(&1, now, true, async { Ok(2) }).await, Ok(2));
        send.send(()).unwrap();
        assert_eq!(older.await.unwrap(), Ok(1));
        assert_eq!(cache.get(&1, now, false, async { Ok(3) }).await, Ok(2));
    }
}
