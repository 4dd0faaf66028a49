//! A pushed request, as the browser refers to it, and what the pages show of it.

use atpass_protocol::error::{OAuthError, OAuthErrorCode};
use atpass_protocol::id::ClientIdKind;
use atpass_protocol::metadata::ClientNames;
use atpass_protocol::request::{AuthorizationResponse, LoginHint, Prompt};
use atpass_protocol::time::UnixTime;
use url::Url;

use super::browser::{Browser, BrowserRequest};
use super::error::Problem;
use super::sign_in::Refusal;
use super::view::{ClientKind, ClientView, Hidden, SignIn};
use super::{Language, Page, PageError, Sources, form_post, layout};
use crate::accounts::Account;
use crate::clients::{Freshness, SharedClient};
use crate::endpoint::par::request_id;
use crate::provider::Provider;
use crate::store::RequestRecord;

/// A pushed request, as the browser refers to it.
pub(super) struct Pending {
    pub(super) record: RequestRecord,
    pub(super) client: SharedClient,
    /// Of the pages about it: the app knows its person's language better than the browser may.
    pub(super) language: &'static Language,
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
            return Err(PageError::problem(Problem::IncompleteLink).with_detail("The authorization endpoint takes client_id and the request_uri of a pushed authorization request (RFC 9126), nothing else."));
        };
        let record = match request_id(request_uri) {
            Some(id) => provider.store().request(&id, now).await?,
            None => None,
        };
        let record = record.filter(|record| record.request.client_id.as_str() == client_id);
        let record = record.ok_or_else(|| {
            PageError::problem(Problem::Expired)
                .with_detail("request_uri is unknown, used, expired, or of another client_id")
        })?;
        let language = Language::of_app(&record.request.ui_locales).unwrap_or(request.language);
        // What the client says of itself now; it may have been blocked since it asked.
        let client = provider
            .clients()
            .find(&record.request.client_id, Freshness::LastGood, now)
            .await
            .map_err(|error| PageError::from(error).in_language(language))?;
        Ok(Self {
            client,
            language,
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
    pub(super) fn answer(
        &self,
        provider: &Provider,
        response: &AuthorizationResponse,
    ) -> Result<Page, PageError> {
        let request = &self.record.request;
        let (state, issuer) = (&request.state, &provider.config().issuer);
        let to = &request.redirect_uri;
        match response.redirect(to, request.response_mode, state, issuer) {
            Some(url) => Ok(Page::see_other(url)),
            None => form_post::page(provider, self, &response.parameters(state, issuer)),
        }
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
        self.answer(provider, &AuthorizationResponse::Error(error))
    }

    /// What a page about this request may use.
    pub(super) fn sources(&self) -> Sources {
        let logo = self.shown_names().and_then(|names| names.logo_uri.as_ref());
        Sources {
            form: Some(self.record.request.redirect_uri.policy_source()),
            image: logo.map(|logo| logo.origin().ascii_serialization()),
            script: None,
        }
    }

    /// What the client calls itself, if the operator trusts it (clause AS-CLI-18).
    fn shown_names(&self) -> Option<&ClientNames> {
        self.client.trusted.then_some(&self.client.metadata.names)
    }

    /// The app, as the pages show it.
    pub(super) fn client_view(&self) -> ClientView<'_> {
        let host = match self.record.request.client_id.kind() {
            ClientIdKind::Document(url) => url.host_str().map(ToOwned::to_owned),
            ClientIdKind::Loopback(_) => None,
        };
        let names = self.shown_names();
        ClientView {
            client_id: &self.client_id,
            kind: host.map_or(ClientKind::Loopback, |host| ClientKind::Web { host }),
            name: names.and_then(|names| names.client_name.as_deref()),
            page: names.and_then(|names| names.client_uri.as_ref().map(Url::as_str)),
            logo: names.and_then(|names| names.logo_uri.as_ref().map(Url::as_str)),
            redirect_host: self.record.request.redirect_uri.destination(),
        }
    }

    pub(super) fn hidden<'a>(&'a self, csrf: &'a str) -> Hidden<'a> {
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
        let csrf = browser.csrf(provider);
        let template = SignIn {
            layout: layout(provider, self.language),
            client: self.client_view(),
            hidden: self.hidden(&csrf),
            identifier: form.identifier,
            identifier_locked: self.hint().is_some(),
            problem: form.refusal.map(|refusal| refusal.words(self.language)),
            remember: form.remember,
            can_choose: self.hint().is_none() && !browser.accounts.is_empty(),
            can_sign_up: form.can_sign_up,
        };
        let status = form.refusal.map_or(200, Refusal::status);
        let page = Page::html(status, &template, self.sources())?;
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
    pub(super) identifier: &'a str,
    /// Why the last attempt failed.
    pub(super) refusal: Option<Refusal>,
    pub(super) remember: bool,
    pub(super) can_sign_up: bool,
}
