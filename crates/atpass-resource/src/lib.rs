//! Verify a request (token, DPoP, nonce, replay) and say what it may do.
//!
//! [`ResourceServer::verify_request`] takes a plain `http` request and answers who calls, or how to
//! refuse. [`ResourceLayer`] puts it before any tower service, and [`VerifiedRequest`] is an axum
//! extractor for what came through:
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
//! The authorization server may be in the same process, or elsewhere. Then, with the feature
//! `remote`, which is on by default, [`RemoteKeys`] knows its keys by nothing but its URL, and
//! [`RevocationFeed`] keeps the list of ended sessions up to date:
//!
//! ```
//! # use std::sync::Arc;
//! # use atpass_fetch::Fetcher;
//! # use atpass_protocol::dpop::NonceKeeper;
//! # use atpass_protocol::time::SystemClock;
//! # use atpass_replay::MemoryReplay;
//! # use atpass_resource::*;
//! # fn server(config: ResourceConfig, fetcher: Fetcher, nonces: NonceKeeper) -> ResourceServer {
//! let revoked = Arc::new(RevocationList::from_elsewhere(60));
//! // In a task of its own: `feed.follow(&SystemClock, Duration::from_secs(10))`.
//! let feed = RevocationFeed::new(fetcher.clone(), &config.issuer, revoked.clone());
//! let keys = RemoteKeys::new(&fetcher, config.issuer.clone(), Arc::new(SystemClock));
//! let parts = ResourceParts {
//!     keys: Arc::new(keys),
//!     nonces,
//!     replay: Arc::new(MemoryReplay::default()),
//!     revoked,
//!     clock: Arc::new(SystemClock),
//! };
//! ResourceServer::new(config, parts)
//! # }
//! ```
//!
//! [`ResourceServer::with_issuers`] trusts several. `examples/xrpc-service` is a service that runs.

mod caller;
mod challenge;
mod error;
mod extract;
#[cfg(feature = "remote")]
mod feed;
mod held;
mod issuer;
mod layer;
#[cfg(feature = "remote")]
mod remote_keys;
mod request;
mod revocation;
mod verify;

pub use caller::VerifiedRequest;
pub use challenge::Refusal;
pub use error::ResourceError;
#[cfg(feature = "remote")]
pub use feed::{FeedError, RevocationFeed};
pub use issuer::{IssuerKeys, KeysUnavailable, TrustedIssuer};
pub use layer::{ResourceLayer, ResourceService};
#[cfg(feature = "remote")]
pub use remote_keys::RemoteKeys;
pub use revocation::{RevocationList, SessionState};
pub use verify::{METADATA_PATH, ResourceConfig, ResourceParts, ResourceServer};
