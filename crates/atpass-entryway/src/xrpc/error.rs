//! Errors of XRPC methods (atproto spec, HTTP API): a name for programs, a sentence for people.

use atpass_provider::store::StoreError;
use atpass_replay::RetryAfter;
use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{HeaderValue, RETRY_AFTER};
use serde_json::json;

/// Why a method refuses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {message}")]
pub(crate) struct XrpcError {
    status: StatusCode,
    name: &'static str,
    message: String,
    /// Seconds until the same may be tried again.
    retry_after: Option<u64>,
}

impl XrpcError {
    pub(crate) fn new(status: StatusCode, name: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            name,
            message: message.into(),
            retry_after: None,
        }
    }

    /// The request makes no sense, or asks for what can't be.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "InvalidRequest", message)
    }

    /// Nobody knows who asks.
    pub(crate) fn unauthenticated(name: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, name, message)
    }

    /// Our own failure, or that of a server that we need. The detail is for the operator.
    pub(crate) fn unavailable(detail: &impl std::fmt::Display) -> Self {
        tracing::error!(%detail, "request failed");
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "Unavailable",
            "This server has a problem of its own; nothing was changed, try again.",
        )
    }

    /// The account may not act: its operator says so.
    pub(crate) fn taken_down() -> Self {
        Self::unauthenticated("AccountTakedown", "the account has been taken down")
    }

    /// Too often.
    pub(crate) fn too_many(wait: RetryAfter) -> Self {
        let error = Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "RateLimitExceeded",
            wait.to_string(),
        );
        Self {
            retry_after: Some(wait.seconds),
            ..error
        }
    }
}

impl From<StoreError> for XrpcError {
    fn from(error: StoreError) -> Self {
        Self::unavailable(&error)
    }
}

impl IntoResponse for XrpcError {
    fn into_response(self) -> Response {
        let body = Json(json!({ "error": self.name, "message": self.message }));
        let mut response = (self.status, body).into_response();
        let soon = (self.status == StatusCode::SERVICE_UNAVAILABLE).then_some(1);
        if let Some(seconds) = self.retry_after.or(soon) {
            let headers = response.headers_mut();
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
