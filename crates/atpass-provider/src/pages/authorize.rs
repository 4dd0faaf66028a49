//! `GET /oauth/authorize`: which page comes next.

use atpass_protocol::error::OAuthErrorCode;
use atpass_protocol::id::Did;
use atpass_protocol::request::{LoginHint, Prompt};
use atpass_protocol::time::UnixTime;

use super::browser::{Browser, BrowserRequest};
use super::pending::{Pending, SignInForm};
use super::permissions::permissions;
use super::sign_up::Offer;
use super::view::{AccountView, Choose, Consent};
use super::{Page, PageError, choose, consent, layout};
use crate::accounts::{Account, Identifier};
use crate::permission_sets::ExpandedScope;
use crate::provider::Provider;

/// What comes next.
enum Step<'a> {
    SignIn,
    Choose(Vec<&'a Account>),
    SignUp(&'a Offer),
    Consent(&'a Account),
    /// Without a question: the same was granted before.
    Approve(&'a Account),
    Refuse(OAuthErrorCode, &'static str),
}

/// Decides on the page, by the request, the accounts in this browser and the one in mind.
fn next_step<'a>(
    pending: &Pending,
    accounts: &'a [(Account, UnixTime)],
    (chosen, offer): (Option<&str>, Option<&'a Offer>),
    silent: &[Did],
) -> Step<'a> {
    let usable: Vec<&Account> = accounts
        .iter()
        .filter(|signed_in| pending.accepts(signed_in))
        .map(|(account, _)| account)
        .collect();
    let answer = |account: &'a Account| {
        if silent.contains(&account.did) {
            Step::Approve(account)
        } else {
            Step::Consent(account)
        }
    };
    if pending.record.request.prompt == Some(Prompt::None) {
        return match usable.as_slice() {
            [] => Step::Refuse(
                OAuthErrorCode::LoginRequired,
                "nobody is signed in who could answer without being asked",
            ),
            [account] if silent.contains(&account.did) => Step::Approve(account),
            [_] => Step::Refuse(
                OAuthErrorCode::ConsentRequired,
                "the person must be asked: the client is a public one, or asks for more than was granted",
            ),
            _ => Step::Refuse(
                OAuthErrorCode::AccountSelectionRequired,
                "several accounts are signed in; send login_hint, or let the person choose",
            ),
        };
    }
    if let Some(account) = usable
        .iter()
        .find(|account| Some(account.did.as_str()) == chosen)
    {
        return answer(account);
    }
    let wants_new = match chosen {
        Some(choice) => choice == choose::NEW,
        None => pending.record.request.prompt == Some(Prompt::Create),
    };
    if let Some(offer) = offer.filter(|_| wants_new) {
        return Step::SignUp(offer);
    }
    let asked_to_choose = pending.record.request.prompt == Some(Prompt::SelectAccount);
    match usable.as_slice() {
        _ if chosen == Some(choose::ANOTHER) => Step::SignIn,
        [] => Step::SignIn,
        [account, ..] if pending.hint().is_some() && !asked_to_choose => answer(account),
        _ => Step::Choose(usable),
    }
}

/// Shows the next page.
pub(crate) async fn authorize(
    provider: &Provider,
    request: &BrowserRequest,
    now: UnixTime,
) -> Result<Page, PageError> {
    let pending = Pending::find(provider, request, now).await?;
    let page = next_page(provider, request, &pending, now).await;
    page.map_err(|error| error.in_language(pending.language))
}

async fn next_page(
    provider: &Provider,
    request: &BrowserRequest,
    pending: &Pending,
    now: UnixTime,
) -> Result<Page, PageError> {
    let browser = Browser::recognise(provider, request, now).await?;
    let silent = silently(provider, pending, &browser).await?;
    let chosen = request.form.get("account");
    let offer = Offer::for_request(provider, pending).await?;
    let wish = (chosen, offer.as_ref());
    let page = match next_step(pending, &browser.accounts, wish, &silent) {
        Step::Refuse(code, description) => pending.refuse(provider, code, description, now).await?,
        Step::SignIn => {
            let identifier = hinted_identifier(provider, pending).await?;
            let form = SignInForm {
                identifier: &identifier,
                refusal: None,
                remember: false,
                can_sign_up: offer.is_some(),
            };
            pending.sign_in_page(provider, &browser, &form)?
        }
        Step::Choose(accounts) => {
            choose_page(provider, pending, &browser, (&accounts, offer.is_some()))?
        }
        Step::SignUp(offer) => offer.page(provider, request, &browser, (Some(pending), &[]))?,
        Step::Consent(account) => consent_page(provider, pending, &browser, account).await?,
        Step::Approve(account) => {
            let scope = pending.record.request.scope.clone();
            consent::approve(provider, pending, account, scope, now).await?
        }
    };
    Ok(page.with_cookie(browser.set_cookie))
}

/// The accounts in this browser that needn't be asked: a confidential client has the same from them
/// already (clause AS-AUTHZ-06).
async fn silently(
    provider: &Provider,
    pending: &Pending,
    browser: &Browser,
) -> Result<Vec<Did>, PageError> {
    let asked = &pending.record.request;
    if pending.record.client_key.is_none() || asked.prompt == Some(Prompt::Consent) {
        return Ok(Vec::new());
    }
    let mut silent = Vec::new();
    for (account, _) in &browser.accounts {
        let granted = provider
            .store()
            .approved(&account.did, &asked.client_id)
            .await?;
        if granted.is_some_and(|granted| granted.covers(&asked.scope)) {
            silent.push(account.did.clone());
        }
    }
    Ok(silent)
}

/// What the identifier field shows for a hint: the handle, also for a hint by DID, because people
/// know their handle.
async fn hinted_identifier(provider: &Provider, pending: &Pending) -> Result<String, PageError> {
    let Some(hint) = pending.hint() else {
        return Ok(String::new());
    };
    if let LoginHint::Did(did) = hint
        && let Some(account) = provider
            .accounts()
            .find(&Identifier::Did(did.clone()))
            .await?
    {
        return Ok(account.handle.to_string());
    }
    Ok(hint.as_str().to_owned())
}

fn choose_page(
    provider: &Provider,
    pending: &Pending,
    browser: &Browser,
    (accounts, can_sign_up): (&[&Account], bool),
) -> Result<Page, PageError> {
    let csrf = browser.csrf(provider);
    let accounts: Vec<_> = accounts
        .iter()
        .map(|account| account_view(account))
        .collect();
    let template = Choose {
        layout: layout(provider, pending.language),
        client: pending.client_view(),
        hidden: pending.hidden(&csrf),
        accounts: &accounts,
        can_sign_up,
    };
    Page::html(200, &template, pending.sources())
}

async fn consent_page(
    provider: &Provider,
    pending: &Pending,
    browser: &Browser,
    account: &Account,
) -> Result<Page, PageError> {
    let csrf = browser.csrf(provider);
    let request = &pending.record.request;
    // They were resolved when the request was pushed, a few minutes ago at most.
    let asked = ExpandedScope::as_known(provider.permission_sets(), &request.scope).await;
    let (permissions, scope) = (
        permissions(&asked, pending.language),
        request.scope.to_string(),
    );
    let template = Consent {
        layout: layout(provider, pending.language),
        client: pending.client_view(),
        hidden: pending.hidden(&csrf),
        account: account_view(account),
        permissions: &permissions,
        scope: &scope,
        can_switch: pending.hint().is_none(),
    };
    Page::html(200, &template, pending.sources())
}

fn account_view(account: &Account) -> AccountView {
    AccountView {
        did: account.did.to_string(),
        handle: account.handle.to_string(),
    }
}
