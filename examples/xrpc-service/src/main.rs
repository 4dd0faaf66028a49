//! A small XRPC API that is not part of any authorization server: it knows one by its URL, fetches
//! its keys, hears of the sessions that it ends, and lets apps do what people allowed them.
//!
//! Beside `atpass dev`, which prints the address of its authorization server:
//!
//! ```console
//! $ ISSUER=http://localhost:2583 AUDIENCE=did:web:localhost LISTEN=127.0.0.1:8080 \
//!     cargo run -p xrpc-service
//! ```
//!
//! `AUDIENCE` is the `aud` of the tokens that are taken. Behind a proxy, `ORIGIN` is the address
//! that apps know.

use std::env;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use atpass_fetch::{FetchConfig, Fetcher};
use atpass_protocol::dpop::{NonceKeeper, QueryPolicy};
use atpass_protocol::id::{Did, Issuer};
use atpass_protocol::random::{self, SystemRandom};
use atpass_protocol::scope::{Permission, Repo};
use atpass_protocol::secret::HmacKey;
use atpass_protocol::time::SystemClock;
use atpass_replay::MemoryReplay;
use atpass_resource::{
    METADATA_PATH, RemoteKeys, ResourceConfig, ResourceError, ResourceLayer, ResourceParts,
    ResourceServer, RevocationFeed, RevocationList, VerifiedRequest,
};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

/// How often ended sessions are asked for, and for how many seconds no news is good news.
const ASK: Duration = Duration::from_secs(10);
const TOLERANCE: i64 = 60;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .init();
    let listen = env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:0".to_owned());
    let listener = tokio::net::TcpListener::bind(listen).await?;
    let origin = match env::var("ORIGIN") {
        Ok(origin) => origin,
        Err(_) => format!("http://localhost:{}", listener.local_addr()?.port()),
    };
    let issuer = env::var("ISSUER").context("ISSUER: the URL of an authorization server")?;
    let audience = env::var("AUDIENCE").context("AUDIENCE: the DID that its tokens are for")?;
    let config = ResourceConfig {
        origin: Issuer::parse(&origin)?,
        audience: Did::parse(&audience)?,
        issuer: Issuer::parse(&issuer)?,
        query: QueryPolicy::Ignore,
    };
    let server = resource_server(config).await?;
    println!("{origin}");
    axum::serve(listener, router(&server)).await?;
    Ok(())
}

async fn resource_server(config: ResourceConfig) -> anyhow::Result<ResourceServer> {
    // Plain http is for a network on this machine only.
    let fetch = if config.issuer.is_https() {
        FetchConfig::default()
    } else {
        FetchConfig::development()
    };
    let fetcher = Fetcher::new(fetch)?;
    let revoked = Arc::new(RevocationList::from_elsewhere(TOLERANCE));
    let feed = RevocationFeed::new(fetcher.clone(), &config.issuer, revoked.clone());
    // Until it was read once, every call is a 503.
    if let Err(error) = feed.poll(&SystemClock).await {
        eprintln!("{error}; it will be tried again");
    }
    tokio::spawn(async move { feed.follow(&SystemClock, ASK).await });
    let keys = RemoteKeys::new(&fetcher, config.issuer.clone(), Arc::new(SystemClock));
    let parts = ResourceParts {
        keys: Arc::new(keys),
        nonces: NonceKeeper::new(&HmacKey::new(&random::bytes(&SystemRandom))),
        replay: Arc::new(MemoryReplay::default()),
        revoked,
        clock: Arc::new(SystemClock),
    };
    Ok(ResourceServer::new(config, parts))
}

fn router(server: &ResourceServer) -> Router {
    let metadata = server.metadata();
    Router::new()
        .route("/xrpc/com.example.note.add", post(add_note))
        .route("/xrpc/com.example.contact", get(contact))
        .layer(ResourceLayer::new(server.clone()))
        // Apps read here which authorization server to ask for a token.
        .route(METADATA_PATH, get(async || Json(metadata)))
}

/// For apps that may write notes.
async fn add_note(caller: VerifiedRequest) -> Result<Json<Value>, ResourceError> {
    caller.require(Repo::create("com.example.note"))?;
    Ok(Json(json!({ "author": caller.did() })))
}

/// For apps that may know the e-mail address.
async fn contact(caller: VerifiedRequest) -> Result<Json<Value>, ResourceError> {
    caller.require(Permission::ACCOUNT_EMAIL)?;
    Ok(Json(
        json!({ "did": caller.did(), "email": "alice@example.com" }),
    ))
}
