//! A small service that signs its own people in: an authorization server, a resource server and a
//! method that wants a token, in one router.
//!
//! `cargo run -p embedded-pds`, then sign in with any atproto app as `alice.test`, password
//! `wonderland`, at the address that it prints.

mod accounts;

use std::sync::Arc;

use anyhow::Context;
use async_trait::async_trait;
use atpass_fetch::{FetchConfig, Fetcher};
use atpass_protocol::dpop::{NonceKeeper, QueryPolicy};
use atpass_protocol::id::{Did, Issuer};
use atpass_protocol::jose::JwkSet;
use atpass_protocol::random::{self, SystemRandom};
use atpass_protocol::secret::HmacKey;
use atpass_protocol::time::{Clock, SystemClock, UnixTime};
use atpass_protocol::token::SessionId;
use atpass_provider::{NoPermissionSets, Parts, Provider, ProviderConfig, SessionEnded};
use atpass_replay::{MemoryReplay, RateLimits, Replay};
use atpass_resource::{
    IssuerKeys, KeysUnavailable, ResourceConfig, ResourceLayer, ResourceParts, ResourceServer,
    RevocationList, VerifiedRequest,
};
use atpass_store::SqliteStore;
use axum::routing::get;
use axum::{Json, Router};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let issuer = Issuer::parse(&format!(
        "http://localhost:{}",
        listener.local_addr()?.port()
    ))?;
    let folder = tempfile::tempdir()?;
    let store = SqliteStore::open(&folder.path().join("oauth.sqlite"))?;
    println!("{issuer}");
    let service = listener.local_addr()?;
    let app = router(&issuer, store).await.context("start the service")?;
    axum::serve(
        listener,
        app.into_make_service_with_connect_info::<std::net::SocketAddr>(),
    )
    .await
    .with_context(|| format!("serve at {service}"))
}

async fn router(issuer: &Issuer, store: SqliteStore) -> anyhow::Result<Router> {
    let service = Did::parse("did:web:localhost")?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let replay: Arc<dyn Replay> = Arc::new(MemoryReplay::default());
    // Both servers share the nonces: apps keep one for each origin.
    let nonces = NonceKeeper::new(&HmacKey::new(&random::bytes(&SystemRandom)));
    let revoked = Arc::new(Revoked(Arc::default()));

    let config = ProviderConfig {
        protected_resources: vec![issuer.clone()],
        development: true,
        ..ProviderConfig::new(issuer.clone())
    };
    let parts = Parts {
        store: Arc::new(store),
        accounts: Arc::new(
            accounts::People::with("alice.test", "wonderland", service.clone()).await?,
        ),
        fetcher: Fetcher::new(FetchConfig::default())?,
        sign_up: None,
        permission_sets: Arc::new(NoPermissionSets),
        replay: replay.clone(),
        nonces: nonces.clone(),
        limits: RateLimits::memory(clock.clone()),
        clock: clock.clone(),
        random: Arc::new(SystemRandom),
        on_session_ended: revoked.clone(),
    };
    let provider = Provider::open(config, parts).await?;

    let resource = ResourceServer::new(
        ResourceConfig {
            origin: issuer.clone(),
            audience: service,
            issuer: issuer.clone(),
            query: QueryPolicy::Ignore,
        },
        ResourceParts {
            keys: Arc::new(Keys(provider.clone())),
            nonces,
            replay,
            revoked: revoked.0.clone(),
            clock,
        },
    );
    let methods = Router::new()
        .route("/xrpc/com.atproto.server.getSession", get(get_session))
        .layer(ResourceLayer::new(resource));
    Ok(atpass_provider::router(provider).merge(methods))
}

/// Whoever gets here has a good token, and the proof that it is theirs.
async fn get_session(request: VerifiedRequest) -> Json<serde_json::Value> {
    Json(serde_json::json!({ "did": request.claims().sub }))
}

/// The authorization server's keys, without a detour over the network.
struct Keys(Provider);

#[async_trait]
impl IssuerKeys for Keys {
    async fn keys(&self) -> Result<Arc<JwkSet>, KeysUnavailable> {
        Ok(self.0.jwks())
    }
}

/// What the resource server knows of sessions that ended.
struct Revoked(Arc<RevocationList>);

impl SessionEnded for Revoked {
    fn session_ended(&self, session: SessionId, tokens_until: UnixTime) {
        self.0.end_session(session, tokens_until, SystemClock.now());
    }
}
