//! The signed commit at the root of a repository (atproto spec, Repository, "Commit Objects").

use std::borrow::Cow;

use atpass_protocol::id::Did;
use atpass_protocol::text::shown;
use serde::{Deserialize, Serialize};

use super::cid::{self, Cid, Link};
use super::proof::ProofError;
use crate::signing_key::SigningKey;

/// The version of the repository format.
const VERSION: u64 = 3;

/// What is wrong with a commit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// Another version of the format.
    #[error("it has the version {0}; it must be {VERSION}")]
    Version(u64),
    /// It belongs to another account.
    #[error("it is a commit of {0}")]
    Did(String),
    /// The account's key didn't sign it, or not in low-S form.
    #[error("its signature is not one of the account's key, in low-S form")]
    Signature,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Signed<'a> {
    #[serde(borrow)]
    did: Cow<'a, str>,
    version: u64,
    data: Link,
    #[serde(borrow)]
    rev: Cow<'a, str>,
    prev: Option<Link>,
    #[serde(with = "serde_bytes")]
    sig: &'a [u8],
}

/// The same without its signature: what is signed.
#[derive(Serialize)]
struct Unsigned<'a> {
    did: &'a str,
    version: u64,
    data: Link,
    rev: &'a str,
    prev: Option<Link>,
}

/// Checks the commit in a block. Returns the root of the tree of records.
pub(crate) fn verify(block: &[u8], did: &Did, key: &SigningKey) -> Result<Cid, ProofError> {
    let failed = |why| ProofError::Block {
        what: "the commit",
        why,
    };
    let commit: Signed<'_> = cid::decode(block).map_err(failed)?;
    if commit.version != VERSION {
        return Err(CommitError::Version(commit.version).into());
    }
    if commit.did != did.as_str() {
        return Err(CommitError::Did(shown(&commit.did)).into());
    }
    let unsigned = Unsigned {
        did: &commit.did,
        version: commit.version,
        data: commit.data,
        rev: &commit.rev,
        prev: commit.prev,
    };
    let message = cid::encode(&unsigned).map_err(failed)?;
    if !key.verifies(&message, commit.sig) {
        return Err(CommitError::Signature.into());
    }
    Ok(commit.data.0)
}
