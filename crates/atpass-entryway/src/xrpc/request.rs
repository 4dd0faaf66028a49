//! From an HTTP request to what a method takes. What can't be read is refused in the words of XRPC.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{ConnectInfo, FromRequest, FromRequestParts, Request};
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderMap};
use http::request::Parts;
use serde::de::DeserializeOwned;

use super::XrpcError;

/// The longest body that is read, in bytes: far more than any of these methods needs.
pub(super) const LONGEST_BODY: usize = 64 * 1024;
/// How long a body may take: it is small.
const BODY_DEADLINE: Duration = Duration::from_secs(30);

/// The input of a method, read from a JSON object.
pub(super) struct Input<T>(pub(super) T);

/// Where the request comes from, if that is known.
pub(super) struct Address(pub(super) Option<IpAddr>);

impl Address {
    /// As the key of a limit: one party has all of an address of IPv4, and a /64 network of IPv6.
    pub(super) fn key(&self) -> String {
        match self.0.map(|address| address.to_canonical()) {
            None => String::new(),
            Some(IpAddr::V4(address)) => address.to_string(),
            Some(IpAddr::V6(address)) => (address.to_bits() >> 64).to_string(),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Address {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let connection = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        Ok(Self(connection.map(|connection| connection.0.ip())))
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Input<T> {
    type Rejection = XrpcError;

    async fn from_request(request: Request, state: &S) -> Result<Self, XrpcError> {
        if !is_json(request.headers()) {
            return Err(XrpcError::invalid("send the input as application/json"));
        }
        let body = tokio::time::timeout(BODY_DEADLINE, Bytes::from_request(request, state));
        let late = |_| {
            let message = "the body took too long";
            XrpcError::new(StatusCode::REQUEST_TIMEOUT, "InvalidRequest", message)
        };
        let body = body.await.map_err(late)?;
        let body = body.map_err(|rejection| unreadable(&rejection))?;
        read(&body).map(Self)
    }
}

/// An array with the members in order would do for a derived reader, and is no input.
fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, XrpcError> {
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
    if first != Some(&b'{') {
        return Err(XrpcError::invalid("the body is no JSON object"));
    }
    // Where it went wrong, and not what stood there: it may be a password.
    serde_json::from_slice(body).map_err(|error| {
        let place = format!("line {} column {}", error.line(), error.column());
        XrpcError::invalid(format!(
            "the body isn't what this method takes, as of {place}"
        ))
    })
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(CONTENT_TYPE);
    let value = value.and_then(|value| value.to_str().ok());
    let media_type = value.and_then(|value| value.split(';').next());
    media_type.is_some_and(|media_type| media_type.trim().eq_ignore_ascii_case("application/json"))
}

fn unreadable(rejection: &BytesRejection) -> XrpcError {
    let status = rejection.status();
    if status == StatusCode::PAYLOAD_TOO_LARGE {
        let message = format!("the body is longer than {LONGEST_BODY} bytes");
        XrpcError::new(status, "PayloadTooLarge", message)
    } else {
        XrpcError::new(status, "InvalidRequest", "the body could not be read")
    }
}
