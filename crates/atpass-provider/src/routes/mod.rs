//! HTTP on the outside: paths, methods, headers, status codes. Nothing below knows axum.

mod extract;

use atpass_protocol::error::{OAuthError, OAuthErrorCode};
use atpass_protocol::revocation::ENDED_SESSIONS_PATH;
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::StatusCode;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;
use tower::ServiceBuilder;
use tower_http::cors::{Any, CorsLayer};

use crate::endpoint;
use crate::error::EndpointError;
use crate::pages::{self, Language, Page, PageBody, PageError, Sources};
use crate::provider::Provider;
use extract::{FormFromBrowser, FromApp, FromBrowser, FromQuery};

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
        .route(ENDED_SESSIONS_PATH, get(ended_sessions))
        // Both in one layer: each that a router has costs a request several allocations.
        .layer(ServiceBuilder::new().layer(cors()).map_response({
            let provider = provider.clone();
            move |response| add_nonce(&provider, response)
        }));
    let mut people = Router::new()
        .route("/oauth/authorize", get(authorize))
        .route("/oauth/authorize/sign-in", post(sign_in))
        .route("/oauth/authorize/choose", post(choose))
        .route("/oauth/authorize/decide", post(decide))
        .route(pages::account::PATH, get(account))
        .route("/account/sign-in", post(account_sign_in))
        .route("/account/end", post(account_end))
        .route("/account/sign-out", post(account_sign_out))
        .route(&pages::STYLESHEET_PATH, get(stylesheet));
    if provider.sign_up().is_some() {
        people = people
            .route(pages::sign_up::PATH, post(sign_up))
            .route(pages::sign_up::PATH_WITHOUT_APP, post(account_sign_up));
    }
    apps.merge(people).with_state(provider)
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
fn add_nonce(provider: &Provider, mut response: Response) -> Response {
    if let Some(Ok(nonce)) = provider.next_nonce().map(HeaderValue::try_from) {
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

async fn par(State(provider): State<Provider>, FromApp(post): FromApp) -> Response {
    let result = endpoint::par::push(&provider, post, provider.now()).await;
    answer(StatusCode::CREATED, result)
}

async fn token(State(provider): State<Provider>, FromApp(post): FromApp) -> Response {
    let result = endpoint::token::exchange(&provider, post, provider.now()).await;
    answer(StatusCode::OK, result)
}

async fn revoke(State(provider): State<Provider>, FromApp(post): FromApp) -> Response {
    let result = endpoint::revoke::revoke(&provider, post, provider.now()).await;
    answer(StatusCode::OK, result.map(|()| serde_json::json!({})))
}

async fn ended_sessions(State(provider): State<Provider>, FromQuery(query): FromQuery) -> Response {
    let result = endpoint::ended::list(&provider, &query, provider.now()).await;
    answer(StatusCode::OK, result)
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
    ]
    .map(|(name, value)| (name, HeaderValue::from_static(value)));
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
    FromBrowser(request): FromBrowser,
) -> Response {
    let result = pages::authorize(&provider, &request, provider.now()).await;
    page(&provider, request.language, result)
}

async fn sign_in(
    State(provider): State<Provider>,
    FormFromBrowser(request): FormFromBrowser,
) -> Response {
    let result = pages::sign_in(&provider, &request, provider.now()).await;
    page(&provider, request.language, result)
}

async fn sign_up(
    State(provider): State<Provider>,
    FormFromBrowser(request): FormFromBrowser,
) -> Response {
    let result = pages::sign_up::sign_up(&provider, &request, provider.now()).await;
    page(&provider, request.language, result)
}

async fn choose(
    State(provider): State<Provider>,
    FormFromBrowser(request): FormFromBrowser,
) -> Response {
    let result = pages::choose(&provider, &request, provider.now()).await;
    page(&provider, request.language, result)
}

async fn decide(
    State(provider): State<Provider>,
    FormFromBrowser(request): FormFromBrowser,
) -> Response {
    let result = pages::decide(&provider, &request, provider.now()).await;
    page(&provider, request.language, result)
}

async fn account(State(provider): State<Provider>, FromBrowser(request): FromBrowser) -> Response {
    let result = pages::account::show(&provider, &request, provider.now()).await;
    page(&provider, request.language, result)
}

async fn account_sign_in(
    State(provider): State<Provider>,
    FormFromBrowser(request): FormFromBrowser,
) -> Response {
    let result = pages::account::sign_in(&provider, &request, provider.now()).await;
    page(&provider, request.language, result)
}

async fn account_sign_up(
    State(provider): State<Provider>,
    FormFromBrowser(request): FormFromBrowser,
) -> Response {
    let result = pages::sign_up::without_app(&provider, &request, provider.now()).await;
    page(&provider, request.language, result)
}

async fn account_end(
    State(provider): State<Provider>,
    FormFromBrowser(request): FormFromBrowser,
) -> Response {
    let result = pages::account::end(&provider, &request, provider.now()).await;
    page(&provider, request.language, result)
}

async fn account_sign_out(
    State(provider): State<Provider>,
    FormFromBrowser(request): FormFromBrowser,
) -> Response {
    let result = pages::account::sign_out(&provider, &request, provider.now()).await;
    page(&provider, request.language, result)
}

async fn stylesheet() -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/css; charset=utf-8"),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, pages::STYLESHEET).into_response()
}

fn page(
    provider: &Provider,
    language: &'static Language,
    result: Result<Page, PageError>,
) -> Response {
    let page = result.unwrap_or_else(|error| error.page(provider, language));
    let (mut response, sources) = match page.body {
        PageBody::Html {
            status,
            html,
            sources,
        } => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let content_type = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
            ((status, content_type, html).into_response(), sources)
        }
        PageBody::SeeOther(location) => match HeaderValue::try_from(location) {
            Ok(location) => (
                (
                    StatusCode::SEE_OTHER,
                    [(header::LOCATION, location)],
                    Body::empty(),
                )
                    .into_response(),
                Sources::default(),
            ),
            Err(_) => (
                StatusCode::INTERNAL_SERVER_ERROR.into_response(),
                Sources::default(),
            ),
        },
    };
    let headers = response.headers_mut();
    if let Some(cookie) = page
        .cookie
        .and_then(|cookie| HeaderValue::try_from(cookie).ok())
    {
        headers.insert(header::SET_COOKIE, cookie);
    }
    add_page_headers(headers, &sources, provider.config().issuer.is_https());
    response
}

/// Not framable, no scripts but one known by its hash, nothing kept, nothing told to the next site (clause AS-AUTHZ-09).
fn add_page_headers(headers: &mut HeaderMap, sources: &Sources, https: bool) {
    let policy = format!(
        "default-src 'none'; style-src 'self'; img-src 'self' {}; script-src {}; base-uri 'none'; frame-ancestors 'none'; form-action 'self' {}",
        sources.image.as_deref().unwrap_or_default(),
        sources.script.as_deref().unwrap_or("'none'"),
        sources.form.as_deref().unwrap_or_default(),
    );
    if let Ok(policy) = HeaderValue::try_from(policy.trim_end()) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    for (name, value) in [
        ("cache-control", "no-store"),
        ("vary", "accept-language"),
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
