//! Once only, and so often: replay memory and rate limits.
//!
//! A [`Replay`] accepts each key once until a time; [`MemoryReplay`] is the one for a single
//! process, `ValkeyReplay` (feature `valkey`) the one for several nodes. [`Proofs`] has it and the
//! nonces work together, so that what a memory forgets can't be sent again. [`RateLimits`] makes
//! limits that count attempts per key, in the process or on the same server. Whoever writes another
//! replay memory runs the contract of this crate against it (feature `contract`).

mod limit;
mod memory;
mod proofs;
mod replay;
#[cfg(feature = "valkey")]
mod valkey;

#[cfg(any(test, feature = "contract"))]
pub mod contract;

pub use atpass_protocol::dpop::Era;
pub use limit::{Quota, RateLimit, RateLimits, RetryAfter};
pub use memory::MemoryReplay;
pub use proofs::{CheckedProof, ProofError, Proofs};
pub use replay::{Fresh, GRACE, Replay, ReplayUnavailable};
#[cfg(feature = "valkey")]
pub use valkey::{Valkey, ValkeyAddressError, ValkeyReplay, WhenDown};
