//! From a handle, DID or server URL to the right authorization server.
//!
//! [`Resolver::discover`] goes the whole way: handle → DID → DID document → PDS → authorization
//! server. Nothing is believed from one side only: the DID document must claim the handle back,
//! and the server's metadata must be its own. [`Resolver::verify_subject`] goes it again from the
//! DID that a server names in a token answer.
//!
//! Handles are resolved by a server's `com.atproto.identity.resolveHandle`.

mod discover;
mod document;
mod error;
mod input;

pub use discover::{DiscoveredAccount, Discovery, IdentityConfig, Resolver};
pub use document::{DidDocument, DocumentError};
pub use error::IdentityError;
pub use input::{Input, InputError};
