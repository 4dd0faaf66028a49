//! The person in front of each server's pages: our forms, and the JSON calls that the scripts of the official pages
//! make. Signed in once, they stay so. `peers/negative/person.js` does the same.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, ensure};
use http::header::{CONTENT_TYPE, COOKIE, LOCATION, ORIGIN, SET_COOKIE};
use http::request::Builder;
use http::{Request, StatusCode};
use serde_json::{Value, json};

use crate::app::App;
use crate::endpoint::{Endpoint, form};
use crate::lines::Answer;

/// Who signs in.
pub(crate) struct Account {
    pub(crate) did: String,
    pub(crate) handle: String,
    pub(crate) password: String,
}

/// Whose pages they are.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pages {
    Ours,
    Official,
}

/// A browser with its cookies.
pub(crate) struct Browser {
    pages: Pages,
    account: Account,
    cookies: Mutex<BTreeMap<String, String>>,
}

const FORM: &str = "application/x-www-form-urlencoded";
const TO_A_PAGE: [(&str, &str); 3] = [
    ("sec-fetch-mode", "navigate"),
    ("sec-fetch-dest", "document"),
    ("sec-fetch-site", "none"),
];

impl Browser {
    pub(crate) fn new(pages: Pages, account: Account) -> Self {
        Self {
            pages,
            account,
            cookies: Mutex::default(),
        }
    }

    /// Whether its cookie changes every few minutes: what many requests at once must not meet.
    pub(crate) const fn changes_cookies(&self) -> bool {
        matches!(self.pages, Pages::Official)
    }

    /// The handle that the person gives the app.
    pub(crate) fn handle(&self) -> &str {
        &self.account.handle
    }

    /// Signs in, at a pushed request that may be used afterwards.
    pub(crate) async fn sign_in(&self, at: &Endpoint, app: &App, request_uri: &str) -> Result<()> {
        let path = authorize_path(app, request_uri);
        let page = self.page(at, &path).await?;
        let Account {
            handle, password, ..
        } = &self.account;
        match self.pages {
            Pages::Ours => {
                let csrf = hidden(&page, "csrf")?;
                let fields = [
                    ("identifier", handle.as_str()),
                    ("password", password),
                    ("remember", "on"),
                    ("csrf", &csrf),
                ];
                let place = "/oauth/authorize/sign-in";
                self.submit(at, place, app, request_uri, &fields).await?;
            }
            Pages::Official => {
                let input = json!({
                    "locale": "en", "username": handle, "password": password, "remember": true,
                });
                self.call(at, "sign-in", &path, &input).await?;
            }
        }
        Ok(())
    }

    /// Opens the page of a pushed request and agrees. Returns the code that the app is sent.
    pub(crate) async fn agree(
        &self,
        at: &Endpoint,
        app: &App,
        request_uri: &str,
    ) -> Result<String> {
        let path = authorize_path(app, request_uri);
        let page = self.page(at, &path).await?;
        let url = match self.pages {
            // Without a question, where the app is a confidential one and was granted the same before.
            _ if page.status == StatusCode::SEE_OTHER => location(&page)?,
            Pages::Ours => {
                let csrf = hidden(&page, "csrf")?;
                let fields = [
                    ("account", self.account.did.as_str()),
                    ("decision", "authorize"),
                    ("csrf", &csrf),
                ];
                let place = "/oauth/authorize/decide";
                self.submit(at, place, app, request_uri, &fields).await?
            }
            Pages::Official => {
                let input = json!({ "sub": self.account.did });
                let answer = self.call(at, "consent", &path, &input).await?;
                let url = answer["url"].as_str();
                url.context("no url in the answer")?.to_owned()
            }
        };
        let (_, query) = url.split_once('?').context("a URL with a query")?;
        let mut parameters = form_urlencoded::parse(query.as_bytes());
        let code = parameters.find_map(|(name, value)| (name == "code").then_some(value));
        let code = code.with_context(|| format!("no code in {url}"))?;
        Ok(code.into_owned())
    }

    async fn page(&self, at: &Endpoint, path: &str) -> Result<Answer> {
        let mut request = Request::get(path).header("accept", "text/html");
        for (name, value) in TO_A_PAGE {
            request = request.header(name, value);
        }
        let answer = self.send(at, request, String::new()).await?;
        let fine = [StatusCode::OK, StatusCode::SEE_OTHER].contains(&answer.status);
        ensure!(fine, "a page: {} {}", answer.status, answer.text());
        Ok(answer)
    }

    /// Submits one of our forms; returns where the browser is sent.
    async fn submit(
        &self,
        at: &Endpoint,
        path: &str,
        app: &App,
        request_uri: &str,
        fields: &[(&str, &str)],
    ) -> Result<String> {
        let request = Request::post(path)
            .header(CONTENT_TYPE, FORM)
            .header(ORIGIN, at.origin.as_str())
            .header("sec-fetch-site", "same-origin");
        let about = [("client_id", app.id.as_str()), ("request_uri", request_uri)];
        let form = form(&[&about[..], fields].concat());
        let answer = self.send(at, request, form).await?;
        let status = answer.status;
        ensure!(
            status == StatusCode::SEE_OTHER,
            "{path}: {status} {}",
            answer.text()
        );
        location(&answer)
    }

    /// One of the calls that the script of the official pages makes.
    async fn call(&self, at: &Endpoint, name: &str, page: &str, input: &Value) -> Result<Value> {
        let path = format!("/@atproto/oauth-provider/~api/{name}");
        let origin = at.origin.as_str();
        let request = Request::post(&path)
            .header(CONTENT_TYPE, "application/json")
            .header(ORIGIN, origin)
            .header("referer", format!("{origin}{page}"))
            .header("sec-fetch-mode", "same-origin")
            .header("sec-fetch-site", "same-origin")
            .header("x-csrf-token", self.cookie("csrf-token")?);
        let answer = self.send(at, request, input.to_string()).await?;
        let status = answer.status;
        ensure!(
            status == StatusCode::OK,
            "{name}: {status} {}",
            answer.text()
        );
        Ok(serde_json::from_slice(&answer.body)?)
    }

    async fn send(&self, at: &Endpoint, request: Builder, body: String) -> Result<Answer> {
        let request = request.header(COOKIE, self.all_cookies());
        let answer = at.plain(request, body).await?;
        let mut cookies = self.cookies.lock().unwrap_or_else(PoisonError::into_inner);
        for line in answer.headers.get_all(SET_COOKIE) {
            let pair = line.to_str()?.split(';').next().unwrap_or_default();
            let (name, value) = pair.split_once('=').context("a cookie")?;
            cookies.insert(name.to_owned(), value.to_owned());
        }
        Ok(answer)
    }

    fn cookie(&self, name: &str) -> Result<String> {
        let cookies = self.cookies.lock().unwrap_or_else(PoisonError::into_inner);
        let value = cookies.get(name);
        value.cloned().with_context(|| format!("no cookie {name}"))
    }

    fn all_cookies(&self) -> String {
        let cookies = self.cookies.lock().unwrap_or_else(PoisonError::into_inner);
        let pairs = cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        pairs.collect::<Vec<_>>().join("; ")
    }
}

/// Where an app sends a browser.
fn authorize_path(app: &App, request_uri: &str) -> String {
    let about = [("client_id", app.id.as_str()), ("request_uri", request_uri)];
    format!("/oauth/authorize?{}", form(&about))
}

fn location(answer: &Answer) -> Result<String> {
    let value = answer.headers.get(LOCATION).context("no Location")?;
    Ok(value.to_str()?.to_owned())
}

/// The value of a hidden field of our pages.
fn hidden(page: &Answer, name: &str) -> Result<String> {
    let text = page.text();
    let named = format!("name=\"{name}\"");
    let field = text
        .split('<')
        .find(|tag| tag.starts_with("input") && tag.contains(&named));
    let value = field.and_then(|field| field.split_once("value=\""));
    let value = value.and_then(|(_, rest)| rest.split('"').next());
    let value = value.with_context(|| format!("no field {name} in {text}"))?;
    Ok(value.to_owned())
}
