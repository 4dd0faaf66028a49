//! Bounds on requests at once, for each host and in all, and on connections that are kept.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// The most requests that wait for their turn at one host: more of them are told at once.
const MOST_WAITING: usize = 256;
/// The most hosts whose connections are kept for the next request. Whoever chooses the hosts could
/// otherwise use up all of this process's connections.
const MOST_KEPT: usize = 64;

/// Permits by host. Hosts without a request under way are forgotten.
#[derive(Clone, Debug)]
pub(crate) struct HostLimits {
    each: usize,
    all: Arc<Semaphore>,
    keep_alive: Duration,
    hosts: Arc<Mutex<Hosts>>,
}

#[derive(Debug, Default)]
struct Hosts {
    turns: HashMap<String, Arc<Semaphore>>,
    /// When each host that may keep connections was last asked.
    kept: HashMap<String, Instant>,
}

/// A request may be made.
#[derive(Debug)]
pub(crate) struct Turn {
    /// Whether its connection may be kept for the next one.
    pub(crate) keeps_connection: bool,
    _host: OwnedSemaphorePermit,
    _all: OwnedSemaphorePermit,
}

impl HostLimits {
    pub(crate) fn new(each: usize, all: usize, keep_alive: Duration) -> Self {
        Self {
            each,
            all: Arc::new(Semaphore::new(all)),
            keep_alive,
            hosts: Arc::default(),
        }
    }

    /// Waits for a turn at this host. `None` where too many wait already.
    pub(crate) async fn turn(&self, host: &str) -> Option<Turn> {
        let (semaphore, keeps_connection) = {
            let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
            (
                hosts.semaphore(host, self.each),
                hosts.keep(host, self.keep_alive),
            )
        };
        // One count is the map's; each permit, each who waits and this one have their own.
        if Arc::strong_count(&semaphore) > 1 + self.each + MOST_WAITING {
            return None;
        }
        Some(Turn {
            keeps_connection,
            _host: semaphore.acquire_owned().await.ok()?,
            _all: self.any().await?,
        })
    }

    /// Waits for a turn at whatever it is.
    pub(crate) async fn any(&self) -> Option<OwnedSemaphorePermit> {
        self.all.clone().acquire_owned().await.ok()
    }
}

impl Hosts {
    fn semaphore(&mut self, host: &str, each: usize) -> Arc<Semaphore> {
        if self.turns.len() >= 256 {
            self.turns.retain(|_, turns| Arc::strong_count(turns) > 1);
        }
        let turns = self.turns.entry(host.to_owned());
        turns
            .or_insert_with(|| Arc::new(Semaphore::new(each)))
            .clone()
    }

    fn keep(&mut self, host: &str, keep_alive: Duration) -> bool {
        let now = Instant::now();
        if !self.kept.contains_key(host) && self.kept.len() >= MOST_KEPT {
            self.kept
                .retain(|_, used| now.duration_since(*used) < keep_alive);
        }
        if self.kept.contains_key(host) || self.kept.len() < MOST_KEPT {
            self.kept.insert(host.to_owned(), now);
            return true;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn too_many_are_told_at_once() {
        let limits = HostLimits::new(2, 100, Duration::from_secs(1));
        let first = limits.turn("a").await.unwrap();
        let _second = limits.turn("a").await.unwrap();
        let waiting: Vec<_> = (0..MOST_WAITING)
            .map(|_| {
                let limits = limits.clone();
                tokio::spawn(async move { limits.turn("a").await.is_some() })
            })
            .collect();
        while Arc::strong_count(&limits.hosts.lock().unwrap().turns["a"]) < MOST_WAITING + 3 {
            tokio::task::yield_now().await;
        }
        assert!(limits.turn("a").await.is_none());
        assert!(limits.turn("b").await.is_some(), "another host has its own");
        drop(first);
        for waiting in waiting {
            assert!(waiting.await.unwrap());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn connections_of_few_hosts_are_kept() {
        let limits = HostLimits::new(2, 100, Duration::from_secs(15));
        for n in 0..MOST_KEPT {
            assert!(limits.turn(&n.to_string()).await.unwrap().keeps_connection);
        }
        assert!(!limits.turn("stranger").await.unwrap().keeps_connection);
        assert!(limits.turn("0").await.unwrap().keeps_connection);
        tokio::time::advance(Duration::from_secs(15)).await;
        assert!(limits.turn("stranger").await.unwrap().keeps_connection);
    }
}
