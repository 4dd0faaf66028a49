//! The rules of AT Protocol OAuth, with no I/O and no runtime.
//!
//! Everything that arrives from outside becomes a type here, or a precise error: identifiers
//! ([`id`]), keys and signatures ([`jose`]), proofs of possession ([`dpop`]), metadata documents
//! ([`metadata`]), requests and answers ([`request`]), scopes ([`scope`]) and access tokens
//! ([`token`]). Functions that depend on the time take `now`; those that need randomness take a
//! [`random::Random`]. The authorization server, the resource server and the client share these
//! types, so that a rule is written once.
//!
//! | Read | for |
//! | --- | --- |
//! | [`client_assertion`] | RFC 7523: how a confidential client proves who it is |
//! | [`dpop`] | RFC 9449: making, reading and checking a proof; the nonces |
//! | [`request`] | RFC 9126, 6749, 7009: what is posted to the authorization server |
//! | [`metadata`] | RFC 8414, RFC 9728 and the client metadata document |
//! | [`scope`] | what a token allows |
//! | [`revocation`] | the feed of ended sessions |
//! | [`seal`] | encryption at rest |

pub mod client_assertion;
pub mod dpop;
pub mod error;
pub mod id;
pub mod jose;
pub mod metadata;
pub mod pkce;
pub mod random;
pub mod request;
pub mod revocation;
pub mod scope;
pub mod seal;
pub mod secret;
pub mod text;
pub mod time;
pub mod token;

mod encoding;

pub use error::{OAuthError, OAuthErrorCode};
