//! From an HTTP request to what an endpoint or a page takes. What can't be read is answered here.

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use atpass_protocol::error::OAuthError;
use atpass_protocol::request::Form;
use atpass_protocol::secret::Secret;
use axum::extract::{ConnectInfo, FromRequest, FromRequestParts, Request};
use axum::response::Response;
use cookie::Cookie;
use http::StatusCode;
use http::header::{ACCEPT_LANGUAGE, CONTENT_TYPE, COOKIE, HeaderMap};
use http::request::Parts;
use http_body_util::LengthLimitError;

use super::{DPOP, LONGEST_BODY, json, page};
use crate::endpoint::Post;
use crate::pages::{BrowserRequest, Language, PageError, cookie_name};
use crate::provider::Provider;

/// How long a body may take: it is small.
const BODY_DEADLINE: Duration = Duration::from_secs(30);

/// A form that an app posted.
pub(super) struct FromApp(pub(super) Post);

/// What an app, or a resource server, asks for in the URL.
pub(super) struct FromQuery(pub(super) Form);

/// A page that a browser asks for.
pub(super) struct FromBrowser(pub(super) BrowserRequest);

/// A form that a browser posted.
pub(super) struct FormFromBrowser(pub(super) BrowserRequest);

impl FromRequest<Provider> for FromApp {
    type Rejection = Response;

    async fn from_request(request: Request, _: &Provider) -> Result<Self, Response> {
        let (parts, form) = read_form(request).await;
        let form = form.map_err(|(status, error)| json(status, &error))?;
        let proofs = parts
            .headers
            .get_all(DPOP)
            .iter()
            .map(|value| value.to_str().ok().map(ToOwned::to_owned))
            .collect();
        Ok(Self(Post { form, proofs }))
    }
}

impl FromRequestParts<Provider> for FromQuery {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &Provider) -> Result<Self, Response> {
        let query = parts.uri.query().unwrap_or_default();
        let form = Form::parse(query.as_bytes());
        form.map(Self)
            .map_err(|error| json(StatusCode::BAD_REQUEST, &error))
    }
}

impl FromRequestParts<Provider> for FromBrowser {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, provider: &Provider) -> Result<Self, Response> {
        let query = parts.uri.query().unwrap_or_default();
        let form = Form::parse(query.as_bytes());
        let language = language(&parts.headers);
        let form = form.map_err(|error| page(provider, language, Err(PageError::from(error))))?;
        Ok(Self(browser_request(provider, form, parts)))
    }
}

impl FromRequest<Provider> for FormFromBrowser {
    type Rejection = Response;

    async fn from_request(request: Request, provider: &Provider) -> Result<Self, Response> {
        let (parts, form) = read_form(request).await;
        let language = language(&parts.headers);
        let form =
            form.map_err(|(_, error)| page(provider, language, Err(PageError::from(error))))?;
        Ok(Self(browser_request(provider, form, &parts)))
    }
}

async fn read_form(request: Request) -> (Parts, Result<Form, (StatusCode, OAuthError)>) {
    let (parts, body) = request.into_parts();
    if !is_form(&parts.headers) {
        let error =
            OAuthError::invalid_request("send the parameters as application/x-www-form-urlencoded");
        return (parts, Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, error)));
    }
    let body = tokio::time::timeout(BODY_DEADLINE, axum::body::to_bytes(body, LONGEST_BODY));
    let form = match body.await {
        Ok(Ok(body)) => Form::parse(&body).map_err(|error| (StatusCode::BAD_REQUEST, error)),
        Ok(Err(error)) => Err(unreadable(&error)),
        Err(_) => {
            let error = OAuthError::invalid_request("the body took too long");
            Err((StatusCode::REQUEST_TIMEOUT, error))
        }
    };
    (parts, form)
}

fn is_form(headers: &HeaderMap) -> bool {
    let value = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let media_type = value
        .and_then(|value| value.split(';').next())
        .unwrap_or_default();
    media_type
        .trim()
        .eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

fn unreadable(error: &axum::Error) -> (StatusCode, OAuthError) {
    if error
        .source()
        .is_some_and(<dyn Error>::is::<LengthLimitError>)
    {
        let text = format!("the body is longer than {LONGEST_BODY} bytes");
        return (
            StatusCode::PAYLOAD_TOO_LARGE,
            OAuthError::invalid_request(text),
        );
    }
    let error = OAuthError::invalid_request("the body could not be read");
    (StatusCode::BAD_REQUEST, error)
}

fn language(headers: &HeaderMap) -> &'static Language {
    let header = headers.get(ACCEPT_LANGUAGE);
    Language::of_browser(header.and_then(|header| header.to_str().ok()))
}

fn browser_request(provider: &Provider, form: Form, parts: &Parts) -> BrowserRequest {
    let text = |name: &str| {
        let value = parts
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok());
        value.map(ToOwned::to_owned)
    };
    let wanted = cookie_name(provider);
    let device = parts
        .headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(Cookie::split_parse)
        .filter_map(Result::ok)
        .find(|cookie| cookie.name() == wanted)
        .map(|cookie| Secret::new(cookie.value()));
    let connection = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    BrowserRequest {
        form,
        device,
        fetch_site: text("sec-fetch-site"),
        origin: text("origin"),
        language: language(&parts.headers),
        address: connection.map(|connection| connection.0.ip()),
    }
}
