//! How often things may be done that cost somebody else something.

use std::sync::Arc;

use atpass_protocol::time::Clock;
use atpass_replay::{Quota, RateLimiter};

/// An hour's worth of five.
const A_HANDFUL: Quota = Quota {
    burst: 5,
    refill_seconds: 720,
};

pub(crate) struct Limits {
    /// Letters with a code, by account; those that anybody can ask for apart, so that a stranger can't keep
    /// the owner from the others.
    pub(crate) letters: RateLimiter,
    /// Letters that are asked for without a sign-in, by address.
    pub(crate) letters_from: RateLimiter,
    /// Codes that are tried, by account, or else by address.
    pub(crate) codes: RateLimiter,
    /// Changes of handles and addresses, by account: they cost others something, and tell what is taken.
    pub(crate) changes: RateLimiter,
    /// Requests with an admin's password, by address.
    pub(crate) admins: RateLimiter,
    /// Looks at the directory because a signature was wrong, by account.
    pub(crate) fresh_keys: RateLimiter,
}

impl Limits {
    pub(crate) fn new(clock: &Arc<dyn Clock>) -> Self {
        let limiter = |burst, refill_seconds| {
            let quota = Quota {
                burst,
                refill_seconds,
            };
            RateLimiter::new(quota, clock.clone())
        };
        Self {
            letters: RateLimiter::new(A_HANDFUL, clock.clone()),
            letters_from: limiter(15, 240),
            codes: limiter(20, 60),
            changes: limiter(10, 360),
            admins: limiter(60, 10),
            fresh_keys: limiter(3, 60),
        }
    }
}
