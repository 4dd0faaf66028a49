//! `GET /oauth/authorize`: which page comes next.

use atpass_protocol::error::{OAuthError, OAuthErrorCode};
use atpass_protocol::id::{ClientId, ClientIdKind};
use atpass_protocol::request::{AuthorizationResponse, LoginHint, Prompt};
use atpass_protocol::secret::Secret;
use atpass_protocol::time::UnixTime;

use super::browser::{Browser, BrowserRequest};
use super::view::{AccountView, Choose, ClientKind, ClientView, Consent, Hidden, SignIn};
use super::{Page, PageError, consent, layout};
use crate::accounts::{Account, Identifier};
use crate::provider::Provider;
use crate::store::RequestRecord;

/// A pushed request, as the browser refers to it.
pub(super) struct Pending {
    pub(super) record: RequestRecord,
    client_id: String,
    request_uri: String,
}

impl Pending {
    /// Finds the request that the parameters `client_id` and `request_uri` name.
    pub(super) async fn find(
        provider: &Provider,
        request: &BrowserRequest,
        now: UnixTime,
    ) -> Result<Self, PageError> {
        let form = &request.form;
        let (Some(client_id), Some(request_uri)) = (form.get("client_id"), form.get("request_uri"))
        else {
            return Err(PageError::problem(
                400,
                "This link isn’t complete",
                "The app sent your browser here without what is needed to sign in. Go back to the app and try again.",
            )
            .with_detail("The authorization endpoint takes client_id and the request_uri of a pushed authorization request (RFC 9126), nothing else."));
        };
        let id = Secret::new(request_uri).sha256();
        let record = provider.store().request(&id, now).await?;
        let record = record.filter(|record| record.request.client_id.as_str() == client_id);
        let record = record.ok_or_else(|| {
            PageError::problem(
                400,
                "This sign-in has expired",
                "It was open for too long, or was finished already. Go back to the app and start again.",
            )
            .with_detail("request_uri is unknown, used, expired, or of another client_id")
        })?;
        Ok(Self {
            client_id: client_id.to_owned(),
            request_uri: request_uri.to_owned(),
            record,
        })
    }

    /// The hint, if the app gave one.
    pub(super) fn hint(&self) -> Option<&LoginHint> {
        self.record.request.login_hint.as_ref()
    }

    /// Whether this account may answer the request at all (clause AS-AUTHZ-04).
    pub(super) fn allows(&self, account: &Account) -> bool {
        self.hint()
            .is_none_or(|hint| hint.means(&account.did, &account.handle))
    }

    /// Whether this account may answer it with the sign-in that it has.
    pub(super) fn accepts(&self, (account, signed_in_at): &(Account, UnixTime)) -> bool {
        let fresh = *signed_in_at >= self.record.created_at;
        self.allows(account) && (fresh || self.record.request.prompt != Some(Prompt::Login))
    }

    /// The URL of the authorization endpoint for this request, with an account in mind.
    pub(super) fn url(&self, account: Option<&str>) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("client_id", &self.client_id);
        query.append_pair("request_uri", &self.request_uri);
        if let Some(account) = account {
            query.append_pair("account", account);
        }
        format!("/oauth/authorize?{}", query.finish())
    }

    /// Back to the app, with the answer.
    pub(super) fn answer(&self, provider: &Provider, response: &AuthorizationResponse) -> Page {
        let request = &self.record.request;
        let issuer = &provider.config().issuer;
        Page::see_other(response.redirect(
            &request.redirect_uri,
            request.response_mode,
            &request.state,
            issuer,
        ))
    }

    /// Uses the request up, and goes back to the app with an error.
    pub(super) async fn refuse(
        &self,
        provider: &Provider,
        code: OAuthErrorCode,
        description: &str,
        now: UnixTime,
    ) -> Result<Page, PageError> {
        provider.store().close_request(&self.record.id, now).await?;
        let error = OAuthError::new(code, description);
        Ok(self.answer(provider, &AuthorizationResponse::Error(error)))
    }

    fn leads_to(&self) -> String {
        self.record.request.redirect_uri.policy_source()
    }

    fn hidden<'a>(&'a self, csrf: &'a str) -> Hidden<'a> {
        Hidden {
            client_id: &self.client_id,
            request_uri: &self.request_uri,
            csrf,
        }
    }

    /// The sign-in page.
    pub(super) fn sign_in_page(
        &self,
        provider: &Provider,
        browser: &Browser,
        form: &SignInForm<'_>,
    ) -> Result<Page, PageError> {
        let (csrf, redirect_host) = (
            browser.csrf(provider),
            self.record.request.redirect_uri.destination(),
        );
        let host = client_host(&self.record.request.client_id);
        let template = SignIn {
            layout: layout(provider),
            client: client_view(&self.client_id, host.as_deref(), &redirect_host),
            hidden: self.hidden(&csrf),
            identifier: form.identifier,
            identifier_locked: self.hint().is_some(),
            problem: form.problem,
            remember: form.remember,
            can_choose: self.hint().is_none() && !browser.accounts.is_empty(),
        };
        let page = Page::html(form.status, &template, Some(self.leads_to()))?;
        Ok(page.with_cookie(browser.set_cookie.clone()))
    }
}

/// A form that was posted from one of our pages: the browser that it came from, and the request
/// that it is about.
pub(super) async fn open_form(
    provider: &Provider,
    request: &BrowserRequest,
    now: UnixTime,
) -> Result<(Browser, Pending), PageError> {
    let browser = Browser::recognise(provider, request, now).await?;
    browser.check_form(provider, request)?;
    let pending = Pending::find(provider, request, now).await?;
    Ok((browser, pending))
}

/// What the sign-in page shows in its fields.
pub(super) struct SignInForm<'a> {
    pub(super) status: u16,
    pub(super) identifier: &'a str,
    pub(super) problem: Option<&'a str>,
    pub(super) remember: bool,
}

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
enum Step<'a> {
    SignIn,
    Choose(Vec<&'a Account>),
    Consent(&'a Account),
    Refuse(OAuthErrorCode, &'static str),
}

/// Decides on the page, by the request, the accounts in this browser and the one in mind.
fn next_step<'a>(
    pending: &Pending,
    accounts: &'a [(Account, UnixTime)],
    chosen: Option<&str>,
) -> Step<'a> {
    let usable: Vec<&Account> = accounts
        .iter()
        .filter(|signed_in| pending.accepts(signed_in))
        .map(|(account, _)| account)
        .collect();
    // Silent sign-in is for confidential clients, and there are only public ones.
    if pending.record.request.prompt == Some(Prompt::None) {
        return match usable.as_slice() {
            [] => Step::Refuse(
                OAuthErrorCode::LoginRequired,
                "nobody is signed in who could answer without being asked",
            ),
            [_] => Step::Refuse(
                OAuthErrorCode::ConsentRequired,
                "a public client is not authorized without asking the person",
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
        return Step::Consent(account);
    }
    let asked_to_choose = pending.record.request.prompt == Some(Prompt::SelectAccount);
    match usable.as_slice() {
        _ if chosen == Some(super::choose::ANOTHER) => Step::SignIn,
        [] => Step::SignIn,
        [account, ..] if pending.hint().is_some() && !asked_to_choose => Step::Consent(account),
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
    let browser = Browser::recognise(provider, request, now).await?;
    let page = match next_step(&pending, &browser.accounts, request.form.get("account")) {
        Step::Refuse(code, description) => pending.refuse(provider, code, description, now).await?,
        Step::SignIn => {
            let identifier = hinted_identifier(provider, &pending).await?;
            let form = SignInForm {
                status: 200,
                identifier: &identifier,
                problem: None,
                remember: false,
            };
            pending.sign_in_page(provider, &browser, &form)?
        }
        Step::Choose(accounts) => choose_page(provider, &pending, &browser, &accounts)?,
        Step::Consent(account) => consent_page(provider, &pending, &browser, account)?,
    };
    Ok(page.with_cookie(browser.set_cookie))
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
    accounts: &[&Account],
) -> Result<Page, PageError> {
    let (csrf, redirect_host) = (
        browser.csrf(provider),
        pending.record.request.redirect_uri.destination(),
    );
    let accounts: Vec<_> = accounts
        .iter()
        .map(|account| account_view(account))
        .collect();
    let host = client_host(&pending.record.request.client_id);
    let template = Choose {
        layout: layout(provider),
        client: client_view(&pending.client_id, host.as_deref(), &redirect_host),
        hidden: pending.hidden(&csrf),
        accounts: &accounts,
    };
    Page::html(200, &template, Some(pending.leads_to()))
}

fn consent_page(
    provider: &Provider,
    pending: &Pending,
    browser: &Browser,
    account: &Account,
) -> Result<Page, PageError> {
    let (csrf, redirect_host) = (
        browser.csrf(provider),
        pending.record.request.redirect_uri.destination(),
    );
    let request = &pending.record.request;
    let (permissions, scope) = (
        consent::permissions(&request.scope),
        request.scope.to_string(),
    );
    let host = client_host(&request.client_id);
    let template = Consent {
        layout: layout(provider),
        client: client_view(&pending.client_id, host.as_deref(), &redirect_host),
        hidden: pending.hidden(&csrf),
        account: account_view(account),
        permissions: &permissions,
        scope: &scope,
        can_switch: pending.hint().is_none(),
    };
    Page::html(200, &template, Some(pending.leads_to()))
}

fn account_view(account: &Account) -> AccountView<'_> {
    AccountView {
        did: account.did.as_str(),
        handle: account.handle.as_str(),
    }
}

fn client_host(client_id: &ClientId) -> Option<String> {
    match client_id.kind() {
        ClientIdKind::Document(url) => url.host_str().map(ToOwned::to_owned),
        ClientIdKind::Loopback(_) => None,
    }
}

fn client_view<'a>(
    client_id: &'a str,
    host: Option<&'a str>,
    redirect_host: &'a str,
) -> ClientView<'a> {
    ClientView {
        client_id,
        kind: host.map_or(ClientKind::Loopback, |host| ClientKind::Web { host }),
        redirect_host,
    }
}
