//! The client against a server that breaks the protocol: refused, and nothing is kept.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex};

use atpass_client::{ClientConfig, ClientError, ClientParts, MemoryStore, OAuthClient, Session};
use atpass_fetch::{FetchConfig, Fetcher};
use atpass_identity::{HandleResolution, IdentityConfig, Resolver};
use atpass_protocol::id::Issuer;
use atpass_protocol::metadata::{AuthorizationServerMetadata, ProtectedResourceMetadata};
use atpass_protocol::request::Form;
use atpass_protocol::time::SystemClock;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use url::Url;

const ALICE: &str = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";
const BOB: &str = "did:plc:bbbbbbbbbbbbbbbbbbbbbbbb";
/// Its PDS names another authorization server.
const CAROL: &str = "did:plc:cccccccccccccccccccccccc";

/// How the server misbehaves.
#[derive(Clone)]
struct Script {
    token: Value,
    send_nonce: bool,
    /// Demands a nonce on each request, again and again.
    insatiable: bool,
    /// Answers of the token endpoint before it behaves: status and body.
    refusals: Vec<(u16, &'static str)>,
    claims_handle: bool,
}

struct Fake {
    origin: Issuer,
    script: Mutex<Script>,
    proofs: Mutex<Vec<String>>,
    forms: Mutex<Vec<(&'static str, String)>>,
}

impl Fake {
    async fn start() -> Arc<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://127.0.0.1:{}", listener.local_addr().unwrap().port());
        let fake = Arc::new(Self {
            origin: Issuer::parse(&origin).unwrap(),
            script: Mutex::new(Script {
                token: json!({
                    "access_token": "at", "token_type": "DPoP", "expires_in": 900, "refresh_token": "rt",
                    "scope": "atproto some:scope?unheard=of", "sub": ALICE,
                }),
                send_nonce: true,
                insatiable: false,
                refusals: vec![],
                claims_handle: true,
            }),
            proofs: Mutex::default(),
            forms: Mutex::default(),
        });
        let app = Router::new()
            .route("/.well-known/oauth-authorization-server", get(server))
            .route("/.well-known/oauth-protected-resource", get(resource))
            .route(
                "/xrpc/com.atproto.identity.resolveHandle",
                get(|| async { Json(json!({ "did": ALICE })) }),
            )
            .route("/{did}", get(document))
            .route("/oauth/par", post(par))
            .route("/oauth/token", post(token))
            .route("/oauth/revoke", post(revoke))
            .with_state(fake.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        fake
    }

    fn set(&self, change: impl FnOnce(&mut Script)) {
        change(&mut self.script.lock().unwrap());
    }

    fn token(&self, name: &str, value: Value) {
        self.set(|script| script.token[name] = value);
    }

    /// Notes the request; the refusal, where the script wants one at this stage.
    fn note(&self, endpoint: &'static str, headers: &HeaderMap, body: &Bytes) -> Option<Response> {
        let proof = headers["dpop"].to_str().unwrap().to_owned();
        let has_nonce = claims(&proof)["nonce"].is_string();
        self.proofs.lock().unwrap().push(proof);
        self.forms
            .lock()
            .unwrap()
            .push((endpoint, String::from_utf8_lossy(body).into_owned()));
        let script = self.script.lock().unwrap().clone();
        let fresh = format!("nonce-{}", self.proofs.lock().unwrap().len());
        let wanting = script.insatiable || (script.send_nonce && !has_nonce);
        wanting.then(|| {
            let body = json!({ "error": "use_dpop_nonce" });
            (StatusCode::BAD_REQUEST, [("dpop-nonce", fresh)], Json(body)).into_response()
        })
    }

    fn answer(&self, status: u16, body: Value) -> Response {
        let mut response = (StatusCode::from_u16(status).unwrap(), Json(body)).into_response();
        if self.script.lock().unwrap().send_nonce {
            response
                .headers_mut()
                .insert("dpop-nonce", "nonce".parse().unwrap());
        }
        response
    }

    fn count(&self, endpoint: &str) -> usize {
        self.forms
            .lock()
            .unwrap()
            .iter()
            .filter(|(known, _)| *known == endpoint)
            .count()
    }
}

fn header(proof: &str) -> Value {
    part(proof, 0)
}

fn claims(proof: &str) -> Value {
    part(proof, 1)
}

fn part(proof: &str, n: usize) -> Value {
    let payload = proof.split('.').nth(n).unwrap();
    serde_json::from_slice(
        &data_encoding::BASE64URL_NOPAD
            .decode(payload.as_bytes())
            .unwrap(),
    )
    .unwrap()
}

async fn server(State(fake): State<Arc<Fake>>) -> Json<AuthorizationServerMetadata> {
    Json(AuthorizationServerMetadata::new(&fake.origin))
}

async fn resource(State(fake): State<Arc<Fake>>) -> Json<ProtectedResourceMetadata> {
    Json(ProtectedResourceMetadata::new(&fake.origin, &fake.origin))
}

async fn document(State(fake): State<Arc<Fake>>, Path(did): Path<String>) -> Json<Value> {
    let pds = if did == CAROL {
        "https://pds.invalid".to_owned()
    } else {
        fake.origin.to_string()
    };
    let names = if fake.script.lock().unwrap().claims_handle {
        json!(["at://alice.test"])
    } else {
        json!([])
    };
    let service = json!({ "id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": pds });
    Json(json!({ "id": did, "alsoKnownAs": names, "service": [service] }))
}

async fn par(State(fake): State<Arc<Fake>>, headers: HeaderMap, body: Bytes) -> Response {
    let refusal = fake.note("par", &headers, &body);
    refusal.unwrap_or_else(|| fake.answer(201, json!({ "request_uri": "urn:x", "expires_in": 60 })))
}

async fn token(State(fake): State<Arc<Fake>>, headers: HeaderMap, body: Bytes) -> Response {
    if let Some(refusal) = fake.note("token", &headers, &body) {
        return refusal;
    }
    let (refusal, token) = {
        let mut script = fake.script.lock().unwrap();
        let refusal = (!script.refusals.is_empty()).then(|| script.refusals.remove(0));
        (refusal, script.token.clone())
    };
    match refusal {
        Some((status, error)) => fake.answer(status, json!({ "error": error })),
        None => fake.answer(200, token),
    }
}

async fn revoke(State(fake): State<Arc<Fake>>, headers: HeaderMap, body: Bytes) -> Response {
    fake.note("revoke", &headers, &body)
        .unwrap_or_else(|| fake.answer(200, json!({})))
}

fn client(fake: &Fake) -> OAuthClient {
    let fetcher = Fetcher::new(FetchConfig::development()).unwrap();
    let url = Url::parse(fake.origin.as_str()).unwrap();
    let identity = IdentityConfig {
        directory: url.clone(),
        handles: HandleResolution::Server(url),
        allow_test_handles: true,
        lexicon_authorities: BTreeMap::new(),
    };
    let parts = ClientParts::new(
        Arc::new(MemoryStore::default()),
        fetcher.clone(),
        Resolver::new(identity, fetcher, Arc::new(SystemClock)),
    );
    let redirect = "http://127.0.0.1/callback";
    OAuthClient::new(ClientConfig::loopback(redirect, "atproto").unwrap(), parts)
}

async fn finish(fake: &Fake, client: &OAuthClient, typed: &str) -> Result<Session, ClientError> {
    let login = client.login(typed).await?;
    client
        .callback(&format!(
            "code=c&state={}&iss={}",
            login.state.as_str(),
            fake.origin
        ))
        .await
}

/// Clauses C-DPOP-01, C-DPOP-02, C-TOK-02, C-PAR-01: the good case, and what it sends.
#[tokio::test]
async fn a_good_server_is_enough() {
    let fake = Fake::start().await;
    let client = client(&fake);
    let session = finish(&fake, &client, " @Alice.test").await.unwrap();
    assert_eq!(session.did().as_str(), ALICE);
    let proofs: Vec<Value> = fake
        .proofs
        .lock()
        .unwrap()
        .iter()
        .map(|proof| claims(proof))
        .collect();
    assert_eq!(proofs.len(), 3, "PAR, PAR again with a nonce, token");
    let ids: HashSet<_> = proofs
        .iter()
        .map(|claims| claims["jti"].as_str().unwrap())
        .collect();
    assert_eq!(
        ids.len(),
        3,
        "each proof has its own jti, the repeated one too"
    );
    let forms = fake.forms.lock().unwrap().clone();
    let form = Form::parse(forms[0].1.as_bytes()).unwrap();
    assert_eq!(form.get("login_hint"), Some("@Alice.test"), "as typed");
    assert_eq!(form.get("code_challenge_method"), Some("S256"));
    assert!(form.get("state").is_some_and(|state| state.len() >= 22));
}

/// Clauses C-CB-02 and C-DPOP-04: the token request repeats the redirect URI, and each session has
/// a key of its own, the same from its first request to its last, whose private part is sent nowhere.
#[tokio::test]
async fn one_redirect_uri_and_one_key() {
    let fake = Fake::start().await;
    let client = client(&fake);
    let mut keys = HashSet::new();
    for _ in 0..3 {
        fake.proofs.lock().unwrap().clear();
        fake.forms.lock().unwrap().clear();
        let session = finish(&fake, &client, "alice.test").await.unwrap();
        session.refresh().await.unwrap();
        let forms = fake.forms.lock().unwrap().clone();
        let redirect_uris: Vec<_> = forms
            .iter()
            .map(|(_, form)| Form::parse(form.as_bytes()).unwrap())
            .filter_map(|form| form.get("redirect_uri").map(ToOwned::to_owned))
            .collect();
        assert!(redirect_uris.len() >= 2, "PAR and token");
        assert!(redirect_uris.windows(2).all(|pair| pair[0] == pair[1]));
        let proofs = fake.proofs.lock().unwrap().clone();
        let own: HashSet<_> = proofs
            .iter()
            .map(|proof| {
                let jwk = header(proof)["jwk"].clone();
                assert!(jwk["d"].is_null());
                jwk.to_string()
            })
            .collect();
        assert_eq!(own.len(), 1, "one key from PAR to refresh");
        keys.extend(own);
    }
    assert_eq!(keys.len(), 3, "and another for each session");
}

/// Clauses C-SUB-01, C-SUB-03, C-TOK-01, C-DPOP-03: refused, nothing kept, tokens given back.
#[tokio::test]
async fn bad_token_answers() {
    for (name, value) in [
        ("sub", json!(BOB)),
        ("sub", json!("alice")),
        ("scope", json!("transition:generic")),
        ("scope", json!("")),
        ("token_type", json!("Bearer")),
    ] {
        let fake = Fake::start().await;
        let client = client(&fake);
        fake.token(name, value.clone());
        let error = finish(&fake, &client, "alice.test").await.unwrap_err();
        assert!(!error.is_transient(), "{name} {value}: {error}");
        assert!(client.sessions().await.unwrap().is_empty());
        let readable = value != json!("alice");
        assert_eq!(
            fake.count("revoke") > 0,
            readable,
            "{name} {value}: issued tokens are revoked"
        );
    }
    let fake = Fake::start().await;
    fake.set(|script| script.send_nonce = false);
    let error = finish(&fake, &client(&fake), "alice.test")
        .await
        .unwrap_err();
    assert!(matches!(error, ClientError::Departure { .. }), "{error}");
}

/// Clause C-SUB-02: begun at a server, the account's own server must be that one.
#[tokio::test]
async fn a_server_speaks_for_its_own_accounts_only() {
    let fake = Fake::start().await;
    let client = client(&fake);
    let server = fake.origin.to_string();
    finish(&fake, &client, &server).await.unwrap();
    fake.token("sub", json!(CAROL));
    let error = finish(&fake, &client, &server).await.unwrap_err();
    assert!(matches!(error, ClientError::Identity(_)), "{error}");
    assert_eq!(client.sessions().await.unwrap().len(), 1);
}

/// Clause ID-HDL-06: a handle that nobody claims back.
#[tokio::test]
async fn handles_are_claimed_back() {
    let fake = Fake::start().await;
    fake.set(|script| script.claims_handle = false);
    let error = client(&fake).login("alice.test").await.unwrap_err();
    assert!(matches!(error, ClientError::Identity(_)), "{error}");
    assert_eq!(fake.count("par"), 0);
}

/// Clause C-DPOP-02: one retry, and then no more.
#[tokio::test]
async fn endless_nonce_demands() {
    let fake = Fake::start().await;
    fake.set(|script| script.insatiable = true);
    let error = client(&fake).login("alice.test").await.unwrap_err();
    assert!(matches!(error, ClientError::Refused { .. }), "{error}");
    assert_eq!(fake.count("par"), 2);
}

/// Clause C-REF-04: a server's bad day doesn't end the session; `invalid_grant` does.
#[tokio::test]
async fn refresh_refusals() {
    let fake = Fake::start().await;
    let client = client(&fake);
    let session = finish(&fake, &client, "alice.test").await.unwrap();
    for refusal in [
        (500, "server_error"),
        (503, "temporarily_unavailable"),
        (429, "slow_down"),
    ] {
        // Where nobody knows what a server has done, it is asked twice.
        fake.set(|script| script.refusals = vec![refusal; 2]);
        let error = session.refresh().await.unwrap_err();
        assert!(error.is_transient() && !error.needs_login(), "{error}");
        fake.set(|script| script.refusals.clear());
    }
    for refusal in [
        (400, "invalid_request"),
        (401, "invalid_client"),
        (400, "invalid_dpop_proof"),
    ] {
        fake.set(|script| script.refusals = vec![refusal]);
        assert!(!session.refresh().await.unwrap_err().needs_login());
    }
    fake.token("sub", json!(BOB));
    assert!(matches!(
        session.refresh().await,
        Err(ClientError::WrongAccount { .. })
    ));
    fake.token("sub", json!(ALICE));
    session.refresh().await.unwrap();
    fake.set(|script| script.refusals = vec![(400, "invalid_grant")]);
    assert!(session.refresh().await.unwrap_err().needs_login());
    assert!(client.sessions().await.unwrap().is_empty());
    assert!(session.refresh().await.unwrap_err().needs_login());
}
