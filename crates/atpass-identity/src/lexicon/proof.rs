//! That a record is in an account's repository: from the archive that its PDS sends to the record,
//! with nothing believed on the way.

use atpass_protocol::id::Did;
use serde_json::Value;

use super::car::{Archive, CarError};
use super::cid::Cid;
use super::commit::{self, CommitError};
use super::mst::{self, TreeError};
use super::record::{self, RecordError};
use crate::signing_key::SigningKey;

/// Which record is to be proven.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// Whose repository.
    pub did: &'a Did,
    /// The key of that repository.
    pub signing_key: &'a SigningKey,
    /// The collection, a slash, and the record key.
    pub path: &'a str,
}

/// A record that was proven.
#[derive(Clone, Debug, PartialEq)]
pub struct ProvenRecord {
    /// Its name.
    pub cid: Cid,
    /// What it says, a JSON object; links and bytes as atproto writes them in JSON.
    pub value: Value,
}

/// Why an archive doesn't prove a record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The archive can't be read.
    #[error("the archive can't be used: {0}")]
    Car(#[from] CarError),
    /// A block on the way isn't in the archive.
    #[error("the block {0} is missing from the archive")]
    Missing(Cid),
    /// A block isn't what it should be.
    #[error("{what} can't be read: {why}")]
    Block {
        /// What it should be.
        what: &'static str,
        /// Why it isn't.
        why: String,
    },
    /// The commit isn't the account's.
    #[error("the commit can't be used: {0}")]
    Commit(#[from] CommitError),
    /// The tree isn't one that a repository can have.
    #[error("the tree of records is wrong: {0}")]
    Tree(#[from] TreeError),
    /// It is proven that the repository has no such record.
    #[error("the repository has no such record")]
    Absent,
    /// The record can't be used.
    #[error("the record can't be used: {0}")]
    Record(#[from] RecordError),
}

/// Reads a block as each kind that a proof has, as if its hash and signature were right. Returns the
/// record, where it is one. For fuzzing, which can make neither.
#[doc(hidden)]
pub fn read_block(block: &[u8], claim: &Claim<'_>) -> Result<Value, ProofError> {
    let archive = Archive::of(block);
    let _ = commit::verify(block, claim.did, claim.signing_key);
    let _ = mst::find(&archive, archive.root, claim.path.as_bytes());
    record::read(block)
}

/// Checks the proof in an archive (CAR, at most 512 KiB) and returns the record: the root is a
/// commit that the account signed, and the commit's tree leads to the record. Blocks beside the way
/// are allowed, as long as they are what their names say.
pub fn verify_record(archive: &[u8], claim: &Claim<'_>) -> Result<ProvenRecord, ProofError> {
    let archive = Archive::read(archive)?;
    let block = |cid| archive.block(cid).ok_or(ProofError::Missing(cid));
    let tree = commit::verify(block(archive.root)?, claim.did, claim.signing_key)?;
    let cid = mst::find(&archive, tree, claim.path.as_bytes())?.ok_or(ProofError::Absent)?;
    let value = record::read(block(cid)?)?;
    Ok(ProvenRecord { cid, value })
}
