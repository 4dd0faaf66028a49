//! HTTP on the outside: paths, methods, headers, status codes. Nothing below knows axum.

use std::net::{IpAddr, SocketAddr};

use atpass_protocol::error::{OAuthError, OAuthErrorCode};
use atpass_protocol::request::Form;
use atpass_protocol::secret::Secret;
use axum::Router;
use axum::body::Body;
use axum::extract::rejection::BytesRejection;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Extensions, StatusCode, Uri};
use serde::Serialize;
use tower_http::cors::{Any, CorsLayer};

use crate::endpoint::{self, Post};
use crate::error::EndpointError;
use crate::pages::{self, BrowserRequest, Page, PageBody, PageError};
use crate::provider::Provider;

const DPOP: HeaderName = HeaderName::from_static("dpop");
const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// The longest body that is read, in bytes.
const LONGEST_BODY: usize = 64 * 1024;

/// All routes of an authorization server.
pub fn router(provider: Provider) -> Router {
    let apps = Router::new()
        .route("/.well-known/oauth-authorization-server", get(metadata))
        .route("/oauth/jwks", get(jwks))
        .route(endpoint::par::PATH, post(par))
        .route(endpoint::token::PATH, post(token))
        .route(endpoint::revoke::PATH, post(revoke))
        .layer(middleware::from_fn_with_state(provider.clone(), add_nonce))
        .layer(cors());
    let people = Router::new()
        .route("/oauth/authorize", get(authorize))
        .route("/oauth/authorize/sign-in", post(sign_in))
        .route("/oauth/authorize/choose", post(choose))
        .route("/oauth/authorize/decide", post(decide))
        .route(pages::STYLESHEET_PATH, get(stylesheet));
    apps.merge(people)
        .layer(DefaultBodyLimit::max(LONGEST_BODY))
        .with_state(provider)
}

/// Any origin may call, none with cookies (clause AS-META-09).
fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([http::Method::GET, http::Method::POST])
        .allow_headers([DPOP, header::CONTENT_TYPE])
        .expose_headers([DPOP_NONCE, header::WWW_AUTHENTICATE])
        .max_age(std::time::Duration::from_hours(24))
}

/// Puts the next nonce on every answer, errors too (clause AS-DPOP-12).
async fn add_nonce(State(provider): State<Provider>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if let Ok(nonce) = HeaderValue::try_from(provider.next_nonce()) {
        response.headers_mut().insert(DPOP_NONCE, nonce);
    }
    response
}

async fn metadata(State(provider): State<Provider>) -> Response {
    document(provider.metadata())
}

async fn jwks(State(provider): State<Provider>) -> Response {
    document(&*provider.jwks())
}

async fn par(
    State(provider): State<Provider>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let now = provider.now();
    let result = match read_post(&headers, body) {
        Ok(post) => endpoint::par::push(&provider, post, now).await,
        Err(refusal) => return refusal,
    };
    answer(StatusCode::CREATED, result)
}

async fn token(
    State(provider): State<Provider>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let now = provider.now();
    let result = match read_post(&headers, body) {
        Ok(post) => endpoint::token::exchange(&provider, post, now).await,
        Err(refusal) => return refusal,
    };
    answer(StatusCode::OK, result)
}

async fn revoke(
    State(provider): State<Provider>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let now = provider.now();
    let result = match read_post(&headers, body) {
        Ok(post) => endpoint::revoke::revoke(&provider, post, now).await,
        Err(refusal) => return refusal,
    };
    answer(StatusCode::OK, result.map(|()| serde_json::json!({})))
}

/// Reads a posted form, or answers why it can't be read.
#[expect(clippy::result_large_err, reason = "the error is the response itself")]
fn read_post(headers: &HeaderMap, body: Result<Bytes, BytesRejection>) -> Result<Post, Response> {
    let form = read_form(headers, body).map_err(|(status, error)| json(status, &error))?;
    let proofs = headers
        .get_all(DPOP)
        .iter()
        .map(|value| value.to_str().ok().map(ToOwned::to_owned))
        .collect();
    Ok(Post { form, proofs })
}

fn read_form(
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Form, (StatusCode, OAuthError)> {
    let media_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .unwrap_or_default();
    if !media_type
        .trim()
        .eq_ignore_ascii_case("application/x-www-form-urlencoded")
    {
        let error =
            OAuthError::invalid_request("send the parameters as application/x-www-form-urlencoded");
        return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, error));
    }
    let body = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => (
            StatusCode::PAYLOAD_TOO_LARGE,
            OAuthError::invalid_request(format!("the body is longer than {LONGEST_BODY} bytes")),
        ),
        status => (
            status,
            OAuthError::invalid_request("the body could not be read"),
        ),
    })?;
    Form::parse(&body).map_err(|error| (StatusCode::BAD_REQUEST, error))
}

/// The one place where errors of the endpoints become HTTP.
fn answer<T: Serialize>(status: StatusCode, result: Result<T, EndpointError>) -> Response {
    match result {
        Ok(body) => json(status, &body),
        Err(EndpointError::OAuth(error)) => json(StatusCode::BAD_REQUEST, &error),
        Err(EndpointError::Unavailable(detail)) => {
            tracing::error!(detail, "request failed");
            let error = OAuthError::new(
                OAuthErrorCode::TemporarilyUnavailable,
                "this server has a problem of its own; nothing was changed, try again",
            );
            let mut response = json(StatusCode::SERVICE_UNAVAILABLE, &error);
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            response
        }
    }
}

fn json(status: StatusCode, body: &impl Serialize) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
        (header::PRAGMA, "no-cache"),
    ];
    match serde_json::to_vec(body) {
        Ok(body) => (status, headers, body).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// A published document: may be kept for a minute, as long as the nonce that comes with it is
/// the current one.
fn document(body: &impl Serialize) -> Response {
    let mut response = json(StatusCode::OK, body);
    let headers = response.headers_mut();
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("public, max-age=60"),
    );
    headers.remove(header::PRAGMA);
    response
}

async fn authorize(
    State(provider): State<Provider>,
    uri: Uri,
    headers: HeaderMap,
    extensions: Extensions,
) -> Response {
    let form = Form::parse(uri.query().unwrap_or_default().as_bytes());
    let form = form.map_err(PageError::from);
    let result = match browser_request(&provider, form, &headers, &extensions) {
        Ok(request) => pages::authorize(&provider, &request, provider.now()).await,
        Err(error) => Err(error),
    };
    page(&provider, result)
}

async fn sign_in(
    State(provider): State<Provider>,
    headers: HeaderMap,
    extensions: Extensions,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let result = match posted(&provider, &headers, &extensions, body) {
        Ok(request) => pages::sign_in(&provider, &request, provider.now()).await,
        Err(error) => Err(error),
    };
    page(&provider, result)
}

async fn choose(
    State(provider): State<Provider>,
    headers: HeaderMap,
    extensions: Extensions,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let result = match posted(&provider, &headers, &extensions, body) {
        Ok(request) => pages::choose(&provider, &request, provider.now()).await,
        Err(error) => Err(error),
    };
    page(&provider, result)
}

async fn decide(
    State(provider): State<Provider>,
    headers: HeaderMap,
    extensions: Extensions,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let result = match posted(&provider, &headers, &extensions, body) {
        Ok(request) => pages::decide(&provider, &request, provider.now()).await,
        Err(error) => Err(error),
    };
    page(&provider, result)
}

async fn stylesheet() -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/css; charset=utf-8"),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, pages::STYLESHEET).into_response()
}

fn posted(
    provider: &Provider,
    headers: &HeaderMap,
    extensions: &Extensions,
    body: Result<Bytes, BytesRejection>,
) -> Result<BrowserRequest, PageError> {
    let form = read_form(headers, body).map_err(|(_, error)| PageError::from(error));
    browser_request(provider, form, headers, extensions)
}

fn browser_request(
    provider: &Provider,
    form: Result<Form, PageError>,
    headers: &HeaderMap,
    extensions: &Extensions,
) -> Result<BrowserRequest, PageError> {
    let text = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(ToOwned::to_owned)
    };
    let wanted = pages::cookie_name(provider);
    let device = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(cookie::Cookie::split_parse)
        .filter_map(Result::ok)
        .find(|cookie| cookie.name() == wanted)
        .map(|cookie| Secret::new(cookie.value()));
    Ok(BrowserRequest {
        form: form?,
        device,
        fetch_site: text("sec-fetch-site"),
        origin: text("origin"),
        address: extensions
            .get::<ConnectInfo<SocketAddr>>()
            .map(|info| -> IpAddr { info.0.ip() }),
    })
}

fn page(provider: &Provider, result: Result<Page, PageError>) -> Response {
    let page = result.unwrap_or_else(|error| error.page(provider));
    let (mut response, leads_to) = match page.body {
        PageBody::Html {
            status,
            html,
            leads_to,
        } => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let content_type = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
            ((status, content_type, html).into_response(), leads_to)
        }
        PageBody::SeeOther(location) => match HeaderValue::try_from(location) {
            Ok(location) => (
                (
                    StatusCode::SEE_OTHER,
                    [(header::LOCATION, location)],
                    Body::empty(),
                )
                    .into_response(),
                None,
            ),
            Err(_) => (StatusCode::INTERNAL_SERVER_ERROR.into_response(), None),
        },
    };
    let headers = response.headers_mut();
    if let Some(cookie) = page
        .cookie
        .and_then(|cookie| HeaderValue::try_from(cookie).ok())
    {
        headers.insert(header::SET_COOKIE, cookie);
    }
    add_page_headers(
        headers,
        leads_to.as_deref(),
        provider.config().issuer.is_https(),
    );
    response
}

/// Not framable, no scripts, nothing kept, nothing told to the next site (clause AS-AUTHZ-09).
fn add_page_headers(headers: &mut HeaderMap, leads_to: Option<&str>, https: bool) {
    let policy = format!(
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self' {}",
        leads_to.unwrap_or_default()
    );
    if let Ok(policy) = HeaderValue::try_from(policy.trim_end()) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    for (name, value) in [
        ("cache-control", "no-store"),
        ("referrer-policy", "same-origin"),
        ("x-frame-options", "DENY"),
        ("x-content-type-options", "nosniff"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    if https {
        let value = HeaderValue::from_static("max-age=63072000");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, value);
    }
}
