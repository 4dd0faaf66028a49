//! The client library against our own servers: the whole life of a session.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod common;
#[path = "common/library.rs"]
mod library;

use std::sync::Arc;

use atpass_client::{ClientError, LoginOptions, MemoryStore, OAuthClient, Session};
use atpass_identity::HandleResolution;
use atpass_protocol::scope::ScopeSet;
use atpass_provider::store::Store;
use common::Lab;
use futures::future::join_all;
use http::StatusCode;
use library::{ALICE, browse, client_of, parts};
use url::Url;

fn client(lab: &Lab, store: &Arc<MemoryStore>) -> OAuthClient {
    let resolving_server = Url::parse(lab.network.resource.as_str()).unwrap();
    let handles = HandleResolution::Server(resolving_server);
    client_of(parts(lab, store.clone(), handles, &lab.fetcher))
}

async fn log_in(lab: &Lab, client: &OAuthClient, typed: &str) -> Session {
    let login = client.login(typed).await.unwrap();
    let query = browse(lab, &login.url, ALICE, "authorize").await;
    client.callback(&query).await.unwrap()
}

/// Clauses C-PAR-01, C-SUB-01, C-SUB-02, C-OUT-01: from a handle, a DID and a server's URL.
#[tokio::test(flavor = "multi_thread")]
async fn every_way_in() {
    let lab = Lab::start().await;
    let store = Arc::new(MemoryStore::default());
    let client = client(&lab, &store);
    let did = lab.network.accounts[0].did.clone();
    for typed in ["@alice.test", did.as_str(), lab.network.resource.as_str()] {
        let session = log_in(&lab, &client, typed).await;
        assert_eq!(*session.did(), did);
        assert_eq!(session.scope(), "atproto transition:generic");
        let answer = session
            .get("/xrpc/com.atproto.server.getSession")
            .await
            .unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
    }
    assert_eq!(
        client.sessions().await.unwrap().len(),
        3,
        "one account may have several sessions"
    );
    for key in client.sessions().await.unwrap() {
        client
            .restore(&key)
            .await
            .unwrap()
            .unwrap()
            .logout()
            .await
            .unwrap();
    }
    assert!(client.sessions().await.unwrap().is_empty());
    let live = lab
        .network
        .store()
        .sessions_of(&did, atpass_protocol::time::Clock::now(&lab.clock))
        .await
        .unwrap();
    assert!(live.is_empty(), "the server has ended them");
}

/// Clauses C-CB-01 and C-PAR-02: a callback counts once, and only for its own server.
#[tokio::test(flavor = "multi_thread")]
async fn callbacks() {
    let lab = Lab::start().await;
    let store = Arc::new(MemoryStore::default());
    let client = client(&lab, &store);
    let login = client.login("alice.test").await.unwrap();
    let query = browse(&lab, &login.url, ALICE, "authorize").await;
    client.callback(&query).await.unwrap();
    assert!(
        matches!(
            client.callback(&query).await,
            Err(ClientError::UnknownState)
        ),
        "once"
    );
    assert!(matches!(
        client.callback("code=x&state=y").await,
        Err(ClientError::UnknownState)
    ));

    let login = client.login("alice.test").await.unwrap();
    let query = browse(&lab, &login.url, ALICE, "authorize").await;
    let elsewhere = query.replace(
        "iss=http%3A%2F%2Flocalhost",
        "iss=https%3A%2F%2Fevil.example",
    );
    assert!(matches!(
        client.callback(&elsewhere).await,
        Err(ClientError::Issuer { .. })
    ));

    let login = client.login("alice.test").await.unwrap();
    let query = browse(&lab, &login.url, ALICE, "deny").await;
    match client.callback(&query).await {
        Err(ClientError::Denied(error)) => assert_eq!(error.error, "access_denied"),
        other => panic!("{other:?}"),
    }
    let login = client.login("alice.test").await.unwrap();
    lab.clock.advance(3601);
    let late = format!(
        "code=x&state={}&iss={}",
        login.state.as_str(),
        lab.network.issuer
    );
    assert!(
        matches!(client.callback(&late).await, Err(ClientError::UnknownState)),
        "an hour at most"
    );
    assert_eq!(client.sessions().await.unwrap().len(), 1);
}

/// Clause C-REF-01: however many tasks find the access token ended, one refresh is made.
#[tokio::test(flavor = "multi_thread")]
async fn one_refresh_for_all_tasks() {
    let lab = Lab::start().await;
    let store = Arc::new(MemoryStore::default());
    let client = client(&lab, &store);
    let session = log_in(&lab, &client, "alice.test").await;
    for round in 1..=3 {
        lab.clock.advance(900);
        let calls =
            join_all((0..16).map(|_| session.get("/xrpc/com.atproto.server.getSession"))).await;
        assert!(
            calls
                .into_iter()
                .all(|answer| answer.unwrap().status() == StatusCode::OK)
        );
        assert_eq!(generations(&lab).await, [round]);
    }
}

async fn generations(lab: &Lab) -> Vec<u32> {
    let did = &lab.network.accounts[0].did;
    let now = atpass_protocol::time::Clock::now(&lab.clock);
    let sessions = lab.network.store().sessions_of(did, now).await.unwrap();
    sessions.iter().map(|session| session.generation).collect()
}

/// Clauses C-REF-01 and C-REF-04: two processes with one store, at once and one after the other.
#[tokio::test(flavor = "multi_thread")]
async fn two_clients_share_a_store() {
    let lab = Lab::start().await;
    let store = Arc::new(MemoryStore::default());
    let (one, two) = (client(&lab, &store), client(&lab, &store));
    let session = log_in(&lab, &one, "alice.test").await;
    let other = two.restore(session.key()).await.unwrap().unwrap();
    for _ in 0..10 {
        lab.clock.advance(61);
        let (a, b) = tokio::join!(session.refresh(), other.refresh());
        a.unwrap();
        b.unwrap();
        lab.clock.advance(61);
        other.refresh().await.unwrap();
        session.refresh().await.unwrap();
    }
    let answer = session
        .get("/xrpc/com.atproto.server.getSession")
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
}

/// A caller who gives up can't lose the session: the refresh goes on without it.
#[tokio::test(flavor = "multi_thread")]
async fn giving_up_loses_nothing() {
    let lab = Lab::start().await;
    let store = Arc::new(MemoryStore::default());
    let client = client(&lab, &store);
    let session = log_in(&lab, &client, "alice.test").await;
    for _ in 0..20 {
        let refresh = session.refresh();
        let _ = tokio::time::timeout(std::time::Duration::from_micros(300), refresh).await;
    }
    lab.clock.advance(120);
    session.refresh().await.unwrap();
    lab.clock.advance(120);
    session.refresh().await.unwrap();
}

/// Clauses C-REF-03 and C-REF-04: a session that the server ended is over, with a word for it.
#[tokio::test(flavor = "multi_thread")]
async fn the_end() {
    let lab = Lab::start().await;
    let store = Arc::new(MemoryStore::default());
    let client = client(&lab, &store);
    let session = log_in(&lab, &client, "alice.test").await;
    lab.clock.advance(14 * 24 * 60 * 60);
    let error = session
        .get("/xrpc/com.atproto.server.getSession")
        .await
        .unwrap_err();
    assert!(error.needs_login() && !error.is_transient(), "{error}");
    assert!(client.sessions().await.unwrap().is_empty());
}

/// A scope too small is an answer, not a reason to refresh.
#[tokio::test(flavor = "multi_thread")]
async fn no_refresh_on_403() {
    let lab = Lab::start().await;
    let store = Arc::new(MemoryStore::default());
    let client = client(&lab, &store);
    let session = log_in(&lab, &client, "alice.test").await;
    let chat =
        "/xrpc/com.atproto.server.getServiceAuth?aud=did:web:x.example&lxm=chat.bsky.convo.getLog";
    assert_eq!(
        session.get(chat).await.unwrap().status(),
        StatusCode::FORBIDDEN
    );
    assert_eq!(generations(&lab).await, [0]);
}

/// More scopes for a session that goes on meanwhile; and what was left out is known as such.
#[tokio::test(flavor = "multi_thread")]
async fn upgrading_scopes() {
    let lab = Lab::start().await;
    let store = Arc::new(MemoryStore::default());
    let client = client(&lab, &store);
    let set = |text: &str| ScopeSet::parse(&format!("atproto {text}")).unwrap();
    let options = LoginOptions::default().scope(set("repo:app.example.post?action=create"));
    let login = client.login_with("alice.test", options).await.unwrap();
    let query = browse(&lab, &login.url, ALICE, "authorize").await;
    let session = client.callback(&query).await.unwrap();
    assert_eq!(
        session.granted(),
        set("repo:app.example.post?action=create")
    );
    let needed = set("repo:app.example.post?action=create&action=delete blob:image/*");
    let missing = session.missing(&needed);
    let missing: Vec<_> = missing.iter().map(ToString::to_string).collect();
    assert_eq!(
        missing,
        ["repo:app.example.post?action=delete", "blob:image/*"]
    );
    let undeclared = session.upgrade_scopes(&set("account:email")).await;
    assert!(matches!(undeclared, Err(ClientError::Undeclared(_))));

    let upgrade = session.upgrade_scopes(&needed).await.unwrap().unwrap();
    let who = "/xrpc/com.atproto.server.getSession";
    assert_eq!(session.get(who).await.unwrap().status(), StatusCode::OK);
    let query = browse(&lab, &upgrade.url, ALICE, "authorize").await;
    let upgraded = client.callback(&query).await.unwrap();
    assert!(upgraded.missing(&needed).is_empty());
    assert!(upgraded.upgrade_scopes(&needed).await.unwrap().is_none());
    assert_eq!(client.sessions().await.unwrap(), [upgraded.key().clone()]);
    assert_eq!(generations(&lab).await.len(), 1, "the old one is revoked");
    assert!(session.get(who).await.unwrap_err().needs_login());

    // A person who says no keeps what they have.
    let more = upgraded
        .upgrade_scopes(&set("repo:*"))
        .await
        .unwrap()
        .unwrap();
    let query = browse(&lab, &more.url, ALICE, "deny").await;
    assert!(matches!(
        client.callback(&query).await,
        Err(ClientError::Denied(_))
    ));
    assert_eq!(upgraded.get(who).await.unwrap().status(), StatusCode::OK);
}
