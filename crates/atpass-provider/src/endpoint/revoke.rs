//! `POST /oauth/revoke` (RFC 7009).

use atpass_protocol::error::OAuthError;
use atpass_protocol::request::RevocationRequest;
use atpass_protocol::time::UnixTime;
use atpass_protocol::token::{AccessTokenClaims, SessionId};

use super::Post;
use crate::audit::{self, Event};
use crate::clients::{Freshness, authenticate, replayed};
use crate::error::EndpointError;
use crate::provider::Provider;
use crate::store::EndReason;

/// The endpoint's path.
pub(crate) const PATH: &str = "/oauth/revoke";

/// Ends the session of a refresh or access token of the client that asks. A token that isn't
/// known changes nothing and is no error (RFC 7009 section 2.2).
///
/// A public client may leave the proof out: whoever holds the token may give it up. A proof that
/// is there must be right, and of the session's key.
pub(crate) async fn revoke(
    provider: &Provider,
    post: Post,
    now: UnixTime,
) -> Result<(), EndpointError> {
    let proof = match post.proofs.as_slice() {
        [] => None,
        proofs => Some(provider.verify_proof(proofs, PATH, now).await?),
    };
    let request = RevocationRequest::from_form(&post.form)?;
    let dpop = proof.as_ref().map(|proof| proof.jkt);
    let who = authenticate(
        provider,
        &request.client_id,
        &post.form,
        dpop,
        Freshness::LastGood,
        now,
    )
    .await?;
    if let Some(assertion) = &who.assertion
        && !provider.store().use_assertion(assertion, now).await?
    {
        return Err(replayed());
    }
    let Some(id) = session_of(provider, request.token.expose(), &request) else {
        return Ok(());
    };
    let Some(session) = provider.store().session(id).await? else {
        return Ok(());
    };
    if session.client_id != request.client_id {
        // RFC 7009 section 2.1: refused, and told so. Nothing changes (clause AS-REV-02).
        return Err(OAuthError::invalid_grant("the token was issued to another client").into());
    }
    if proof.is_some_and(|proof| proof.jkt != session.jkt) {
        audit::record(Event::WrongHolder { session: id });
        return Err(OAuthError::invalid_grant(
            "the token is bound to another DPoP key than this proof's",
        )
        .into());
    }
    if provider.end_session(id, EndReason::Revoked, now).await? {
        audit::record(Event::Revoked { session: id });
    }
    Ok(())
}

fn session_of(provider: &Provider, token: &str, request: &RevocationRequest) -> Option<SessionId> {
    if let Some((id, _)) = provider.refresh_tokens().read(&request.token) {
        return Some(id);
    }
    // An expired access token still names its session.
    let (jwks, issuer) = (provider.jwks(), &provider.config().issuer);
    AccessTokenClaims::session_of(token, |kid| jwks.find(kid), issuer).or_else(|| {
        AccessTokenClaims::session_for_official_pds(token, provider.official_pds_key(), issuer)
    })
}
