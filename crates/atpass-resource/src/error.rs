//! Why a request was refused: the caller's fault, or ours.

use atpass_protocol::dpop::DpopError;
use atpass_protocol::scope::{Permission, ScopeError};
use atpass_protocol::token::AccessTokenError;

use crate::KeysUnavailable;

/// Why a request was refused. Becomes HTTP in one place, `IntoResponse`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResourceError {
    /// No credentials that are known here: a challenge without an error code (RFC 6750 section 3.1).
    #[error("sign in: this needs an access token with a DPoP proof")]
    NoCredentials,
    /// The request can't be read as one with credentials.
    #[error("{0}")]
    Malformed(&'static str),
    /// The token came as `Bearer` (RFC 9449 section 7.1).
    #[error("send the token as `Authorization: DPoP ...`, with a proof in the DPoP header")]
    Scheme,
    /// The access token.
    #[error(transparent)]
    Token(#[from] AccessTokenError),
    /// The token belongs to another key than the proof's.
    #[error("the access token is bound to another key than the DPoP proof's")]
    Binding,
    /// The session of the token is over.
    #[error("the session of this access token has been ended")]
    Revoked,
    /// The proof.
    #[error(transparent)]
    Dpop(#[from] DpopError),
    /// The token doesn't allow this.
    #[error("the access token does not allow this; it needs the scope {0}")]
    Scope(Permission),
    /// What the request names can't be the object of a permission.
    #[error("{0}")]
    Name(ScopeError),
    /// A part of ours failed. Never the caller's fault, and never a 401.
    #[error("this server can't check access at the moment; try again")]
    Unavailable(String),
    /// The key of the token isn't known, and the issuer was asked for its keys too short a time ago to
    /// be asked again. The token may be good, so this is no 401.
    #[error("the access token is signed with a key that this server hasn't seen yet; try again")]
    KeyNotSeenYet,
    /// The route isn't behind a [`crate::ResourceLayer`]: a mistake in the program around it.
    #[error("this server can't check access to this")]
    NotGuarded,
}

impl From<KeysUnavailable> for ResourceError {
    fn from(error: KeysUnavailable) -> Self {
        match error {
            KeysUnavailable::Failed(_) => Self::Unavailable(error.to_string()),
            KeysUnavailable::AskedJustNow => Self::KeyNotSeenYet,
        }
    }
}
