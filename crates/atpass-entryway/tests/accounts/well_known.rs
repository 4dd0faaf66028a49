//! What anybody may ask.

use std::sync::Arc;

use async_trait::async_trait;
use atpass_fetch::{FetchConfig, Fetcher};
use atpass_protocol::dpop::NonceKeeper;
use atpass_protocol::id::Issuer;
use atpass_protocol::random::{self, SystemRandom};
use atpass_protocol::secret::{HmacKey, Secret};
use atpass_protocol::time::{Clock, SystemClock, UnixTime};
use atpass_protocol::token::{SessionId, scope_reference};
use atpass_provider::accounts::{Account, Accounts, Identifier};

use atpass_provider::store::{Store, StoreError};
use atpass_provider::{NoPermissionSets, Parts, Provider, ProviderConfig, SessionEnded};
use atpass_replay::{MemoryReplay, RateLimits};
use atpass_store::SqliteStore;
use axum::Router;
use axum::body::{Body, to_bytes};
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, HOST};
use http::{Request, StatusCode};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::support::World;

const ALICE: &str = "alice.garden.net";
const ENTRY: &str = "entry.garden.net";

struct Nobody;

impl SessionEnded for Nobody {
    fn session_ended(&self, _session: SessionId, _tokens_until: UnixTime) {}
}

#[async_trait]
impl Accounts for Nobody {
    async fn find(&self, _: &Identifier) -> Result<Option<Account>, StoreError> {
        Ok(None)
    }

    async fn check_password(
        &self,
        _: &Identifier,
        _: &Secret,
    ) -> Result<Option<Account>, StoreError> {
        Ok(None)
    }
}

async fn router(world: &World, store: SqliteStore) -> Router {
    let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandom));
    let config = ProviderConfig::new(Issuer::parse("https://entry.garden.net").unwrap());
    let parts = Parts {
        store: Arc::new(store),
        accounts: Arc::new(Nobody),
        sign_up: None,
        fetcher: Fetcher::new(FetchConfig::default()).unwrap(),
        permission_sets: Arc::new(NoPermissionSets),
        replay: Arc::new(MemoryReplay::default()),
        nonces: NonceKeeper::new(&HmacKey::new(&random::bytes(&*random))),
        limits: RateLimits::memory(clock.clone()),
        clock,
        random,
        on_session_ended: Arc::new(Nobody),
    };
    let provider = Provider::open(config, parts).await.unwrap();
    atpass_entryway::router(world.entryway.clone(), provider)
}

/// Asks at a host; returns status and body. Browsers may read each answer.
async fn ask(router: &Router, host: &str, path: &str) -> (StatusCode, String) {
    let request = Request::get(path)
        .header(HOST, host)
        .header("x-forwarded-host", ALICE)
        .body(Body::empty());
    let answer = router.clone().oneshot(request.unwrap()).await.unwrap();
    assert_eq!(answer.headers()[ACCESS_CONTROL_ALLOW_ORIGIN], "*");
    let status = answer.status();
    let body = to_bytes(answer.into_body(), 10_000).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn whose_a_handle_is() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("db")).unwrap();
    let world = World::open().await;
    let did = world.sign_up(ALICE).await.unwrap().did;
    let router = router(&world, store).await;

    let path = "/.well-known/atproto-did";
    for host in [ALICE, "Alice.Garden.NET", "alice.garden.net:8443"] {
        let (status, body) = ask(&router, host, path).await;
        assert_eq!((status, body.as_str()), (StatusCode::OK, did.as_str()));
    }
    for host in [
        "bob.garden.net",
        ENTRY,
        "alice.example.org",
        "[::1]:80",
        "127.0.0.1",
    ] {
        let (status, _) = ask(&router, host, path).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{host}");
    }
    let of_url = Request::get(format!("https://{ALICE}{path}")).body(Body::empty());
    let answer = router.clone().oneshot(of_url.unwrap()).await.unwrap();
    assert_eq!(
        answer.headers()["content-type"],
        "text/plain; charset=utf-8"
    );

    for (domain, expected) in [
        ("alice.garden.net", StatusCode::OK),
        ("ALICE.garden.net", StatusCode::OK),
        ("bob.garden.net", StatusCode::NOT_FOUND),
        ("garden.net", StatusCode::NOT_FOUND),
        ("alice.example.org", StatusCode::NOT_FOUND),
        ("-", StatusCode::NOT_FOUND),
    ] {
        let path = format!("/entryway/has-handle?domain={domain}");
        let (status, body) = ask(&router, "127.0.0.1:2583", &path).await;
        assert_eq!((status, body.as_str()), (expected, ""), "{domain}");
    }

    let resolve = async |query: &str| {
        let path = format!("/xrpc/com.atproto.identity.resolveHandle{query}");
        let (status, body) = ask(&router, ENTRY, &path).await;
        let body: Value = serde_json::from_str(&body).unwrap();
        (status.as_u16(), body)
    };
    let found = resolve("?handle=Alice.garden.net").await;
    assert_eq!(found, (200, json!({ "did": did })));
    for (query, error) in [
        ("?handle=bob.garden.net", "HandleNotFound"),
        ("?handle=alice.example.org", "HandleNotFound"),
        ("?handle=alice", "InvalidRequest"),
        ("", "InvalidRequest"),
    ] {
        let (status, body) = resolve(query).await;
        assert_eq!(
            (status, body["error"].as_str()),
            (400, Some(error)),
            "{query}"
        );
    }
}

#[tokio::test]
async fn who_this_server_is() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("db")).unwrap();
    let world = World::open().await;
    let router = router(&world, store).await;
    let path = "/.well-known/did.json";
    let (status, body) = ask(&router, ENTRY, path).await;
    let document: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        (status, &document["id"]),
        (StatusCode::OK, &json!("did:web:entry.garden.net"))
    );
    // A handle's host is nobody's did:web.
    let (status, _) = ask(&router, ALICE, path).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_a_scope_stands_for() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("db")).unwrap();
    let scope = "atproto repo:com.example.mushroom";
    let reference = scope_reference(scope);
    let until = SystemClock.now().plus(600);
    store.keep_scope(&reference, scope, until).await.unwrap();
    let world = World::open().await;
    let router = router(&world, store).await;
    let ask = async |query: &str| {
        let path = format!("/xrpc/com.atproto.temp.dereferenceScope{query}");
        let (status, body) = ask(&router, ENTRY, &path).await;
        let body: Value = serde_json::from_str(&body).unwrap();
        (status.as_u16(), body)
    };
    let known = ask(&format!("?scope={reference}")).await;
    assert_eq!(known, (200, json!({ "scope": scope })));
    for (query, error) in [
        ("?scope=ref:unknown", "InvalidScopeReference"),
        ("?scope=atproto", "InvalidScopeReference"),
        ("", "InvalidRequest"),
    ] {
        let (status, body) = ask(query).await;
        assert_eq!(
            (status, body["error"].as_str()),
            (400, Some(error)),
            "{query}"
        );
    }
}
