//! Key thumbprints (RFC 7638), as DPoP binds tokens to keys by them.

use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

use crate::encoding;

/// The SHA-256 thumbprint of a public key: `jkt` (RFC 9449 section 6.1).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Jkt([u8; 32]);

/// The text isn't 43 base64url characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key thumbprint is 43 base64url characters")]
pub struct JktError;

impl Jkt {
    /// Reads the base64url form.
    pub fn parse(text: &str) -> Result<Self, JktError> {
        encoding::decode_array(text).map(Self).ok_or(JktError)
    }

    /// From the 32 bytes of the hash.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes of the hash.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Jkt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&encoding::encode(&self.0))
    }
}

impl fmt::Debug for Jkt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Jkt({self})")
    }
}

impl TryFrom<String> for Jkt {
    type Error = JktError;
    fn try_from(text: String) -> Result<Self, JktError> {
        Self::parse(&text)
    }
}

impl Serialize for Jkt {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
