//! A directory of DIDs, as the network's own at plc.directory answers (the reading half).

use std::sync::Arc;

use atpass_protocol::id::{Did, Issuer};
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::StatusCode;
use serde_json::{Value, json};
use tower_http::cors::CorsLayer;

use crate::accounts::DevAccount;

/// The multicodec prefix of a compressed P-256 key.
const P256_MULTICODEC: [u8; 2] = [0x80, 0x24];

#[derive(Debug)]
struct Directory {
    accounts: Vec<DevAccount>,
    pds: Issuer,
}

/// The directory's routes.
pub(crate) fn router(accounts: Vec<DevAccount>, pds: Issuer) -> Router {
    Router::new()
        .route("/{did}", get(document))
        .layer(CorsLayer::permissive())
        .with_state(Arc::new(Directory { accounts, pds }))
}

async fn document(State(directory): State<Arc<Directory>>, Path(did): Path<String>) -> Response {
    let account = Did::parse(&did)
        .ok()
        .and_then(|did| directory.accounts.iter().find(|account| account.did == did));
    if let Some(account) = account {
        return Json(did_document(account, &directory.pds)).into_response();
    }
    let body = json!({ "message": format!("DID not registered: {did}") });
    (StatusCode::NOT_FOUND, Json(body)).into_response()
}

fn did_document(account: &DevAccount, pds: &Issuer) -> Value {
    let did = &account.did;
    let key = [&P256_MULTICODEC[..], &account.key.public().to_compressed()].concat();
    json!({
        "@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1"],
        "id": did,
        "alsoKnownAs": [format!("at://{}", account.handle)],
        "verificationMethod": [{
            "id": format!("{did}#atproto"),
            "type": "Multikey",
            "controller": did,
            "publicKeyMultibase": format!("z{}", bs58::encode(key).into_string()),
        }],
        "service": [{
            "id": "#atproto_pds",
            "type": "AtprotoPersonalDataServer",
            "serviceEndpoint": pds,
        }],
    })
}
