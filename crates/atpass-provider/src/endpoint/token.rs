//! `POST /oauth/token`: code exchange and refresh.
//!
//! The order is the same for both: prove the key and the client, look the grant up, hold what was
//! presented against it (anything wrong here changes nothing), then one act of the store, then
//! the signature and the answer.

use atpass_protocol::dpop::VerifiedProof;
use atpass_protocol::error::{OAuthError, OAuthErrorCode};
use atpass_protocol::metadata::ClientMetadata;
use atpass_protocol::request::{RefreshGrant, TokenRequest, TokenResponse};
use atpass_protocol::scope::ScopeSet;
use atpass_protocol::time::UnixTime;
use atpass_protocol::token::{AccessTokenClaims, Audience, Confirmation, SessionId, new_token_id};

use super::Post;
use crate::accounts::{Account, Identifier};
use crate::audit::{self, Event};
use crate::client_registry::find_client;
use crate::error::EndpointError;
use crate::grant::{self, PresentedCode};
use crate::provider::Provider;
use crate::refresh::RefreshDecision;
use crate::store::{ConsumeOutcome, EndReason, Rotation, SessionRecord};

/// The endpoint's path.
pub(crate) const PATH: &str = "/oauth/token";

pub(crate) async fn exchange(
    provider: &Provider,
    post: Post,
    now: UnixTime,
) -> Result<TokenResponse, EndpointError> {
    let proof = provider.verify_proof(&post.proofs, PATH, now).await?;
    let request = TokenRequest::from_form(&post.form)?;
    let client = find_client(request.client_id())?;
    match request {
        TokenRequest::AuthorizationCode {
            client_id,
            code,
            redirect_uri,
            code_verifier,
        } => {
            let presented = PresentedCode {
                id: code.sha256(),
                client_id,
                redirect_uri,
                challenge: code_verifier.challenge(),
                jkt: proof.jkt,
            };
            exchange_code(provider, &client, &presented, now).await
        }
        TokenRequest::Refresh(grant) => refresh(provider, &grant, &proof, now).await,
    }
}

async fn exchange_code(
    provider: &Provider,
    client: &ClientMetadata,
    presented: &PresentedCode,
    now: UnixTime,
) -> Result<TokenResponse, EndpointError> {
    let code = provider.store().code(&presented.id).await?;
    let code = grant::check_code(code, presented)?;
    if let Some(session) = code.session {
        return Err(end_reused(provider, session, now).await?);
    }
    let account = active_account(provider, &code.did).await?;
    let expires_at = now.plus(provider.config().lifetimes.public_session);
    let session = SessionRecord {
        id: SessionId::generate(provider.random()),
        did: code.did,
        client_id: code.client_id,
        jkt: code.jkt,
        scope: code.scope,
        generation: 0,
        rotated_at: now,
        created_at: now,
        expires_at,
        refresh_expires_at: expires_at,
        ended: None,
    };
    match provider
        .store()
        .consume_code(&presented.id, &session, now)
        .await?
    {
        ConsumeOutcome::Consumed => {}
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
    let scope = session.scope.clone();
    answer(provider, &session, account, scope, generation, now)
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

async fn refresh(
    provider: &Provider,
    grant: &RefreshGrant,
    proof: &VerifiedProof,
    now: UnixTime,
) -> Result<TokenResponse, EndpointError> {
    let unknown = || {
        OAuthError::invalid_grant(
            "the refresh token is not one of this server, or its session is long gone",
        )
    };
    let (id, presented) = provider
        .refresh_tokens()
        .read(&grant.refresh_token)
        .ok_or_else(unknown)?;
    let session = provider.store().session(id).await?.ok_or_else(unknown)?;
    if session.client_id != grant.client_id || session.jkt != proof.jkt {
        audit::record(Event::WrongHolder { session: id });
        return Err(OAuthError::invalid_grant(
            "the refresh token belongs to another client_id or DPoP key",
        )
        .into());
    }
    let scope = match &grant.scope {
        None => session.scope.clone(),
        Some(narrower) if session.scope.covers(narrower) => narrower.clone(),
        Some(_) => {
            return Err(OAuthError::new(
                OAuthErrorCode::InvalidScope,
                format!(
                    "a refresh can't widen the scope; granted is {}",
                    session.scope
                ),
            )
            .into());
        }
    };
    let account = match active_account(provider, &session.did).await {
        Err(EndpointError::OAuth(refusal)) => {
            provider.end_session(id, EndReason::Account, now).await?;
            audit::record(Event::AccountInactive { session: id });
            return Err(refusal.into());
        }
        other => other?,
    };

    let rotation = Rotation {
        session: id,
        presented,
        now,
        refresh_expires_at: session.expires_at,
        recovery: provider.config().lifetimes.refresh_recovery,
    };
    let generation = match provider.store().rotate(&rotation).await? {
        RefreshDecision::Rotated { generation } => {
            audit::record(Event::Refreshed {
                session: id,
                generation,
            });
            generation
        }
        RefreshDecision::Repeated { generation } => {
            audit::record(Event::Recovered {
                session: id,
                generation,
            });
            generation
        }
        RefreshDecision::Replayed => {
            provider.announce_end(id, now);
            audit::record(Event::Replayed { session: id });
            return Err(OAuthError::invalid_grant("this refresh token was replaced and its successor used, or too long ago; the session has been ended").into());
        }
        RefreshDecision::Ended => {
            return Err(OAuthError::invalid_grant("the session has been ended").into());
        }
        RefreshDecision::Expired => {
            return Err(OAuthError::invalid_grant("the session has expired; sign in again").into());
        }
        RefreshDecision::Unknown => return Err(unknown().into()),
    };
    answer(provider, &session, account, scope, Some(generation), now)
}

/// The account, if it may have tokens (clauses AS-TOK-09, AS-REF-11).
async fn active_account(
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

fn answer(
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
    let access_token = provider.keys().sign(&claims)?;
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
