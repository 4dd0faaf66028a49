//! `POST /oauth/authorize/decide`: what the person decided, and the words in which they are asked.

use atpass_protocol::error::OAuthErrorCode;
use atpass_protocol::request::AuthorizationResponse;
use atpass_protocol::scope::ScopeSet;
use atpass_protocol::time::UnixTime;

use super::browser::{Browser, BrowserRequest};
use super::error::Problem;
use super::pending::{Pending, open_form};
use super::permissions::ticked;
use super::{Page, PageError, choose};
use crate::accounts::Account;
use crate::audit::{self, Event};
use crate::ordered;
use crate::provider::Provider;
use crate::store::{ApproveOutcome, CodeRecord};

pub(crate) async fn decide(
    provider: &Provider,
    request: &BrowserRequest,
    now: UnixTime,
) -> Result<Page, PageError> {
    let (browser, pending) = open_form(provider, request, now).await?;
    let page = answer(provider, request, &browser, &pending, now).await;
    let page = page.map_err(|error| error.in_language(pending.language))?;
    Ok(page.with_cookie(browser.set_cookie))
}

async fn answer(
    provider: &Provider,
    request: &BrowserRequest,
    browser: &Browser,
    pending: &Pending,
    now: UnixTime,
) -> Result<Page, PageError> {
    match request.form.get("decision") {
        Some("authorize") => {
            let signed_in = request
                .form
                .get("account")
                .and_then(|did| browser.account(did));
            match signed_in.filter(|signed_in| pending.accepts(signed_in)) {
                Some((account, _)) => {
                    let is_ticked = |name: &str| request.form.get(name).is_some();
                    let scope = ticked(&pending.record.request.scope, is_ticked);
                    approve(provider, pending, account, scope, now).await
                }
                // Signed out in the meantime, or a hand-made form: the first page decides.
                None => Ok(Page::see_other(pending.url(None))),
            }
        }
        Some("deny") => {
            audit::record(Event::Denied {
                client_id: &pending.record.request.client_id,
            });
            pending
                .refuse(
                    provider,
                    OAuthErrorCode::AccessDenied,
                    "the person did not agree",
                    now,
                )
                .await
        }
        Some("switch") => Ok(Page::see_other(pending.url(Some(choose::LIST)))),
        _ => Err(PageError::problem(Problem::UndecidedForm)),
    }
}

pub(super) async fn approve(
    provider: &Provider,
    pending: &Pending,
    account: &Account,
    scope: ScopeSet,
    now: UnixTime,
) -> Result<Page, PageError> {
    let code = ordered::secret(provider);
    let asked = &pending.record.request;
    let record = CodeRecord {
        id: ordered::id(&code),
        client_id: asked.client_id.clone(),
        redirect_uri: asked.redirect_uri.clone(),
        challenge: asked.code_challenge.clone(),
        state: pending.record.state_digest(),
        jkt: pending.record.jkt,
        client_key: pending.record.client_key.clone(),
        did: account.did.clone(),
        scope,
        created_at: now,
        expires_at: now.plus(provider.config().lifetimes.code),
        session: None,
    };
    match provider
        .store()
        .approve(&pending.record.id, &record)
        .await?
    {
        ApproveOutcome::Issued => {
            audit::record(Event::Approved {
                did: &account.did,
                client_id: &asked.client_id,
            });
            pending.answer(provider, &AuthorizationResponse::Code(code))
        }
        // The page of an expired request explains itself.
        ApproveOutcome::RequestGone => Ok(Page::see_other(pending.url(None))),
        ApproveOutcome::ChallengeUsed => {
            let description = "a code was already issued for this code_challenge; make a new one for each request";
            pending
                .refuse(provider, OAuthErrorCode::InvalidRequest, description, now)
                .await
        }
    }
}
