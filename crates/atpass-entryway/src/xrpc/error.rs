//! Errors of XRPC methods (atproto spec, HTTP API): a name for programs, a sentence for people.

use atpass_provider::store::StoreError;
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
}

impl XrpcError {
    pub(crate) fn new(status: StatusCode, name: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            name,
            message: message.into(),
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
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            let headers = response.headers_mut();
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}
