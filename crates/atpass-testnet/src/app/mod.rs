//! "Notes": a small web app that signs people in with `atpass-client`. Plain forms, no scripts.

mod handlers;
mod view;

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context;
use atpass_client::{ClientConfig, ClientParts, MemoryStore, OAuthClient};
use atpass_fetch::{FetchConfig, Fetcher};
use atpass_identity::{HandleResolution, IdentityConfig, Resolver};
use atpass_protocol::id::Issuer;
use atpass_protocol::random::{self, Random};
use atpass_protocol::secret::HmacKey;
use atpass_protocol::time::Clock;
use axum::Router;
use axum::routing::{get, post};
use url::Url;

use crate::accounts::DevAccount;

/// What the app is started with.
pub(crate) struct AppConfig {
    /// Its own origin.
    pub(crate) origin: Issuer,
    /// The server that it offers to sign in at.
    pub(crate) server: Issuer,
    /// The directory of DIDs.
    pub(crate) directory: Issuer,
    /// Accounts to suggest.
    pub(crate) accounts: Vec<DevAccount>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
}

/// The app.
struct App {
    client: OAuthClient,
    origin: Issuer,
    server: Issuer,
    accounts: Vec<DevAccount>,
    clock: Arc<dyn Clock>,
    csrf: HmacKey,
}

/// The app's routes.
pub(crate) fn router(config: AppConfig) -> anyhow::Result<Router> {
    let callback = config.origin.at("/callback");
    let fetcher =
        Fetcher::new(FetchConfig::development()).context("set up the app's HTTP client")?;
    let identity = IdentityConfig {
        directory: Url::parse(config.directory.as_str())?,
        handles: HandleResolution::Server(Url::parse(config.server.as_str())?),
        allow_test_handles: true,
        lexicon_authorities: BTreeMap::new(),
    };
    let resolver = Resolver::new(identity, fetcher.clone(), config.clock.clone());
    let parts = ClientParts {
        clock: config.clock.clone(),
        random: config.random.clone(),
        ..ClientParts::new(Arc::new(MemoryStore::default()), fetcher, resolver)
    };
    let app = Arc::new(App {
        client: OAuthClient::new(
            ClientConfig::loopback(&callback, "atproto transition:generic")?,
            parts,
        ),
        csrf: HmacKey::new(&random::bytes(&*config.random)),
        origin: config.origin,
        server: config.server,
        accounts: config.accounts,
        clock: config.clock,
    });
    Ok(Router::new()
        .route("/", get(handlers::home))
        .route("/sign-in", post(handlers::sign_in))
        .route("/sign-in-at-server", post(handlers::sign_in_at_server))
        .route("/callback", get(handlers::callback))
        .route("/notes", post(handlers::write_note))
        .route("/notes/delete", post(handlers::delete_note))
        .route("/refresh", post(handlers::refresh))
        .route("/sign-out", post(handlers::sign_out))
        .route(view::STYLESHEET_PATH, get(handlers::stylesheet))
        .layer(axum::middleware::from_fn_with_state(
            app.clone(),
            handlers::frame,
        ))
        .with_state(app))
}
