//! `POST /oauth/authorize/decide`: what the person decided, and the words in which they are asked.

use atpass_protocol::error::OAuthErrorCode;
use atpass_protocol::random;
use atpass_protocol::request::AuthorizationResponse;
use atpass_protocol::scope::{Scope, ScopeSet};
use atpass_protocol::time::UnixTime;
use i18n_embed_fl::fl;

use super::browser::{Browser, BrowserRequest};
use super::error::Problem;
use super::pending::{Pending, open_form};
use super::view::PermissionView;
use super::{Language, Page, PageError};
use crate::accounts::Account;
use crate::audit::{self, Event};
use crate::endpoint::par::state_digest;
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
                Some((account, _)) => approve(provider, pending, account, now).await,
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
        Some("switch") => Ok(Page::see_other(pending.url(None))),
        _ => Err(PageError::problem(Problem::UndecidedForm)),
    }
}

pub(super) async fn approve(
    provider: &Provider,
    pending: &Pending,
    account: &Account,
    now: UnixTime,
) -> Result<Page, PageError> {
    let code = random::secret::<32>(provider.random());
    let asked = &pending.record.request;
    let record = CodeRecord {
        id: code.sha256(),
        client_id: asked.client_id.clone(),
        redirect_uri: asked.redirect_uri.clone(),
        challenge: asked.code_challenge.clone(),
        state: state_digest(asked),
        jkt: pending.record.jkt,
        client_key: pending.record.client_key.clone(),
        did: account.did.clone(),
        scope: asked.scope.clone(),
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

/// What the scopes let the app do, in words.
pub(super) fn permissions(scope: &ScopeSet, language: &Language) -> Vec<PermissionView<'static>> {
    let chat_without_generic = !scope.contains(Scope::TransitionGeneric);
    scope
        .iter()
        .filter(|&scope| !(scope == Scope::TransitionChat && chat_without_generic))
        .map(|scope| {
            let (title, detail, caution) = describe(scope, language);
            PermissionView {
                name: scope.as_str(),
                title,
                detail,
                optional: false,
                caution,
            }
        })
        .collect()
}

fn describe(scope: Scope, language: &Language) -> (String, String, bool) {
    let texts = language.texts();
    match scope {
        Scope::Atproto => (
            fl!(texts, "permission-atproto-title"),
            fl!(texts, "permission-atproto-detail"),
            false,
        ),
        Scope::TransitionGeneric => (
            fl!(texts, "permission-generic-title"),
            fl!(texts, "permission-generic-detail"),
            true,
        ),
        Scope::TransitionChat => (
            fl!(texts, "permission-chat-title"),
            fl!(texts, "permission-chat-detail"),
            true,
        ),
        Scope::TransitionEmail => (
            fl!(texts, "permission-email-title"),
            fl!(texts, "permission-email-detail"),
            false,
        ),
    }
}
