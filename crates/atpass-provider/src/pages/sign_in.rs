//! `POST /oauth/authorize/sign-in`: handle and password.

use atpass_protocol::id::Did;
use atpass_protocol::random;
use atpass_protocol::secret::Secret;
use atpass_protocol::time::UnixTime;
use i18n_embed_fl::fl;

use super::browser::{Browser, BrowserRequest, device_cookie};
use super::pending::{Pending, SignInForm, open_form};
use super::sign_up::Offer;
use super::{Language, Page, PageError};
use crate::accounts::{Account, Identifier};
use crate::audit::{self, Event};
use crate::provider::Provider;
use crate::store::DeviceSignIn;

pub(crate) async fn sign_in(
    provider: &Provider,
    request: &BrowserRequest,
    now: UnixTime,
) -> Result<Page, PageError> {
    let (browser, pending) = open_form(provider, request, now).await?;
    let page = answer(provider, request, &browser, &pending, now).await;
    page.map_err(|error| error.in_language(pending.language))
}

async fn answer(
    provider: &Provider,
    request: &BrowserRequest,
    browser: &Browser,
    pending: &Pending,
    now: UnixTime,
) -> Result<Page, PageError> {
    // A right password for another account than the hinted one is no better than a wrong one.
    let allowed = |account: &Account| pending.allows(account);
    match attempt(provider, request, browser, allowed, now).await? {
        Outcome::SignedIn { account, cookie } => {
            let next = Page::see_other(pending.url(Some(account.did.as_str())));
            Ok(next.with_cookie(Some(cookie)))
        }
        Outcome::Refused(refusal) => {
            let offer = Offer::for_request(provider, pending).await?;
            let form = SignInForm {
                identifier: request.form.get("identifier").unwrap_or_default(),
                refusal: Some(refusal),
                remember: request.form.get("remember").is_some(),
                can_sign_up: offer.is_some(),
            };
            pending.sign_in_page(provider, browser, &form)
        }
    }
}

/// What became of a sign-in.
pub(super) enum Outcome {
    /// The account is signed in in this browser, which has a new cookie.
    SignedIn { account: Account, cookie: String },
    /// It isn't, and the page says why.
    Refused(Refusal),
}

/// Why it isn't.
#[derive(Clone, Copy, Debug)]
pub(super) enum Refusal {
    /// Account and password don't belong together, or there is no such account, or it isn't the
    /// one that was asked for: nobody learns which (clause AS-AUTHZ-13).
    Wrong,
    Disabled,
    TooMany {
        /// Until the next attempt.
        minutes: u64,
    },
}

impl Refusal {
    pub(super) const fn status(self) -> u16 {
        match self {
            Self::Wrong | Self::Disabled => 422,
            Self::TooMany { .. } => 429,
        }
    }

    pub(super) fn words(self, language: &Language) -> String {
        let texts = language.texts();
        match self {
            Self::Wrong => fl!(texts, "sign-in-wrong"),
            Self::Disabled => fl!(texts, "sign-in-disabled"),
            Self::TooMany { minutes } => fl!(texts, "sign-in-too-many", minutes = minutes),
        }
    }
}

/// Checks what was typed, and signs the account in.
pub(super) async fn attempt(
    provider: &Provider,
    request: &BrowserRequest,
    browser: &Browser,
    allowed: impl Fn(&Account) -> bool,
    now: UnixTime,
) -> Result<Outcome, PageError> {
    let typed = request.form.get("identifier").unwrap_or_default();
    let account = match check(provider, request, browser, typed).await? {
        Attempt::TooMany { seconds } => {
            audit::record(Event::SignInLimited);
            let minutes = seconds.div_ceil(60);
            return Ok(Outcome::Refused(Refusal::TooMany { minutes }));
        }
        Attempt::Right(account) if allowed(&account) => account,
        Attempt::Right(_) | Attempt::Wrong => {
            audit::record(Event::SignInFailed);
            return Ok(Outcome::Refused(Refusal::Wrong));
        }
    };
    if !account.active {
        return Ok(Outcome::Refused(Refusal::Disabled));
    }

    let remember = request.form.get("remember").is_some();
    let cookie = signed_in(provider, browser, &account.did, remember, now).await?;
    Ok(Outcome::SignedIn { account, cookie })
}

/// Signs the account in in this browser, which gets a new cookie (clause AS-AUTHZ-11).
pub(super) async fn signed_in(
    provider: &Provider,
    browser: &Browser,
    did: &Did,
    remember: bool,
    now: UnixTime,
) -> Result<String, PageError> {
    let cookie = random::secret::<32>(provider.random());
    let lifetimes = &provider.config().lifetimes;
    let lifetime = if remember {
        lifetimes.remembered_device
    } else {
        lifetimes.unremembered_device
    };
    let sign_in = DeviceSignIn {
        old: browser.record.as_ref().map(|_| browser.id()),
        new: cookie.sha256(),
        did: did.clone(),
        now,
        expires_at: now.plus(lifetime),
        remembered: remember,
    };
    provider.store().sign_in(&sign_in).await?;
    audit::record(Event::SignedIn { did });
    Ok(device_cookie(
        provider,
        &cookie,
        remember.then_some(lifetime),
    ))
}

enum Attempt {
    Right(Account),
    Wrong,
    TooMany { seconds: u64 },
}

async fn check(
    provider: &Provider,
    request: &BrowserRequest,
    browser: &Browser,
    typed: &str,
) -> Result<Attempt, PageError> {
    let Some(identifier) = Identifier::from_person(typed) else {
        return Ok(Attempt::Wrong);
    };
    let known_device = match provider.accounts().find(&identifier).await? {
        Some(account) => browser.knows(&account.did),
        None => false,
    };
    // By what was typed, not by the account that it means: else a limit would tell which handle
    // and which address belong together.
    let limited = identifier.to_string();
    if let Err(wait) = provider
        .limits()
        .attempt(&limited, request.address, known_device)
        .await
    {
        return Ok(Attempt::TooMany {
            seconds: wait.seconds,
        });
    }
    let password = Secret::new(request.form.get("password").unwrap_or_default());
    let account = provider
        .accounts()
        .check_password(&identifier, &password)
        .await?;
    Ok(account.map_or(Attempt::Wrong, Attempt::Right))
}
