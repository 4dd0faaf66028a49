//! Requests with a DPoP proof, and the one retry that a new nonce costs.

use std::sync::Arc;

use async_trait::async_trait;
use atpass_fetch::{FetchError, Fetcher};
use atpass_protocol::dpop::DpopProof;
use atpass_protocol::error::OAuthErrorBody;
use atpass_protocol::id::Issuer;
use atpass_protocol::jose::PrivateKey;
use atpass_protocol::random::Random;
use atpass_protocol::secret::Secret;
use atpass_protocol::time::{Clock, UnixTime};
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{HeaderName, Request, Response, StatusCode};
use url::Url;

use crate::ClientError;
use crate::authentication::{Audience, Authenticator};
pub(crate) use crate::challenges::challenge_has;
use crate::error::Endpoint;
use crate::origins::{Origin, Origins, differ};

const DPOP: HeaderName = HeaderName::from_static("dpop");

/// What sends requests to servers of resources. [`Fetcher`] is one, built on reqwest; an app that has
/// its own HTTP client (with a proxy, with traces) makes another.
///
/// It follows no redirects: a proof is for one URL.
#[async_trait]
pub trait Transport: Send + Sync + 'static {
    /// Sends the request and reads the whole answer, whatever its status.
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, FetchError>;
}

#[async_trait]
impl Transport for Fetcher {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, FetchError> {
        self.fetch(request).await
    }
}

/// Sends requests with proofs.
pub(crate) struct ProofSender {
    fetcher: Fetcher,
    transport: Arc<dyn Transport>,
    origins: Origins,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

/// A form for an authorization server.
pub(crate) struct Form<'a> {
    pub(crate) endpoint: Endpoint,
    pub(crate) url: &'a str,
    pub(crate) fields: &'a [(&'a str, &'a str)],
    /// How the client proves who it is, where it does.
    pub(crate) client: Option<(&'a Authenticator, Audience<'a>)>,
}

/// An answer, and whether it carried a nonce.
pub(crate) struct Answer {
    pub(crate) response: Response<Bytes>,
    pub(crate) had_nonce: bool,
}

impl ProofSender {
    pub(crate) fn new(
        fetcher: Fetcher,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        Self {
            fetcher,
            transport,
            origins: Origins::default(),
            clock,
            random,
        }
    }

    /// Posts a form with a proof by `key`. What proves the client is made anew for each attempt: it
    /// counts once.
    pub(crate) async fn post(
        &self,
        form: &Form<'_>,
        key: &PrivateKey,
    ) -> Result<Answer, ClientError> {
        let target = Target::new(form.url)?;
        let mut attempt = Attempt::first(&self.origins.get(&target.origin));
        loop {
            let now = self.clock.now().plus(attempt.offset);
            let proof = match &form.client {
                Some((client, audience)) => client.prove(audience, key, now, self).await?,
                None => Vec::new(),
            };
            let body = form_urlencoded::Serializer::new(String::new())
                .extend_pairs(form.fields)
                .extend_pairs(proof)
                .finish();
            let request = Request::post(form.url)
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .header(ACCEPT, "application/json")
                .body(Bytes::from(body))
                .map_err(|error| ClientError::Request(error.to_string()))?;
            let request = self.prove(request, &target, &attempt.known, now, key, None)?;
            let response = self.fetcher.fetch(request).await;
            let response = response.map_err(failed(form.endpoint))?;
            match self.judge(&target, &attempt, response) {
                Judged::Final(answer) => return Ok(answer),
                Judged::Again(next) => attempt = next,
            }
        }
    }

    /// Sends a request to a server of resources, with the access token and a proof by `key`.
    pub(crate) async fn call(
        &self,
        request: &Request<Bytes>,
        key: &PrivateKey,
        token: &Secret,
    ) -> Result<Answer, ClientError> {
        let target = Target::new(&request.uri().to_string())?;
        let mut attempt = Attempt::first(&self.origins.get(&target.origin));
        loop {
            let now = self.clock.now().plus(attempt.offset);
            let known = &attempt.known;
            let request = self.prove(request.clone(), &target, known, now, key, Some(token))?;
            let response = self.transport.send(request).await;
            let response = response.map_err(failed(Endpoint::Resource))?;
            match self.judge(&target, &attempt, response) {
                Judged::Final(answer) => return Ok(answer),
                Judged::Again(next) => attempt = next,
            }
        }
    }

    /// Sends a request to a server of resources as it is: without token and proof.
    #[cfg(any(feature = "atrium", feature = "jacquard"))]
    pub(crate) async fn call_openly(
        &self,
        request: Request<Bytes>,
    ) -> Result<Response<Bytes>, ClientError> {
        let response = self.transport.send(request).await;
        response.map_err(failed(Endpoint::Resource))
    }

    /// Takes a nonce that came with another document of the server, where none is known yet.
    pub(crate) fn offer_nonce(&self, issuer: &Issuer, nonce: &str) {
        self.origins.offer_nonce(issuer.as_str(), nonce);
    }

    pub(crate) fn random(&self) -> &dyn Random {
        &*self.random
    }

    fn prove(
        &self,
        mut request: Request<Bytes>,
        target: &Target,
        known: &Origin,
        now: UnixTime,
        key: &PrivateKey,
        token: Option<&Secret>,
    ) -> Result<Request<Bytes>, ClientError> {
        let proof = DpopProof {
            htm: request.method().as_str(),
            htu: &target.htu,
            nonce: known.nonce.as_deref(),
            access_token: token.map(Secret::expose),
            iat: now,
        };
        let proof = proof.sign(key, &*self.random)?;
        request.headers_mut().insert(DPOP, header(&proof)?);
        if let Some(token) = token {
            let value = header(&format!("DPoP {}", token.expose()))?;
            request.headers_mut().insert(AUTHORIZATION, value);
        }
        Ok(request)
    }

    /// Learns from an answer, and says whether it is the last one: a request is sent again once, when
    /// the server wants another nonce, or refuses the time of a proof and its `Date` is another one. That
    /// time is used from then on if the server takes it, and until it refuses it.
    fn judge(&self, target: &Target, attempt: &Attempt, response: Response<Bytes>) -> Judged {
        let now = self.clock.now();
        let (known, had_nonce) = self.origins.learn(&target.origin, &response, now);
        let used = attempt.offset;
        let refuses_nonce = refuses(&response, &["use_dpop_nonce"]);
        let refuses_time = refuses(&response, &["invalid_dpop_proof", "invalid_client"]);
        let takes_time = !refuses_time && !refuses_nonce && !response.status().is_server_error();
        if refuses_time {
            self.origins.follow(&target.origin, None);
        } else if takes_time && (used == 0 || attempt.is_for_time) && known.offset != Some(used) {
            self.origins.follow(&target.origin, Some(used));
        }
        let another_nonce = had_nonce && known.nonce != attempt.known.nonce;
        let is_for_time = refuses_time && differ(known.dated, used);
        if attempt.is_first && (is_for_time || (refuses_nonce && another_nonce)) {
            // There is one retry in all. So where the server has taken no time from us yet, its own goes
            // along with its nonce, this once.
            let offset = known.offset.filter(|_| !is_for_time);
            return Judged::Again(Attempt {
                offset: offset.unwrap_or(known.dated),
                known,
                is_first: false,
                is_for_time,
            });
        }
        Judged::Final(Answer {
            response,
            had_nonce,
        })
    }
}

/// Where a request goes.
struct Target {
    origin: String,
    /// RFC 9449 section 4.2: the URL without query and fragment.
    htu: String,
}

impl Target {
    fn new(url: &str) -> Result<Self, ClientError> {
        let mut url =
            Url::parse(url).map_err(|error| ClientError::Request(format!("its URL: {error}")))?;
        url.set_query(None);
        url.set_fragment(None);
        Ok(Self {
            origin: url.origin().ascii_serialization(),
            htu: url.into(),
        })
    }
}

struct Attempt {
    known: Origin,
    /// Server's time less ours, seconds.
    offset: i64,
    is_first: bool,
    /// Whether the first one was refused for its time.
    is_for_time: bool,
}

impl Attempt {
    fn first(known: &Origin) -> Self {
        Self {
            known: known.clone(),
            offset: known.offset.unwrap_or(0),
            is_first: true,
            is_for_time: false,
        }
    }
}

enum Judged {
    Final(Answer),
    Again(Attempt),
}

fn failed(endpoint: Endpoint) -> impl Fn(FetchError) -> ClientError {
    move |error| ClientError::Fetch { endpoint, error }
}

fn header(value: &str) -> Result<HeaderValue, ClientError> {
    let mut value = HeaderValue::try_from(value).map_err(|_| {
        ClientError::Request("a token has characters that no header may have".into())
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// Whether the answer refuses with one of these codes: RFC 9449 section 8 (400 or 401 with a JSON
/// body) and section 9 (401 with a challenge).
fn refuses(response: &Response<Bytes>, codes: &[&str]) -> bool {
    match response.status() {
        StatusCode::BAD_REQUEST => in_body(response, codes),
        StatusCode::UNAUTHORIZED => {
            codes.iter().any(|code| challenge_has(response, code)) || in_body(response, codes)
        }
        _ => false,
    }
}

fn in_body(response: &Response<Bytes>, codes: &[&str]) -> bool {
    oauth_error(response).is_some_and(|body| codes.contains(&body.error.as_str()))
}

/// The error body of an OAuth endpoint, if it is one.
pub(crate) fn oauth_error(response: &Response<Bytes>) -> Option<OAuthErrorBody> {
    serde_json::from_slice(response.body()).ok()
}
