//! Who was asked what, in which order, and how it was answered.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use http::StatusCode;
use http::header::USER_AGENT;
use serde::Serialize;

/// A request, as the server saw it.
#[derive(Clone, Debug, Serialize)]
pub struct LoggedRequest {
    /// Its method.
    pub method: String,
    /// Whom it was for, without the query.
    pub url: String,
    /// Its `User-Agent`, or nothing.
    pub agent: String,
    /// When it came, milliseconds since 1970.
    pub begun: f64,
    /// When it was answered, milliseconds since 1970; `None` while it isn't.
    pub ended: Option<f64>,
    /// The answer's status.
    pub status: Option<u16>,
    /// Whether the answer asks for another DPoP nonce (RFC 9449 section 8).
    pub wants_nonce: bool,
}

/// Requests, in the order in which they came. Cheap to clone; clones share the list.
#[derive(Clone, Debug, Default)]
pub struct RequestLog(Arc<Mutex<Vec<LoggedRequest>>>);

/// The longest refusal that is looked into, bytes.
const LONGEST_REFUSAL: usize = 64 * 1024;

impl RequestLog {
    /// Writes a request down, and returns its place.
    pub(crate) fn begin(&self, request: &Request, url: String) -> usize {
        let agent = request.headers().get(USER_AGENT);
        let agent = agent.and_then(|agent| agent.to_str().ok());
        let mut requests = self.requests();
        requests.push(LoggedRequest {
            method: request.method().to_string(),
            url,
            agent: agent.unwrap_or_default().to_owned(),
            begun: now(),
            ended: None,
            status: None,
            wants_nonce: false,
        });
        requests.len() - 1
    }

    /// Writes down how the request in this place was answered.
    pub(crate) async fn end(&self, place: usize, answer: Response) -> Response {
        let (answer, wants_nonce) = look_for_nonce(answer).await;
        if let Some(request) = self.requests().get_mut(place) {
            request.ended = Some(now());
            request.status = Some(answer.status().as_u16());
            request.wants_nonce = wants_nonce;
        }
        answer
    }

    /// The requests so far.
    pub fn requests(&self) -> MutexGuard<'_, Vec<LoggedRequest>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The requests so far, as `GET https://host/path`.
    pub fn lines(&self) -> Vec<String> {
        let line = |request: &LoggedRequest| format!("{} {}", request.method, request.url);
        self.requests().iter().map(line).collect()
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "when a request came is only written down; a network's own clock has whole seconds"
)]
fn now() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or(Duration::ZERO).as_secs_f64() * 1000.0
}

/// Whether an answer of an authorization server refuses for want of a nonce, and the same answer.
async fn look_for_nonce(answer: Response) -> (Response, bool) {
    if answer.status() != StatusCode::BAD_REQUEST {
        return (answer, false);
    }
    let (parts, body) = answer.into_parts();
    let body = axum::body::to_bytes(body, LONGEST_REFUSAL).await;
    let body: Bytes = body.unwrap_or_default();
    let error = serde_json::from_slice::<serde_json::Value>(&body);
    let wants_nonce = error.is_ok_and(|body| {
        let error = body.get("error").and_then(serde_json::Value::as_str);
        error == Some("use_dpop_nonce")
    });
    (Response::from_parts(parts, Body::from(body)), wants_nonce)
}
