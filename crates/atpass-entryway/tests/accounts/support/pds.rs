//! A PDS that does what an official one does in entryway mode, or what its mood makes of it.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use atpass_entryway::plc::LastOperation;
use atpass_protocol::id::{Did, Issuer};
use atpass_protocol::jose::K256Key;
use atpass_protocol::random::SystemRandom;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use data_encoding::BASE64;
use http::header::AUTHORIZATION;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::{ADMIN_PASSWORD, Directory};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum PdsMood {
    #[default]
    Fine,
    /// Makes no keys: never answers.
    HangsAtKey,
    /// Makes no account: never answers.
    Hangs,
    /// Makes the account, and never answers.
    HangsAfter,
    /// Makes no account, by an error of its own.
    Refuses,
    /// Makes the account, and says that it refuses.
    RefusesAfter,
    /// It began with the account and did not end.
    HalfMade,
    /// A proxy answers for it.
    Down,
}

pub(crate) struct FakePds {
    rotation_key: String,
    directory: Arc<Directory>,
    inner: Mutex<Inner>,
    /// Somebody waits for an answer that won't come.
    pub(crate) hanging: Notify,
}

#[derive(Default)]
struct Inner {
    origin: Option<Issuer>,
    mood: PdsMood,
    reserved: HashSet<String>,
    accounts: HashMap<String, String>,
    /// Calls of an admin: method, and body.
    admin: Vec<(&'static str, Value)>,
}

impl FakePds {
    pub(crate) fn new(rotation_key: String, directory: Arc<Directory>) -> Self {
        Self {
            rotation_key,
            directory,
            inner: Mutex::default(),
            hanging: Notify::new(),
        }
    }

    pub(crate) fn is_at(&self, origin: Issuer) {
        self.inner.lock().unwrap().origin = Some(origin);
    }

    pub(crate) fn set_mood(&self, mood: PdsMood) {
        self.inner.lock().unwrap().mood = mood;
    }

    fn mood(&self) -> PdsMood {
        self.inner.lock().unwrap().mood
    }

    pub(crate) fn handle(&self, did: &Did) -> Option<String> {
        let inner = self.inner.lock().unwrap();
        inner.accounts.get(did.as_str()).cloned()
    }

    pub(crate) fn count(&self) -> usize {
        self.inner.lock().unwrap().accounts.len()
    }

    pub(crate) fn admin_calls(&self) -> Vec<(&'static str, Value)> {
        self.inner.lock().unwrap().admin.clone()
    }

    pub(crate) fn router(self: &Arc<Self>) -> Router {
        Router::new()
            .route(
                "/xrpc/com.atproto.server.reserveSigningKey",
                post(reserve_key),
            )
            .route(
                "/xrpc/com.atproto.server.createAccount",
                post(create_account),
            )
            .route("/xrpc/com.atproto.sync.getRepoStatus", get(repo_status))
            .route(
                "/xrpc/com.atproto.admin.updateAccountHandle",
                post(update_handle),
            )
            .route(
                "/xrpc/com.atproto.admin.updateSubjectStatus",
                post(update_status),
            )
            .route("/xrpc/com.atproto.admin.deleteAccount", post(delete))
            .with_state(self.clone())
    }

    /// Never answers.
    async fn hang(&self) -> Response {
        self.hanging.notify_one();
        std::future::pending().await
    }

    fn create(&self, body: &Value) -> Result<(), &'static str> {
        let did: Did = serde_json::from_value(body["did"].clone()).unwrap();
        let operation = &body["plcOp"];
        let contents = LastOperation::read(&did, operation).unwrap().contents;
        let mut inner = self.inner.lock().unwrap();
        let handle = body["handle"].as_str().unwrap();
        let service = &contents.services["atproto_pds"];
        if !contents.rotation_keys.contains(&self.rotation_key) {
            return Err("the rotation key of the entryway is missing");
        }
        if !inner
            .reserved
            .remove(&contents.verification_methods["atproto"])
        {
            return Err("reserved signing key does not exist");
        }
        if contents.also_known_as != [format!("at://{handle}")] {
            return Err("another handle");
        }
        if Some(service.endpoint.as_str()) != inner.origin.as_ref().map(Issuer::as_str) {
            return Err("another PDS");
        }
        self.directory.take(&did, operation)?;
        inner.accounts.insert(did.to_string(), handle.into());
        Ok(())
    }

    fn as_admin(&self, headers: &HeaderMap, method: &'static str, body: &Value) -> bool {
        let right = BASE64.encode(format!("admin:{ADMIN_PASSWORD}").as_bytes());
        let right = headers[AUTHORIZATION] == format!("Basic {right}");
        if right {
            let mut inner = self.inner.lock().unwrap();
            inner.admin.push((method, body.clone()));
        }
        right
    }
}

type Shared = State<Arc<FakePds>>;

fn refused(name: &str, message: &str) -> Response {
    let error = json!({ "error": name, "message": message });
    (StatusCode::BAD_REQUEST, Json(error)).into_response()
}

fn no_admin() -> Response {
    let error = json!({ "error": "AuthMissing", "message": "no" });
    (StatusCode::UNAUTHORIZED, Json(error)).into_response()
}

/// What a proxy says of a server that is down: a status that looks like a refusal, in no language of XRPC.
fn down() -> Response {
    (StatusCode::NOT_FOUND, "<h1>no such backend</h1>").into_response()
}

async fn reserve_key(State(pds): Shared) -> Response {
    match pds.mood() {
        PdsMood::HangsAtKey => return pds.hang().await,
        PdsMood::Down => return down(),
        _ => {}
    }
    let key = K256Key::generate(&SystemRandom).did_key();
    pds.inner.lock().unwrap().reserved.insert(key.clone());
    Json(json!({ "signingKey": key })).into_response()
}

async fn create_account(State(pds): Shared, Json(body): Json<Value>) -> Response {
    match pds.mood() {
        PdsMood::Hangs => return pds.hang().await,
        PdsMood::Refuses => return refused("InvalidRequest", "we don't like it"),
        PdsMood::HalfMade => return refused("AlreadyExists", "Repo already exists"),
        PdsMood::Down => return down(),
        PdsMood::Fine | PdsMood::HangsAtKey | PdsMood::HangsAfter | PdsMood::RefusesAfter => {}
    }
    if let Err(why) = pds.create(&body) {
        return refused("InvalidRequest", why);
    }
    match pds.mood() {
        PdsMood::HangsAfter => pds.hang().await,
        PdsMood::RefusesAfter => refused("InvalidRequest", "reserved signing key does not exist"),
        _ => Json(json!({ "did": body["did"], "handle": body["handle"] })).into_response(),
    }
}

async fn repo_status(State(pds): Shared, Query(query): Query<HashMap<String, String>>) -> Response {
    if pds.mood() == PdsMood::Down {
        return down();
    }
    let did = &query["did"];
    if pds.inner.lock().unwrap().accounts.contains_key(did) {
        Json(json!({ "did": did, "active": true })).into_response()
    } else {
        refused("RepoNotFound", "Could not find repo")
    }
}

async fn update_handle(
    State(pds): Shared,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    if pds.mood() == PdsMood::Down {
        return down();
    }
    if !pds.as_admin(&headers, "updateAccountHandle", &body) {
        return no_admin();
    }
    let (did, handle) = (body["did"].as_str().unwrap(), body["handle"].as_str());
    let document = pds.directory.handle(&Did::parse(did).unwrap());
    if did.starts_with("did:plc:") && document.as_deref() != handle {
        return refused("InvalidRequest", "Handle does not match DID doc");
    }
    let mut inner = pds.inner.lock().unwrap();
    inner.accounts.insert(did.into(), handle.unwrap().into());
    StatusCode::OK.into_response()
}

async fn update_status(
    State(pds): Shared,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    if pds.as_admin(&headers, "updateSubjectStatus", &body) {
        Json(json!({ "subject": body["subject"] })).into_response()
    } else {
        no_admin()
    }
}

async fn delete(State(pds): Shared, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    if pds.as_admin(&headers, "deleteAccount", &body) {
        StatusCode::OK.into_response()
    } else {
        no_admin()
    }
}
