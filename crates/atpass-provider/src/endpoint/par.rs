//! `POST /oauth/par` (RFC 9126).

use atpass_protocol::error::{OAuthError, OAuthErrorCode};
use atpass_protocol::jose::Jkt;
use atpass_protocol::request::{Prompt, PushedAuthorizationRequest, PushedAuthorizationResponse};
use atpass_protocol::scope::Scope;
use atpass_protocol::secret::Secret;
use atpass_protocol::time::UnixTime;

use super::Post;
use crate::clients::{
    Authenticated, Freshness, authenticate, check_key_is_apart, check_request, replayed, used_up,
};
use crate::error::EndpointError;
use crate::ordered;
use crate::permission_sets::ExpandedScope;
use crate::provider::Provider;
use crate::store::{AlreadyUsed, Digest32, RequestRecord};

/// The endpoint's path.
pub(crate) const PATH: &str = "/oauth/par";

/// RFC 9126 section 2.2 leaves the form free; this prefix is the customary one.
const PREFIX: &str = "urn:ietf:params:oauth:request_uri:";

pub(crate) async fn push(
    provider: &Provider,
    post: Post,
    now: UnixTime,
) -> Result<PushedAuthorizationResponse, EndpointError> {
    let proof = provider.verify_proof(&post.proofs, PATH, now).await?;
    let request = PushedAuthorizationRequest::from_form(&post.form)?;
    if request.dpop_jkt.is_some_and(|jkt| jkt != proof.jkt) {
        return Err(OAuthError::invalid_request(
            "dpop_jkt is not the thumbprint of the DPoP proof's key",
        )
        .into());
    }
    if request.prompt == Some(Prompt::Create) && provider.sign_up().is_none() {
        return Err(Prompt::unsupported(Prompt::Create.as_str()).into());
    }
    let (client_id, dpop) = (&request.client_id, Some(proof.jkt));
    let who = authenticate(
        provider,
        client_id,
        &post.form,
        dpop,
        Freshness::Recent,
        now,
    )
    .await?;
    let assertion = who.assertion;
    let outcome = keep(provider, request, proof.jkt, who, now).await;
    used_up(provider, assertion, outcome, now).await
}

async fn keep(
    provider: &Provider,
    request: PushedAuthorizationRequest,
    jkt: Jkt,
    who: Authenticated,
    now: UnixTime,
) -> Result<PushedAuthorizationResponse, EndpointError> {
    let mut client = who.client;
    let scope = scope_of(provider, &request, now).await?;
    if check_request(&client.metadata, &request, &scope).is_err() {
        let anew = Freshness::Recent.forced();
        client = provider
            .clients()
            .find(&request.client_id, anew, now)
            .await?;
    }
    check_request(&client.metadata, &request, &scope)?;
    check_key_is_apart(&client, jkt)?;

    let reference = ordered::secret(provider);
    let expires_in = provider.config().lifetimes.authorization_request;
    let record = RequestRecord {
        id: ordered::id(&reference),
        request,
        jkt,
        client_key: who.key,
        created_at: now,
        expires_at: now.plus(expires_in),
    };
    let store = provider.store();
    match store.push_request(&record, who.assertion.as_ref()).await? {
        None => Ok(PushedAuthorizationResponse {
            request_uri: Secret::new(format!("{PREFIX}{}", reference.expose())),
            expires_in,
        }),
        Some(AlreadyUsed::Assertion) => Err(replayed()),
        Some(AlreadyUsed::Challenge) => Err(OAuthError::invalid_request("a code was already issued for this code_challenge; make a new one for each request").into()),
        Some(AlreadyUsed::State) => Err(OAuthError::invalid_request("an authorization with this state was completed already; make a new one for each request").into()),
    }
}

/// By what the request of this `request_uri` is kept, if it may be one of ours.
pub(crate) fn request_id(request_uri: &str) -> Option<Digest32> {
    let reference = request_uri.strip_prefix(PREFIX)?;
    Some(ordered::id(&Secret::new(reference)))
}

/// The scope with its permission sets, which must be there when a session begins.
async fn scope_of(
    provider: &Provider,
    request: &PushedAuthorizationRequest,
    now: UnixTime,
) -> Result<ExpandedScope, EndpointError> {
    let is_space = |scope: &Scope| matches!(scope, Scope::Space(_));
    if !provider.config().experimental_spaces && request.scope.iter().any(is_space) {
        let text = "space: scopes are an experiment that this server doesn't take part in";
        return Err(OAuthError::new(OAuthErrorCode::InvalidScope, text).into());
    }
    ExpandedScope::for_new_session(provider.permission_sets(), &request.scope, now).await
}
