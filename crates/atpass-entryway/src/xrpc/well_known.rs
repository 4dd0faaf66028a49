//! What anybody may ask: who has a handle, who this server is, and what a scope stands for.

use atpass_protocol::id::{Did, Handle};
use atpass_provider::accounts::Identifier;
use atpass_provider::store::StoreError;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::header::HOST;
use http::{HeaderMap, Method, StatusCode, Uri};
use serde::Deserialize;
use serde_json::{Value, json};
use tower_http::cors::{Any, CorsLayer};

use super::{Server, XrpcError};
use crate::Entryway;

pub(super) fn routes() -> Router<Server> {
    let cors = CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET])
        .allow_headers(Any)
        .max_age(std::time::Duration::from_hours(24));
    Router::new()
        .route("/.well-known/atproto-did", get(atproto_did))
        .route("/.well-known/did.json", get(did_document))
        .route("/entryway/has-handle", get(has_handle))
        .route(
            "/xrpc/com.atproto.identity.resolveHandle",
            get(resolve_handle),
        )
        .route(
            "/xrpc/com.atproto.temp.dereferenceScope",
            get(dereference_scope),
        )
        .layer(cors)
}

impl Entryway {
    /// Whose a handle is. This server knows of those below its domains only: with others it would pass on what
    /// somebody else can change.
    async fn owner(&self, handle: &Handle) -> Result<Option<Did>, StoreError> {
        if !self.config().gives(handle) {
            return Ok(None);
        }
        let identifier = Identifier::Handle(handle.clone());
        let account = self.parts().store.account(&identifier).await?;
        Ok(account.map(|account| account.did))
    }
}

/// The DID of the account whose handle is the host's name (atproto spec, Handle, "HTTPS well-known Method").
async fn atproto_did(
    State(server): State<Server>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, XrpcError> {
    let handle = host(&uri, &headers).and_then(|host| Handle::parse(without_port(&host)).ok());
    let owner = match handle {
        Some(handle) => server.entryway.owner(&handle).await?,
        None => None,
    };
    Ok(match owner {
        Some(did) => did.to_string().into_response(),
        None => (StatusCode::NOT_FOUND, "no account has this handle").into_response(),
    })
}

#[derive(Deserialize)]
struct HasHandle {
    domain: String,
}

/// Whether a host's name is an account's handle: for reverse proxies that get certificates on demand, and
/// should get none for names that somebody makes up.
async fn has_handle(
    State(server): State<Server>,
    query: Result<Query<HasHandle>, QueryRejection>,
) -> Result<StatusCode, XrpcError> {
    let handle = query
        .ok()
        .and_then(|query| Handle::parse(&query.domain).ok());
    let owner = match handle {
        Some(handle) => server.entryway.owner(&handle).await?,
        None => None,
    };
    Ok(match owner {
        Some(_) => StatusCode::OK,
        None => StatusCode::NOT_FOUND,
    })
}

/// This server's own document, where its DID is its host's.
async fn did_document(State(server): State<Server>, uri: Uri, headers: HeaderMap) -> Response {
    let config = server.entryway.config();
    let own = config.origin.host();
    let named = format!("did:web:{}", own.replace(':', "%3A"));
    let asked = host(&uri, &headers).is_some_and(|host| host.eq_ignore_ascii_case(own));
    if !asked || config.did.as_str() != named {
        return StatusCode::NOT_FOUND.into_response();
    }
    Json(json!({ "@context": ["https://www.w3.org/ns/did/v1"], "id": config.did })).into_response()
}

#[derive(Deserialize)]
struct Resolve {
    handle: String,
}

async fn resolve_handle(
    State(server): State<Server>,
    query: Result<Query<Resolve>, QueryRejection>,
) -> Result<Json<Value>, XrpcError> {
    let Query(query) = query.map_err(|_| XrpcError::invalid("the handle is missing"))?;
    let handle = Handle::parse(&query.handle);
    let handle = handle.map_err(|error| XrpcError::invalid(error.to_string()))?;
    let owner = server.entryway.owner(&handle).await?;
    let did = owner.ok_or_else(|| {
        let message = "no account of this server has this handle";
        XrpcError::new(StatusCode::BAD_REQUEST, "HandleNotFound", message)
    })?;
    Ok(Json(json!({ "did": did })))
}

#[derive(Deserialize)]
struct Dereference {
    scope: String,
}

/// What a long scope in an access token stands for: a PDS asks, without saying who it is.
async fn dereference_scope(
    State(server): State<Server>,
    query: Result<Query<Dereference>, QueryRejection>,
) -> Result<Json<Value>, XrpcError> {
    let unknown = || {
        let message = "this reference stands for nothing, or did long ago";
        XrpcError::new(StatusCode::BAD_REQUEST, "InvalidScopeReference", message)
    };
    let Query(query) = query.map_err(|_| XrpcError::invalid("the scope is missing"))?;
    if !query.scope.starts_with("ref:") {
        return Err(unknown());
    }
    let scope = server.provider.dereference_scope(&query.scope).await?;
    let scope = scope.ok_or_else(unknown)?;
    Ok(Json(json!({ "scope": scope })))
}

/// The host that was asked for, by the request itself: what a proxy adds (`X-Forwarded-Host`) anybody can send.
fn host(uri: &Uri, headers: &HeaderMap) -> Option<String> {
    // With HTTP/2 it is part of the URI.
    if let Some(authority) = uri.authority() {
        return Some(authority.as_str().to_ascii_lowercase());
    }
    let mut hosts = headers.get_all(HOST).into_iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().ok().map(str::to_ascii_lowercase),
        _ => None,
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}
