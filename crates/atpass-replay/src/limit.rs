//! Rate limits, by key.

mod memory;
#[cfg(feature = "valkey")]
mod shared;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use atpass_protocol::time::Clock;

use memory::RateLimiter;

/// How often something may be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Times in a row; zero counts as one.
    pub burst: u16,
    /// Seconds until one of them is given back; zero counts as one.
    pub refill_seconds: u16,
}

/// Too often.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many attempts; try again in {seconds} s")]
pub struct RetryAfter {
    /// Seconds until it may be done again, at least one (the `Retry-After` header of RFC 9110
    /// section 10.2.3).
    pub seconds: u64,
}

/// Where attempts are counted: in this process, or on a server that several nodes share.
///
/// Limits protect people; no right follows from one. So while the server is down nothing is refused
/// for it, also where proofs are (`WhenDown::Refuse`): each node goes on counting for itself, and who
/// tries gets as many attempts as there are nodes. An alarm is logged once for each outage.
#[derive(Clone)]
pub struct RateLimits {
    clock: Arc<dyn Clock>,
    shared: Option<Arc<dyn Counters>>,
}

impl RateLimits {
    /// In this process.
    pub fn memory(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            shared: None,
        }
    }

    /// On this server, with its clock; and with ours in this process, for when it is down.
    ///
    /// The key is one that all nodes share, such as that of the nonces; nothing is signed with it itself.
    /// It hides who is counted: e-mail and IP addresses are few enough to be found from a plain hash.
    /// Each counter is a key of at most some 70 bytes that goes when its quota is whole again.
    /// The server must allow the commands `EVALSHA`, `EVAL`, `TIME`, `GET` and `SET`.
    #[cfg(feature = "valkey")]
    pub fn valkey(
        valkey: crate::valkey::Valkey,
        key: &atpass_protocol::secret::HmacKey,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            clock,
            shared: Some(Arc::new(shared::SharedLimits::new(valkey, key))),
        }
    }

    /// One limit. Its name tells it from others, on all nodes.
    pub fn limit(&self, name: &'static str, quota: Quota) -> RateLimit {
        RateLimit {
            name,
            quota,
            here: RateLimiter::new(quota, self.clock.clone()),
            limits: self.clone(),
        }
    }
}

impl fmt::Debug for RateLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimits").finish_non_exhaustive()
    }
}

/// Counts attempts by key.
#[derive(Debug)]
pub struct RateLimit {
    name: &'static str,
    quota: Quota,
    /// What this node let through: all there is, or what counts while the server is down.
    here: RateLimiter,
    limits: RateLimits,
}

impl RateLimit {
    /// Counts an attempt, or says in how many seconds one may be made.
    pub async fn check(&self, key: &str) -> Result<(), RetryAfter> {
        Self::check_all(&[(self, key)]).await
    }

    /// Counts an attempt for which several limits hold, all made by the same [`RateLimits`]: in their
    /// order, up to the first that refuses, in one step.
    pub async fn check_all(attempt: &[(&Self, &str)]) -> Result<(), RetryAfter> {
        let shared = attempt.first().and_then(|(limit, _)| limit.shared());
        if let Some(shared) = shared {
            let asked: Vec<_> = attempt
                .iter()
                .map(|(limit, key)| Asked {
                    name: limit.name,
                    quota: limit.quota,
                    key,
                })
                .collect();
            if let Some(result) = shared.check(&asked).await {
                if result.is_ok() {
                    // Counted, not asked, so that an outage doesn't begin with whole quotas.
                    for (limit, key) in attempt {
                        let _ = limit.here.check(key);
                    }
                }
                return result;
            }
        }
        attempt
            .iter()
            .try_for_each(|(limit, key)| limit.here.check(key))
    }

    fn shared(&self) -> Option<&dyn Counters> {
        self.limits.shared.as_deref()
    }
}

/// A limit that is asked of.
#[cfg_attr(
    not(feature = "valkey"),
    expect(dead_code, reason = "without a server nobody shares counters")
)]
struct Asked<'a> {
    name: &'static str,
    quota: Quota,
    key: &'a str,
}

/// The counters that nodes share.
#[async_trait]
trait Counters: Send + Sync {
    /// Counts an attempt; `None` if they can't be asked.
    async fn check(&self, attempt: &[Asked<'_>]) -> Option<Result<(), RetryAfter>>;
}
