//! Replay memory within one process.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::Mutex;

use async_trait::async_trait;
use atpass_protocol::dpop::Era;
use atpass_protocol::random::SystemRandom;
use atpass_protocol::time::UnixTime;

use crate::replay::{Fresh, GRACE, Replay, ReplayUnavailable};

/// Parts with a lock each, so that requests on many cores seldom wait for each other.
const SHARDS: usize = 16;

/// The most keys that one call forgets. More than the one that it adds, so that the memory
/// shrinks; few, so that no call pays for a rush of a few minutes ago.
const FORGET: usize = 8;

/// A keyed hash of a key and its era. A third of the bytes; and as nobody outside knows the hash's key, nobody can make
/// two keys that are one here.
type Key = [u8; 16];

/// Replay memory within one process: bounded, and the same small cost for each call.
///
/// It forgets everything when the process ends, so it has an era of its own: no nonce outlives it.
pub struct MemoryReplay {
    era: Era,
    /// Two secrets of the process. A peer chooses its keys, and must not be able to choose the shard that it
    /// fills.
    hashers: [RandomState; 2],
    shards: [Mutex<Shard>; SHARDS],
    shard_capacity: usize,
}

/// Each key with the time until which it is kept, and the keys in the order of these times.
#[derive(Default)]
struct Shard {
    keys: HashMap<Key, UnixTime>,
    by_time: BTreeMap<UnixTime, Vec<Key>>,
}

impl MemoryReplay {
    /// Keys that are kept at most, where nothing else is said: 3,000 requests in each second, at
    /// some 80 MB when full.
    pub const DEFAULT_CAPACITY: usize = 1 << 20;

    /// A memory for about `capacity` keys. When it is full of live ones, it refuses to accept more
    /// rather than to forget.
    pub fn new(capacity: usize) -> Self {
        Self {
            era: Era::begin(&SystemRandom),
            hashers: [RandomState::new(), RandomState::new()],
            shards: Default::default(),
            shard_capacity: capacity.div_ceil(SHARDS),
        }
    }

    /// Accepts a key of any era.
    pub(crate) fn remember(
        &self,
        era: Era,
        key: &[u8; 32],
        until: UnixTime,
        now: UnixTime,
    ) -> Result<Fresh, ReplayUnavailable> {
        let key = self.key(era, key);
        let broken = || ReplayUnavailable::new("a thread stopped while it held the lock");
        let shard = self.shard(&key).ok_or_else(broken)?;
        let mut shard = shard.lock().map_err(|_| broken())?;
        shard.accept(key, until.plus(GRACE), now, self.shard_capacity)
    }

    fn key(&self, era: Era, key: &[u8; 32]) -> Key {
        let [high, low] = &self.hashers;
        let hash = |hasher: &RandomState| u128::from(hasher.hash_one((era, key)));
        (hash(high) << 64 | hash(low)).to_be_bytes()
    }

    fn shard(&self, key: &Key) -> Option<&Mutex<Shard>> {
        let [.., low] = key;
        self.shards.get(usize::from(*low) % SHARDS)
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.shards
            .iter()
            .map(|shard| shard.lock().unwrap().keys.len())
            .sum()
    }
}

impl Default for MemoryReplay {
    fn default() -> Self {
        Self::new(Self::DEFAULT_CAPACITY)
    }
}

impl fmt::Debug for MemoryReplay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryReplay")
            .field("capacity", &self.shard_capacity.saturating_mul(SHARDS))
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Replay for MemoryReplay {
    fn era(&self) -> Option<Era> {
        Some(self.era)
    }

    async fn ask_era(&self) -> Result<Era, ReplayUnavailable> {
        Ok(self.era)
    }

    async fn accept_once(
        &self,
        era: Era,
        key: &[u8; 32],
        until: UnixTime,
        now: UnixTime,
    ) -> Result<Fresh, ReplayUnavailable> {
        if era != self.era {
            return Ok(Fresh::EraOver);
        }
        self.remember(era, key, until, now)
    }
}

impl Shard {
    fn accept(
        &mut self,
        key: Key,
        keep_until: UnixTime,
        now: UnixTime,
        capacity: usize,
    ) -> Result<Fresh, ReplayUnavailable> {
        self.forget_some(now);
        let full = self.keys.len() >= capacity;
        match self.keys.entry(key) {
            Entry::Occupied(known) if *known.get() > now => return Ok(Fresh::Seen),
            _ if keep_until <= now => return Ok(Fresh::First),
            Entry::Occupied(mut over) => {
                over.insert(keep_until);
            }
            Entry::Vacant(_) if full => {
                return Err(ReplayUnavailable::new("full of keys that are still live"));
            }
            Entry::Vacant(free) => {
                free.insert(keep_until);
            }
        }
        self.by_time.entry(keep_until).or_default().push(key);
        Ok(Fresh::First)
    }

    /// Forgets at most [`FORGET`] keys whose time is over.
    fn forget_some(&mut self, now: UnixTime) {
        for _ in 0..FORGET {
            let Some(mut oldest) = self.by_time.first_entry() else {
                return;
            };
            if *oldest.key() > now {
                return;
            }
            let Some(key) = oldest.get_mut().pop() else {
                oldest.remove();
                continue;
            };
            if let Entry::Occupied(known) = self.keys.entry(key) {
                // It may have been accepted again since, with a later time.
                if *known.get() <= now {
                    known.remove();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    const START: UnixTime = UnixTime::from_secs(1_800_000_000);

    fn key(number: u32) -> [u8; 32] {
        let mut key = [0; 32];
        key[..4].copy_from_slice(&number.to_be_bytes());
        key
    }

    async fn accept(
        memory: &MemoryReplay,
        number: u32,
        until: UnixTime,
        now: UnixTime,
    ) -> Result<Fresh, ReplayUnavailable> {
        memory
            .accept_once(memory.era, &key(number), until, now)
            .await
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn keeps_the_contract() {
        crate::contract::check(Arc::new(MemoryReplay::new(100_000)), START).await;
    }

    #[tokio::test]
    async fn when_full_it_refuses_and_forgets_no_live_key() {
        let memory = MemoryReplay::new(160);
        let until = START.plus(300);
        let mut accepted = Vec::new();
        let mut refused = 0;
        for number in 0..2_000 {
            match accept(&memory, number, until, START).await {
                Ok(fresh) => {
                    assert_eq!(fresh, Fresh::First);
                    accepted.push(number);
                }
                Err(_) => refused += 1,
            }
        }
        assert_eq!((accepted.len(), refused), (160, 1_840));
        for number in accepted {
            assert_eq!(accept(&memory, number, until, START).await, Ok(Fresh::Seen));
        }
        // When their time is over there is room again.
        let later = until.plus(GRACE);
        for number in 0..16 {
            let room = accept(&memory, 10_000 + number, later.plus(300), later).await;
            assert_eq!(room, Ok(Fresh::First));
        }
    }

    #[tokio::test]
    async fn its_size_follows_the_live_keys() {
        let memory = MemoryReplay::default();
        for second in 0..3_600 {
            let now = START.plus(i64::from(second));
            for number in 0..3 {
                let fresh = accept(&memory, second * 3 + number, now.plus(10), now).await;
                assert_eq!(fresh, Ok(Fresh::First));
            }
        }
        // 3 new ones in each second, kept for 40 seconds; each shard lags by a few seconds.
        assert!(memory.len() < 300, "{}", memory.len());
    }

    #[tokio::test]
    async fn extreme_times_do_not_panic() {
        let memory = MemoryReplay::default();
        for (number, time) in [(1, i64::MIN), (2, -1), (3, 0), (4, i64::MAX)] {
            let time = UnixTime::from_secs(time);
            assert!(accept(&memory, number, time, time).await.is_ok());
            assert!(accept(&memory, number, START, time).await.is_ok());
        }
    }
}
