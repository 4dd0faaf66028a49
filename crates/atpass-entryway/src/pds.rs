//! What is asked of a PDS: an account's making there, and what its entryway decides about it.

use std::fmt;

use atpass_fetch::{FetchError, Fetcher, Stage};
use atpass_protocol::id::{Did, Handle};
use atpass_protocol::text::shown;
use bytes::Bytes;
use data_encoding::BASE64;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;
use zeroize::Zeroizing;

use crate::{Entryway, PdsConfig};

/// A PDS behind the entryway, to ask it for something.
#[derive(Clone)]
pub struct Pds {
    fetcher: Fetcher,
    config: PdsConfig,
}

/// Why a PDS didn't do what it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PdsError {
    /// No answer: whether it did isn't known.
    #[error("the PDS can't be reached: {0}")]
    Unreachable(#[from] FetchError),
    /// It has a problem of its own, or something before it has: whether it did isn't known.
    #[error("{method} at the PDS answered with status {status}: {message}")]
    Failed {
        /// The method.
        method: &'static str,
        /// The status.
        status: u16,
        /// What it says.
        message: String,
    },
    /// It refuses, by an error of its own.
    #[error("{method} was refused by the PDS ({name}): {message}")]
    Refused {
        /// The method.
        method: &'static str,
        /// The name of the error.
        name: String,
        /// What it says.
        message: String,
    },
    /// Its answer makes no sense.
    #[error("the answer of {method} at the PDS lacks what it is for")]
    Answer {
        /// The method.
        method: &'static str,
    },
    /// It isn't behind this entryway any more.
    #[error("{0} is none of the PDSes of this entryway")]
    NotOurs(Did),
}

impl PdsError {
    /// Whether it refused by an error of this name.
    fn is(&self, wanted: &str) -> bool {
        matches!(self, Self::Refused { name, .. } if name == wanted)
    }

    /// Whether the PDS refuses to make an account, however often it is asked. That it has begun with one and
    /// not ended is no refusal.
    pub(crate) fn refuses_account(&self) -> bool {
        matches!(self, Self::Refused { .. }) && !self.is("AlreadyExists")
    }
}

/// Who asks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum As {
    Anybody,
    Admin,
}

impl Entryway {
    /// The PDS of this DID, where it is behind this entryway.
    pub fn pds_of(&self, pds: &Did) -> Option<Pds> {
        let config = self.config().pds(pds)?.clone();
        let fetcher = self.parts().fetcher.clone();
        Some(Pds { fetcher, config })
    }
}

impl Pds {
    /// Its configuration.
    pub const fn config(&self) -> &PdsConfig {
        &self.config
    }

    /// Has it make a key for the repository of an account to be. Returns it as a `did:key`.
    pub async fn reserve_signing_key(&self) -> Result<String, PdsError> {
        const METHOD: &str = "com.atproto.server.reserveSigningKey";
        let answer = self.post(METHOD, As::Anybody, &json!({})).await?;
        let key = answer.get("signingKey").and_then(Value::as_str);
        let key = key.filter(|key| key.starts_with("did:key:"));
        key.map(ToOwned::to_owned)
            .ok_or(PdsError::Answer { method: METHOD })
    }

    /// Has it make the account, and hand the operation to the directory.
    pub async fn create_account(
        &self,
        did: &Did,
        handle: &Handle,
        operation: &Value,
    ) -> Result<(), PdsError> {
        let body = json!({ "did": did, "handle": handle, "plcOp": operation });
        let method = "com.atproto.server.createAccount";
        self.post(method, As::Anybody, &body).await.map(drop)
    }

    /// Whether the account is there, whatever its state.
    pub async fn has_account(&self, did: &Did) -> Result<bool, PdsError> {
        const METHOD: &str = "com.atproto.sync.getRepoStatus";
        let mut url = self.url(METHOD)?;
        url.query_pairs_mut().append_pair("did", did.as_str());
        let answer = self.call(METHOD, Method::GET, &url, As::Anybody, Bytes::new());
        match answer.await {
            Ok(answer) if answer.get("did").and_then(Value::as_str) == Some(did.as_str()) => {
                Ok(true)
            }
            Ok(_) => Err(PdsError::Answer { method: METHOD }),
            Err(error) if error.is("RepoNotFound") => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Tells it of a new handle, which the account's document has already.
    pub async fn update_handle(&self, did: &Did, handle: &Handle) -> Result<(), PdsError> {
        let body = json!({ "did": did, "handle": handle });
        let method = "com.atproto.admin.updateAccountHandle";
        self.post(method, As::Admin, &body).await.map(drop)
    }

    /// Puts an account to rest, or wakes it up again.
    pub async fn set_deactivated(&self, did: &Did, deactivated: bool) -> Result<(), PdsError> {
        self.set_status(did, "deactivated", deactivated).await
    }

    /// Takes an account down, or lifts that.
    pub async fn set_taken_down(&self, did: &Did, taken_down: bool) -> Result<(), PdsError> {
        self.set_status(did, "takedown", taken_down).await
    }

    async fn set_status(&self, did: &Did, status: &str, applied: bool) -> Result<(), PdsError> {
        let body = json!({
            "subject": { "$type": "com.atproto.admin.defs#repoRef", "did": did },
            status: { "applied": applied },
        });
        let method = "com.atproto.admin.updateSubjectStatus";
        self.post(method, As::Admin, &body).await.map(drop)
    }

    /// Removes an account with everything.
    pub async fn delete_account(&self, did: &Did) -> Result<(), PdsError> {
        let method = "com.atproto.admin.deleteAccount";
        let body = json!({ "did": did });
        self.post(method, As::Admin, &body).await.map(drop)
    }

    async fn post(&self, method: &'static str, who: As, body: &Value) -> Result<Value, PdsError> {
        let (url, body) = (self.url(method)?, Bytes::from(body.to_string()));
        self.call(method, Method::POST, &url, who, body).await
    }

    fn url(&self, method: &str) -> Result<Url, FetchError> {
        let text = self.config.origin.at(&format!("/xrpc/{method}"));
        Url::parse(&text).map_err(|_| not_a_url(text))
    }

    async fn call(
        &self,
        method: &'static str,
        verb: Method,
        url: &Url,
        who: As,
        body: Bytes,
    ) -> Result<Value, PdsError> {
        let mut request = http::Request::builder()
            .method(verb)
            .uri(url.as_str())
            .header(ACCEPT, "application/json");
        if !body.is_empty() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        if who == As::Admin {
            request = request.header(AUTHORIZATION, self.as_admin());
        }
        let request = request
            .body(body)
            .map_err(|_| not_a_url(self.config.origin.at("/xrpc")))?;
        let answer = self.fetcher.fetch(request).await?;
        read(method, &answer)
    }

    fn as_admin(&self) -> HeaderValue {
        let password = self.config.admin_password.expose();
        let text = Zeroizing::new(format!("admin:{password}"));
        let text = Zeroizing::new(format!("Basic {}", BASE64.encode(text.as_bytes())));
        // Base64 is always good for a header.
        let mut value =
            HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static("Basic"));
        value.set_sensitive(true);
        value
    }
}

impl fmt::Debug for Pds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pds").field(&self.config.origin).finish()
    }
}

/// An error as XRPC has it (atproto spec, HTTP API).
#[derive(Deserialize)]
struct Refusal {
    error: String,
    #[serde(default)]
    message: String,
}

/// A refusal is one only in the PDS's own words: a proxy before a PDS that is down answers with statuses
/// as well.
fn read(method: &'static str, answer: &http::Response<Bytes>) -> Result<Value, PdsError> {
    let status = answer.status();
    if status.is_success() {
        if answer.body().is_empty() {
            return Ok(Value::Null);
        }
        let body = serde_json::from_slice(answer.body());
        return body.map_err(|_| PdsError::Answer { method });
    }
    let refusal = serde_json::from_slice::<Refusal>(answer.body()).ok();
    let (name, message) = refusal.map_or_else(
        || (None, "without an error of XRPC".into()),
        |refusal| (Some(shown(&refusal.error)), shown(&refusal.message)),
    );
    let later = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS];
    match name {
        Some(name) if status.is_client_error() && !later.contains(&status) => {
            Err(PdsError::Refused {
                method,
                name,
                message,
            })
        }
        _ => Err(PdsError::Failed {
            method,
            status: status.as_u16(),
            message,
        }),
    }
}

fn not_a_url(url: String) -> FetchError {
    let stage = Stage::Url("not a URL");
    FetchError { url, stage }
}
