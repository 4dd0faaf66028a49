//! The refresh grant (RFC 6749 section 6).

use atpass_protocol::error::{OAuthError, OAuthErrorCode};
use atpass_protocol::jose::Jkt;
use atpass_protocol::metadata::ClientMetadata;
use atpass_protocol::request::{Form, RefreshGrant, TokenResponse};
use atpass_protocol::scope::ScopeSet;
use atpass_protocol::time::UnixTime;

use super::token::{active_account, answer, expand};
use crate::audit::{self, Event};
use crate::clients::{Authenticated, Freshness, authenticate, replayed, used_up};
use crate::error::EndpointError;
use crate::provider::Provider;
use crate::refresh::RefreshDecision;
use crate::store::{EndReason, Rotation, SessionRecord};

pub(super) async fn refresh(
    provider: &Provider,
    grant: &RefreshGrant,
    form: &Form,
    jkt: Jkt,
    now: UnixTime,
) -> Result<TokenResponse, EndpointError> {
    let (id, presented) = provider
        .refresh_tokens()
        .read(&grant.refresh_token)
        .ok_or_else(unknown)?;
    let session = provider.store().session(id).await?.ok_or_else(unknown)?;
    if session.client_id != grant.client_id || session.jkt != jkt {
        audit::record(Event::WrongHolder { session: id });
        return Err(OAuthError::invalid_grant(
            "the refresh token belongs to another client_id or DPoP key",
        )
        .into());
    }
    let who = check_client(provider, &session, form, now).await?;
    let assertion = who.assertion;
    let outcome = rotate(provider, grant, &session, presented, who, now).await;
    used_up(provider, assertion, outcome, now).await
}

async fn rotate(
    provider: &Provider,
    grant: &RefreshGrant,
    session: &SessionRecord,
    presented: u32,
    who: Authenticated,
    now: UnixTime,
) -> Result<TokenResponse, EndpointError> {
    let id = session.id;
    if session.client_key.is_some() && who.key != session.client_key {
        audit::record(Event::WrongHolder { session: id });
        return Err(OAuthError::invalid_grant(
            "the session is bound to another key of the client than the assertion's",
        )
        .into());
    }
    let scope = narrowed(provider, &who.client.metadata, session, grant, now).await?;
    let account = match active_account(provider, &session.did).await {
        Err(EndpointError::OAuth(refusal)) => {
            provider.end_session(id, EndReason::Account, now).await?;
            audit::record(Event::AccountInactive { session: id });
            return Err(refusal.into());
        }
        other => other?,
    };

    let confidential = session.client_key.is_some();
    let lifetimes = &provider.config().lifetimes;
    let refresh_expires_at = lifetimes.refresh_end(confidential, session.expires_at, now);
    let rotation = Rotation {
        session: id,
        presented,
        now,
        refresh_expires_at,
        recovery: provider.config().lifetimes.refresh_recovery,
        assertion: who.assertion,
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
        RefreshDecision::AssertionUsed => return Err(replayed()),
    };
    answer(provider, session, account, scope, Some(generation), now).await
}

fn unknown() -> OAuthError {
    OAuthError::invalid_grant(
        "the refresh token is not one of this server, or its session is long gone",
    )
}

/// The client proves who it is (clauses AS-AUTHN-07 to AS-AUTHN-11). A key of the session's that its owner took away
/// ends it; anything else changes nothing.
async fn check_client(
    provider: &Provider,
    session: &SessionRecord,
    form: &Form,
    now: UnixTime,
) -> Result<Authenticated, EndpointError> {
    let (clients, client_id) = (provider.clients(), &session.client_id);
    if let Some(key) = &session.client_key {
        let mut client = clients.find(client_id, Freshness::LastGood, now).await?;
        let holds = |client: &crate::clients::Client| {
            client.keys.as_ref().is_some_and(|keys| keys.holds(key))
        };
        if !holds(&client) {
            let anew = Freshness::LastGood.forced();
            client = clients.find(client_id, anew, now).await?;
        }
        if !holds(&client) {
            let reason = EndReason::ClientKey;
            provider.end_session(session.id, reason, now).await?;
            audit::record(Event::ClientKeyGone {
                session: session.id,
            });
            return Err(OAuthError::invalid_grant(
                "the client key that the session is bound to is no longer in the client's metadata; the session has been ended",
            )
            .into());
        }
    }
    let (dpop, freshness) = (Some(session.jkt), Freshness::LastGood);
    authenticate(provider, client_id, form, dpop, freshness, now).await
}

/// The scope of the new access token (clause AS-REF-08).
async fn narrowed(
    provider: &Provider,
    client: &ClientMetadata,
    session: &SessionRecord,
    grant: &RefreshGrant,
    now: UnixTime,
) -> Result<ScopeSet, EndpointError> {
    let granted = expand(provider, client, &session.scope, now).await?;
    let Some(narrower) = &grant.scope else {
        return Ok(granted);
    };
    if session.scope.covers(narrower) {
        return expand(provider, client, narrower, now).await;
    }
    if granted.covers(narrower) {
        return Ok(narrower.clone());
    }
    let text = format!(
        "a refresh can't widen the scope; granted is {}",
        session.scope
    );
    Err(OAuthError::new(OAuthErrorCode::InvalidScope, text).into())
}
