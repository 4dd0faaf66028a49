//! A server as an app talks to it: with proofs that were signed beforehand, and the nonce that it gave last.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, anyhow, bail};
use atpass_protocol::dpop::DpopProof;
use atpass_protocol::id::Issuer;
use atpass_protocol::jose::PrivateKey;
use atpass_protocol::random::SystemRandom;
use atpass_protocol::time::{Clock, SystemClock};
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::Full;
use serde_json::Value;

use crate::app::App;
use crate::lines::{Answer, Lines};

/// One origin.
pub(crate) struct Endpoint {
    pub(crate) origin: Issuer,
    host: String,
    pub(crate) lines: Lines,
    nonce: Mutex<Option<String>>,
    signed_again: AtomicUsize,
}

/// A request, as far as a proof says of it.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) key: Arc<PrivateKey>,
    /// The access token that goes with it.
    pub(crate) token: Option<Arc<str>>,
    /// Who calls, where it must prove that.
    pub(crate) app: Option<Arc<App>>,
}

/// A call with its proofs, ready to go out.
pub(crate) struct Signed {
    call: Call,
    proof: String,
    /// What the app adds to the form.
    proof_of_app: Option<String>,
}

impl Signed {
    pub(crate) fn proof(&self) -> &str {
        &self.proof
    }
}

impl Endpoint {
    /// The server at this port.
    pub(crate) fn new(port: u16) -> Result<Self> {
        let host = format!("localhost:{port}");
        Ok(Self {
            origin: Issuer::parse(&format!("http://{host}"))?,
            host,
            lines: Lines::to(port),
            nonce: Mutex::new(None),
            signed_again: AtomicUsize::new(0),
        })
    }

    pub(crate) fn sign(&self, call: Call) -> Result<Signed> {
        let nonce = self.nonce.lock().unwrap_or_else(PoisonError::into_inner);
        let proof = DpopProof {
            htm: call.method.as_str(),
            htu: &self.origin.at(call.path),
            nonce: nonce.as_deref(),
            access_token: call.token.as_deref(),
            iat: SystemClock.now(),
        };
        let proof = proof.sign(&call.key, &SystemRandom);
        let app = call.app.as_deref();
        let proof_of_app = app.map(|app| app.proof_of_itself(&self.origin));
        Ok(Signed {
            proof: proof.map_err(|error| anyhow!(error))?,
            proof_of_app: proof_of_app.transpose()?.flatten(),
            call,
        })
    }

    /// Sends it, once more where the server wants another nonce; returns the JSON that comes. Whatever isn't success
    /// is an error. `form` is empty where the method has no body.
    pub(crate) async fn send(&self, signed: Signed, form: &str) -> Result<Value> {
        let mut answer = self.once(&signed, form).await?;
        if wants_nonce(&answer) {
            self.signed_again.fetch_add(1, Ordering::Relaxed);
            let signed = self.sign(signed.call.clone())?;
            answer = self.once(&signed, form).await?;
        }
        if !answer.status.is_success() {
            let (path, status) = (signed.call.path, answer.status);
            bail!("{path} was answered with {status}: {}", answer.text());
        }
        serde_json::from_slice(&answer.body).context("the answer is no JSON")
    }

    async fn once(&self, signed: &Signed, form: &str) -> Result<Answer> {
        let call = &signed.call;
        let mut request = Request::builder()
            .method(call.method.clone())
            .uri(call.path)
            .header(HOST, &self.host)
            .header("accept", "application/json")
            .header("dpop", &signed.proof);
        if let Some(token) = &call.token {
            request = request.header(AUTHORIZATION, format!("DPoP {token}"));
        }
        let mut body = form.to_owned();
        if !form.is_empty() {
            request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
            if let Some(more) = &signed.proof_of_app {
                body += "&";
                body += more;
            }
        }
        let answer = self.lines.send(request.body(Full::from(body))?).await?;
        self.learn(&answer.headers);
        Ok(answer)
    }

    /// A request without any proof.
    pub(crate) async fn plain(
        &self,
        request: http::request::Builder,
        body: String,
    ) -> Result<Answer> {
        let request = request.header(HOST, &self.host);
        let request: Request<Full<Bytes>> = request.body(Full::from(body))?;
        let answer = self.lines.send(request).await?;
        self.learn(&answer.headers);
        Ok(answer)
    }

    fn learn(&self, headers: &HeaderMap) {
        let given = headers.get("dpop-nonce");
        let Some(given) = given.and_then(|value| value.to_str().ok()) else {
            return;
        };
        let mut nonce = self.nonce.lock().unwrap_or_else(PoisonError::into_inner);
        if nonce.as_deref() != Some(given) {
            *nonce = Some(given.to_owned());
        }
    }

    /// How many requests went out a second time, with another nonce.
    pub(crate) fn signed_again(&self) -> usize {
        self.signed_again.load(Ordering::Relaxed)
    }
}

/// RFC 9449 sections 8 and 9.
fn wants_nonce(answer: &Answer) -> bool {
    let challenge = || {
        let value = answer.headers.get("www-authenticate");
        value.and_then(|value| value.to_str().ok()).unwrap_or("")
    };
    match answer.status {
        StatusCode::BAD_REQUEST => answer.text().contains("use_dpop_nonce"),
        StatusCode::UNAUTHORIZED => {
            challenge().contains("use_dpop_nonce") || answer.text().contains("use_dpop_nonce")
        }
        _ => false,
    }
}

/// The body of a form, or a query.
pub(crate) fn form(fields: &[(&str, &str)]) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(fields);
    form.finish()
}
