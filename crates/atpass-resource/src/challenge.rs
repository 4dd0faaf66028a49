//! Refusals as HTTP: RFC 6750 section 3, RFC 9449 sections 7.1 and 9, RFC 9728 section 5.1.

use atpass_protocol::error::{OAuthError, OAuthErrorCode};
use atpass_protocol::jose::ES256;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{
    ACCESS_CONTROL_EXPOSE_HEADERS, CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderValue,
    RETRY_AFTER, VARY, WWW_AUTHENTICATE,
};
use http::{HeaderName, StatusCode};
use serde_json::json;

use crate::{ResourceError, ResourceServer};

/// Status, OAuth code (none for a bare challenge), and the smallest scope that is missing.
struct Answer {
    status: StatusCode,
    code: Option<OAuthErrorCode>,
    scope: Option<String>,
}

/// The one place where refusals become HTTP, and our own failures are logged.
fn classify(error: &ResourceError) -> Answer {
    let answer = |status, code| Answer {
        status,
        code,
        scope: None,
    };
    match error {
        ResourceError::NoCredentials => answer(StatusCode::UNAUTHORIZED, None),
        ResourceError::Malformed(_) | ResourceError::Name(_) => answer(
            StatusCode::BAD_REQUEST,
            Some(OAuthErrorCode::InvalidRequest),
        ),
        ResourceError::Scheme
        | ResourceError::Token(_)
        | ResourceError::Binding
        | ResourceError::Revoked => {
            answer(StatusCode::UNAUTHORIZED, Some(OAuthErrorCode::InvalidToken))
        }
        ResourceError::Dpop(error) => answer(StatusCode::UNAUTHORIZED, Some(error.code())),
        ResourceError::Scope(permission) => Answer {
            status: StatusCode::FORBIDDEN,
            code: Some(OAuthErrorCode::InsufficientScope),
            scope: Some(permission.to_string()),
        },
        ResourceError::Unavailable(detail) => {
            tracing::error!(detail, "access can't be checked");
            let code = OAuthErrorCode::TemporarilyUnavailable;
            answer(StatusCode::SERVICE_UNAVAILABLE, Some(code))
        }
        ResourceError::KeyNotSeenYet => {
            // Anybody can bring this about: nothing to wake the operator for.
            tracing::debug!("a token names a key that the issuer didn't have a moment ago");
            let code = OAuthErrorCode::TemporarilyUnavailable;
            answer(StatusCode::SERVICE_UNAVAILABLE, Some(code))
        }
        ResourceError::NotGuarded => {
            tracing::error!("a route reads the caller, but is not behind a ResourceLayer");
            let code = OAuthErrorCode::ServerError;
            answer(StatusCode::INTERNAL_SERVER_ERROR, Some(code))
        }
    }
}

/// Stands in the extensions of a refusal with a challenge, so that the layer, which knows the
/// origin, can say in it where the metadata lies.
#[derive(Clone, Copy, Debug)]
struct Challenged;

/// Seconds after which a caller may try again.
const RETRY: HeaderValue = HeaderValue::from_static("1");

impl IntoResponse for ResourceError {
    fn into_response(self) -> Response {
        answer(&self).map(Body::from)
    }
}

/// The refusal, without what only a [`ResourceServer`] knows.
fn answer(error: &ResourceError) -> http::Response<String> {
    let Answer {
        status,
        code,
        scope,
    } = classify(error);
    let text = OAuthError::new(code.unwrap_or(OAuthErrorCode::InvalidRequest), error).description;
    // XRPC clients read `error` and `message`.
    let name = code.map_or("AuthMissing", OAuthErrorCode::as_str);
    let mut response = http::Response::new(json!({ "error": name, "message": text }).to_string());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(RETRY_AFTER, RETRY);
    }
    if status.is_client_error() {
        // The values hold no quotes or backslashes: `OAuthError` sees to it, and scopes encode them.
        let parameters = [
            ("algs", Some(ES256)),
            ("error", code.map(OAuthErrorCode::as_str)),
            ("error_description", code.is_some().then_some(text.as_str())),
            ("scope", scope.as_deref()),
        ];
        let parameters = parameters
            .into_iter()
            .filter_map(|(name, value)| Some(format!("{name}=\"{}\"", value?)));
        let challenge = format!("DPoP {}", parameters.collect::<Vec<_>>().join(", "));
        if let Ok(challenge) = HeaderValue::try_from(challenge) {
            headers.insert(WWW_AUTHENTICATE, challenge);
            response.extensions_mut().insert(Challenged);
        }
    }
    response
}

/// A refusal with everything that belongs on it, for services of any kind: it becomes a
/// [`http::Response`] with every body that a `String` becomes.
#[derive(Clone, Debug)]
pub struct Refusal {
    error: ResourceError,
    server: ResourceServer,
}

impl Refusal {
    /// Why.
    pub const fn error(&self) -> &ResourceError {
        &self.error
    }
}

impl ResourceServer {
    /// The refusal for this error, such as one of [`crate::VerifiedRequest::require`].
    pub fn refuse(&self, error: ResourceError) -> Refusal {
        let server = self.clone();
        Refusal { error, server }
    }

    /// Puts on an answer what every one needs: the nonce for the caller's next proof, for apps in
    /// browsers as well, and that it is nothing for shared caches (clause RS-ERR-03). On a
    /// [`Refusal`], and behind a [`crate::ResourceLayer`], it is there already.
    pub fn mark(&self, headers: &mut HeaderMap) {
        if let Some(Ok(nonce)) = self.next_nonce().map(HeaderValue::try_from) {
            headers.insert(DPOP_NONCE, nonce);
        }
        headers
            .entry(CACHE_CONTROL)
            .or_insert(HeaderValue::from_static("private, no-store"));
        headers.append(VARY, HeaderValue::from_static("Authorization, DPoP"));
        for name in [DPOP_NONCE, WWW_AUTHENTICATE] {
            headers.append(ACCESS_CONTROL_EXPOSE_HEADERS, name.into());
        }
    }
}

impl<B: From<String>> From<Refusal> for http::Response<B> {
    fn from(refusal: Refusal) -> Self {
        let mut response = answer(&refusal.error);
        add_metadata_url(&mut response, &refusal.server);
        refusal.server.mark(response.headers_mut());
        response.map(B::from)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        self.into()
    }
}

/// Adds to a challenge where the metadata of the resource lies (RFC 9728 section 5.1).
pub(crate) fn add_metadata_url<B>(response: &mut http::Response<B>, server: &ResourceServer) {
    if response.extensions_mut().remove::<Challenged>().is_none() {
        return;
    }
    let url = server.metadata_url();
    let headers = response.headers_mut();
    let challenge = headers.get(WWW_AUTHENTICATE).map(HeaderValue::to_str);
    if let Some(Ok(challenge)) = challenge
        && let Ok(whole) =
            HeaderValue::try_from(format!("{challenge}, resource_metadata=\"{url}\""))
    {
        headers.insert(WWW_AUTHENTICATE, whole);
    }
}

/// `DPoP-Nonce`.
const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");
