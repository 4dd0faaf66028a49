//! The cookies: one names the session, and one for each login under way binds it to its browser.

use atpass_protocol::random::SystemRandom;
use atpass_protocol::request::State;
use atpass_protocol::seal::SealingKeys;
use atpass_protocol::secret::Secret;
use cookie::{Cookie, SameSite};
use data_encoding::BASE64URL_NOPAD;
use http::header::{self, HeaderMap, HeaderValue};
use serde::{Deserialize, Serialize};

use crate::SessionKey;

/// Days for which a browser keeps the session's cookie: as long as any session lives without use.
const SESSION_DAYS: i64 = 180;
/// Minutes that a login may take.
const LOGIN_MINUTES: i64 = 60;

/// Writes and reads cookies, encrypted.
#[derive(Clone)]
pub(super) struct Cookies {
    keys: SealingKeys,
    /// RFC 6265bis: with `__Host-` no other host, and no page over plain http, can set it.
    prefix: &'static str,
    secure: bool,
}

/// What a login remembers in the browser.
#[derive(Serialize, Deserialize)]
pub(super) struct LoginCookie {
    pub(super) state: String,
    pub(super) return_to: String,
}

impl Cookies {
    pub(super) fn new(keys: SealingKeys, secure: bool) -> Self {
        let prefix = if secure { "__Host-" } else { "" };
        Self {
            keys,
            prefix,
            secure,
        }
    }

    pub(super) fn session(&self, headers: &HeaderMap) -> Option<SessionKey> {
        let name = self.session_name();
        let key = self.open(headers, &name)?;
        String::from_utf8(key).ok().map(SessionKey::new)
    }

    pub(super) fn set_session(&self, key: &SessionKey) -> Option<HeaderValue> {
        let lifetime = cookie::time::Duration::days(SESSION_DAYS);
        self.set(&self.session_name(), key.as_str().as_bytes(), lifetime)
    }

    pub(super) fn remove_session(&self) -> Option<HeaderValue> {
        self.set(&self.session_name(), b"", cookie::time::Duration::ZERO)
    }

    /// The login that this browser began with this state, if it did.
    pub(super) fn login(&self, headers: &HeaderMap, state: &str) -> Option<LoginCookie> {
        let login = self.open(headers, &self.login_name(state))?;
        let login: LoginCookie = serde_json::from_slice(&login).ok()?;
        (Secret::new(&*login.state) == Secret::new(state)).then_some(login)
    }

    pub(super) fn set_login(&self, state: &State, return_to: String) -> Option<HeaderValue> {
        let login = LoginCookie {
            state: state.as_str().to_owned(),
            return_to,
        };
        let login = serde_json::to_vec(&login).ok()?;
        let lifetime = cookie::time::Duration::minutes(LOGIN_MINUTES);
        self.set(&self.login_name(state.as_str()), &login, lifetime)
    }

    pub(super) fn remove_login(&self, state: &str) -> Option<HeaderValue> {
        self.set(&self.login_name(state), b"", cookie::time::Duration::ZERO)
    }

    fn session_name(&self) -> String {
        format!("{}atpass-session", self.prefix)
    }

    /// Of its own for each login: people begin several, in several windows.
    fn login_name(&self, state: &str) -> String {
        let hash = Secret::new(state).sha256();
        let name = BASE64URL_NOPAD.encode(hash.first_chunk::<6>().unwrap_or(&[0; 6]));
        format!("{}atpass-login-{name}", self.prefix)
    }

    fn set(
        &self,
        name: &str,
        value: &[u8],
        lifetime: cookie::time::Duration,
    ) -> Option<HeaderValue> {
        let sealed = self.keys.seal(name.as_bytes(), value, &SystemRandom).ok()?;
        let cookie = Cookie::build((name, BASE64URL_NOPAD.encode(&sealed)))
            .path("/")
            .http_only(true)
            .secure(self.secure)
            // The authorization server's site sends the browser back here.
            .same_site(SameSite::Lax)
            .max_age(lifetime);
        HeaderValue::try_from(cookie.build().to_string()).ok()
    }

    fn open(&self, headers: &HeaderMap, name: &str) -> Option<Vec<u8>> {
        let values = headers.get_all(header::COOKIE).iter();
        let mut cookies = values
            .filter_map(|value| value.to_str().ok())
            .flat_map(Cookie::split_parse)
            .filter_map(Result::ok);
        let cookie = cookies.find(|cookie| cookie.name() == name)?;
        let sealed = BASE64URL_NOPAD.decode(cookie.value().as_bytes()).ok()?;
        let plain = self.keys.open(name.as_bytes(), &sealed).ok()?;
        (!plain.is_empty()).then(|| plain.to_vec())
    }
}
