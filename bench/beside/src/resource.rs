//! A small resource server of ours, in a process of its own: the layer of `atpass-resource` before one method. Its keys
//! and the sessions that ended come from the running authorization server.

use std::net::Ipv4Addr;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use atpass_fetch::{FetchConfig, Fetcher};
use atpass_protocol::dpop::{NonceKeeper, QueryPolicy};
use atpass_protocol::id::{Did, Issuer};
use atpass_protocol::random::{self, SystemRandom};
use atpass_protocol::secret::HmacKey;
use atpass_protocol::time::SystemClock;
use atpass_replay::MemoryReplay;
use atpass_resource::{
    RemoteKeys, ResourceConfig, ResourceLayer, ResourceParts, ResourceServer, RevocationFeed,
    RevocationList, VerifiedRequest,
};
use axum::routing::get;
use axum::serve::ListenerExt;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::endpoint::Endpoint;
use crate::ours::AUDIENCE;
use crate::process::{Cores, Process};
use crate::site::RESOURCE;

/// How often ended sessions are asked for, and for how many seconds no news is good news: both servers rest while the
/// other pair is measured.
const ASK: Duration = Duration::from_secs(10);
const TOLERANCE: i64 = 600;

/// Starts this program as the resource server.
pub(crate) async fn start(cores: &Cores, issuer: &Issuer) -> Result<(Process, Endpoint)> {
    let mut command = cores.pinned(&std::env::current_exe()?);
    command
        .args(["resource-server", issuer.as_str()])
        .stdout(Stdio::piped());
    let mut process = Process::start("the resource server", &mut command)?;
    let port = process.line().await?.parse().context("its port")?;
    Ok((process, Endpoint::new(port)?))
}

/// What that process does: prints its port, and serves.
pub(crate) async fn serve(issuer: &str) -> Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let port = listener.local_addr()?.port();
    let config = ResourceConfig {
        origin: Issuer::parse(&format!("http://localhost:{port}"))?,
        audience: Did::parse(AUDIENCE)?,
        issuer: Issuer::parse(issuer)?,
        query: QueryPolicy::Refuse,
    };
    let fetcher = Fetcher::new(FetchConfig::development())?;
    let revoked = Arc::new(RevocationList::from_elsewhere(TOLERANCE));
    let feed = RevocationFeed::new(fetcher.clone(), &config.issuer, revoked.clone());
    feed.poll(&SystemClock).await?;
    tokio::spawn(async move { feed.follow(&SystemClock, ASK).await });
    let keys = RemoteKeys::new(&fetcher, config.issuer.clone(), Arc::new(SystemClock));
    let parts = ResourceParts {
        keys: Arc::new(keys),
        nonces: NonceKeeper::new(&HmacKey::new(&random::bytes(&SystemRandom))),
        replay: Arc::new(MemoryReplay::default()),
        revoked,
        clock: Arc::new(SystemClock),
    };
    let routes = Router::new()
        .route(RESOURCE, get(session))
        .layer(ResourceLayer::new(ResourceServer::new(config, parts)));
    println!("{port}");
    let listener = listener.tap_io(|connection| {
        // Best effort: without it, answers are only slower.
        let _ = connection.set_nodelay(true);
    });
    axum::serve(listener, routes).await?;
    Ok(())
}

/// What the official server says of a session.
async fn session(caller: VerifiedRequest) -> Json<Value> {
    Json(json!({
        "did": caller.did(),
        "handle": "alice.test",
        "email": "alice@example.com",
        "emailConfirmed": false,
        "active": true,
    }))
}
