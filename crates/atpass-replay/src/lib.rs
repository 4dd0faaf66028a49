//! Once only, and so often: replay memory and rate limits.
//!
//! A [`Replay`] accepts each key once until a time; [`MemoryReplay`] is the one for a single
//! process, `ValkeyReplay` (feature `valkey`) the one for several nodes. A [`RateLimiter`] counts attempts per key. Whoever writes another replay memory runs
//! the contract of this crate against it (feature `contract`).

mod limit;
mod memory;
mod replay;
#[cfg(feature = "valkey")]
mod valkey;

#[cfg(any(test, feature = "contract"))]
pub mod contract;

pub use limit::{Quota, RateLimiter, RetryAfter};
pub use memory::MemoryReplay;
pub use replay::{Fresh, GRACE, Namespace, Replay, ReplayUnavailable};
#[cfg(feature = "valkey")]
pub use valkey::{ValkeyAddressError, ValkeyReplay, WhenDown};
