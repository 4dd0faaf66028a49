//! A backend that signs for apps in browsers and on phones (atproto proposal 0010).
//!
//! Such an app can keep no key. It asks this service, with a DPoP proof by the key of its session, and
//! gets an assertion that is good together with that key and nothing else.

use std::sync::Arc;

use ::axum::Router;
use ::axum::extract::State;
use ::axum::response::{IntoResponse, Response};
use ::axum::routing::post;
use atpass_protocol::client_assertion::NewAssertion;
use atpass_protocol::dpop::{self, Expected, NonceKeeper, QueryPolicy};
use atpass_protocol::error::OAuthError;
use atpass_protocol::id::{ClientId, Issuer};
use atpass_protocol::jose::Jkt;
use atpass_protocol::random::{self, SystemRandom};
use atpass_protocol::secret::HmacKey;
use atpass_protocol::time::{Clock, SystemClock};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, ORIGIN};
use http::{HeaderMap, HeaderName, Method, StatusCode};
use tower_http::cors::{AllowOrigin, CorsLayer};
use url::Url;

use crate::authentication::BackendAnswer;
use crate::keys::ClientKeyset;
use crate::origins::DPOP_NONCE;
use crate::store::BoundClientKey;

const DPOP: HeaderName = HeaderName::from_static("dpop");

/// Whom a backend is asked to sign for.
#[derive(Clone, Debug)]
pub struct AssertionRequest {
    /// The key of the session: of one installation of the app.
    pub jkt: Jkt,
    /// The authorization server that the assertion is for.
    pub issuer: Issuer,
}

type Permit = dyn Fn(&AssertionRequest) -> bool + Send + Sync;

/// The service: `POST` with field `aud` (the authorization server's issuer) and, for a session that
/// exists, field `kid` (the key with which it began).
///
/// Proofs must have a nonce of this service, so that they are new; one that is sent twice brings an
/// assertion twice.
///
/// The assertion names the proof's key (`cnf.jkt`), and is of use to its holder only at servers that look
/// at that. A server that doesn't know it takes the assertion with any DPoP key. And whoever is no browser
/// sends no `Origin`, and gets an assertion with a key of their own making: so what stands between them
/// and the app's name is [`permit`](Self::permit). An app that wants more than this asks for it there.
#[derive(Clone)]
pub struct AssertionBackend(Arc<Inner>);

struct Inner {
    client_id: ClientId,
    keys: ClientKeyset,
    /// The public URL of the service: what proofs must be for.
    url: Url,
    origins: Vec<HeaderValue>,
    nonces: NonceKeeper,
    clock: Arc<dyn Clock>,
    permit: Box<Permit>,
}

impl AssertionBackend {
    /// Signs for this client, at this public URL.
    pub fn new(client_id: ClientId, keys: ClientKeyset, url: Url) -> Self {
        let secret = HmacKey::new(&random::bytes(&SystemRandom));
        Self(Arc::new(Inner {
            client_id,
            keys,
            url,
            origins: Vec::new(),
            nonces: NonceKeeper::new(&secret),
            clock: Arc::new(SystemClock),
            permit: Box::new(|_| true),
        }))
    }

    /// Pages of these origins may ask (CORS), such as `https://app.example.com`; without any, no page
    /// may.
    #[must_use]
    pub fn origins(self, origins: impl IntoIterator<Item = HeaderValue>) -> Self {
        let origins = origins.into_iter().collect();
        self.change(|inner| inner.origins = origins)
    }

    /// Asked before each signature: here sessions are ended for misuse, and counted; here an app signs only
    /// for keys that its installations have made known to it, or only for servers that it trusts. Without
    /// it, everybody gets an assertion who asks.
    #[must_use]
    pub fn permit(
        self,
        permit: impl Fn(&AssertionRequest) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.change(|inner| inner.permit = Box::new(permit))
    }

    /// A secret for the nonces that several machines share, and a clock.
    #[must_use]
    pub fn with(self, nonces: &HmacKey, clock: Arc<dyn Clock>) -> Self {
        let nonces = NonceKeeper::new(nonces);
        self.change(|inner| (inner.nonces, inner.clock) = (nonces, clock))
    }

    fn change(self, change: impl FnOnce(&mut Inner)) -> Self {
        let mut arc = self.0;
        // It isn't shared yet: clones are made when it is served.
        if let Some(inner) = Arc::get_mut(&mut arc) {
            change(inner);
        }
        Self(arc)
    }

    /// The route, at the path of the service's URL.
    pub fn router(self) -> Router {
        let cors = CorsLayer::new()
            .allow_origin(AllowOrigin::list(self.0.origins.clone()))
            .allow_methods([Method::POST])
            .allow_headers([DPOP, CONTENT_TYPE])
            .expose_headers([DPOP_NONCE]);
        let path = self.0.url.path().to_owned();
        Router::new()
            .route(&path, post(sign))
            .layer(cors)
            .with_state(self)
    }
}

impl std::fmt::Debug for AssertionBackend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AssertionBackend")
            .field("client_id", &self.0.client_id)
            .finish_non_exhaustive()
    }
}

async fn sign(
    State(AssertionBackend(backend)): State<AssertionBackend>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut response = match backend.answer(&headers, &body) {
        Ok(answer) => ::axum::Json(answer).into_response(),
        Err((status, error)) => (status, ::axum::Json(error)).into_response(),
    };
    let nonce = backend.nonces.issue(backend.clock.now());
    if let Ok(nonce) = HeaderValue::try_from(nonce) {
        response.headers_mut().insert(DPOP_NONCE, nonce);
    }
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(CACHE_CONTROL, no_store);
    response
}

impl Inner {
    fn answer(
        &self,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<BackendAnswer, (StatusCode, OAuthError)> {
        let bad = |error: OAuthError| (StatusCode::BAD_REQUEST, error);
        // CORS keeps a page from reading the answer; this keeps it from asking.
        if headers
            .get(ORIGIN)
            .is_some_and(|origin| !self.origins.contains(origin))
        {
            let error = OAuthError::invalid_request("this origin may not ask");
            return Err((StatusCode::FORBIDDEN, error));
        }
        let now = self.clock.now();
        let expected = Expected {
            method: "POST",
            url: self.url.as_str(),
            query: QueryPolicy::Refuse,
            access_token: None,
        };
        let proofs = headers
            .get_all(DPOP)
            .iter()
            .map(|proof| proof.to_str().ok());
        let proof = dpop::verify(proofs, &expected, &self.nonces, now);
        let proof = proof.map_err(|error| bad(error.into()))?;
        let field = |name: &str| {
            let mut fields = form_urlencoded::parse(body);
            let found = fields.find(|(field, _)| field == name);
            found.map(|(_, value)| value.into_owned())
        };
        let invalid = |why: &str| bad(OAuthError::invalid_request(why));
        let issuer = field("aud").and_then(|aud| Issuer::parse(&aud).ok());
        let issuer =
            issuer.ok_or_else(|| invalid("aud must be the authorization server's issuer"))?;
        let key = match field("kid") {
            Some(kid) => {
                let bound = BoundClientKey { kid, jkt: None };
                self.keys.bound(&bound).map(|key| (bound, key))
            }
            None => self.keys.first(),
        };
        let (bound, key) = key.ok_or_else(|| invalid("there is no such key, or it is retired"))?;
        let request = AssertionRequest {
            jkt: proof.jkt,
            issuer,
        };
        if !(self.permit)(&request) {
            let error = OAuthError::new(
                atpass_protocol::OAuthErrorCode::AccessDenied,
                "this installation of the app may not sign in any more",
            );
            return Err((StatusCode::FORBIDDEN, error));
        }
        let new = NewAssertion {
            client_id: &self.client_id,
            issuer: &request.issuer,
            kid: &bound.kid,
            bound_to: Some(proof.jkt),
            iat: now,
        };
        let assertion = new.sign(key, &SystemRandom).map_err(|error| {
            tracing::error!(%error, "an assertion could not be signed");
            let error = OAuthError::new(
                atpass_protocol::OAuthErrorCode::ServerError,
                "the assertion could not be signed",
            );
            (StatusCode::INTERNAL_SERVER_ERROR, error)
        })?;
        Ok(BackendAnswer {
            client_id: self.client_id.clone(),
            client_assertion: assertion,
        })
    }
}
