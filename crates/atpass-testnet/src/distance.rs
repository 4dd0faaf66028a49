//! Servers that are far away.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How much longer each request to a network takes: nothing, until it is changed. Cheap to clone; clones
/// share it.
#[derive(Clone, Debug, Default)]
pub struct Distance(Arc<AtomicU64>);

impl Distance {
    /// From here on, this many milliseconds.
    pub fn set(&self, milliseconds: u64) {
        self.0.store(milliseconds, Ordering::Relaxed);
    }

    pub(crate) async fn travel(&self) {
        let milliseconds = self.0.load(Ordering::Relaxed);
        if milliseconds > 0 {
            // Nothing to wait for but the time itself.
            let never = std::future::pending::<()>();
            let _ = tokio::time::timeout(Duration::from_millis(milliseconds), never).await;
        }
    }
}
