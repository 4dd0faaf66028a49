//! Names of blocks, and the strict reading of what is in them.

use std::fmt;

use aws_lc_rs::digest;
use data_encoding::BASE32_NOPAD;
use ipld_core::cid::Cid as AnyCid;
use ipld_core::cid::multihash::Multihash;
use serde::{Deserialize, Serialize};

use atpass_protocol::text::shown;

/// The multicodec of DAG-CBOR, and of SHA-256.
const DAG_CBOR: u64 = 0x71;
const SHA2_256: u64 = 0x12;
/// Version 1, DAG-CBOR, SHA-256, 32 bytes: how every CID of a repository's block begins.
const PREFIX: [u8; 4] = [0x01, 0x71, 0x12, 0x20];
/// Bytes of such a CID.
pub(crate) const CID_BYTES: usize = 36;

/// The name of a block of a repository: CID version 1, DAG-CBOR, SHA-256 (atproto spec, Data Model,
/// "Link and CID Formats"). Prints as `bafyrei...`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cid([u8; 32]);

/// The text is no CID of a DAG-CBOR block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the CID of a DAG-CBOR block (bafyrei...)")]
pub struct CidError;

impl Cid {
    /// The name that this block has.
    pub(crate) fn of(block: &[u8]) -> Self {
        Self(sha256(block))
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let digest = bytes.strip_prefix(&PREFIX)?;
        Some(Self(digest.try_into().ok()?))
    }

    /// Reads the text form.
    pub fn parse(text: &str) -> Result<Self, CidError> {
        let base32 = text.strip_prefix('b').ok_or(CidError)?;
        // One form only: lower case, no padding.
        if base32.bytes().any(|b| b.is_ascii_uppercase()) {
            return Err(CidError);
        }
        let bytes = BASE32_NOPAD.decode(base32.to_ascii_uppercase().as_bytes());
        Self::from_bytes(&bytes.map_err(|_| CidError)?).ok_or(CidError)
    }
}

impl fmt::Display for Cid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = BASE32_NOPAD.encode(&[&PREFIX[..], &self.0].concat());
        write!(f, "b{}", text.to_ascii_lowercase())
    }
}

impl fmt::Debug for Cid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::str::FromStr for Cid {
    type Err = CidError;
    fn from_str(text: &str) -> Result<Self, CidError> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Cid {
    type Error = CidError;
    fn try_from(text: String) -> Result<Self, CidError> {
        Self::parse(&text)
    }
}

impl From<Cid> for String {
    fn from(cid: Cid) -> Self {
        cid.to_string()
    }
}

/// A link in a block, to another block of the repository.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(try_from = "AnyCid", into = "AnyCid")]
pub(crate) struct Link(pub(crate) Cid);

impl TryFrom<AnyCid> for Link {
    type Error = CidError;
    fn try_from(cid: AnyCid) -> Result<Self, CidError> {
        Cid::from_bytes(&cid.to_bytes()).map(Self).ok_or(CidError)
    }
}

impl From<Link> for AnyCid {
    fn from(Link(Cid(digest)): Link) -> Self {
        // The digest is shorter than the array that holds it.
        let hash = Multihash::wrap(SHA2_256, &digest).unwrap_or_default();
        Self::new_v1(DAG_CBOR, hash)
    }
}

/// SHA-256 (FIPS 180-4).
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    out
}

/// Reads a block in DAG-CBOR, in the one form that it has: what is written again must be the same
/// bytes. Returns why it can't be read.
pub(crate) fn decode<'a, T: Serialize + Deserialize<'a>>(block: &'a [u8]) -> Result<T, String> {
    let value: T =
        serde_ipld_dagcbor::from_slice(block).map_err(|error| shown(&error.to_string()))?;
    if encode(&value)? == block {
        Ok(value)
    } else {
        Err("it is not in the canonical form".into())
    }
}

/// Writes a value in DAG-CBOR.
pub(crate) fn encode(value: &impl Serialize) -> Result<Vec<u8>, String> {
    serde_ipld_dagcbor::to_vec(value).map_err(|error| shown(&error.to_string()))
}
