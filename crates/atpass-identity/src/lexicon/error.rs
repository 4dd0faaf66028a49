//! Why a lexicon can't be had, and at which stage.

use std::fmt;

use atpass_fetch::{DnsError, FetchError};
use atpass_protocol::id::{Did, Nsid};

use super::proof::ProofError;
use crate::IdentityError;

/// A lexicon that can't be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the lexicon {nsid} can't be had: {stage}")]
pub struct LexiconError {
    /// Which lexicon.
    pub nsid: Nsid,
    /// Where it failed.
    pub stage: LexiconStage,
}

/// Where the resolution of a lexicon failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LexiconStage {
    /// DNS names no account for the group of the lexicon's name.
    Authority {
        /// The name whose TXT records were asked for.
        name: String,
        /// Why.
        error: AuthorityError,
    },
    /// The account can't be found.
    Account(Box<IdentityError>),
    /// Its PDS doesn't send the record.
    Fetch(FetchError),
    /// What the PDS sent proves nothing.
    Proof {
        /// The account.
        did: Did,
        /// Why.
        error: ProofError,
    },
    /// What the PDS sent proves that the account has no such lexicon.
    NotFound {
        /// The account.
        did: Did,
    },
    /// The record is no lexicon, or another one.
    Schema(SchemaError),
    /// It is a lexicon, but not one that is of use here.
    Unfit(String),
    /// The whole took too long.
    Timeout,
    /// Too many are looked up at once.
    Busy,
    /// Our own store of lexicons failed.
    Store(String),
}

/// Why DNS names no account.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthorityError {
    /// No answer, or none of this kind.
    #[error(transparent)]
    Dns(DnsError),
    /// More than one record claims to name the DID.
    #[error("{0} TXT records name a DID; there must be exactly one")]
    Ambiguous(usize),
    /// The record's DID isn't one.
    #[error("the TXT record names no valid DID")]
    Invalid,
}

/// Why a record isn't the lexicon that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// Its `$type` is another one.
    #[error("the record's $type must be com.atproto.lexicon.schema")]
    Type,
    /// Its `lexicon` isn't 1.
    #[error("the record must have \"lexicon\": 1")]
    Version,
    /// Its `id` is another NSID, or none.
    #[error("the record's id is {0}")]
    Id(String),
}

impl LexiconStage {
    /// A word for the stage, for programs.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Authority { .. } => "authority",
            Self::Account(_) => "account",
            Self::Fetch(_) => "fetch",
            Self::Proof { .. } => "proof",
            Self::NotFound { .. } => "not_found",
            Self::Schema(_) => "schema",
            Self::Unfit(_) => "unfit",
            Self::Timeout => "timeout",
            Self::Busy => "busy",
            Self::Store(_) => "store",
        }
    }
}

impl fmt::Display for LexiconStage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Authority { name, error } => write!(f, "TXT {name}: {error}"),
            Self::Account(error) => error.fmt(f),
            Self::Fetch(error) => error.fmt(f),
            Self::Proof { did, error } => write!(f, "no proof from {did}: {error}"),
            Self::NotFound { did } => write!(f, "{did} has none, which is proven"),
            Self::Schema(error) => error.fmt(f),
            Self::Unfit(why) => f.write_str(why),
            Self::Timeout => f.write_str("it takes too long"),
            Self::Busy => f.write_str("too many lexicons are looked up at once"),
            Self::Store(why) => write!(f, "the store of lexicons failed ({why})"),
        }
    }
}

impl LexiconError {
    /// Whether the same may succeed a little later.
    pub const fn is_transient(&self) -> bool {
        match &self.stage {
            LexiconStage::Authority { error, .. } => {
                matches!(error, AuthorityError::Dns(DnsError::Failed(_)))
            }
            LexiconStage::Account(error) => error.is_transient(),
            LexiconStage::Fetch(error) => error.is_transient(),
            LexiconStage::Timeout | LexiconStage::Busy | LexiconStage::Store(_) => true,
            LexiconStage::Proof { .. }
            | LexiconStage::NotFound { .. }
            | LexiconStage::Schema(_)
            | LexiconStage::Unfit(_) => false,
        }
    }
}
