//! Requests with a DPoP proof: the nonce of each server, learned from every answer, and the one
//! retry that a new nonce costs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use atpass_fetch::Fetcher;
use atpass_protocol::dpop::DpopProof;
use atpass_protocol::error::OAuthErrorBody;
use atpass_protocol::id::Issuer;
use atpass_protocol::jose::PrivateKey;
use atpass_protocol::random::Random;
use atpass_protocol::secret::Secret;
use atpass_protocol::time::Clock;
use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderValue, WWW_AUTHENTICATE};
use http::{HeaderName, Request, Response, StatusCode};
use url::Url;

use crate::ClientError;

const DPOP: HeaderName = HeaderName::from_static("dpop");
const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// The most servers whose nonce is remembered.
const MOST_ORIGINS: usize = 1000;
/// The longest nonce that is remembered, bytes.
const LONGEST_NONCE: usize = 1024;

/// Sends requests with proofs.
pub(crate) struct ProofSender {
    fetcher: Fetcher,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    nonces: Mutex<HashMap<String, String>>,
}

/// An answer, and whether it carried a nonce.
pub(crate) struct Answer {
    pub(crate) response: Response<Bytes>,
    pub(crate) had_nonce: bool,
}

impl ProofSender {
    pub(crate) fn new(fetcher: Fetcher, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        Self {
            fetcher,
            clock,
            random,
            nonces: Mutex::default(),
        }
    }

    /// Sends the request with a proof by `key`, and with the access token where there is one.
    /// Where the server wants another nonce, sends it once more, with a new proof.
    pub(crate) async fn send(
        &self,
        request: &Request<Bytes>,
        key: &PrivateKey,
        access_token: Option<&Secret>,
    ) -> Result<Answer, ClientError> {
        let mut url = Url::parse(&request.uri().to_string())
            .map_err(|error| ClientError::Request(format!("its URL: {error}")))?;
        let origin = url.origin().ascii_serialization();
        // RFC 9449 section 4.2: without query and fragment.
        url.set_query(None);
        url.set_fragment(None);
        let mut retried = false;
        loop {
            let used = self.nonce(&origin);
            let proof = DpopProof {
                htm: request.method().as_str(),
                htu: url.as_str(),
                nonce: used.as_deref(),
                access_token: access_token.map(Secret::expose),
                iat: self.clock.now(),
            };
            let proof = proof.sign(key, &*self.random)?;
            let mut attempt = request.clone();
            attempt.headers_mut().insert(DPOP, header(&proof)?);
            if let Some(token) = access_token {
                let value = header(&format!("DPoP {}", token.expose()))?;
                attempt.headers_mut().insert(AUTHORIZATION, value);
            }
            let response = self.fetcher.fetch(attempt).await?;
            let new = nonce_of(&response);
            let had_nonce = new.is_some();
            let is_new = had_nonce && new != used;
            if let Some(new) = new {
                self.learn(&origin, new);
            }
            if !retried && is_new && wants_nonce(&response) {
                retried = true;
                continue;
            }
            return Ok(Answer {
                response,
                had_nonce,
            });
        }
    }

    /// Takes a nonce that came with another document of the server, where none is known yet.
    pub(crate) fn offer(&self, issuer: &Issuer, nonce: &str) {
        let usable = (1..=LONGEST_NONCE).contains(&nonce.len());
        if usable && self.nonce(issuer.as_str()).is_none() {
            self.learn(issuer.as_str(), nonce.to_owned());
        }
    }

    fn nonce(&self, origin: &str) -> Option<String> {
        self.nonces
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(origin)
            .cloned()
    }

    fn learn(&self, origin: &str, nonce: String) {
        let mut nonces = self.nonces.lock().unwrap_or_else(PoisonError::into_inner);
        if nonces.len() >= MOST_ORIGINS && !nonces.contains_key(origin) {
            // A lost nonce costs one retry; an unbounded map costs more.
            nonces.clear();
        }
        nonces.insert(origin.to_owned(), nonce);
    }
}

fn header(value: &str) -> Result<HeaderValue, ClientError> {
    let mut value = HeaderValue::try_from(value).map_err(|_| {
        ClientError::Request("a token has characters that no header may have".into())
    })?;
    value.set_sensitive(true);
    Ok(value)
}

fn nonce_of(response: &Response<Bytes>) -> Option<String> {
    let nonce = response.headers().get(DPOP_NONCE)?.to_str().ok()?;
    (1..=LONGEST_NONCE)
        .contains(&nonce.len())
        .then(|| nonce.to_owned())
}

/// RFC 9449 section 8 (400 with a JSON body) and section 9 (401 with a challenge).
fn wants_nonce(response: &Response<Bytes>) -> bool {
    match response.status() {
        StatusCode::BAD_REQUEST => {
            oauth_error(response).is_some_and(|body| body.error == "use_dpop_nonce")
        }
        StatusCode::UNAUTHORIZED => challenge_has(response, "use_dpop_nonce"),
        _ => false,
    }
}

/// Whether the challenge of a 401 names this error.
pub(crate) fn challenge_has(response: &Response<Bytes>, error: &str) -> bool {
    let wanted = format!("error=\"{error}\"");
    let challenges = response.headers().get_all(WWW_AUTHENTICATE);
    challenges
        .iter()
        .any(|value| value.to_str().is_ok_and(|text| text.contains(&wanted)))
}

/// The error body of an OAuth endpoint, if it is one.
pub(crate) fn oauth_error(response: &Response<Bytes>) -> Option<OAuthErrorBody> {
    serde_json::from_slice(response.body()).ok()
}
