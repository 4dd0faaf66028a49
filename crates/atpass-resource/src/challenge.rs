//! Refusals as HTTP: RFC 6750 section 3, RFC 9449 sections 7.1 and 9, RFC 9728 section 5.1.

use atpass_protocol::error::{OAuthError, OAuthErrorCode};
use atpass_protocol::jose::ES256;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, StatusCode};
use serde_json::json;

use crate::ResourceError;

/// Status, OAuth code (none for a bare challenge), and the smallest scope that is missing.
struct Answer {
    status: StatusCode,
    code: Option<OAuthErrorCode>,
    scope: Option<String>,
}

/// The one place where refusals become HTTP.
fn classify(error: &ResourceError) -> Answer {
    let answer = |status, code| Answer {
        status,
        code,
        scope: None,
    };
    match error {
        ResourceError::NoCredentials => answer(StatusCode::UNAUTHORIZED, None),
        ResourceError::Malformed(_) => answer(
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
        ResourceError::Unavailable(_) => answer(
            StatusCode::SERVICE_UNAVAILABLE,
            Some(OAuthErrorCode::TemporarilyUnavailable),
        ),
    }
}

impl IntoResponse for ResourceError {
    fn into_response(self) -> Response {
        if let Self::Unavailable(detail) = &self {
            tracing::error!(detail, "access can't be checked");
        }
        let Answer {
            status,
            code,
            scope,
        } = classify(&self);
        let text =
            OAuthError::new(code.unwrap_or(OAuthErrorCode::InvalidRequest), &self).description;
        // XRPC clients read `error` and `message`.
        let name = code.map_or("AuthMissing", OAuthErrorCode::as_str);
        let body = json!({ "error": name, "message": text }).to_string();
        let mut response = (status, [(CONTENT_TYPE, "application/json")], body).into_response();
        let headers = response.headers_mut();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        } else if status != StatusCode::BAD_REQUEST {
            // The texts hold no quotes or backslashes: `OAuthError` saw to it.
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
            }
        }
        response
    }
}

/// `DPoP-Nonce`.
pub(crate) const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");
