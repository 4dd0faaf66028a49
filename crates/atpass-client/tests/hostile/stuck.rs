//! Sessions that are stuck, and requests that wait for no reason: clocks that were wrong, servers that
//! don't answer, accounts that move, and servers that have no say.

use axum::routing::get;
use axum::{Json, Router};
use bytes::Bytes;
use http::Request;
use serde_json::json;

use crate::app::App;
use crate::fake::Canned;

fn invalid_token() -> Canned {
    Canned::error(401, "InvalidToken").header("www-authenticate", "DPoP error=\"invalid_token\"")
}

/// Another server of resources: its token challenge, or its own answer.
async fn another(issuer: String, refuses: bool) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://127.0.0.1:{}", listener.local_addr().unwrap().port());
    let metadata = json!({ "resource": origin, "authorization_servers": [issuer] });
    let routes = Router::new()
        .route(
            "/.well-known/oauth-protected-resource",
            get(move || std::future::ready(Json(metadata))),
        )
        .route(
            "/xrpc/{method}",
            get(move || async move {
                if refuses {
                    let challenge = [("www-authenticate", "DPoP error=\"invalid_token\"")];
                    return (http::StatusCode::UNAUTHORIZED, challenge, "no");
                }
                (http::StatusCode::OK, [("x-is", "new")], "here")
            }),
        );
    tokio::spawn(async move { axum::serve(listener, routes).await });
    origin
}

/// Clause C-REF-03: a session that was written by a clock ahead of ours is refreshed: where it is far
/// ahead at once, else when its token is refused.
#[tokio::test]
async fn a_clock_that_is_set_back() {
    for (ahead, answers) in [(36_000, vec![]), (100, vec![invalid_token()])] {
        let app = App::start().await;
        app.clock.advance(ahead);
        let session = app.session().await;
        app.clock.advance(-ahead);
        app.fake.next("call", answers);
        assert_eq!(session.get("/xrpc/x").await.unwrap().status(), 200);
        // Once: from here on all is as it should be.
        for _ in 0..3 {
            session.get("/xrpc/x").await.unwrap();
        }
        assert_eq!(app.fake.refreshed(), ["rt-1"], "{ahead}");
    }
}

/// Clause C-REF-04: while its token is good, a session works, and a token endpoint that is down is asked a
/// few times, however many requests there are.
#[tokio::test]
async fn a_crowd_at_a_server_that_is_down() {
    let app = App::start().await;
    let session = app.session().await;
    app.fake.forget();
    app.clock.advance(850);
    app.fake
        .next("token", std::iter::repeat_n(Canned::html(502), 500));
    let calls = (0..20).map(|_| session.get("/xrpc/x"));
    for answer in futures::future::join_all(calls).await {
        assert_eq!(answer.unwrap().status(), 200);
    }
    for _ in 0..10 {
        assert_eq!(session.get("/xrpc/x").await.unwrap().status(), 200);
    }
    let asked = app.fake.count("token");
    assert!((1..=3).contains(&asked), "{asked}");
}

/// The same for a web app that looks up the session at each request, after a refresh without an answer.
#[tokio::test]
async fn requests_after_an_interrupted_refresh() {
    let app = App::start().await;
    let session = app.session().await;
    app.fake.forget();
    app.fake
        .next("token", std::iter::repeat_n(Canned::html(502), 500));
    session.refresh().await.unwrap_err();
    for _ in 0..5 {
        let restored = app.client.restore(session.key()).await.unwrap().unwrap();
        assert_eq!(restored.get("/xrpc/x").await.unwrap().status(), 200);
    }
    let asked = app.fake.count("token");
    assert!(asked <= 4, "{asked}");
}

/// A token endpoint that takes the request and never answers: one request waits for it a while, the others
/// not at all.
#[tokio::test]
async fn a_server_that_does_not_answer() {
    let app = App::start().await;
    let session = app.session().await;
    app.fake.forget();
    app.clock.advance(850);
    app.fake.set(|script| script.holds = true);
    let calls = (0..8).map(|_| session.get("/xrpc/x"));
    for answer in futures::future::join_all(calls).await {
        assert_eq!(answer.unwrap().status(), 200);
    }
    assert_eq!(app.fake.count("token"), 1, "it has answered nobody yet");
}

/// Clause C-REF-01: a process whose clock is a little ahead doesn't take a living one's mark for a dead
/// one's.
#[tokio::test]
async fn clocks_that_differ() {
    let app = App::start().await;
    let other = app.beside();
    other.clock.advance(16);
    let session = app.session().await;
    let copy = other.client.restore(session.key()).await.unwrap().unwrap();
    app.fake.forget();
    app.fake.set(|script| script.holds = true);
    let first = tokio::spawn(async move { session.refresh().await });
    app.fake.until("token", 1).await;
    let second = tokio::spawn(async move { copy.refresh().await });
    let both = app.fake.until("token", 2);
    let both = tokio::time::timeout(std::time::Duration::from_secs(2), both).await;
    assert!(both.is_err(), "one waits for the other");
    app.fake.set(|script| script.holds = false);
    app.fake.gate.add_permits(1);
    first.await.unwrap().unwrap();
    second.await.unwrap().unwrap();
    assert_eq!(app.fake.refreshed(), ["rt-1"]);
}

/// Clause C-SUB-02: an account that moves to another PDS of the same authorization server keeps its session,
/// which goes on there at once.
#[tokio::test]
async fn another_pds_of_the_same_server() {
    let app = App::start().await;
    let session = app.session().await;
    let new = another(app.fake.origin.to_string(), false).await;
    app.fake.set(|script| script.pds = Some(new.clone()));
    app.clock.advance(61);
    let deactivated = Canned::error(400, "AccountDeactivated");
    app.fake.next("call", [deactivated]);
    let answer = session.get("/xrpc/x").await.unwrap();
    assert_eq!(answer.body().as_ref(), b"here");
    assert_eq!(session.pds().as_str(), new);
    assert_eq!(session.get("/xrpc/x").await.unwrap().status(), 200);
    assert!(app.fake.refreshed().is_empty());
}

/// What a PDS says of other accounts starts no look-ups, or one a minute at most.
#[tokio::test]
async fn other_accounts_that_are_deactivated() {
    let app = App::start().await;
    let session = app.session().await;
    let before = app.stored_sessions();
    for _ in 0..10 {
        let deactivated = Canned::error(400, "RepoDeactivated");
        app.fake.next("call", [deactivated]);
        let answer = session.get("/xrpc/x?repo=bob.test").await.unwrap();
        assert_eq!(answer.status(), 400);
        app.clock.advance(11);
    }
    let written = app.stored_sessions() - before;
    assert!(written <= 2, "{written}");
}

/// Only the account's own PDS knows whether its token is good.
#[tokio::test]
async fn servers_that_have_no_say() {
    let app = App::start().await;
    let session = app.session().await;
    let foreign = another(app.fake.origin.to_string(), true).await;
    for _ in 0..5 {
        app.clock.advance(61);
        let request = Request::get(format!("{foreign}/xrpc/x")).body(Bytes::new());
        let answer = session.request(request.unwrap()).await.unwrap();
        assert_eq!(answer.status(), 401);
    }
    assert!(app.fake.refreshed().is_empty());
}

/// A session without a refresh token lasts as long as its access token, and says when it is over.
#[tokio::test]
async fn without_a_refresh_token() {
    let app = App::start().await;
    app.fake.token("refresh_token", json!(null));
    let session = app.session().await;
    let error = session.refresh().await.unwrap_err();
    assert!(!error.needs_login(), "{error}");
    assert_eq!(session.get("/xrpc/x").await.unwrap().status(), 200);
    app.clock.advance(2000);
    app.fake.next("call", [invalid_token()]);
    let error = session.get("/xrpc/x").await.unwrap_err();
    assert!(error.needs_login(), "{error}");
}

/// Clause C-OUT-01: tokens that another process gets while the session is signed out are revoked too.
#[tokio::test]
async fn signed_out_while_another_process_refreshes() {
    let app = App::start().await;
    let other = app.beside();
    let session = app.session().await;
    let copy = other.client.restore(session.key()).await.unwrap().unwrap();
    app.fake.set(|script| script.holds_revocations = true);
    let logout = tokio::spawn(async move { session.logout().await });
    app.fake.until("revoke", 1).await;
    copy.refresh().await.unwrap();
    app.fake.set(|script| script.holds_revocations = false);
    app.fake.gate.add_permits(1);
    logout.await.unwrap().unwrap();
    assert_eq!(app.fake.revoked(), ["rt-1", "rt-2"]);
    assert!(app.client.sessions().await.unwrap().is_empty());
}
