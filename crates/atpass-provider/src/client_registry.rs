//! From a `client_id` to the client's metadata.

use atpass_protocol::error::{OAuthError, OAuthErrorCode};
use atpass_protocol::id::{ClientId, ClientIdKind};
use atpass_protocol::metadata::ClientMetadata;
use atpass_protocol::request::PushedAuthorizationRequest;

/// The client's metadata.
///
/// Loopback clients carry theirs in their id. Metadata documents aren't fetched yet, so other
/// clients are refused with that reason.
pub(crate) fn find_client(client_id: &ClientId) -> Result<ClientMetadata, OAuthError> {
    match client_id.kind() {
        ClientIdKind::Loopback(loopback) => {
            ClientMetadata::loopback(client_id, loopback).map_err(|error| {
                OAuthError::invalid_client(format!("the scope in the loopback client_id: {error}"))
            })
        }
        ClientIdKind::Document(_) => Err(OAuthError::invalid_client(
            "this server knows loopback clients only (client_id http://localhost?redirect_uri=...&scope=...)",
        )),
    }
}

/// Holds a request against what the client declared (clauses AS-PAR-10, AS-PAR-11).
pub(crate) fn check_request(
    client: &ClientMetadata,
    request: &PushedAuthorizationRequest,
) -> Result<(), OAuthError> {
    if !client.allows_redirect(&request.redirect_uri) {
        return Err(OAuthError::invalid_request(format!(
            "redirect_uri {} is not one that the client declared",
            request.redirect_uri
        )));
    }
    if !client.scope.covers(&request.scope) {
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
