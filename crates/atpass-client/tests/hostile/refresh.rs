//! Refreshes, and when there are none.

use atpass_client::{ClientConfig, ClientError};
use serde_json::{Value, json};

use crate::app::App;
use crate::fake::{ALICE, BOB, Canned};

/// Clause C-REF-04: a server's bad day doesn't end the session; `invalid_grant` does.
#[tokio::test]
async fn refusals() {
    let app = App::start().await;
    let session = app.session().await;
    for (status, error) in [
        (500, "server_error"),
        (503, "temporarily_unavailable"),
        (429, "slow_down"),
    ] {
        // Where nobody knows what a server has done, it is asked twice.
        app.fake
            .next("token", vec![Canned::error(status, error); 2]);
        let error = session.refresh().await.unwrap_err();
        assert!(error.is_transient() && !error.needs_login(), "{error}");
        app.fake.next("token", []);
    }
    for (status, error) in [
        (400, "invalid_request"),
        (401, "invalid_client"),
        (403, "invalid_grant"),
        (403, "access_denied"),
        (400, "invalid_dpop_proof"),
    ] {
        app.fake
            .next("token", vec![Canned::error(status, error); 2]);
        assert!(!session.refresh().await.unwrap_err().needs_login());
        app.fake.next("token", []);
    }
    session.refresh().await.unwrap();
    for status in [400, 401] {
        let session = app.session().await;
        app.fake
            .next("token", [Canned::error(status, "invalid_grant")]);
        assert!(session.refresh().await.unwrap_err().needs_login());
        assert!(app.client.restore(session.key()).await.unwrap().is_none());
        assert!(session.refresh().await.unwrap_err().needs_login());
    }
}

/// Whose fault it is that a server doesn't know the app, and what mends it.
#[tokio::test]
async fn refusals_of_the_app() {
    let app = App::start().await;
    let session = app.session().await;
    for (status, error, needs_login, message) in [
        (400, "invalid_client", false, "the app’s maker"),
        (401, "invalid_client", false, "the app’s maker"),
        (400, "unauthorized_client", true, "sign in again"),
        (401, "unauthorized_client", true, "sign in again"),
        (400, "invalid_request", false, "a server behaved"),
    ] {
        // A wrong clock may be the reason of the first, so it may be asked twice.
        app.fake
            .next("token", vec![Canned::error(status, error); 2]);
        let error = session.refresh().await.unwrap_err();
        assert_eq!(error.needs_login(), needs_login, "{error}");
        assert!(!error.is_transient(), "{error}");
        assert!(error.user_message().contains(message), "{error}");
        app.fake.next("token", []);
    }
    // It is only what the server says: the session is kept, for when it has changed its mind.
    session.refresh().await.unwrap();
}

/// Clauses C-SUB-01, C-SUB-03 and C-TOK-01: what must hold at the login holds at a refresh: the tokens
/// are used by nobody, and revoked.
#[tokio::test]
async fn answers_for_another_account() {
    let first = App::start().await;
    for (name, value, good) in [
        ("sub", json!(BOB), json!(ALICE)),
        ("token_type", json!("Bearer"), json!("DPoP")),
        ("scope", json!("transition:generic"), json!("atproto")),
    ] {
        let app = first.anew().await;
        let session = app.session().await;
        app.fake.token(name, value);
        let error = session.refresh().await.unwrap_err();
        let told = match name {
            "sub" => matches!(error, ClientError::WrongAccount { .. }),
            _ => matches!(error, ClientError::Departure { .. }),
        };
        assert!(told && !error.is_transient(), "{error}");
        assert_eq!(app.fake.revoked(), ["rt-2"], "{name}");
        session.get("/xrpc/x").await.unwrap();
        let call = &app.fake.seen("call")[0];
        assert_eq!(call.headers["authorization"], "DPoP at-1");
        app.fake.token(name, good);
        session.refresh().await.unwrap();
        assert_eq!(*session.did().as_str(), *ALICE);
    }
}

/// A server may leave out the refresh token when it stays the same (RFC 6749 section 6).
#[tokio::test]
async fn a_refresh_token_that_stays() {
    let app = App::start().await;
    let session = app.session().await;
    app.fake.token("refresh_token", Value::Null);
    session.refresh().await.unwrap();
    session.refresh().await.unwrap();
    assert_eq!(app.fake.refreshed(), ["rt-1", "rt-1"]);
}

/// Tokens are refreshed a little before they end, and not before that; of a server that doesn't say when
/// they end, not at each call.
#[tokio::test]
async fn refreshes_in_time() {
    let first = App::start().await;
    for (expires_in, early, due) in [
        (json!(900), 700, 890),
        (Value::Null, 200, 295),
        (json!(0), 200, 295),
        (json!(-1), 200, 295),
        (json!("900"), 700, 890),
        (json!(900.0), 700, 890),
        (json!(10), 5, 9),
        (json!(100_000_000), 80_000, 86_390),
    ] {
        let app = first.anew().await;
        app.fake.token("expires_in", expires_in.clone());
        let session = app.session().await;
        app.clock.advance(early);
        session.get("/xrpc/x").await.unwrap();
        session.get("/xrpc/x").await.unwrap();
        assert_eq!(app.fake.count("token"), 1, "{expires_in}");
        app.clock.advance(due - early);
        session.get("/xrpc/x").await.unwrap();
        session.get("/xrpc/x").await.unwrap();
        assert_eq!(app.fake.count("token"), 2, "{expires_in}");
        let calls = app.fake.seen("call");
        let last = &calls.last().unwrap().headers["authorization"];
        assert_eq!(last, "DPoP at-2");
    }
}

/// Clause C-REF-03: one refresh and one retry on 401 `invalid_token`, whatever comes of it; none on 403,
/// nor on a 401 for another reason.
#[tokio::test]
async fn when_a_call_is_refused() {
    let first = App::start().await;
    let refusal = |status, challenge: &str| {
        Canned::error(status, "Refused").header("www-authenticate", challenge)
    };
    let invalid = refusal(401, "DPoP error=\"invalid_token\", error_description=\"x\"");
    let cases = [
        (vec![invalid.clone()], 200, 1, 2),
        // However a server writes it.
        (
            vec![refusal(401, "Bearer realm=x, DPoP Error = invalid_token")],
            200,
            1,
            2,
        ),
        (vec![invalid.clone(), invalid.clone()], 401, 1, 2),
        (
            vec![
                invalid.clone(),
                refusal(403, "DPoP error=\"insufficient_scope\""),
            ],
            403,
            1,
            2,
        ),
        (
            vec![refusal(403, "DPoP error=\"insufficient_scope\"")],
            403,
            0,
            1,
        ),
        (
            vec![refusal(403, "DPoP error=\"invalid_token\"")],
            403,
            0,
            1,
        ),
        (
            vec![refusal(400, "DPoP error=\"invalid_token\"")],
            400,
            0,
            1,
        ),
        (
            vec![refusal(401, "DPoP error=\"invalid_request\"")],
            401,
            0,
            1,
        ),
        (vec![refusal(401, "Basic realm=\"x\"")], 401, 0, 1),
        (vec![Canned::error(403, "ScopeMissing")], 403, 0, 1),
        (vec![Canned::html(403)], 403, 0, 1),
        (vec![Canned::html(401)], 401, 0, 1),
        (vec![Canned::html(500)], 500, 0, 1),
    ];
    for (answers, status, refreshes, calls) in cases {
        let what = format!("{answers:?}");
        let app = first.anew().await;
        let session = app.session().await;
        app.fake.next("call", answers);
        let answer = session.get("/xrpc/x").await.unwrap();
        assert_eq!(answer.status(), status, "{what}");
        assert_eq!(app.fake.count("token"), 1 + refreshes, "{what}");
        assert_eq!(app.fake.count("call"), calls, "{what}");
        assert_eq!(app.client.sessions().await.unwrap().len(), 1, "{what}");
    }
}

/// Clause C-REF-03: a server that refuses each token gets no new one for each request, but one at a time
/// of ten seconds; and a session that was ended right after it began is known to be over.
#[tokio::test]
async fn when_each_call_is_refused() {
    let app = App::start().await;
    let session = app.session().await;
    let invalid =
        || Canned::error(401, "x").header("www-authenticate", "DPoP error=\"invalid_token\"");
    app.fake.next("call", vec![invalid(); 100]);
    for _ in 0..10 {
        assert_eq!(session.get("/xrpc/x").await.unwrap().status(), 401);
    }
    assert_eq!(app.fake.count("token"), 1 + 1);
    app.clock.advance(10);
    assert_eq!(session.get("/xrpc/x").await.unwrap().status(), 401);
    assert_eq!(app.fake.count("token"), 1 + 2);

    let session = app.session().await;
    app.fake.next("call", [invalid()]);
    app.fake
        .next("token", [Canned::error(400, "invalid_grant")]);
    assert!(session.get("/xrpc/x").await.unwrap_err().needs_login());
    assert!(app.client.restore(session.key()).await.unwrap().is_none());
}

/// Clause C-REF-02: a session belongs to the client that it began as, and goes on as that one, though the
/// app has another id by now.
#[tokio::test]
async fn an_app_with_another_id() {
    let config = |host: &str| {
        let (id, callback) = (
            format!("https://{host}/client.json"),
            format!("https://{host}/cb"),
        );
        ClientConfig::web_public(&id, &callback, "atproto").unwrap()
    };
    let old = App::with(config("app.example.com")).await;
    let session = old.session().await;
    let new = old.and(old.fake.clone(), config("www.example.com"));
    let session = new.client.restore(session.key()).await.unwrap().unwrap();
    session.refresh().await.unwrap();
    session.logout().await.unwrap();
    for seen in old.fake.all_seen() {
        let id = seen.field("client_id");
        assert_eq!(id.as_deref(), Some("https://app.example.com/client.json"));
    }
}
