//! Servers that keep to the protocol, and what they are sent.

use std::collections::HashSet;

use atpass_client::{ClientConfig, LoginOptions};
use atpass_protocol::id::RedirectUri;
use serde_json::json;

use crate::app::App;
use crate::fake::{ALICE, part};

/// Clauses C-DPOP-01, C-DPOP-02, C-TOK-02, C-PAR-01: the good case, and what it sends.
#[tokio::test]
async fn a_good_server_is_enough() {
    let app = App::start().await;
    let session = app.finish(" @Alice.test").await.unwrap();
    assert_eq!(session.did().as_str(), ALICE);
    let seen = app.fake.all_seen();
    let endpoints: Vec<_> = seen.iter().map(|seen| seen.endpoint).collect();
    assert_eq!(endpoints, ["par", "par", "token"], "PAR again with a nonce");
    let proofs: Vec<_> = seen.iter().map(crate::fake::Seen::proof).collect();
    assert!(
        proofs[0].get("nonce").is_none(),
        "an unknown nonce is no empty one"
    );
    let ids: HashSet<_> = proofs
        .iter()
        .map(|claims| claims["jti"].as_str().unwrap())
        .collect();
    assert_eq!(
        ids.len(),
        3,
        "each proof has its own jti, the repeated one too"
    );
    assert!(ids.iter().all(|jti| jti.len() >= 22), "128 bits: {ids:?}");
    let urls = ["par", "par", "token"].map(|name| format!("{}/oauth/{name}", app.fake.origin));
    assert!(proofs.iter().map(|claims| &claims["htu"]).eq(&urls));
    let request = &seen[0];
    assert_eq!(
        request.field("login_hint").as_deref(),
        Some("@Alice.test"),
        "as typed"
    );
    assert_eq!(
        request.field("code_challenge_method").as_deref(),
        Some("S256")
    );
    assert_eq!(request.field("scope").as_deref(), Some("atproto"));
}

/// Clause C-PAR-02: state, verifier and key are new for each login, and nothing can be read from a state.
#[tokio::test]
async fn nothing_is_used_for_two_logins() {
    let app = App::start().await;
    let mut all = HashSet::new();
    for round in 1..=5 {
        app.fake.forget();
        let login = app.client.login("alice.test").await.unwrap();
        app.client.callback(&app.query(&login)).await.unwrap();
        let request = app.fake.seen("par").pop().unwrap();
        assert!(request.field("code_verifier").is_none());
        let state = request.field("state").unwrap();
        assert_eq!(state, login.state.as_str());
        assert_eq!(state.len(), 43, "256 random bits and nothing else");
        let verifier = app.fake.seen("token")[0].field("code_verifier").unwrap();
        let jwk = part(request.headers["dpop"].to_str().unwrap(), 0)["jwk"].to_string();
        all.extend([
            state,
            request.field("code_challenge").unwrap(),
            verifier,
            jwk,
        ]);
        assert_eq!(all.len(), round * 4);
    }
}

/// Clauses C-CB-02 and C-DPOP-04: the token request repeats the redirect URI, and each session has
/// a key of its own, the same from its first request to its last, whose private part is sent nowhere.
#[tokio::test]
async fn one_redirect_uri_and_one_key() {
    let app = App::start().await;
    let mut keys = HashSet::new();
    for _ in 0..3 {
        app.fake.forget();
        let session = app.session().await;
        session.refresh().await.unwrap();
        session.get("/xrpc/x").await.unwrap();
        let own: HashSet<_> = app
            .fake
            .all_seen()
            .iter()
            .map(|seen| {
                let jwk = part(seen.headers["dpop"].to_str().unwrap(), 0)["jwk"].clone();
                assert!(jwk["d"].is_null());
                jwk.to_string()
            })
            .collect();
        assert_eq!(own.len(), 1, "one key from PAR to refresh");
        keys.extend(own);
    }
    assert_eq!(keys.len(), 3, "and another for each session");
}

/// Clause C-CB-02: of several redirect URIs it is the one that the login asked for, in both requests.
#[tokio::test]
async fn another_redirect_uri_than_the_first() {
    let config = ClientConfig::web_public(
        "https://app.example.com/client.json",
        "https://app.example.com/first",
        "atproto",
    );
    let second = "https://app.example.com/second";
    let app = App::with(config.unwrap().also_redirects_to(second).unwrap()).await;
    let options = LoginOptions::default().redirect_uri(RedirectUri::parse(second).unwrap());
    let login = app.client.login_with("alice.test", options).await.unwrap();
    app.client.callback(&app.query(&login)).await.unwrap();
    for seen in app.fake.all_seen() {
        assert_eq!(seen.field("redirect_uri").as_deref(), Some(second));
    }
}

/// Clauses ID-DISC-02 and C-TOK-02: a server needn't know the transitional scopes, its issuer may have a
/// port (as the fake one's has), and members that nobody knows are no obstacle.
#[tokio::test]
async fn servers_may_know_little_or_more() {
    let app = App::start().await;
    app.fake.set(|script| {
        script.metadata = json!({
            "scopes_supported": ["atproto"],
            "prompt_values_supported": null,
            "revocation_endpoint": null,
            "a_member_of_tomorrow": { "x": [1] },
        });
        script.token["a_member_of_tomorrow"] = json!(["x"]);
    });
    let session = app.session().await;
    session.refresh().await.unwrap();
    // Without an endpoint for it there is nothing to revoke.
    session.logout().await.unwrap();
    assert!(app.client.sessions().await.unwrap().is_empty());
    assert_eq!(app.fake.count("revoke"), 0);
}
