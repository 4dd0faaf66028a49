//! What nonces are bound to besides the time: the memory of proofs.

use std::fmt;

use crate::encoding;
use crate::random::{self, Random};

/// The time during which a memory of proofs forgot nothing, as a random name that never comes again.
///
/// A proof is good as long as its nonce, and must be remembered for as long. A memory may lose what it
/// knows all the same: it is emptied, restarted, replaced. So nonces are bound to its era
/// ([`NonceKeeper::in_era`](super::NonceKeeper::in_era)), and a memory that forgot begins another: what it
/// forgets, nonces forget too.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Era([u8; 16]);

impl Era {
    /// A new one.
    pub fn begin(random: &dyn Random) -> Self {
        Self(random::bytes(random))
    }

    /// One that is kept: the same for who keeps the same memory.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    pub(crate) const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Reads what [`fmt::Display`] writes: 22 characters of base64url.
    pub fn parse(text: &str) -> Option<Self> {
        encoding::decode_array(text).map(Self)
    }
}

impl fmt::Display for Era {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&encoding::encode(&self.0))
    }
}

impl fmt::Debug for Era {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Era({self})")
    }
}
