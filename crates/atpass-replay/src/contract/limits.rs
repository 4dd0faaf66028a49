//! What rate limits have to pass, wherever they count.

use std::sync::Arc;

use crate::limit::{Quota, RateLimit, RateLimits, RetryAfter};

/// Three, and one more every hour.
const QUOTA: Quota = Quota {
    burst: 3,
    refill_seconds: 3_600,
};

/// Seconds that the checks may take.
const SLOW: u64 = 30;

/// Checks limits whose names begin with `contract`, and which counted nothing yet. `pass` lets so many
/// seconds pass on their clock.
///
/// # Panics
///
/// Where the limits break the contract.
pub async fn check(limits: &RateLimits, pass: impl AsyncFn(u16)) {
    a_burst_passes_and_refills_one_by_one(limits, &pass).await;
    a_refused_attempt_costs_nothing(limits, &pass).await;
    several_are_checked_in_their_order(limits, &pass).await;
    extremes_are_quotas_too(limits).await;
    of_many_at_once_a_burst_passes(limits).await;
}

/// Refused, for about so long.
fn assert_wait(answer: Result<(), RetryAfter>, seconds: u64) {
    let wait = answer.map_or_else(|wait| wait.seconds, |()| 0);
    let range = seconds.saturating_sub(SLOW).max(1)..=seconds;
    assert!(range.contains(&wait), "{wait} s, of {seconds}");
}

async fn a_burst_passes_and_refills_one_by_one(limits: &RateLimits, pass: &impl AsyncFn(u16)) {
    let limit = limits.limit("contract-burst", QUOTA);
    for _ in 0..3 {
        assert_eq!(limit.check("a").await, Ok(()));
    }
    assert_wait(limit.check("a").await, 3_600);
    assert_eq!(limit.check("b").await, Ok(()), "another key");
    let other = limits.limit("contract-other", QUOTA);
    assert_eq!(other.check("a").await, Ok(()), "another limit");
    pass(3_000).await;
    assert_wait(limit.check("a").await, 600);
    pass(600).await;
    assert_eq!(limit.check("a").await, Ok(()));
    assert_wait(limit.check("a").await, 3_600);
    for _ in 0..10 {
        pass(3_600).await;
    }
    for _ in 0..3 {
        assert_eq!(limit.check("a").await, Ok(()));
    }
    assert_wait(limit.check("a").await, 3_600);
}

async fn a_refused_attempt_costs_nothing(limits: &RateLimits, pass: &impl AsyncFn(u16)) {
    let limit = limits.limit("contract-refused", QUOTA);
    for _ in 0..100 {
        let _ = limit.check("a").await;
    }
    pass(3_600).await;
    assert_eq!(limit.check("a").await, Ok(()));
}

async fn several_are_checked_in_their_order(limits: &RateLimits, pass: &impl AsyncFn(u16)) {
    let one = Quota { burst: 1, ..QUOTA };
    let [wide, narrow] =
        [("wide", QUOTA), ("narrow", one)].map(|(name, quota)| limits.limit(name, quota));
    let both = async || RateLimit::check_all(&[(&wide, "contract"), (&narrow, "contract")]).await;
    assert_eq!(both().await, Ok(()));
    // The first counts also what the second refuses, and refuses then itself.
    for _ in 0..3 {
        assert_wait(both().await, 3_600);
    }
    assert_wait(wide.check("contract").await, 3_600);
    assert_wait(narrow.check("contract").await, 3_600);
    pass(3_600).await;
    assert_eq!(both().await, Ok(()));
    assert_eq!(RateLimit::check_all(&[]).await, Ok(()));
}

async fn extremes_are_quotas_too(limits: &RateLimits) {
    let quota = |burst, refill_seconds| Quota {
        burst,
        refill_seconds,
    };
    let smallest = limits.limit("contract-smallest", quota(0, 0));
    assert_eq!(smallest.check("").await, Ok(()), "zero counts as one");
    let largest = limits.limit("contract-largest", quota(u16::MAX, u16::MAX));
    for _ in 0..3 {
        assert_eq!(largest.check("").await, Ok(()));
    }
    let slowest = limits.limit("contract-slowest", quota(1, u16::MAX));
    assert_eq!(slowest.check("").await, Ok(()));
    assert_wait(slowest.check("").await, u16::MAX.into());
}

async fn of_many_at_once_a_burst_passes(limits: &RateLimits) {
    let quota = Quota { burst: 20, ..QUOTA };
    let limit = Arc::new(limits.limit("contract-many", quota));
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let limit = limit.clone();
        callers.spawn(async move { limit.check("a").await.is_ok() });
    }
    let passed = callers.join_all().await;
    let passed = passed.into_iter().filter(|passed| *passed).count();
    assert_eq!(passed, 20, "of 64 concurrent callers exactly a burst");
}
