//! A browser with one cookie, and a person who agrees.

use std::collections::HashMap;

use anyhow::{Context, Result};
use axum::body::Body;
use http::{Request, StatusCode};

use crate::app::App;
use crate::scene::{Answer, DID, HANDLE, ISSUER, PASSWORD, Scene};

/// A browser.
pub(crate) struct Browser<'a> {
    scene: &'a Scene,
    cookie: String,
}

impl<'a> Browser<'a> {
    pub(crate) fn new(scene: &'a Scene) -> Self {
        Self {
            scene,
            cookie: String::new(),
        }
    }

    pub(crate) async fn get(&mut self, path: &str, status: StatusCode) -> Result<Answer> {
        let request = Request::get(path).header("host", "auth.example.com");
        self.send(request, Body::empty(), status).await
    }

    pub(crate) async fn submit(
        &mut self,
        path: &str,
        pairs: &[(&str, &str)],
        status: StatusCode,
    ) -> Result<Answer> {
        let request = Request::post(path)
            .header("host", "auth.example.com")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("origin", ISSUER)
            .header("sec-fetch-site", "same-origin");
        let body = Body::from(form(pairs));
        self.send(request, body, status).await
    }

    async fn send(
        &mut self,
        mut request: http::request::Builder,
        body: Body,
        status: StatusCode,
    ) -> Result<Answer> {
        if !self.cookie.is_empty() {
            request = request.header("cookie", &self.cookie);
        }
        let answer = self.scene.ask(request.body(body)?, status).await?;
        if let Ok(cookie) = answer.header("set-cookie") {
            let pair = cookie.split(';').next().unwrap_or_default();
            pair.clone_into(&mut self.cookie);
        }
        Ok(answer)
    }

    /// Signs in at the account page.
    pub(crate) async fn sign_in(&mut self) -> Result<()> {
        let page = self.get("/account", StatusCode::OK).await?;
        let csrf = hidden(&page, "csrf")?;
        let pairs = [
            ("csrf", csrf.as_str()),
            ("identifier", HANDLE),
            ("password", PASSWORD),
            ("remember", "on"),
        ];
        let path = "/account/sign-in";
        self.submit(path, &pairs, StatusCode::SEE_OTHER).await?;
        Ok(())
    }

    /// Opens a pushed request with the account in mind: the consent page, or a redirect to the app.
    pub(crate) async fn open(
        &mut self,
        app: &App,
        request_uri: &str,
        status: StatusCode,
    ) -> Result<Answer> {
        let path = format!("{}&account={DID}", authorize(app, request_uri));
        self.get(&path, status).await
    }

    /// Agrees to a request that was never agreed to, or always must be.
    pub(crate) async fn agree(
        &mut self,
        app: &App,
        request_uri: &str,
        status: StatusCode,
    ) -> Result<Answer> {
        let page = self.open(app, request_uri, StatusCode::OK).await?;
        let csrf = hidden(&page, "csrf")?;
        let ticked = ticked(page.text()?);
        let mut pairs = vec![
            ("client_id", app.id.as_str()),
            ("request_uri", request_uri),
            ("csrf", &csrf),
            ("account", DID),
            ("decision", "authorize"),
        ];
        pairs.extend(ticked.iter().map(|name| (*name, "on")));
        self.submit("/oauth/authorize/decide", &pairs, status).await
    }
}

/// The page to which an app sends the browser.
pub(crate) fn authorize(app: &App, request_uri: &str) -> String {
    let query = form(&[("client_id", app.id.as_str()), ("request_uri", request_uri)]);
    format!("/oauth/authorize?{query}")
}

/// The code in a redirect to the app.
pub(crate) fn code(answer: &Answer) -> Result<String> {
    let location = answer.header("location")?;
    let (_, query) = location.split_once('?').context("no query")?;
    let pairs: HashMap<_, _> = form_urlencoded::parse(query.as_bytes()).collect();
    let code = pairs.get("code");
    Ok(code
        .with_context(|| format!("no code in {location}"))?
        .to_string())
}

fn form(pairs: &[(&str, &str)]) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(pairs).finish()
}

/// The value of a hidden field.
fn hidden(page: &Answer, name: &str) -> Result<String> {
    let field = format!("name=\"{name}\" value=\"");
    let (_, after) = page
        .text()?
        .split_once(&field)
        .with_context(|| format!("no field {name}"))?;
    let (value, _) = after.split_once('"').context("the field has no end")?;
    Ok(value.to_owned())
}

/// The boxes that are ticked when a page is shown.
fn ticked(page: &str) -> Vec<&str> {
    let inputs = page
        .split("<input")
        .filter_map(|input| input.split('>').next());
    inputs
        .filter(|input| input.contains("type=\"checkbox\"") && input.contains(" checked"))
        .filter_map(|input| input.split("name=\"").nth(1)?.split('"').next())
        .collect()
}
