//! The browser on the other side: its device cookie, and the proof that a form came from one of
//! our pages in that browser.

use std::net::IpAddr;

use atpass_protocol::id::Did;
use atpass_protocol::random;
use atpass_protocol::request::Form;
use atpass_protocol::secret::Secret;
use atpass_protocol::time::UnixTime;
use cookie::{Cookie, SameSite};
use data_encoding::BASE64URL_NOPAD;

use super::error::Problem;
use super::{Language, PageError};
use crate::accounts::{Account, Identifier};
use crate::provider::Provider;
use crate::store::{DeviceRecord, Digest32, StoreError};

/// What a browser sent.
#[derive(Debug)]
pub(crate) struct BrowserRequest {
    /// The query, or the posted form.
    pub(crate) form: Form,
    /// The device cookie, if it has the form of one.
    pub(crate) device: Option<Secret>,
    /// `Sec-Fetch-Site`.
    pub(crate) fetch_site: Option<String>,
    /// `Origin`.
    pub(crate) origin: Option<String>,
    /// The best one for its `Accept-Language`.
    pub(crate) language: &'static Language,
    /// Where the connection comes from.
    pub(crate) address: Option<IpAddr>,
}

/// The name of the device cookie. Over https the prefix keeps other hosts of the domain, and
/// plain http, from setting it.
pub(crate) fn cookie_name(provider: &Provider) -> &'static str {
    if provider.config().issuer.is_https() {
        "__Host-atpass-device"
    } else {
        "atpass-device"
    }
}

/// Makes the `Set-Cookie` value. `max_age` in seconds; without it the cookie ends with the
/// browser.
pub(super) fn device_cookie(provider: &Provider, value: &Secret, max_age: Option<i64>) -> String {
    let mut cookie = Cookie::build((cookie_name(provider), value.expose().to_owned()))
        .path("/")
        .http_only(true)
        .secure(provider.config().issuer.is_https())
        // Lax: the app's site sends the browser here, and the cookie must come along.
        .same_site(SameSite::Lax)
        .build();
    if let Some(seconds) = max_age {
        cookie.set_max_age(cookie::time::Duration::seconds(seconds));
    }
    cookie.to_string()
}

/// Whether a cookie value has the form that ours have: 32 bytes in base64url.
fn well_formed(value: &Secret) -> bool {
    BASE64URL_NOPAD
        .decode(value.expose().as_bytes())
        .is_ok_and(|bytes| bytes.len() == 32)
}

/// A browser, known or new.
pub(super) struct Browser {
    /// Its cookie value.
    pub(super) cookie: Secret,
    /// To be set, where it is new or is to live longer.
    pub(super) set_cookie: Option<String>,
    /// What is remembered of it: nothing, until somebody signs in.
    pub(super) record: Option<DeviceRecord>,
    /// The active accounts signed in, last used first, and when their password was given.
    pub(super) accounts: Vec<(Account, UnixTime)>,
}

impl Browser {
    /// Recognises the browser, or gives it a cookie.
    pub(super) async fn recognise(
        provider: &Provider,
        request: &BrowserRequest,
        now: UnixTime,
    ) -> Result<Self, StoreError> {
        let Some(cookie) = request.device.clone().filter(well_formed) else {
            let cookie = random::secret::<32>(provider.random());
            return Ok(Self {
                set_cookie: Some(device_cookie(provider, &cookie, None)),
                cookie,
                record: None,
                accounts: Vec::new(),
            });
        };
        let id = cookie.sha256();
        let record = provider.store().device(&id, now).await?;
        let mut accounts = Vec::new();
        for signed_in in record.iter().flat_map(|record| &record.accounts) {
            let account = provider
                .accounts()
                .find(&Identifier::Did(signed_in.did.clone()))
                .await?;
            accounts.extend(
                account
                    .filter(|account| account.active)
                    .map(|account| (account, signed_in.signed_in_at)),
            );
        }
        let set_cookie = keep(provider, &cookie, record.as_ref(), now).await?;
        Ok(Self {
            cookie,
            set_cookie,
            record,
            accounts,
        })
    }

    /// The store's id of the device.
    pub(super) fn id(&self) -> Digest32 {
        self.cookie.sha256()
    }

    /// The account of this DID, if it is signed in here.
    pub(super) fn account(&self, did: &str) -> Option<&(Account, UnixTime)> {
        self.accounts
            .iter()
            .find(|(account, _)| account.did.as_str() == did)
    }

    /// Whether this account is signed in here.
    pub(super) fn knows(&self, did: &Did) -> bool {
        self.account(did.as_str()).is_some()
    }

    /// The token that forms in this browser carry.
    pub(super) fn csrf(&self, provider: &Provider) -> String {
        BASE64URL_NOPAD.encode(&provider.csrf_key().sign(&[self.cookie.expose().as_bytes()]))
    }

    /// Refuses a form that didn't come from one of our pages in this browser (clause AS-AUTHZ-10).
    pub(super) fn check_form(
        &self,
        provider: &Provider,
        request: &BrowserRequest,
    ) -> Result<(), PageError> {
        let refused = |why| PageError::problem(Problem::ForeignForm).with_detail(why);
        let same_origin = |origin: &String| origin == provider.config().issuer.as_str();
        if !request.origin.as_ref().is_none_or(same_origin) {
            return Err(refused("the Origin header names another site"));
        }
        if !matches!(request.fetch_site.as_deref(), None | Some("same-origin")) {
            return Err(refused(
                "the Sec-Fetch-Site header says that another site sent it",
            ));
        }
        if self.set_cookie.is_some() && self.record.is_none() {
            return Err(refused("the device cookie is missing"));
        }
        let given = request.form.get("csrf").unwrap_or_default();
        let given = BASE64URL_NOPAD.decode(given.as_bytes()).unwrap_or_default();
        if given.len() == 32
            && provider
                .csrf_key()
                .verify(&[self.cookie.expose().as_bytes()], &given)
        {
            Ok(())
        } else {
            Err(refused(
                "the csrf field doesn't belong to the device cookie",
            ))
        }
    }
}

/// Lets a remembered device live on, at most once a day. Returns the cookie to set again.
async fn keep(
    provider: &Provider,
    cookie: &Secret,
    record: Option<&DeviceRecord>,
    now: UnixTime,
) -> Result<Option<String>, StoreError> {
    const DAY: i64 = 24 * 60 * 60;
    let lifetime = provider.config().lifetimes.remembered_device;
    let expires_at = now.plus(lifetime);
    match record {
        Some(record) if record.remembered && expires_at.since(record.expires_at) > DAY => {
            provider.store().keep_device(&record.id, expires_at).await?;
            Ok(Some(device_cookie(provider, cookie, Some(lifetime))))
        }
        _ => Ok(None),
    }
}
