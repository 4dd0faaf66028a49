//! `POST /oauth/token`: code exchange here, refresh in [`super::refresh`].
//!
//! The order is the same for both: prove the key and the client, look the grant up, hold what was
//! presented against it (anything wrong here changes nothing), then one act of the store, then
//! the signature and the answer.

use atpass_protocol::error::OAuthError;
use atpass_protocol::metadata::ClientMetadata;
use atpass_protocol::request::{TokenRequest, TokenResponse};
use atpass_protocol::scope::ScopeSet;
use atpass_protocol::time::UnixTime;
use atpass_protocol::token::{AccessTokenClaims, Audience, Confirmation, SessionId, new_token_id};

use super::Post;
use super::refresh::refresh;
use crate::accounts::{Account, Identifier};
use crate::audit::{self, Event};
use crate::clients::{Authenticated, Freshness, authenticate, replayed, used_up};
use crate::error::EndpointError;
use crate::grant::{self, PresentedCode};
use crate::ordered;
use crate::permission_sets::ExpandedScope;
use crate::provider::Provider;
use crate::store::{ConsumeOutcome, EndReason, SessionRecord};

/// The endpoint's path.
pub(crate) const PATH: &str = "/oauth/token";

pub(crate) async fn exchange(
    provider: &Provider,
    post: Post,
    now: UnixTime,
) -> Result<TokenResponse, EndpointError> {
    let proof = provider.verify_proof(&post.proofs, PATH, now).await?;
    let request = TokenRequest::from_form(&post.form)?;
    match request {
        TokenRequest::AuthorizationCode {
            client_id,
            code,
            redirect_uri,
            code_verifier,
        } => {
            let jkt = Some(proof.jkt);
            let freshness = Freshness::LastGood;
            let who = authenticate(provider, &client_id, &post.form, jkt, freshness, now).await?;
            let presented = PresentedCode {
                id: ordered::id(&code),
                client_id,
                redirect_uri,
                challenge: code_verifier.challenge(),
                jkt: proof.jkt,
                client_key: who.key.clone(),
            };
            let assertion = who.assertion;
            let outcome = exchange_code(provider, who, &presented, now).await;
            used_up(provider, assertion, outcome, now).await
        }
        TokenRequest::Refresh(grant) => refresh(provider, &grant, &post.form, proof.jkt, now).await,
    }
}

async fn exchange_code(
    provider: &Provider,
    who: Authenticated,
    presented: &PresentedCode,
    now: UnixTime,
) -> Result<TokenResponse, EndpointError> {
    let client = &who.client.metadata;
    let code = provider.store().code(&presented.id).await?;
    let code = grant::check_code(code, presented)?;
    if let Some(session) = code.session {
        return Err(end_reused(provider, session, now).await?);
    }
    let account = active_account(provider, &code.did).await?;
    let scope = expand(provider, client, &code.scope, now).await?;
    let lifetimes = &provider.config().lifetimes;
    let confidential = code.client_key.is_some();
    let expires_at = lifetimes.session_end(confidential, now);
    let session = SessionRecord {
        id: SessionId::generate(provider.random()),
        did: code.did,
        client_id: code.client_id,
        jkt: code.jkt,
        client_key: code.client_key,
        scope: code.scope,
        generation: 0,
        rotated_at: now,
        created_at: now,
        expires_at,
        refresh_expires_at: lifetimes.refresh_end(confidential, expires_at, now),
        ended: None,
    };
    match provider
        .store()
        .consume_code(&presented.id, &session, who.assertion.as_ref(), now)
        .await?
    {
        ConsumeOutcome::Consumed => {}
        ConsumeOutcome::AssertionUsed => return Err(replayed()),
        ConsumeOutcome::AlreadyConsumed(other) => {
            return Err(end_reused(provider, other, now).await?);
        }
        ConsumeOutcome::Gone => return Err(grant::expired_code().into()),
    }
    audit::record(Event::Issued {
        did: &session.did,
        client_id: &session.client_id,
        session: session.id,
    });
    let generation = client.may_refresh().then_some(session.generation);
    answer(provider, &session, account, scope, generation, now).await
}

/// A code that comes back ends the session that it began (clause AS-TOK-02). Only the rightful
/// holder of the code gets this far, so that a stolen code isn't a switch to log others out.
async fn end_reused(
    provider: &Provider,
    session: SessionId,
    now: UnixTime,
) -> Result<EndpointError, EndpointError> {
    provider
        .end_session(session, EndReason::CodeReused, now)
        .await?;
    audit::record(Event::CodeReused { session });
    Ok(
        OAuthError::invalid_grant("the code was exchanged already; its session has been ended")
            .into(),
    )
}

/// The account, if it may have tokens (clauses AS-TOK-09, AS-REF-11).
pub(super) async fn active_account(
    provider: &Provider,
    did: &atpass_protocol::id::Did,
) -> Result<Account, EndpointError> {
    let account = provider
        .accounts()
        .find(&Identifier::Did(did.clone()))
        .await?;
    account
        .filter(|account| account.active)
        .ok_or_else(|| OAuthError::invalid_grant("the account is disabled or gone").into())
}

/// The scope of an access token: permission sets as they are by now (clause AS-REF-09).
pub(super) async fn expand(
    provider: &Provider,
    client: &ClientMetadata,
    scope: &ScopeSet,
    now: UnixTime,
) -> Result<ScopeSet, EndpointError> {
    let sets = provider.permission_sets();
    let expanded = ExpandedScope::for_existing_session(sets, scope, now).await?;
    Ok(expanded.granted(&client.scope))
}

pub(super) async fn answer(
    provider: &Provider,
    session: &SessionRecord,
    account: Account,
    scope: ScopeSet,
    generation: Option<u32>,
    now: UnixTime,
) -> Result<TokenResponse, EndpointError> {
    let exp = now
        .plus(provider.config().lifetimes.access_token)
        .min(session.expires_at);
    let claims = AccessTokenClaims {
        iss: provider.config().issuer.clone(),
        aud: Audience(account.audience),
        sub: account.did,
        client_id: session.client_id.clone(),
        scope,
        cnf: Confirmation { jkt: session.jkt },
        jti: new_token_id(provider.random()),
        sid: session.id,
        iat: now,
        exp,
    };
    let access_token = provider.sign_access_token(&claims, now).await?;
    Ok(TokenResponse {
        access_token: atpass_protocol::secret::Secret::new(access_token),
        token_type: "DPoP".to_owned(),
        expires_in: Some(exp.since(now)),
        refresh_token: generation
            .map(|generation| provider.refresh_tokens().token(session.id, generation)),
        scope: claims.scope.to_string(),
        sub: claims.sub,
    })
}
