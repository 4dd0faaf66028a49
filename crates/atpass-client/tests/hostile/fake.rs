//! A server that does what a script says: good by default, then bent.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use atpass_protocol::id::Issuer;
use atpass_protocol::metadata::{AuthorizationServerMetadata, ProtectedResourceMetadata};
use atpass_protocol::request::Form;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use axum::{Json, Router};
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, Uri, header};
use serde_json::{Value, json};
use tokio::sync::{Semaphore, watch};

pub(crate) const ALICE: &str = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";
pub(crate) const BOB: &str = "did:plc:bbbbbbbbbbbbbbbbbbbbbbbb";
/// Its PDS is another one.
pub(crate) const CAROL: &str = "did:plc:cccccccccccccccccccccccc";

/// Far more than any test needs: who asks again and again is to be found out, not waited for.
const MOST_REQUESTS: usize = 1000;

/// An answer that isn't the usual one.
#[derive(Clone, Debug)]
pub(crate) struct Canned {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Bytes,
}

impl Canned {
    pub(crate) fn new(status: u16, kind: &str, body: impl Into<Bytes>) -> Self {
        Self {
            status,
            headers: vec![("content-type", kind.to_owned())],
            body: body.into(),
        }
    }

    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::new(status, "application/json", body.to_string())
    }

    pub(crate) fn error(status: u16, code: &str) -> Self {
        Self::json(status, &json!({ "error": code }))
    }

    /// What a proxy says of a server that it can't reach.
    pub(crate) fn html(status: u16) -> Self {
        Self::new(status, "text/html; charset=utf-8", "<html><h1>Hold on</h1>")
    }

    pub(crate) fn huge(status: u16) -> Self {
        let body = json!({ "error": "invalid_grant", "error_description": "x".repeat(600 * 1024) });
        Self::json(status, &body)
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap();
        let mut response = (status, self.body).into_response();
        response.headers_mut().remove(header::CONTENT_TYPE);
        for (name, value) in self.headers {
            response.headers_mut().insert(name, value.parse().unwrap());
        }
        response
    }
}

/// When a nonce is asked for, and which one comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nonces {
    /// One for all, as most servers have it.
    One,
    /// Another one with each answer, and only the last one counts.
    New,
    /// None is sent, none is asked for.
    None,
    /// Asked for again and again, whatever comes.
    Insatiable,
}

/// How the server behaves.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    /// The token answer. Texts of `access_token` and `refresh_token` get a number.
    pub(crate) token: Value,
    pub(crate) nonces: Nonces,
    /// Of each endpoint, the answers before the usual ones.
    pub(crate) canned: HashMap<&'static str, VecDeque<Canned>>,
    /// The members of DID documents that are changed.
    pub(crate) document: Value,
    /// The PDS of all accounts but [`CAROL`], if not this server.
    pub(crate) pds: Option<String>,
    /// Members of the server's metadata that are changed; null removes one.
    pub(crate) metadata: Value,
    /// Whether the token endpoint answers only when told to.
    pub(crate) holds: bool,
    /// The same for the revocation endpoint.
    pub(crate) holds_revocations: bool,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) endpoint: &'static str,
    pub(crate) uri: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
    /// It was answered with the demand for a nonce.
    demanded: bool,
}

impl Seen {
    pub(crate) fn proof(&self) -> Value {
        part(self.headers["dpop"].to_str().unwrap(), 1)
    }

    pub(crate) fn field(&self, name: &str) -> Option<String> {
        let form = Form::parse(self.body.as_bytes()).unwrap();
        form.get(name).map(ToOwned::to_owned)
    }
}

pub(crate) struct Fake {
    pub(crate) origin: Issuer,
    script: Mutex<Script>,
    seen: Mutex<Vec<Seen>>,
    arrivals: watch::Sender<usize>,
    pub(crate) gate: Semaphore,
    issued: Mutex<usize>,
}

impl Fake {
    pub(crate) async fn start() -> Arc<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://127.0.0.1:{}", listener.local_addr().unwrap().port());
        let fake = Arc::new(Self {
            origin: Issuer::parse(&origin).unwrap(),
            script: Mutex::new(Script {
                token: json!({
                    "access_token": "at", "token_type": "DPoP", "expires_in": 900, "refresh_token": "rt",
                    "scope": "atproto some:scope?unheard=of", "sub": ALICE,
                }),
                nonces: Nonces::One,
                canned: HashMap::new(),
                document: json!({}),
                pds: None,
                metadata: json!({}),
                holds: false,
                holds_revocations: false,
            }),
            seen: Mutex::default(),
            arrivals: watch::Sender::new(0),
            gate: Semaphore::new(0),
            issued: Mutex::new(0),
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
            .route("/xrpc/{method}", any(call))
            .with_state(fake.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        fake
    }

    pub(crate) fn set<T>(&self, change: impl FnOnce(&mut Script) -> T) -> T {
        change(&mut self.script.lock().unwrap())
    }

    /// Another value in the token answer; null leaves it out.
    pub(crate) fn token(&self, name: &str, value: Value) {
        self.set(|script| script.token[name] = value);
    }

    /// The next answers of an endpoint.
    pub(crate) fn next(&self, endpoint: &'static str, answers: impl IntoIterator<Item = Canned>) {
        self.set(|script| {
            script
                .canned
                .insert(endpoint, answers.into_iter().collect())
        });
    }

    /// The requests of an endpoint.
    pub(crate) fn seen(&self, endpoint: &str) -> Vec<Seen> {
        let seen = self.all_seen().into_iter();
        seen.filter(|seen| seen.endpoint == endpoint).collect()
    }

    pub(crate) fn all_seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn count(&self, endpoint: &str) -> usize {
        self.seen(endpoint).len()
    }

    pub(crate) fn forget(&self) {
        self.seen.lock().unwrap().clear();
    }

    /// The tokens that were sent to be revoked.
    pub(crate) fn revoked(&self) -> Vec<String> {
        self.fields("revoke", "token")
    }

    /// The refresh tokens that were sent.
    pub(crate) fn refreshed(&self) -> Vec<String> {
        self.fields("token", "refresh_token")
    }

    /// Of all requests but those that lacked a nonce.
    fn fields(&self, endpoint: &str, name: &str) -> Vec<String> {
        let seen = self.seen(endpoint).into_iter();
        let taken = seen.filter(|seen| !seen.demanded);
        taken.filter_map(|seen| seen.field(name)).collect()
    }

    /// Waits until an endpoint has been asked so often.
    pub(crate) async fn until(&self, endpoint: &str, times: usize) {
        let mut arrivals = self.arrivals.subscribe();
        while self.count(endpoint) < times {
            arrivals.changed().await.unwrap();
        }
    }

    /// Notes the request; the demand for a nonce, or what was canned.
    fn note(
        &self,
        endpoint: &'static str,
        uri: &Uri,
        headers: &HeaderMap,
        body: &Bytes,
    ) -> Option<Response> {
        let seen = Seen {
            endpoint,
            uri: uri.to_string(),
            headers: headers.clone(),
            body: String::from_utf8_lossy(body).into_owned(),
            demanded: false,
        };
        let nonce = seen.proof()["nonce"].as_str().map(ToOwned::to_owned);
        let last = {
            let mut all = self.seen.lock().unwrap();
            let last = all.len();
            assert!(last < MOST_REQUESTS, "a client that doesn't stop");
            all.push(seen);
            last
        };
        self.arrivals.send_modify(|count| *count += 1);
        let wanting = match self.set(|script| script.nonces) {
            Nonces::One => nonce.is_none(),
            Nonces::New => nonce != Some(format!("nonce-{last}")),
            Nonces::None => false,
            Nonces::Insatiable => true,
        };
        if wanting {
            self.seen.lock().unwrap()[last].demanded = true;
            return Some(self.with_nonce(Canned::error(400, "use_dpop_nonce").into_response()));
        }
        let canned = self.set(|script| script.canned.get_mut(endpoint)?.pop_front());
        canned.map(|canned| self.with_nonce(canned.into_response()))
    }

    fn with_nonce(&self, mut response: Response) -> Response {
        let number = self.seen.lock().unwrap().len();
        let nonce = match self.set(|script| script.nonces) {
            Nonces::None => return response,
            Nonces::One => "nonce".to_owned(),
            Nonces::New | Nonces::Insatiable => format!("nonce-{number}"),
        };
        let headers = response.headers_mut();
        headers
            .entry("dpop-nonce")
            .or_insert_with(|| nonce.parse().unwrap());
        response
    }

    fn answer(&self, status: u16, body: &Value) -> Response {
        self.with_nonce(Canned::json(status, body).into_response())
    }

    /// New tokens by the script.
    fn issue(&self) -> Value {
        let number = {
            let mut issued = self.issued.lock().unwrap();
            *issued += 1;
            *issued
        };
        let mut token = self.set(|script| script.token.clone());
        for name in ["access_token", "refresh_token"] {
            if let Some(text) = token[name].as_str() {
                token[name] = json!(format!("{text}-{number}"));
            }
        }
        without_nulls(token)
    }
}

/// A part of a JWT, unchecked.
pub(crate) fn part(jwt: &str, n: usize) -> Value {
    let part = jwt.split('.').nth(n).unwrap();
    let json = data_encoding::BASE64URL_NOPAD.decode(part.as_bytes());
    serde_json::from_slice(&json.unwrap()).unwrap()
}

fn without_nulls(mut value: Value) -> Value {
    let members = value.as_object_mut().unwrap();
    members.retain(|_, member| !member.is_null());
    value
}

fn merged(value: impl serde::Serialize, changes: &Value) -> Value {
    let mut value = serde_json::to_value(value).unwrap();
    for (name, change) in changes.as_object().unwrap() {
        value[name] = change.clone();
    }
    without_nulls(value)
}

async fn server(State(fake): State<Arc<Fake>>) -> Response {
    if let Some(canned) = fake.set(|script| script.canned.get_mut("metadata")?.pop_front()) {
        return canned.into_response();
    }
    let changes = fake.set(|script| script.metadata.clone());
    Json(merged(
        AuthorizationServerMetadata::new(&fake.origin),
        &changes,
    ))
    .into_response()
}

async fn resource(State(fake): State<Arc<Fake>>) -> Json<ProtectedResourceMetadata> {
    Json(ProtectedResourceMetadata::new(&fake.origin, &fake.origin))
}

async fn document(State(fake): State<Arc<Fake>>, Path(did): Path<String>) -> Json<Value> {
    let (changes, pds) = fake.set(|script| (script.document.clone(), script.pds.clone()));
    let pds = if did == CAROL {
        "https://pds.invalid".to_owned()
    } else {
        pds.unwrap_or_else(|| fake.origin.to_string())
    };
    let service = json!({ "id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": pds });
    let document = json!({ "id": did, "alsoKnownAs": ["at://alice.test"], "service": [service] });
    Json(merged(document, &changes))
}

async fn par(State(fake): State<Arc<Fake>>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let canned = fake.note("par", &uri, &headers, &body);
    canned.unwrap_or_else(|| fake.answer(201, &json!({ "request_uri": "urn:x", "expires_in": 60 })))
}

async fn token(
    State(fake): State<Arc<Fake>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let holds = fake.set(|script| script.holds);
    let canned = fake.note("token", &uri, &headers, &body);
    let response = canned.unwrap_or_else(|| fake.answer(200, &fake.issue()));
    if holds {
        fake.gate.acquire().await.unwrap().forget();
    }
    response
}

async fn revoke(
    State(fake): State<Arc<Fake>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let canned = fake.note("revoke", &uri, &headers, &body);
    if fake.set(|script| script.holds_revocations) {
        fake.gate.acquire().await.unwrap().forget();
    }
    canned.unwrap_or_else(|| fake.answer(200, &json!({})))
}

async fn call(
    State(fake): State<Arc<Fake>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let canned = fake.note("call", &uri, &headers, &body);
    canned.unwrap_or_else(|| fake.answer(200, &json!({ "method": method.as_str() })))
}
