//! A rate limit within one process.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use atpass_protocol::time::{Clock, UnixTime};
use governor::clock::{Clock as LimiterClock, Reference as _};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::DashMapStateStore;

use super::{Quota, RetryAfter};

/// Slots that keys are hashed into. They bound the memory (to some 50 MB), whatever strangers send
/// as keys; two keys that share a slot share a limit.
const SLOTS: u64 = 1 << 20;

/// The least number of checks between two sweeps.
const SWEEP: usize = 1024;

type Limiter =
    governor::RateLimiter<u64, DashMapStateStore<u64>, InjectedClock, NoOpMiddleware<Nanos>>;

/// Counts attempts by key, in memory that is bounded.
pub(super) struct RateLimiter {
    limiter: Limiter,
    clock: InjectedClock,
    /// By a secret of the process, so that nobody can find a key that shares another's slot.
    hasher: RandomState,
    until_sweep: AtomicUsize,
}

impl RateLimiter {
    /// A limiter that has seen nothing yet.
    pub(super) fn new(quota: Quota, clock: Arc<dyn Clock>) -> Self {
        let burst = NonZeroU32::new(quota.burst.into()).unwrap_or(NonZeroU32::MIN);
        let refill = Duration::from_secs(quota.refill_seconds.max(1).into());
        // Only a period of zero would be refused.
        let quota = governor::Quota::with_period(refill)
            .unwrap_or_else(|| governor::Quota::per_second(burst))
            .allow_burst(burst);
        let clock = InjectedClock(clock);
        Self {
            limiter: Limiter::dashmap_with_clock(quota, clock.clone()),
            clock,
            hasher: RandomState::new(),
            until_sweep: AtomicUsize::new(SWEEP),
        }
    }

    /// Counts an attempt, or says in how many seconds one may be made.
    pub(super) fn check(&self, key: &str) -> Result<(), RetryAfter> {
        // As many checks between sweeps as there were keys after the last one: the sweep's cost,
        // shared among them, is constant.
        if self.until_sweep.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.limiter.retain_recent();
            self.until_sweep
                .store(self.limiter.len().max(SWEEP), Ordering::Relaxed);
        }
        let slot = self.hasher.hash_one(key) % SLOTS;
        self.limiter.check_key(&slot).map_err(|not_until| {
            let wait = not_until
                .earliest_possible()
                .duration_since(self.clock.now())
                .as_u64();
            RetryAfter {
                seconds: wait.div_ceil(NANOS).max(1),
            }
        })
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.limiter.len()
    }
}

impl fmt::Debug for RateLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimiter").finish_non_exhaustive()
    }
}

/// Nanoseconds in a second.
const NANOS: u64 = 1_000_000_000;

/// The limiter's clock, on ours.
#[derive(Clone)]
struct InjectedClock(Arc<dyn Clock>);

impl LimiterClock for InjectedClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        /// The year 2262. With a quota's longest time (65,535 times 65,535 seconds) added, the
        /// limiter's sums still don't overflow.
        const END: UnixTime = UnixTime::from_secs(i64::MAX / NANOS.cast_signed());
        let seconds = u64::try_from(self.0.now().min(END).as_secs()).unwrap_or(0);
        Nanos::new(seconds * NANOS)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicI64;

    use super::*;

    #[derive(Debug)]
    struct ManualClock(AtomicI64);

    impl ManualClock {
        fn at(seconds: i64) -> Arc<Self> {
            Arc::new(Self(AtomicI64::new(seconds)))
        }

        fn advance(&self, seconds: i64) {
            self.0.fetch_add(seconds, Ordering::Relaxed);
        }
    }

    impl Clock for ManualClock {
        fn now(&self) -> UnixTime {
            UnixTime::from_secs(self.0.load(Ordering::Relaxed))
        }
    }

    const QUOTA: Quota = Quota {
        burst: 3,
        refill_seconds: 20,
    };

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn keeps_the_contract() {
        let clock = ManualClock::at(1_800_000_000);
        let limits = crate::RateLimits::memory(clock.clone());
        crate::contract::limits::check(&limits, async |seconds| clock.advance(seconds.into()))
            .await;
    }

    #[test]
    fn keys_that_are_over_are_dropped() {
        let clock = ManualClock::at(1_800_000_000);
        let limiter = RateLimiter::new(QUOTA, clock.clone());
        for number in 0..100_000 {
            assert_eq!(limiter.check(&format!("key {number}")), Ok(()));
            if number % 100 == 0 {
                clock.advance(10);
            }
        }
        assert!(limiter.len() < 4_000, "{}", limiter.len());
    }

    #[test]
    fn extreme_quotas_and_times_do_not_panic() {
        for seconds in [i64::MIN, -1, 0, i64::MAX] {
            for value in [0, 1, u16::MAX] {
                let clock = ManualClock::at(seconds);
                let limiter = RateLimiter::new(
                    Quota {
                        burst: value,
                        refill_seconds: value,
                    },
                    clock.clone(),
                );
                for _ in 0..3 {
                    let _ = limiter.check("");
                }
                clock.0.store(i64::MIN, Ordering::Relaxed);
                let _ = limiter.check("");
                clock.0.store(i64::MAX, Ordering::Relaxed);
                let _ = limiter.check("");
            }
        }
    }
}
