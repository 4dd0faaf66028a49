//! Once only, and so often: replay memory and rate limits.
//!
//! A [`Replay`] accepts each key once until a time; [`MemoryReplay`] is the one for a single
//! process. A [`RateLimiter`] counts attempts per key. Whoever writes another replay memory runs
//! the contract of this crate against it (feature `contract`).

mod limit;
mod memory;
mod replay;

#[cfg(any(test, feature = "contract"))]
pub mod contract;

pub use limit::{Quota, RateLimiter, RetryAfter};
pub use memory::MemoryReplay;
pub use replay::{Fresh, GRACE, Namespace, Replay, ReplayUnavailable};
