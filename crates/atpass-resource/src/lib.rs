//! Verify a request (token, DPoP, nonce, replay) and say what it may do.
//!
//! [`ResourceServer::verify`] is the rule, over plain `http` parts. [`ResourceLayer`] puts it
//! before any tower service, and [`VerifiedRequest`] is an axum extractor for what came through:
//!
//! ```
//! use atpass_protocol::scope::Permission;
//! use atpass_resource::{ResourceError, VerifiedRequest};
//!
//! async fn my_email(caller: VerifiedRequest) -> Result<String, ResourceError> {
//!     caller.require(&Permission::AccountEmail)?;
//!     Ok(format!("the address of {}", caller.did()))
//! }
//! ```

mod challenge;
mod error;
mod extract;
mod layer;
mod revocation;
mod verify;

pub use error::ResourceError;
pub use layer::{ResourceLayer, ResourceService};
pub use revocation::RevocationList;
pub use verify::{
    IssuerKeys, KeysUnavailable, METADATA_PATH, ResourceConfig, ResourceParts, ResourceServer,
    VerifiedRequest,
};
