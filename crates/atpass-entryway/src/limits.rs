//! How often things may be done that cost somebody else something.

use atpass_replay::{Quota, RateLimit, RateLimits};

/// An hour's worth of five.
const A_HANDFUL: Quota = Quota {
    burst: 5,
    refill_seconds: 720,
};

pub(crate) struct Limits {
    /// Letters with a code, by account; those that anybody can ask for apart, so that a stranger can't keep
    /// the owner from the others.
    pub(crate) letters: RateLimit,
    /// Letters that are asked for without a sign-in, by address.
    pub(crate) letters_from: RateLimit,
    /// Codes that are tried, by account, or else by address.
    pub(crate) codes: RateLimit,
    /// Changes of handles and addresses, by account: they cost others something, and tell what is taken.
    pub(crate) changes: RateLimit,
    /// Requests with an admin's password, by address.
    pub(crate) admins: RateLimit,
    /// Looks at the directory because a signature was wrong, by account.
    pub(crate) fresh_keys: RateLimit,
}

impl Limits {
    pub(crate) fn new(limits: &RateLimits) -> Self {
        let limit = |name, burst, refill_seconds| {
            let quota = Quota {
                burst,
                refill_seconds,
            };
            limits.limit(name, quota)
        };
        Self {
            letters: limits.limit("letters", A_HANDFUL),
            letters_from: limit("letters-from", 15, 240),
            codes: limit("codes", 20, 60),
            changes: limit("changes", 10, 360),
            admins: limit("admins", 60, 10),
            fresh_keys: limit("fresh-keys", 3, 60),
        }
    }
}
