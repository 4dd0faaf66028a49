//! `/account`: what an account's owner sees and can end: apps with access, and browsers.

use atpass_protocol::id::ClientIdKind;
use atpass_protocol::time::UnixTime;
use atpass_protocol::token::SessionId;
use i18n_embed_fl::fl;

use super::browser::{Browser, BrowserRequest};
use super::error::Problem;
use super::permissions::permissions;
use super::sign_in::{self, Outcome, Refusal};
use super::sign_up::Offer;
use super::view::{AccountPage, AccountSignIn, AccountView, SessionView};
use super::{Language, Page, PageError, Sources, choose, layout};
use crate::accounts::Account;
use crate::audit::{self, Event};
use crate::permission_sets::ExpandedScope;
use crate::provider::Provider;
use crate::store::{EndReason, SessionRecord};

/// Where it is.
pub(crate) const PATH: &str = "/account";

/// `GET /account`.
pub(crate) async fn show(
    provider: &Provider,
    request: &BrowserRequest,
    now: UnixTime,
) -> Result<Page, PageError> {
    let browser = Browser::recognise(provider, request, now).await?;
    let wanted = request.form.get("account");
    let page = match chosen(&browser, wanted) {
        Some(account) => account_page(provider, request, &browser, account, now).await?,
        None if wanted == Some(choose::NEW) => match Offer::without_app(provider) {
            Some(offer) => offer.page(provider, request, &browser, (None, &[]))?,
            None => sign_in_page(provider, request, &browser, None)?,
        },
        None => sign_in_page(provider, request, &browser, None)?,
    };
    Ok(page.with_cookie(browser.set_cookie))
}

/// `POST /account/sign-in`.
pub(crate) async fn sign_in(
    provider: &Provider,
    request: &BrowserRequest,
    now: UnixTime,
) -> Result<Page, PageError> {
    let browser = Browser::recognise(provider, request, now).await?;
    browser.check_form(provider, request)?;
    match sign_in::attempt(provider, request, &browser, |_| true, now).await? {
        Outcome::SignedIn { account, cookie } => {
            Ok(to(account.did.as_str()).with_cookie(Some(cookie)))
        }
        Outcome::Refused(refusal) => sign_in_page(provider, request, &browser, Some(refusal)),
    }
}

/// `POST /account/end`: ends the access of one app, or of all.
pub(crate) async fn end(
    provider: &Provider,
    request: &BrowserRequest,
    now: UnixTime,
) -> Result<Page, PageError> {
    let (browser, account) = owner(provider, request, now).await?;
    let wanted = request.form.get("session").unwrap_or_default();
    let one = SessionId::try_from(wanted.to_owned()).ok();
    let sessions = provider.store().sessions_of(&account.did, now).await?;
    let all = wanted == "all";
    // Of this account's sessions only: a hand-made form ends nobody else's.
    for session in sessions
        .iter()
        .filter(|session| all || Some(session.id) == one)
    {
        if provider
            .end_session(session.id, EndReason::Owner, now)
            .await?
        {
            audit::record(Event::EndedByOwner {
                session: session.id,
            });
        }
    }
    Ok(to(account.did.as_str()).with_cookie(browser.set_cookie))
}

/// `POST /account/sign-out`: out of this browser, or of all others.
pub(crate) async fn sign_out(
    provider: &Provider,
    request: &BrowserRequest,
    now: UnixTime,
) -> Result<Page, PageError> {
    let (browser, account) = owner(provider, request, now).await?;
    let store = provider.store();
    let page = if request.form.get("where") == Some("others") {
        store.sign_out_others(&browser.id(), &account.did).await?;
        to(account.did.as_str())
    } else {
        store.sign_out(&browser.id(), &account.did).await?;
        Page::see_other(PATH)
    };
    audit::record(Event::SignedOut { did: &account.did });
    Ok(page.with_cookie(browser.set_cookie))
}

/// The account that a form is about, if it is signed in here.
async fn owner(
    provider: &Provider,
    request: &BrowserRequest,
    now: UnixTime,
) -> Result<(Browser, Account), PageError> {
    let browser = Browser::recognise(provider, request, now).await?;
    browser.check_form(provider, request)?;
    let did = request.form.get("account").unwrap_or_default();
    let account = browser.account(did).map(|(account, _)| account.clone());
    let account = account.ok_or(PageError::problem(Problem::SignedOut))?;
    Ok((browser, account))
}

fn chosen<'a>(browser: &'a Browser, wanted: Option<&str>) -> Option<&'a Account> {
    let accounts = browser.accounts.iter().map(|(account, _)| account);
    match wanted {
        Some(choose::ANOTHER | choose::NEW) => None,
        Some(did) => browser.account(did).map(|(account, _)| account),
        None => accounts.into_iter().next(),
    }
}

pub(super) fn to(did: &str) -> Page {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("account", did);
    Page::see_other(format!("{PATH}?{}", query.finish()))
}

fn sign_in_page(
    provider: &Provider,
    request: &BrowserRequest,
    browser: &Browser,
    refusal: Option<Refusal>,
) -> Result<Page, PageError> {
    // What was typed stays in the field; a link fills nothing in.
    let typed = refusal.and_then(|_| request.form.get("identifier"));
    let template = AccountSignIn {
        layout: layout(provider, request.language),
        csrf: &browser.csrf(provider),
        identifier: typed.unwrap_or_default(),
        problem: refusal.map(|refusal| refusal.words(request.language)),
        can_sign_up: provider.sign_up().is_some(),
    };
    let status = refusal.map_or(200, Refusal::status);
    let page = Page::html(status, &template, Sources::default())?;
    Ok(page.with_cookie(browser.set_cookie.clone()))
}

async fn account_page(
    provider: &Provider,
    request: &BrowserRequest,
    browser: &Browser,
    account: &Account,
    now: UnixTime,
) -> Result<Page, PageError> {
    let sessions = provider.store().sessions_of(&account.did, now).await?;
    let mut views = Vec::with_capacity(sessions.len());
    for session in &sessions {
        let scope = ExpandedScope::as_known(provider.permission_sets(), &session.scope).await;
        views.push(session_view(session, &scope, request.language, now));
    }
    let view = |account: &Account| AccountView {
        did: account.did.to_string(),
        handle: account.handle.to_string(),
    };
    let others: Vec<_> = browser
        .accounts
        .iter()
        .map(|(other, _)| other)
        .filter(|other| other.did != account.did)
        .map(view)
        .collect();
    let template = AccountPage {
        layout: layout(provider, request.language),
        csrf: &browser.csrf(provider),
        account: view(account),
        others: &others,
        sessions: &views,
    };
    Page::html(200, &template, Sources::default())
}

fn session_view(
    session: &SessionRecord,
    scope: &ExpandedScope,
    language: &Language,
    now: UnixTime,
) -> SessionView {
    const DAY: i64 = 24 * 60 * 60;
    let texts = language.texts();
    let host = match session.client_id.kind() {
        ClientIdKind::Document(url) => url.host_str().map(ToOwned::to_owned),
        ClientIdKind::Loopback(_) => None,
    };
    let mut titles: Vec<String> = Vec::new();
    for permission in permissions(scope, language) {
        if !titles.contains(&permission.title) {
            titles.push(permission.title);
        }
    }
    let days = |then| (now.since(then) / DAY).max(0);
    SessionView {
        id: session.id.to_string(),
        app: host.unwrap_or_else(|| fl!(texts, "app-on-this-computer")),
        client_id: session.client_id.to_string(),
        began: days(session.created_at),
        used: days(session.rotated_at),
        permissions: titles.join(&fl!(texts, "list-separator")),
    }
}
