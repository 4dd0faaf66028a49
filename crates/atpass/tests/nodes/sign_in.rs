//! A person with a browser, who signs in and consents, and begins again where a page was lost.

use std::sync::{Arc, Mutex};

use atpass_protocol::pkce::CodeVerifier;
use atpass_protocol::random::SystemRandom;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use http::{Request, StatusCode};
use url::Url;

use crate::cluster::{Account, PASSWORD};
use crate::common::{Answer, form, hidden, ticked};
use crate::device::{Code, Device};
use crate::history::{What, Who};
use crate::moment::pause;
use crate::wire::{Draft, Wire};

const SIGN_IN: &str = "/oauth/authorize/sign-in";
const DECIDE: &str = "/oauth/authorize/decide";
/// Pages of one login at most, with those that were lost.
const MOST_PAGES: u32 = 40;

pub(crate) struct Browser {
    address: String,
    cookie: Mutex<String>,
    wire: Arc<Wire>,
}

/// One login, from its pushed request to its code.
struct Login<'a> {
    browser: &'a Browser,
    account: &'a Account,
    client_id: &'a str,
    request_uri: &'a str,
    /// An answer was lost: the request may be used up.
    troubled: bool,
}

impl Browser {
    pub(crate) fn new(address: &str, wire: Arc<Wire>) -> Self {
        Self {
            address: address.to_owned(),
            cookie: Mutex::default(),
            wire,
        }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Somebody clears it.
    pub(crate) fn forget(&self) {
        self.cookie.lock().unwrap().clear();
    }

    /// A login up to its code; `None` where it must begin again.
    pub(crate) async fn log_in(&self, device: &Device, account: &Account) -> Option<Code> {
        let verifier = CodeVerifier::generate(&SystemRandom);
        let request_uri = device.push(&verifier, &account.handle).await?;
        let mut login = Login {
            browser: self,
            account,
            client_id: &device.app.client_id,
            request_uri: &request_uri,
            troubled: false,
        };
        let code = login.code().await?;
        Some(Code { code, verifier })
    }

    async fn send(&self, mut request: Request<Bytes>, troubled: bool) -> Option<Answer> {
        let cookie = self.cookie.lock().unwrap().clone();
        if !cookie.is_empty() {
            let headers = request.headers_mut();
            headers.insert(COOKIE, cookie.parse().unwrap());
        }
        let draft = Draft {
            who: Who::Owner,
            account: None,
            what: What::Page { troubled },
            proof: None,
            assertion: None,
        };
        let (_, answer) = self.wire.send(request, &self.address, draft).await;
        let answer = answer?;
        if let Some(cookie) = answer.headers.get(SET_COOKIE) {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            pair.clone_into(&mut self.cookie.lock().unwrap());
        }
        Some(answer)
    }

    async fn get(&self, path: &str, troubled: bool) -> Option<Answer> {
        let request = Request::get(format!("{}{path}", self.wire.origin));
        self.send(request.body(Bytes::new()).unwrap(), troubled)
            .await
    }

    async fn submit(&self, path: &str, pairs: &[(&str, &str)], troubled: bool) -> Option<Answer> {
        let request = Request::post(format!("{}{path}", self.wire.origin))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("origin", &self.wire.origin)
            .header("sec-fetch-site", "same-origin")
            .body(Bytes::from(form(pairs)))
            .unwrap();
        self.send(request, troubled).await
    }
}

impl Login<'_> {
    async fn code(&mut self) -> Option<String> {
        let mut page = self.open().await;
        let mut wait = 100;
        for _ in 0..MOST_PAGES {
            page = match &page {
                Some(answer) if answer.status == StatusCode::SEE_OTHER => {
                    let location = answer.header(LOCATION.as_str());
                    if let Some(code) = code_in(location) {
                        return Some(code);
                    }
                    self.browser.get(location, self.troubled).await
                }
                Some(answer) if answer.status == StatusCode::OK => self.answer(answer).await,
                Some(answer) if !answer.status.is_server_error() => {
                    // Used up with an answer that was lost, or the cookie was.
                    self.browser.forget();
                    return None;
                }
                _ => {
                    self.troubled = true;
                    pause(wait).await;
                    wait = (wait * 2).min(1000);
                    self.open().await
                }
            };
        }
        None
    }

    async fn open(&self) -> Option<Answer> {
        let query = form(&[
            ("client_id", self.client_id),
            ("request_uri", self.request_uri),
        ]);
        let path = format!("/oauth/authorize?{query}");
        self.browser.get(&path, self.troubled).await
    }

    /// Fills in what the page asks for.
    async fn answer(&self, page: &Answer) -> Option<Answer> {
        let text = page.text();
        let csrf = hidden(page, "csrf");
        let mut pairs = vec![
            ("client_id", self.client_id),
            ("request_uri", self.request_uri),
            ("csrf", &csrf),
        ];
        // The sign-in page can be denied as well; so this first.
        if text.contains(SIGN_IN) {
            pairs.extend([
                ("identifier", self.account.handle.as_str()),
                ("password", PASSWORD),
                ("remember", "on"),
            ]);
            return self.browser.submit(SIGN_IN, &pairs, self.troubled).await;
        }
        assert!(text.contains(DECIDE), "neither sign-in nor consent: {text}");
        let (account, ticked) = (hidden(page, "account"), ticked(page));
        pairs.extend([("account", account.as_str()), ("decision", "authorize")]);
        pairs.extend(ticked.iter().map(|name| (name.as_str(), "on")));
        self.browser.submit(DECIDE, &pairs, self.troubled).await
    }
}

/// The code in a redirect back to the app.
fn code_in(location: &str) -> Option<String> {
    let url = Url::parse(location).ok()?;
    let code = url.query_pairs().find(|(name, _)| name == "code")?;
    Some(code.1.into_owned())
}
