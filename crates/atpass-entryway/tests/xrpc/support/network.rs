//! A directory of DID documents, and a PDS that notes what its admin asks for: one server.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use atpass_protocol::id::Did;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use data_encoding::BASE64;
use http::header::AUTHORIZATION;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::ADMIN_PASSWORD;

#[derive(Default)]
pub(crate) struct Network(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    keys: HashMap<String, String>,
    looks: usize,
    directory_down: bool,
    pds_down: bool,
    asked: Vec<(String, Value)>,
}

impl Network {
    /// Whose key (in multibase) it is from now on.
    pub(crate) fn put(&self, did: &Did, key: &str) {
        let mut inner = self.0.lock().unwrap();
        inner.keys.insert(did.to_string(), key.into());
    }

    /// How often documents were asked for.
    pub(crate) fn looks(&self) -> usize {
        self.0.lock().unwrap().looks
    }

    pub(crate) fn directory_is_down(&self, down: bool) {
        self.0.lock().unwrap().directory_down = down;
    }

    pub(crate) fn pds_is_down(&self, down: bool) {
        self.0.lock().unwrap().pds_down = down;
    }

    /// What the PDS was asked for since the last time.
    pub(crate) fn asked(&self) -> Vec<(String, Value)> {
        std::mem::take(&mut self.0.lock().unwrap().asked)
    }

    pub(crate) async fn listen(self: &Arc<Self>) -> String {
        let router = Router::new()
            .route("/{did}", get(document))
            .route("/xrpc/{method}", post(admin))
            .with_state(self.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        origin
    }
}

async fn document(State(network): State<Arc<Network>>, Path(did): Path<String>) -> Response {
    let mut inner = network.0.lock().unwrap();
    inner.looks += 1;
    if inner.directory_down {
        return StatusCode::BAD_GATEWAY.into_response();
    }
    match inner.keys.get(&did) {
        Some(key) => Json(json!({
            "id": did,
            "verificationMethod": [{
                "id": format!("{did}#atproto"),
                "type": "Multikey",
                "controller": did,
                "publicKeyMultibase": key,
            }],
        }))
        .into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn admin(
    State(network): State<Arc<Network>>,
    Path(method): Path<String>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    let mut inner = network.0.lock().unwrap();
    if inner.pds_down {
        return StatusCode::BAD_GATEWAY.into_response();
    }
    let expected = BASE64.encode(format!("admin:{ADMIN_PASSWORD}").as_bytes());
    assert_eq!(headers[AUTHORIZATION], format!("Basic {expected}"));
    inner.asked.push((method, body));
    Json(json!({})).into_response()
}
