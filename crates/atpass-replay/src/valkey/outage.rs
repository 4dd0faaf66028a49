//! Whether a server is down, and who finds out that it is back.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{Mutex, MutexGuard};

/// The outages of a server, as one that uses it sees them.
#[derive(Debug, Default)]
pub(crate) struct Outage {
    /// How often the server went away and came back. Odd while it is away.
    changes: AtomicU64,
    /// Held by the one request that finds out whether the server is back.
    probe: Mutex<()>,
}

/// To ask the server once.
pub(crate) struct Turn<'a> {
    before: u64,
    probe: Option<MutexGuard<'a, ()>>,
}

impl Outage {
    /// Whether the last that was heard of the server is that it can't be used.
    pub(crate) fn is_down(&self) -> bool {
        is_odd(self.changes.load(Ordering::Acquire))
    }

    /// For a request that can't go on without the server.
    pub(crate) fn turn(&self) -> Turn<'_> {
        Turn {
            before: self.changes.load(Ordering::Acquire),
            probe: None,
        }
    }

    /// For one that can. While the server is down, one request waits to find out whether it is back; the
    /// others get none, and needn't wait with it.
    pub(crate) fn turn_unless_probed(&self) -> Option<Turn<'_>> {
        let mut turn = self.turn();
        if is_odd(turn.before) {
            turn.probe = Some(self.probe.try_lock().ok()?);
        }
        Some(turn)
    }

    /// Notes how a request went. Returns whether that begins or ends an outage. A request that began
    /// before the last change knows nothing new.
    pub(crate) fn note(&self, turn: Turn<'_>, failed: bool) -> bool {
        // The probe is over when this returns.
        let Turn {
            before,
            probe: _ended,
        } = turn;
        is_odd(before) != failed
            && self
                .changes
                .compare_exchange(
                    before,
                    before.wrapping_add(1),
                    Ordering::AcqRel,
                    Ordering::Acquire,
                )
                .is_ok()
    }
}

const fn is_odd(number: u64) -> bool {
    number % 2 == 1
}
