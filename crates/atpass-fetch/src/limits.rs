//! A bound on requests at once for each host.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Permits by host. Hosts without a request under way are forgotten.
#[derive(Clone, Debug)]
pub(crate) struct HostLimits {
    each: usize,
    hosts: Arc<Mutex<HashMap<String, Arc<Semaphore>>>>,
}

impl HostLimits {
    pub(crate) fn new(each: usize) -> Self {
        Self {
            each,
            hosts: Arc::default(),
        }
    }

    /// Waits for a turn at this host. `None` cannot happen while the semaphores live.
    pub(crate) async fn turn(&self, host: &str) -> Option<OwnedSemaphorePermit> {
        let semaphore = {
            let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
            if hosts.len() >= 256 {
                hosts.retain(|_, semaphore| Arc::strong_count(semaphore) > 1);
            }
            hosts
                .entry(host.to_owned())
                .or_insert_with(|| Arc::new(Semaphore::new(self.each)))
                .clone()
        };
        semaphore.acquire_owned().await.ok()
    }
}
