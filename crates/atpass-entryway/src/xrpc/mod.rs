//! The XRPC methods that PDSes forward, and what else an entryway serves besides OAuth.

mod error;
mod identity;
mod well_known;

use atpass_provider::Provider;
use axum::Router;

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
        .merge(identity::routes())
        .merge(well_known::routes())
        .with_state(Server { entryway, provider })
}
