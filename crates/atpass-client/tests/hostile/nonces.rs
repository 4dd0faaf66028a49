//! Nonces as servers handle them.

use std::collections::HashSet;

use atpass_client::ClientError;
use serde_json::json;

use crate::app::App;
use crate::fake::{Canned, Nonces};

/// Clause C-DPOP-02: one retry, and then no more, at each endpoint; nothing is stored.
#[tokio::test]
async fn endless_nonce_demands() {
    let app = App::start().await;
    app.nonces(Nonces::Insatiable);
    let error = app.refused_at_once("alice.test", "PAR").await;
    assert!(matches!(error, ClientError::Refused { .. }), "{error}");
    assert_eq!(app.fake.count("par"), 2);

    let app = App::start().await;
    let login = app.client.login("alice.test").await.unwrap();
    app.nonces(Nonces::Insatiable);
    let error = app.client.callback(&app.query(&login)).await.unwrap_err();
    assert!(matches!(error, ClientError::Refused { .. }), "{error}");
    assert_eq!((app.fake.count("token"), app.stored_sessions()), (2, 0));

    let app = App::start().await;
    let session = app.session().await;
    app.fake.forget();
    app.nonces(Nonces::Insatiable);
    let answer = session.get("/xrpc/x").await.unwrap();
    assert_eq!(answer.status(), 400);
    assert_eq!(app.fake.count("call"), 2);
    assert!(session.logout().await.is_err());
    assert_eq!(app.fake.count("revoke"), 2);
}

/// Clause C-DPOP-02: a nonce that comes with an answer, good or bad, is the one of the next request; so a
/// server that has another one each time costs no retries but the first.
#[tokio::test]
async fn a_nonce_with_each_answer() {
    let app = App::start().await;
    app.nonces(Nonces::New);
    let session = app.session().await;
    session.refresh().await.unwrap();
    app.fake
        .next("call", [Canned::error(403, "InsufficientScope")]);
    assert_eq!(session.get("/xrpc/x").await.unwrap().status(), 403);
    session.refresh().await.unwrap();
    app.fake
        .next("token", [Canned::error(400, "invalid_request")]);
    session.refresh().await.unwrap_err();
    session.refresh().await.unwrap();
    session.logout().await.unwrap();
    let endpoints: Vec<_> = app
        .fake
        .all_seen()
        .iter()
        .map(|seen| seen.endpoint)
        .collect();
    let expected = [
        "par", "par", "token", "token", "call", "token", "token", "token", "revoke",
    ];
    assert_eq!(endpoints, expected);
    let proofs: Vec<_> = app
        .fake
        .all_seen()
        .iter()
        .map(crate::fake::Seen::proof)
        .collect();
    let ids: HashSet<_> = proofs
        .iter()
        .map(|claims| claims["jti"].to_string())
        .collect();
    assert_eq!(ids.len(), proofs.len());
}

/// Clauses C-DPOP-01 and C-DPOP-02: a server of resources asks with 401 and a challenge (RFC 9449 section
/// 9): the request goes again with its body, once, with a new `jti`.
#[tokio::test]
async fn a_nonce_for_a_call() {
    let app = App::start().await;
    let session = app.session().await;
    let demand = Canned::error(401, "AuthMissing")
        .header(
            "www-authenticate",
            "DPoP algs=\"ES256\", error=\"use_dpop_nonce\"",
        )
        .header("dpop-nonce", "of-the-resource");
    app.fake.next("call", [demand.clone()]);
    let body = json!({ "text": "hello" });
    let sent = body.to_string();
    let answer = session.post("/xrpc/x", &body).await.unwrap();
    assert_eq!(answer.status(), 200);
    let seen = app.fake.seen("call");
    assert_eq!(seen.len(), 2);
    assert!(seen.iter().all(|seen| seen.body == sent));
    assert_eq!(seen[1].proof()["nonce"], "of-the-resource");
    assert_ne!(seen[0].proof()["jti"], seen[1].proof()["jti"]);

    // The same nonce once more is no reason to try again, and no reason to refresh.
    let again = demand.header("dpop-nonce", "nonce");
    app.fake.next("call", [again]);
    assert_eq!(session.get("/xrpc/x").await.unwrap().status(), 401);
    assert_eq!((app.fake.count("call"), app.fake.count("token")), (3, 1));
}

/// Clause C-DPOP-02: a demand with an empty nonce, or with one of unbounded length: nothing to try again with.
#[tokio::test]
async fn demands_that_cannot_be_met() {
    let first = App::start().await;
    for nonce in ["", &"x".repeat(2000)] {
        let app = first.anew().await;
        let demand = Canned::error(400, "use_dpop_nonce").header("dpop-nonce", nonce);
        app.fake.next("par", [demand]);
        let error = app.refused_at_once("alice.test", nonce).await;
        assert!(matches!(error, ClientError::Refused { .. }), "{error}");
        // The usual demand, and this one.
        assert_eq!(app.fake.count("par"), 2);
    }
}
