//! `POST /oauth/authorize/sign-up`: a new account, for a request of an app; and
//! `POST /account/sign-up`, without one.

use std::sync::Arc;

use atpass_protocol::id::Handle;
use atpass_protocol::request::LoginHint;
use atpass_protocol::time::UnixTime;
use i18n_embed_fl::fl;

use super::browser::{Browser, BrowserRequest};
use super::new_account::{self, Fault, Place};
use super::pending::{Pending, open_form};
use super::sign_in::signed_in;
use super::view::{Asker, DomainView, SignUp as SignUpPage};
use super::{Language, Page, PageError, Sources, account, layout};
use crate::accounts::{Account, Identifier};
use crate::audit::{self, Event};
use crate::error::EndpointError;
use crate::provider::Provider;
use crate::sign_up::{NewAccount, SignUp, SignUpError};

/// Where the forms go.
pub(crate) const PATH: &str = "/oauth/authorize/sign-up";
pub(crate) const PATH_WITHOUT_APP: &str = "/account/sign-up";

/// What a person is offered who has no account.
pub(super) struct Offer {
    sign_up: Arc<dyn SignUp>,
    /// The one handle that may answer the app (clause AS-AUTHZ-04).
    fixed: Option<Handle>,
}

impl Offer {
    /// What is offered, if this server takes new accounts.
    pub(super) fn without_app(provider: &Provider) -> Option<Self> {
        let sign_up = provider.sign_up()?.clone();
        Some(Self {
            sign_up,
            fixed: None,
        })
    }

    /// What is offered to who is to answer this request. Where the app named an account, nothing is,
    /// unless its handle can be had here and nobody has it.
    pub(super) async fn for_request(
        provider: &Provider,
        pending: &Pending,
    ) -> Result<Option<Self>, PageError> {
        let Some(offer) = Self::without_app(provider) else {
            return Ok(None);
        };
        match pending.hint() {
            None => Ok(Some(offer)),
            Some(LoginHint::Did(_)) => Ok(None),
            Some(LoginHint::Handle(handle)) => {
                if new_account::split(handle, offer.sign_up.domains()).is_none() {
                    return Ok(None);
                }
                let identifier = Identifier::Handle(handle.clone());
                let taken = provider.accounts().find(&identifier).await?.is_some();
                let fixed = Some(handle.clone());
                Ok((!taken).then_some(Self { fixed, ..offer }))
            }
        }
    }

    /// The page with the form: as it was typed, with what was wrong, if anything.
    pub(super) fn page(
        &self,
        provider: &Provider,
        request: &BrowserRequest,
        browser: &Browser,
        (pending, faults): (Option<&Pending>, &[Fault]),
    ) -> Result<Page, PageError> {
        let language = pending.map_or(request.language, |pending| pending.language);
        let csrf = browser.csrf(provider);
        // A link fills nothing in.
        let typed = |name| {
            let kept = (!faults.is_empty()).then(|| request.form.get(name));
            kept.flatten().unwrap_or_default()
        };
        let domains = self.sign_up.domains();
        let fixed = self
            .fixed
            .as_ref()
            .and_then(|handle| new_account::split(handle, domains));
        let (name, domain) = fixed.unwrap_or_else(|| (typed("name"), typed("domain")));
        let offered = domains
            .iter()
            .filter(|known| fixed.is_none() || *known == domain)
            .map(|known| DomainView {
                name: known,
                chosen: known == domain,
            });
        let words_at = |place| {
            let mut here = faults.iter().filter(|fault| fault.place() == place);
            here.next().map(|fault| fault.words(language))
        };
        let template = SignUpPage {
            layout: layout(provider, language),
            asker: pending.map(|pending| Asker {
                client: pending.client_view(),
                hidden: pending.hidden(&csrf),
            }),
            csrf: &csrf,
            name,
            domains: &offered.collect::<Vec<_>>(),
            locked: fixed.is_some(),
            email: typed("email"),
            invite: self.sign_up.needs_invite().then(|| typed("invite")),
            least: new_account::LEAST,
            problem: words_at(Place::Top).or_else(|| summary(faults, language)),
            name_problem: words_at(Place::Handle),
            email_problem: words_at(Place::Email),
            password_problem: words_at(Place::Password),
            invite_problem: words_at(Place::Invite),
        };
        let status = faults.first().map_or(200, |fault| fault.status());
        let sources = pending.map_or_else(Sources::default, Pending::sources);
        let page = Page::html(status, &template, sources)?;
        Ok(page.with_cookie(browser.set_cookie.clone()))
    }
}

/// Above the fields, where something is wrong in one of them: people who can't see them hear it first.
fn summary(faults: &[Fault], language: &Language) -> Option<String> {
    (!faults.is_empty()).then(|| fl!(language.texts(), "sign-up-problem"))
}

pub(crate) async fn sign_up(
    provider: &Provider,
    request: &BrowserRequest,
    now: UnixTime,
) -> Result<Page, PageError> {
    let (browser, pending) = open_form(provider, request, now).await?;
    let page = answer(provider, request, (&browser, &pending), now).await;
    page.map_err(|error| error.in_language(pending.language))
}

async fn answer(
    provider: &Provider,
    request: &BrowserRequest,
    (browser, pending): (&Browser, &Pending),
    now: UnixTime,
) -> Result<Page, PageError> {
    let Some(offer) = Offer::for_request(provider, pending).await? else {
        // Somebody else took the handle meanwhile, or a hand-made form: the first page decides.
        return Ok(Page::see_other(pending.url(None)));
    };
    match attempt(provider, request, (browser, &offer), now).await? {
        Outcome::Made { account, cookie } => {
            let next = Page::see_other(pending.url(Some(account.did.as_str())));
            Ok(next.with_cookie(Some(cookie)))
        }
        Outcome::Refused(faults) => {
            offer.page(provider, request, browser, (Some(pending), &faults))
        }
    }
}

/// `POST /account/sign-up`.
pub(crate) async fn without_app(
    provider: &Provider,
    request: &BrowserRequest,
    now: UnixTime,
) -> Result<Page, PageError> {
    let browser = Browser::recognise(provider, request, now).await?;
    browser.check_form(provider, request)?;
    let Some(offer) = Offer::without_app(provider) else {
        return Ok(Page::see_other(account::PATH));
    };
    match attempt(provider, request, (&browser, &offer), now).await? {
        Outcome::Made { account, cookie } => {
            Ok(account::to(account.did.as_str()).with_cookie(Some(cookie)))
        }
        Outcome::Refused(faults) => offer.page(provider, request, &browser, (None, &faults)),
    }
}

/// What became of the form.
enum Outcome {
    /// The account is there, and signed in in this browser, which has a new cookie.
    Made { account: Account, cookie: String },
    /// It isn't, and the page says why.
    Refused(Vec<Fault>),
}

async fn attempt(
    provider: &Provider,
    request: &BrowserRequest,
    (browser, offer): (&Browser, &Offer),
    now: UnixTime,
) -> Result<Outcome, PageError> {
    let new = match new_account::read(&request.form, &*offer.sign_up, offer.fixed.as_ref()) {
        Ok(new) => new,
        Err(faults) => return Ok(Outcome::Refused(faults)),
    };
    if let Err(wait) = provider.sign_up_limits().attempt(request.address).await {
        audit::record(Event::SignUpLimited);
        let minutes = wait.seconds.div_ceil(60);
        return Ok(Outcome::Refused(vec![Fault::TooMany { minutes }]));
    }
    let account = match make(&offer.sign_up, new, now).await {
        Ok(account) => account,
        Err(error) => return Ok(Outcome::Refused(vec![fault(error)?])),
    };
    audit::record(Event::SignedUp { did: &account.did });
    let cookie = signed_in(provider, browser, &account.did, false, now).await?;
    Ok(Outcome::Made { account, cookie })
}

/// Makes the account, to the end: a browser that goes away meanwhile doesn't leave half of one behind.
async fn make(
    sign_up: &Arc<dyn SignUp>,
    new: NewAccount,
    now: UnixTime,
) -> Result<Account, SignUpError> {
    let sign_up = sign_up.clone();
    let made = tokio::spawn(async move { sign_up.sign_up(new, now).await }).await;
    made.unwrap_or_else(|error| Err(SignUpError::Unavailable(error.to_string())))
}

fn fault(error: SignUpError) -> Result<Fault, EndpointError> {
    match error {
        SignUpError::HandleTaken => Ok(Fault::HandleTaken),
        SignUpError::HandleRefused => Ok(Fault::HandleRefused),
        SignUpError::EmailTaken => Ok(Fault::EmailTaken),
        SignUpError::Invite => Ok(Fault::Invite),
        SignUpError::Unavailable(detail) => {
            tracing::error!(detail, "no account could be made");
            Ok(Fault::Unavailable)
        }
        SignUpError::Store(error) => Err(error.into()),
    }
}
