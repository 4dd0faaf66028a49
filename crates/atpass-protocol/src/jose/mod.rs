//! Signed JSON: the part of JOSE (RFC 7515, 7517, 7518, 7638) that the profile uses.
//!
//! One algorithm, ES256, but where official PDSes and the directory want another: [`K256Key`]. A [`PrivateKey`] and a [`PublicJwk`] are different types, and only the
//! public one can be written as JSON.

mod client_keys;
mod jwk_private;
mod jwk_public;
mod jwk_set;
mod jws;
mod k256;
mod thumbprint;

pub use client_keys::{ClientKey, ClientKeys, ClientKeysError};
pub use jwk_private::{KeyError, PrivateKey, StoredKey};
pub(crate) use jwk_public::present;
pub use jwk_public::{BoundKey, JwkError, PublicJwk};
pub use jwk_set::{JwkSet, PublishedKey};
pub use jws::{CompactJws, JwsError};
pub use k256::{ES256K, K256Key};
pub use thumbprint::{Jkt, JktError};

/// The signature algorithm (RFC 7518 section 3.4): P-256 with SHA-256.
pub const ES256: &str = "ES256";
