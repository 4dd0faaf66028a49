//! A router with a few methods, an app that calls them, and a clock that is set by hand.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use atpass_protocol::dpop::{NonceKeeper, QueryPolicy, access_token_hash};
use atpass_protocol::id::{ClientId, Did, Issuer};
use atpass_protocol::jose::{JwkSet, PrivateKey, PublishedKey};
use atpass_protocol::random::SystemRandom;
use atpass_protocol::scope::{Permission, Rpc, ScopeSet};
use atpass_protocol::secret::HmacKey;
use atpass_protocol::time::{Clock, UnixTime};
use atpass_protocol::token::{AccessTokenClaims, Audience, Confirmation, SessionId, new_token_id};
use atpass_replay::{MemoryReplay, Replay};
use atpass_resource::{
    IssuerKeys, METADATA_PATH, ResourceConfig, ResourceError, ResourceLayer, ResourceParts,
    ResourceServer, RevocationList, TrustedIssuer, VerifiedRequest,
};
use axum::Router;
use axum::body::Body;
use axum::routing::{get, post};
use http::header::{self, HeaderMap, HeaderValue};
use http::{Request, Response, StatusCode, Uri};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

pub(crate) const START: UnixTime = UnixTime::from_secs(1_800_000_000);
pub(crate) const ORIGIN: &str = "https://pds.example.com";
pub(crate) const ISSUER: &str = "https://auth.example.com";
pub(crate) const ME: &str = "/xrpc/app.example.me";
const ALICE: &str = "did:plc:ewvi7nxzyoun6zhxrhs64oiz";

#[derive(Debug)]
pub(crate) struct ManualClock(AtomicI64);

impl Clock for ManualClock {
    fn now(&self) -> UnixTime {
        UnixTime::from_secs(self.0.load(Ordering::Relaxed))
    }
}

/// What can be another in a test.
pub(crate) struct Setup {
    pub(crate) query: QueryPolicy,
    pub(crate) replay: Arc<dyn Replay>,
    pub(crate) keys: Option<Arc<dyn IssuerKeys>>,
    pub(crate) issuer: Issuer,
    pub(crate) others: Vec<TrustedIssuer>,
    pub(crate) clock: Arc<ManualClock>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            query: QueryPolicy::Ignore,
            replay: Arc::new(MemoryReplay::default()),
            keys: None,
            issuer: Issuer::parse(ISSUER).unwrap(),
            others: Vec::new(),
            clock: Arc::new(ManualClock(AtomicI64::new(START.as_secs()))),
        }
    }
}

/// The resource server and an app with a session.
pub(crate) struct World {
    router: Router,
    pub(crate) server: ResourceServer,
    issuer: Issuer,
    clock: Arc<ManualClock>,
    pub(crate) nonces: NonceKeeper,
    pub(crate) revoked: Arc<RevocationList>,
    pub(crate) issuer_key: PrivateKey,
    pub(crate) app_key: PrivateKey,
}

async fn me(caller: VerifiedRequest) -> String {
    caller.did().to_string()
}

async fn email(caller: VerifiedRequest) -> Result<&'static str, ResourceError> {
    caller.require(Permission::ACCOUNT_EMAIL)?;
    Ok("alice@example.com")
}

async fn call(caller: VerifiedRequest, uri: Uri) -> Result<&'static str, ResourceError> {
    let aud = uri.query().unwrap_or_default().replace("%22", "\"");
    caller.require(Rpc::call("app.example.method", &aud))?;
    Ok("called")
}

async fn cached() -> ([(header::HeaderName, &'static str); 2], &'static str) {
    let headers = [
        (header::CACHE_CONTROL, "private, max-age=60"),
        (header::VARY, "Accept"),
    ];
    (headers, "cached")
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(Setup::default())
    }

    pub(crate) fn with(setup: Setup) -> Self {
        let (issuer, clock) = (setup.issuer, setup.clock);
        let nonces = NonceKeeper::new(&HmacKey::new(&[1; 32]));
        let era = setup.replay.era();
        let revoked = Arc::new(RevocationList::default());
        let issuer_key = PrivateKey::generate().unwrap();
        let published = PublishedKey::new("k1", issuer_key.public().clone());
        let jwks = Arc::new(JwkSet {
            keys: vec![published],
        });
        let config = ResourceConfig {
            origin: Issuer::parse(ORIGIN).unwrap(),
            audience: Did::parse("did:web:pds.example.com").unwrap(),
            issuer: issuer.clone(),
            query: setup.query,
        };
        let parts = ResourceParts {
            keys: setup.keys.unwrap_or_else(|| Arc::new(jwks)),
            nonces: nonces.clone(),
            replay: setup.replay,
            revoked: revoked.clone(),
            clock: clock.clone(),
        };
        let server = ResourceServer::with_issuers(config, parts, setup.others);
        let metadata = serde_json::to_string(&server.metadata()).unwrap();
        let guarded = Router::new()
            .route(ME, get(me).post(me))
            .route("/xrpc/app.example.email", get(email))
            .route("/xrpc/app.example.call", post(call))
            .route("/xrpc/app.example.cached", get(cached))
            .route("/blob/{name}", get(me))
            .layer(ResourceLayer::new(server.clone()));
        let inner = Router::new()
            .route("/me", get(me))
            .layer(ResourceLayer::new(server.clone()));
        let json = [(header::CONTENT_TYPE, "application/json")];
        let router = Router::new()
            .merge(guarded)
            .nest("/nested", inner)
            .route(METADATA_PATH, get(async move || (json, metadata)))
            .route("/forgotten", get(me));
        let app_key = PrivateKey::generate().unwrap();
        Self {
            router,
            server,
            issuer,
            clock,
            nonces: era.map_or(nonces.clone(), |era| nonces.in_era(era)),
            revoked,
            issuer_key,
            app_key,
        }
    }

    pub(crate) fn now(&self) -> UnixTime {
        self.clock.now()
    }

    pub(crate) fn advance(&self, seconds: i64) {
        self.clock.0.fetch_add(seconds, Ordering::Relaxed);
    }

    pub(crate) fn claims(&self) -> AccessTokenClaims {
        AccessTokenClaims {
            iss: self.issuer.clone(),
            aud: Audience(Did::parse("did:web:pds.example.com").unwrap()),
            sub: Did::parse(ALICE).unwrap(),
            client_id: ClientId::parse("https://app.example.com/client-metadata.json").unwrap(),
            scope: ScopeSet::parse("atproto").unwrap(),
            cnf: Confirmation {
                jkt: self.app_key.thumbprint(),
            },
            jti: new_token_id(&SystemRandom),
            sid: SessionId::from_i64(7),
            iat: self.now(),
            exp: self.now().plus(900),
        }
    }

    pub(crate) fn token(&self) -> String {
        self.claims().sign("k1", &self.issuer_key).unwrap()
    }

    pub(crate) fn token_with_scope(&self, scope: &str) -> String {
        let scope = ScopeSet::parse(scope).unwrap();
        let claims = AccessTokenClaims {
            scope,
            ..self.claims()
        };
        claims.sign("k1", &self.issuer_key).unwrap()
    }

    /// A proof that can be bent before it is signed.
    pub(crate) fn proof(&self, method: &str, path: &str, token: &str) -> Proof<'_> {
        Proof {
            key: &self.app_key,
            header: json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": self.app_key.public() }),
            claims: json!({
                "jti": new_token_id(&SystemRandom),
                "htm": method,
                "htu": format!("{ORIGIN}{path}"),
                "iat": self.now(),
                "nonce": self.nonces.issue(self.now()),
                "ath": access_token_hash(token),
            }),
        }
    }

    /// A request as a well-made app sends it.
    pub(crate) fn call(&self, method: &str, path: &str, token: &str) -> Call {
        let bare = path.split('?').next().unwrap();
        Call::new(method, path)
            .token(token)
            .proof(&self.proof(method, bare, token).sign())
    }

    pub(crate) fn me(&self, token: &str) -> Call {
        self.call("GET", ME, token)
    }

    /// Sends it, and checks what every answer behind the layer has to carry.
    pub(crate) async fn send(&self, call: &Call) -> Answer {
        let answer = self.send_open(call).await;
        let nonce = answer.header("dpop-nonce").unwrap();
        assert_eq!(nonce, self.nonces.issue(self.now()), "AS-DPOP-12");
        let exposed = answer.all("access-control-expose-headers");
        assert_eq!(exposed, "dpop-nonce, www-authenticate", "AS-DPOP-12");
        assert!(
            answer
                .header("cache-control")
                .unwrap()
                .starts_with("private"),
            "RS-ERR-03"
        );
        assert!(
            answer.all("vary").ends_with("Authorization, DPoP"),
            "RS-ERR-03"
        );
        answer
    }

    /// Sends it to a route that may lie outside the layer.
    pub(crate) async fn send_open(&self, call: &Call) -> Answer {
        let response = self.router.clone().oneshot(call.request()).await.unwrap();
        Answer::of(response).await
    }
}

pub(crate) struct Proof<'a> {
    pub(crate) key: &'a PrivateKey,
    pub(crate) header: Value,
    pub(crate) claims: Value,
}

impl Proof<'_> {
    pub(crate) fn sign(&self) -> String {
        self.key.sign_compact(&self.header, &self.claims).unwrap()
    }
}

#[derive(Clone)]
pub(crate) struct Call {
    method: String,
    uri: String,
    headers: Vec<(&'static str, HeaderValue)>,
}

impl Call {
    pub(crate) fn new(method: &str, uri: &str) -> Self {
        Self {
            method: method.into(),
            uri: uri.into(),
            headers: Vec::new(),
        }
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers
            .push((name, HeaderValue::from_bytes(value.as_bytes()).unwrap()));
        self
    }

    pub(crate) fn request(&self) -> Request<Body> {
        let mut request = Request::builder().method(&*self.method).uri(&*self.uri);
        for (name, value) in &self.headers {
            request = request.header(*name, value.clone());
        }
        request.body(Body::empty()).unwrap()
    }

    pub(crate) fn token(self, token: &str) -> Self {
        self.header("authorization", &format!("DPoP {token}"))
    }

    pub(crate) fn proof(self, proof: &str) -> Self {
        self.header("dpop", proof)
    }
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) async fn of(response: Response<Body>) -> Self {
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Self {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// All values of a header, joined.
    pub(crate) fn all(&self, name: &str) -> String {
        let values = self
            .headers
            .get_all(name)
            .iter()
            .map(|value| value.to_str().unwrap());
        values.collect::<Vec<_>>().join(", ")
    }

    /// The parameters of its one challenge.
    pub(crate) fn challenge(&self) -> BTreeMap<String, String> {
        assert_eq!(self.headers.get_all("www-authenticate").iter().count(), 1);
        let challenge = self.header("www-authenticate").unwrap();
        let parameters = challenge.strip_prefix("DPoP ").unwrap();
        let pairs = parameters
            .strip_suffix('"')
            .unwrap()
            .split("\", ")
            .map(|parameter| {
                let (name, value) = parameter.split_once("=\"").unwrap();
                assert!(!value.contains(['"', '\\']), "{challenge}");
                (name.to_owned(), value.to_owned())
            });
        pairs.collect()
    }

    pub(crate) fn is_ok(&self) -> bool {
        self.status == StatusCode::OK && self.text == ALICE
    }

    /// A refusal with this status and code, in the challenge as in the body.
    pub(crate) fn refuses(&self, status: u16, code: &str) -> bool {
        let body: Value = serde_json::from_str(&self.text).unwrap();
        let challenge = self.challenge();
        let parameter = |name: &str| challenge.get(name).map(String::as_str);
        assert_eq!(parameter("algs"), Some("ES256"));
        let metadata = format!("{ORIGIN}{METADATA_PATH}");
        assert_eq!(parameter("resource_metadata"), Some(&*metadata));
        assert_eq!(
            body.get("message").and_then(Value::as_str),
            parameter("error_description")
        );
        self.status == status
            && parameter("error") == Some(code)
            && body.get("error").and_then(Value::as_str) == Some(code)
            && self.header("content-type") == Some("application/json")
    }
}
