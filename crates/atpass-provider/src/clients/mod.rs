//! Clients: who they are by their own metadata, what they may ask, and how they prove it.

mod authenticate;
mod document;
mod registry;

use std::sync::Arc;

use atpass_protocol::error::{OAuthError, OAuthErrorCode};
use atpass_protocol::jose::ClientKeys;
use atpass_protocol::metadata::ClientMetadata;
use atpass_protocol::request::PushedAuthorizationRequest;

use crate::permission_sets::ExpandedScope;

pub(crate) use authenticate::{Authenticated, authenticate, check_key_is_apart, replayed, used_up};
pub use document::{ClientProblem, FoundClient, fetch_client};
pub(crate) use registry::{ClientRegistry, Freshness};

/// A client, with its keys.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) metadata: ClientMetadata,
    /// Of a confidential client.
    pub(crate) keys: Option<ClientKeys>,
    /// Whether the operator trusts it: then it is shown by name.
    pub(crate) trusted: bool,
}

pub(crate) type SharedClient = Arc<Client>;

/// Holds a request against what the client declared (clauses AS-PAR-10, AS-PAR-11).
pub(crate) fn check_request(
    client: &ClientMetadata,
    request: &PushedAuthorizationRequest,
    scope: &ExpandedScope,
) -> Result<(), OAuthError> {
    if !client.allows_redirect(&request.redirect_uri) {
        return Err(OAuthError::invalid_request(format!(
            "redirect_uri {} is not one that the client declared",
            request.redirect_uri
        )));
    }
    if !scope.is_within(&client.scope) {
        return Err(OAuthError::new(
            OAuthErrorCode::InvalidScope,
            format!(
                "scope {} goes beyond what the client declared: {}",
                request.scope, client.scope
            ),
        ));
    }
    Ok(())
}
