//! The XRPC methods that PDSes forward, and what else an entryway serves besides OAuth.

mod account;
mod admin;
mod app_password;
mod email;
mod error;
mod identity;
mod request;
mod session;
mod well_known;

use atpass_protocol::id::Did;
use atpass_provider::Provider;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::response::Response;
use axum::routing::any;
use http::StatusCode;
use http::header::{CACHE_CONTROL, HeaderValue};

use crate::Entryway;
pub(crate) use error::XrpcError;

/// What every handler is given.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) entryway: Entryway,
    pub(crate) provider: Provider,
}

/// The entryway's routes, beside those of the authorization server ([`atpass_provider::router`]).
pub fn router(entryway: Entryway, provider: Provider) -> Router {
    Router::new()
        .merge(accounts())
        .merge(well_known::routes())
        .with_state(Server { entryway, provider })
}

/// The methods about accounts, with passwords, codes and tokens; and the answer to all that there isn't.
fn accounts() -> Router<Server> {
    Router::new()
        .merge(account::routes())
        .merge(admin::routes())
        .merge(app_password::routes())
        .merge(email::routes())
        .merge(identity::routes())
        .merge(session::routes())
        .route("/xrpc/{method}", any(not_here))
        .layer(DefaultBodyLimit::max(request::LONGEST_BODY))
        .method_not_allowed_fallback(other_verb)
        .layer(middleware::map_response(not_to_be_kept))
}

async fn not_here() -> XrpcError {
    let message = "this server doesn't have this method; an account's PDS may";
    XrpcError::new(StatusCode::NOT_IMPLEMENTED, "MethodNotImplemented", message)
}

/// Beside the authorization server's own events.
fn audit(event: &'static str, did: Option<&Did>) {
    let did = did.map(tracing::field::display);
    tracing::info!(target: "atpass::audit", event, did);
}

async fn other_verb() -> XrpcError {
    let message = "procedures are called by POST, queries by GET";
    XrpcError::new(StatusCode::METHOD_NOT_ALLOWED, "InvalidRequest", message)
}

async fn not_to_be_kept(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
