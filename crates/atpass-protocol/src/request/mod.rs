//! What is posted to the authorization server, and what it answers.
//!
//! Each message is a type with one strict reader for the server and one writer for the client.

mod authorize;
mod form;
mod par;
mod presentation;
mod revoke;
mod token;

pub use authorize::{AuthorizationResponse, CallbackError, CallbackParameters};
pub use form::Form;
pub use par::{
    LoginHint, Prompt, PushedAuthorizationRequest, PushedAuthorizationResponse, ResponseMode, State,
};
pub use presentation::{DISPLAY_VALUES, UiLocales};
pub use revoke::RevocationRequest;
pub use token::{RefreshGrant, TokenRequest, TokenResponse};

use crate::error::{OAuthError, OAuthErrorCode};
use crate::scope::ScopeSet;

/// Reads a scope that is asked for: what means nothing here would be granted in name only.
fn read_scope(text: &str) -> Result<ScopeSet, OAuthError> {
    ScopeSet::parse_known(text)
        .map_err(|error| OAuthError::new(OAuthErrorCode::InvalidScope, error))
}
