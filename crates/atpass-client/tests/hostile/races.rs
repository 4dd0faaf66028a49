//! Several who refresh one session, in one process and in several.

use atpass_client::Session;

use crate::app::App;
use crate::fake::Canned;

async fn restored(app: &App, session: &Session) -> Session {
    let found = app.client.restore(session.key()).await;
    found.unwrap().unwrap()
}

/// Clause C-REF-01: copies of a session that were made before a refresh, in this process or another one,
/// find its outcome in the store; none sends the old token.
#[tokio::test]
async fn stale_copies_refresh_nothing() {
    let app = App::start().await;
    let other = app.beside();
    let session = app.session().await;
    let copies = [
        session.clone(),
        restored(&app, &session).await,
        restored(&other, &session).await,
    ];
    for clock in [&app.clock, &other.clock] {
        clock.advance(900);
    }
    let (first, second, third) = tokio::join!(
        session.get("/xrpc/x"),
        copies[1].get("/xrpc/x"),
        copies[2].get("/xrpc/x")
    );
    for answer in [first, second, third] {
        assert_eq!(answer.unwrap().status(), 200);
    }
    for copy in &copies {
        copy.get("/xrpc/x").await.unwrap();
    }
    assert_eq!(app.fake.refreshed(), ["rt-1"]);
    let tokens: Vec<_> = app
        .fake
        .seen("call")
        .into_iter()
        .map(|seen| seen.headers["authorization"].clone())
        .collect();
    assert!(
        tokens.iter().all(|token| token == "DPoP at-2"),
        "{tokens:?}"
    );
}

/// Clause C-REF-01: a copy whose token was refused in the meantime takes the new one, and none is sent
/// again.
#[tokio::test]
async fn a_stale_copy_is_refused() {
    let app = App::start().await;
    let session = app.session().await;
    let copy = restored(&app, &session).await;
    session.refresh().await.unwrap();
    let challenge = "DPoP error=\"invalid_token\"";
    let refusal = Canned::error(401, "InvalidToken").header("www-authenticate", challenge);
    app.fake.next("call", [refusal]);
    app.clock.advance(60);
    assert_eq!(copy.get("/xrpc/x").await.unwrap().status(), 200);
    assert_eq!(app.fake.refreshed(), ["rt-1"]);
}

/// Clause C-REF-01: an answer that comes so late that another process has taken over, and has newer
/// tokens, is written over nothing.
#[tokio::test]
async fn late_answers_overwrite_nothing() {
    let app = App::start().await;
    let other = app.beside();
    // This one believes that everybody else has died.
    other.clock.advance(100_000);
    let session = app.session().await;
    let copy = restored(&other, &session).await;
    app.fake.set(|script| script.holds = true);
    let late = tokio::spawn({
        let session = session.clone();
        async move { session.refresh().await }
    });
    app.fake.until("token", 2).await;
    app.fake.set(|script| script.holds = false);
    copy.refresh().await.unwrap();
    copy.refresh().await.unwrap();
    assert_eq!(app.fake.refreshed(), ["rt-1", "rt-1", "rt-3"]);
    app.fake.gate.add_permits(1);
    late.await.unwrap().unwrap();
    let now = restored(&app, &session).await;
    now.refresh().await.unwrap();
    assert_eq!(app.fake.refreshed()[3], "rt-4", "not the late rt-2");
}

/// Clause C-REF-04: whoever gives up waiting loses nothing: what is on its way is finished and kept.
#[tokio::test]
async fn dropped_futures() {
    let app = App::start().await;
    let session = app.session().await;
    app.fake.set(|script| script.holds = true);
    {
        let refresh = session.refresh();
        tokio::select! {
            done = refresh => panic!("{done:?}"),
            () = app.fake.until("token", 2) => {}
        }
    }
    app.fake.set(|script| script.holds = false);
    app.fake.gate.add_permits(1);
    // Who comes next waits for it, and then finds the work done.
    restored(&app, &session).await.refresh().await.unwrap();
    assert_eq!(app.fake.refreshed(), ["rt-1"]);
    restored(&app, &session).await.refresh().await.unwrap();
    assert_eq!(app.fake.refreshed(), ["rt-1", "rt-2"]);

    // A callback as well: a code counts once.
    app.fake.set(|script| script.holds = true);
    let login = app.client.login("alice.test").await.unwrap();
    let query = app.query(&login);
    tokio::select! {
        done = app.client.callback(&query) => panic!("{done:?}"),
        () = app.fake.until("token", 4) => {}
    }
    let before = app.stored_sessions();
    app.fake.gate.add_permits(1);
    while app.stored_sessions() == before {
        tokio::task::yield_now().await;
    }
    assert_eq!(app.client.sessions().await.unwrap().len(), 2);
}

/// Clause C-REF-01: who signs out while a refresh is on its way is signed out: its tokens are revoked too.
#[tokio::test]
async fn signed_out_meanwhile() {
    let app = App::start().await;
    let other = app.beside();
    let session = app.session().await;
    let copy = restored(&other, &session).await;
    app.fake.set(|script| script.holds = true);
    let late = tokio::spawn(async move { session.refresh().await });
    app.fake.until("token", 2).await;
    copy.logout().await.unwrap();
    app.fake.gate.add_permits(1);
    assert!(late.await.unwrap().unwrap_err().needs_login());
    assert_eq!(app.fake.revoked(), ["rt-1", "rt-2"]);
    assert!(app.client.sessions().await.unwrap().is_empty());
}

/// Clause C-REF-04: `invalid_grant` ends nothing where another process was faster.
#[tokio::test]
async fn another_process_was_faster() {
    let app = App::start().await;
    let other = app.beside();
    other.clock.advance(100_000);
    let session = app.session().await;
    let copy = restored(&other, &session).await;
    app.fake.set(|script| script.holds = true);
    app.fake
        .next("token", [Canned::error(400, "invalid_grant")]);
    let slow = tokio::spawn({
        let session = session.clone();
        async move { session.refresh().await }
    });
    app.fake.until("token", 2).await;
    app.fake.set(|script| script.holds = false);
    copy.refresh().await.unwrap();
    app.fake.gate.add_permits(1);
    slow.await.unwrap().unwrap();
    assert_eq!(app.fake.refreshed(), ["rt-1", "rt-1"]);
    restored(&app, &session).await.refresh().await.unwrap();
    assert_eq!(app.fake.refreshed()[2], "rt-2");
}

/// Clauses C-CB-01 and C-PAR-02: a login that began in one process is finished in another one, and once.
#[tokio::test]
async fn another_process_finishes_the_login() {
    let app = App::start().await;
    let other = app.beside();
    let login = app.client.login("alice.test").await.unwrap();
    let query = app.query(&login);
    let session = other.client.callback(&query).await.unwrap();
    assert!(app.client.callback(&query).await.is_err());
    restored(&app, &session).await.refresh().await.unwrap();
}
