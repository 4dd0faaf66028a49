//! From a handle, DID or server URL to the right authorization server.
//!
//! [`Resolver::discover`] goes the whole way: handle → DID → DID document → PDS → authorization
//! server. Nothing is believed from one side only: the DID document must claim the handle back,
//! and the server's metadata must be its own. [`Resolver::verify_subject`] goes it again from the
//! DID that a server names in a token answer.
//!
//! Handles are resolved by DNS and HTTPS side by side, or by a server of one's choice. What was
//! found is kept for ten minutes at most, and looked up once however many ask.

mod cache;
mod discover;
mod document;
mod error;
mod handle;
mod input;
mod lexicon;
mod observer;
mod signing_key;

pub use discover::{DiscoveredAccount, Discovery, Freshness, IdentityConfig, Resolver};
pub use document::{DidDocument, DocumentError};
pub use error::IdentityError;
pub use handle::{DnsFailure, HandleFailure, HandleResolution, HttpsFailure};
pub use input::{Input, InputError};
#[doc(hidden)]
pub use lexicon::read_block;
pub use lexicon::{
    AuthorityError, CarError, Cid, CidError, Claim, CommitError, FoundLexicon, KeptLexicon,
    LexiconCache, LexiconError, LexiconLifetimes, LexiconSchema, LexiconStage, LexiconStore,
    LexiconStoreError, MemoryLexicons, ProofError, ProvenRecord, RecordError, SchemaError,
    TreeError, verify_record,
};
pub use observer::{Observer, Step};
pub use signing_key::{SigningKey, SigningKeyError};
