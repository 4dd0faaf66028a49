//! Verify a request (token, DPoP, nonce, replay) and say what it may do.
//!
//! [`ResourceServer::verify`] is the rule, over plain `http` parts. [`ResourceLayer`] puts it
//! before any tower service, and [`VerifiedRequest`] is an axum extractor for what came through:
//!
//! ```
//! use atpass_protocol::scope::Repo;
//! use atpass_resource::{ResourceError, VerifiedRequest};
//!
//! async fn write_post(caller: VerifiedRequest) -> Result<String, ResourceError> {
//!     caller.require(Repo::create("app.example.post"))?;
//!     Ok(format!("a post by {}", caller.did()))
//! }
//! ```
//!
//! The authorization server may be in the same process, or elsewhere: then [`RevocationFeed`] keeps
//! the list of ended sessions up to date (feature `remote`, on by default).

mod challenge;
mod error;
mod extract;
#[cfg(feature = "remote")]
mod feed;
mod held;
mod layer;
mod revocation;
mod verify;

pub use error::ResourceError;
#[cfg(feature = "remote")]
pub use feed::{FeedError, RevocationFeed};
pub use layer::{ResourceLayer, ResourceService};
pub use revocation::{RevocationList, SessionState};
pub use verify::{
    IssuerKeys, KeysUnavailable, METADATA_PATH, ResourceConfig, ResourceParts, ResourceServer,
    VerifiedRequest,
};
