//! A directory of `did:plc` that checks what it is given, and a resolver of handles beside it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use atpass_entryway::plc::{Contents, LastOperation};
use atpass_identity::SigningKey;
use atpass_protocol::id::Did;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use data_encoding::BASE64URL_NOPAD;
use http::StatusCode;
use serde_json::{Value, json};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum DirectoryMood {
    #[default]
    Fine,
    /// Takes no operation.
    Refuses,
    /// Takes it, and the answer is lost.
    Forgets,
    /// Takes none, for a reason of its own.
    Broken,
}

#[derive(Default)]
pub(crate) struct Directory {
    operations: Mutex<HashMap<String, Vec<Value>>>,
    mood: Mutex<DirectoryMood>,
    /// What handles of other domains resolve to.
    handles: Mutex<HashMap<String, Did>>,
    /// The document of the did:web of its own host.
    web: Mutex<Value>,
}

impl Directory {
    pub(crate) fn set_mood(&self, mood: DirectoryMood) {
        *self.mood.lock().unwrap() = mood;
    }

    pub(crate) fn resolves(&self, handle: &str, did: &Did) {
        let mut handles = self.handles.lock().unwrap();
        handles.insert(handle.into(), did.clone());
    }

    pub(crate) fn publish(&self, document: Value) {
        *self.web.lock().unwrap() = document;
    }

    /// Puts an operation there without a look at it.
    pub(crate) fn put(&self, did: &Did, operation: Value) {
        let mut operations = self.operations.lock().unwrap();
        operations
            .entry(did.to_string())
            .or_default()
            .push(operation);
    }

    pub(crate) fn count(&self, did: &Did) -> usize {
        let operations = self.operations.lock().unwrap();
        operations.get(did.as_str()).map_or(0, Vec::len)
    }

    pub(crate) fn contents(&self, did: &Did) -> Option<Contents> {
        let operations = self.operations.lock().unwrap();
        let last = operations.get(did.as_str())?.last()?;
        Some(LastOperation::read(did, last).unwrap().contents)
    }

    pub(crate) fn handle(&self, did: &Did) -> Option<String> {
        Some(self.contents(did)?.handle()?.to_string())
    }

    /// Takes an operation that is signed by a key of the one before, or makes its own DID.
    pub(crate) fn take(&self, did: &Did, operation: &Value) -> Result<(), &'static str> {
        let mut operations = self.operations.lock().unwrap();
        let log = operations.entry(did.to_string()).or_default();
        let mut unsigned = operation.clone();
        let sig = unsigned.as_object_mut().unwrap().remove("sig").unwrap();
        let sig = BASE64URL_NOPAD
            .decode(sig.as_str().unwrap().as_bytes())
            .unwrap();
        let of_whom = log.last().unwrap_or(operation);
        let before = LastOperation::read(did, of_whom).unwrap();
        let expected = log.last().map_or(Value::Null, |_| json!(before.cid));
        if unsigned["prev"] != expected {
            return Err("the operation before is another one");
        }
        let message = serde_ipld_dagcbor::to_vec(&unsigned).unwrap();
        let signed = before.contents.rotation_keys.iter().any(|key| {
            let key = key.strip_prefix("did:key:").unwrap();
            let key = SigningKey::from_multibase(key).unwrap();
            key.verifies(&message, &sig)
        });
        if !signed {
            return Err("no rotation key has signed it");
        }
        log.push(operation.clone());
        Ok(())
    }

    pub(crate) fn router(self: &Arc<Self>) -> Router {
        Router::new()
            .route("/xrpc/com.atproto.identity.resolveHandle", get(resolve))
            .route("/.well-known/did.json", get(web_document))
            .route("/{did}", get(document).post(submit))
            .route("/{did}/log/last", get(last))
            .with_state(self.clone())
    }
}

type Shared = State<Arc<Directory>>;

async fn last(State(directory): Shared, Path(did): Path<String>) -> Response {
    let operations = directory.operations.lock().unwrap();
    match operations.get(&did).and_then(|log| log.last()) {
        Some(operation) => Json(operation).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn document(State(directory): Shared, Path(did): Path<Did>) -> Response {
    let Some(contents) = directory.contents(&did) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let service = &contents.services["atproto_pds"];
    let document = json!({
        "id": did,
        "alsoKnownAs": contents.also_known_as,
        "service": [{
            "id": "#atproto_pds",
            "type": service.kind,
            "serviceEndpoint": service.endpoint,
        }],
    });
    Json(document).into_response()
}

async fn web_document(State(directory): Shared) -> Response {
    Json(directory.web.lock().unwrap().clone()).into_response()
}

async fn submit(
    State(directory): Shared,
    Path(did): Path<Did>,
    Json(operation): Json<Value>,
) -> Response {
    let mood = *directory.mood.lock().unwrap();
    let refused = |why| (StatusCode::BAD_REQUEST, Json(json!({ "message": why }))).into_response();
    match mood {
        DirectoryMood::Refuses => return refused("not today"),
        DirectoryMood::Broken => return StatusCode::BAD_GATEWAY.into_response(),
        DirectoryMood::Fine | DirectoryMood::Forgets => {}
    }
    match directory.take(&did, &operation) {
        Ok(()) if mood == DirectoryMood::Forgets => StatusCode::BAD_GATEWAY.into_response(),
        Ok(()) => "OK".into_response(),
        Err(why) => refused(why),
    }
}

async fn resolve(
    State(directory): Shared,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    let handles = directory.handles.lock().unwrap();
    if let Some(did) = handles.get(&query["handle"]) {
        return Json(json!({ "did": did })).into_response();
    }
    let error = json!({ "error": "HandleNotFound", "message": "no such handle" });
    (StatusCode::BAD_REQUEST, Json(error)).into_response()
}
