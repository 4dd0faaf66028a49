//! Signing out.

use atpass_client::ClientError;
use serde_json::{Value, json};

use crate::app::App;
use crate::fake::Canned;

/// Clause C-OUT-01: any good status will do (RFC 7009 section 2.2 has 200; others answer 204).
#[tokio::test]
async fn good_answers() {
    let first = App::start().await;
    for canned in [
        Canned::json(200, &json!({})),
        Canned::new(200, "text/plain", ""),
        Canned::new(202, "application/json", ""),
        Canned::new(204, "application/json", ""),
        Canned::html(200),
    ] {
        let app = first.anew().await;
        let session = app.session().await;
        app.fake.next("revoke", [canned]);
        session.logout().await.unwrap();
        assert_eq!(
            app.fake.revoked(),
            ["rt-1"],
            "the refresh token: with it the session ends"
        );
        assert!(app.client.sessions().await.unwrap().is_empty());
    }
}

/// Clause C-OUT-01: a server that fails keeps nobody signed in here, and the app is told.
#[tokio::test]
async fn bad_answers() {
    let first = App::start().await;
    for canned in [
        Canned::error(400, "invalid_request"),
        Canned::error(401, "invalid_client"),
        Canned::html(404),
        Canned::html(503),
        Canned::html(302).header("location", "https://evil.example.com/"),
        Canned::huge(200),
    ] {
        let what = format!("{} {:?}", canned.status, canned.headers);
        let app = first.anew().await;
        let session = app.session().await;
        let copy = session.clone();
        app.fake.next("revoke", [canned]);
        session.logout().await.expect_err(&what);
        assert!(app.client.sessions().await.unwrap().is_empty(), "{what}");
        let error = copy.refresh().await.unwrap_err();
        assert!(matches!(error, ClientError::SessionEnded(_)), "{error}");
    }
}

/// Clause C-OUT-01: a server that can't be reached at all, whose metadata nobody needs for it.
#[tokio::test]
async fn a_server_that_is_gone() {
    let app = App::start().await;
    let session = app.session().await;
    app.fake.next("metadata", vec![Canned::html(500); 9]);
    app.clock.advance(100_000);
    let before = app.fake.set(|script| script.canned["metadata"].len());
    session.logout().await.unwrap();
    let after = app.fake.set(|script| script.canned["metadata"].len());
    assert_eq!(before, after);
    assert!(app.client.sessions().await.unwrap().is_empty());
}

/// Without a refresh token it is the access token that ends the session.
#[tokio::test]
async fn without_a_refresh_token() {
    let app = App::start().await;
    app.fake.token("refresh_token", Value::Null);
    let session = app.session().await;
    session.logout().await.unwrap();
    assert_eq!(app.fake.revoked(), ["at-1"]);
}
