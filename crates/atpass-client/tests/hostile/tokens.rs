//! Token answers that aren't what the profile says.

use atpass_client::ClientError;
use serde_json::{Value, json};

use crate::app::App;
use crate::fake::{Canned, Nonces};

/// Clauses C-TOK-01, C-SUB-03 and C-DPOP-03: refused, nothing kept, and what was issued is revoked, also
/// where the answer can't be read as one.
#[tokio::test]
async fn bad_token_answers() {
    let first = App::start().await;
    for (name, value) in [
        ("sub", json!("alice")),
        ("sub", json!("did:x")),
        ("sub", json!(7)),
        ("sub", Value::Null),
        ("scope", json!("transition:generic")),
        ("scope", json!("atprotocol")),
        ("scope", json!("")),
        ("scope", json!(["atproto"])),
        ("scope", Value::Null),
        ("token_type", json!("Bearer")),
        ("token_type", json!("")),
        ("token_type", Value::Null),
        ("scope", json!("atproto \u{1b}]0;owned\u{7}")),
        ("scope", json!("atproto über:alles")),
        ("access_token", json!("a\nb")),
        ("access_token", json!("a b")),
        ("access_token", json!("ä")),
    ] {
        let what = format!("{name} {value}");
        let app = first.anew().await;
        app.fake.token(name, value);
        let error = app.refused("alice.test", &what).await;
        let unreadable = matches!(error, ClientError::Unreadable { .. });
        assert_eq!(error.is_transient(), unreadable, "{what}: {error}");
        assert!(!error.needs_login(), "{what}: {error}");
        assert_eq!(app.fake.revoked(), ["rt-1"], "{what}");
    }
}

/// Clause C-SUB-03: without a refresh token it is the access token that is revoked; without any there is
/// nothing to revoke.
#[tokio::test]
async fn what_is_revoked() {
    let first = App::start().await;
    for (refresh, access, revoked) in [
        (Value::Null, json!("at"), vec!["at-1"]),
        (json!(7), json!("at"), vec!["at-1"]),
        (json!("rt"), Value::Null, vec!["rt-1"]),
        (Value::Null, Value::Null, vec![]),
        (json!({}), json!([]), vec![]),
    ] {
        let app = first.anew().await;
        app.fake.set(|script| {
            script.token["refresh_token"] = refresh;
            script.token["access_token"] = access;
            script.token["sub"] = json!("nobody");
        });
        app.refused("alice.test", "sub").await;
        assert_eq!(app.fake.revoked(), revoked);
    }
    // A server that can't revoke is no reason to tell of another failure.
    let app = App::start().await;
    app.fake.token("token_type", json!("Bearer"));
    app.fake.next("revoke", [Canned::html(502)]);
    let error = app.refused("alice.test", "a bearer token").await;
    assert!(error.to_string().contains("DPoP"), "{error}");
}

/// Clause C-TOK-01: an access token that can't be sent is none, and the one before it stays in use.
#[tokio::test]
async fn access_tokens_that_no_header_may_have() {
    let app = App::start().await;
    let session = app.session().await;
    for bad in ["", "a\r\nb: c", "\u{7f}"] {
        app.fake.forget();
        let mut answer = app.fake.set(|script| script.token.clone());
        (answer["access_token"], answer["refresh_token"]) = (json!(bad), json!("new"));
        app.fake.next("token", [Canned::json(200, &answer)]);
        let error = session.refresh().await.unwrap_err();
        assert!(matches!(error, ClientError::Departure { .. }), "{error}");
        assert_eq!(app.fake.revoked(), ["new"]);
        session.get("/xrpc/x").await.unwrap();
        let call = &app.fake.seen("call")[0];
        assert_eq!(call.headers["authorization"], "DPoP at-1");
    }
}

/// Clauses C-DPOP-03 and C-SUB-03: answers without a nonce are no answers to a proof.
#[tokio::test]
async fn answers_without_a_nonce() {
    let app = App::start().await;
    app.nonces(Nonces::None);
    let error = app.refused_at_once("alice.test", "PAR").await;
    assert!(matches!(error, ClientError::Departure { .. }), "{error}");

    let app = App::start().await;
    let login = app.client.login("alice.test").await.unwrap();
    app.nonces(Nonces::None);
    let error = app.client.callback(&app.query(&login)).await.unwrap_err();
    assert!(matches!(error, ClientError::Departure { .. }), "{error}");
    assert_eq!(app.stored_sessions(), 0);
    assert_eq!(app.fake.revoked(), ["rt-1"]);

    // New tokens can't be had again.
    let app = App::start().await;
    let session = app.session().await;
    app.nonces(Nonces::None);
    session.refresh().await.unwrap();
    session.refresh().await.unwrap();
    assert_eq!(
        app.fake.seen("token")[2].field("refresh_token").as_deref(),
        Some("rt-2")
    );
}

/// Clause C-TOK-01: the type's case doesn't matter (RFC 6749 section 5.1).
#[tokio::test]
async fn good_token_answers() {
    let first = App::start().await;
    for (name, value) in [
        ("token_type", json!("dpop")),
        ("token_type", json!("DPOP")),
        ("scope", json!("transition:generic atproto")),
        ("refresh_token", Value::Null),
        ("expires_in", Value::Null),
        ("expires_in", json!("soon")),
        ("expires_in", json!("900")),
        ("expires_in", json!(1e30)),
        ("expires_in", json!(-5)),
        ("expires_in", json!(i64::MAX)),
    ] {
        let app = first.anew_asking("atproto transition:generic").await;
        app.fake.token(name, value.clone());
        let session = app.session().await;
        assert_eq!(
            app.client.sessions().await.unwrap().len(),
            1,
            "{name} {value}"
        );
        assert!(app.fake.revoked().is_empty());
        session.get("/xrpc/x").await.unwrap();
    }
}

/// Any failure of an exchange is an error of its own, and nothing is kept: the visitor of an app can
/// bring it about with a code of their own making.
#[tokio::test]
async fn failed_exchanges() {
    let first = App::start().await;
    let tokens = json!({
        "access_token": "at", "token_type": "DPoP", "refresh_token": "rt", "scope": "atproto",
        "sub": crate::fake::ALICE,
    });
    for (canned, transient) in [
        (Canned::error(400, "invalid_grant"), false),
        (Canned::error(401, "invalid_client"), false),
        (Canned::error(400, "an_error_of_tomorrow"), false),
        (Canned::error(500, "server_error"), true),
        (Canned::error(503, "temporarily_unavailable"), true),
        (Canned::json(400, &json!({ "error": 7 })), false),
        (Canned::json(400, &json!([])), false),
        (Canned::new(400, "text/plain", ""), false),
        // Another status is no good answer, whatever the body says.
        (Canned::json(201, &tokens), false),
        (Canned::json(400, &tokens), false),
        (Canned::json(403, &tokens), false),
        (Canned::json(500, &tokens), true),
    ] {
        let app = first.anew().await;
        let had_tokens = canned.body.starts_with(b"{\"access_token");
        let what = format!("{canned:?}");
        app.fake.next("token", [canned]);
        let error = app.refused("alice.test", &what).await;
        assert!(
            matches!(error, ClientError::Refused { .. }),
            "{what}: {error}"
        );
        assert_eq!(error.is_transient(), transient, "{what}");
        let revoked: &[_] = if had_tokens { &["rt"] } else { &[] };
        assert_eq!(app.fake.revoked(), revoked, "{what}");
    }
}
