//! Lexicons from the network (atproto spec, Lexicon, "Lexicon Publication and Resolution"), with
//! the proof that they are in the repository of whom DNS names for their group.
//!
//! [`Resolver::lexicon`](crate::Resolver::lexicon) resolves one; a [`LexiconCache`] keeps them by
//! the rules of permission sets. Nothing that a PDS sends is believed: [`verify_record`] follows the
//! hashes from the signed commit to the record.

mod attempts;
mod cache;
mod car;
mod cid;
mod commit;
mod error;
mod mst;
mod proof;
mod record;
mod resolve;
mod store;

use std::fmt;

use atpass_protocol::id::{Did, Nsid};
use serde_json::Value;

pub use cache::{FoundLexicon, LexiconCache, LexiconLifetimes};
pub use car::CarError;
pub use cid::{Cid, CidError};
pub use commit::CommitError;
pub use error::{AuthorityError, LexiconError, LexiconStage, SchemaError};
pub use mst::TreeError;
#[doc(hidden)]
pub use proof::read_block;
pub use proof::{Claim, ProofError, ProvenRecord, verify_record};
pub use record::RecordError;
pub use store::{KeptLexicon, LexiconStore, LexiconStoreError, MemoryLexicons};

/// The collection of lexicons, and the `$type` of their records.
const COLLECTION: &str = "com.atproto.lexicon.schema";

/// A lexicon as its authority published it.
#[derive(Clone, Debug, PartialEq)]
pub struct LexiconSchema {
    /// Its name.
    pub nsid: Nsid,
    /// Who published it.
    pub did: Did,
    /// The record that it is.
    pub cid: Cid,
    /// The record: a JSON object whose `$type`, `lexicon` and `id` were checked, and nothing else.
    pub document: Value,
}

impl fmt::Display for LexiconSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the record {} of {}, proven", self.cid, self.did)
    }
}
