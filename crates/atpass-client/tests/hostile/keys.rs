//! Apps with keys of their own: which one they use, what they say with it, and what they publish.

use std::collections::HashSet;

use atpass_client::{ClientConfig, ClientError, ClientKeyset, Dropping};
use atpass_fetch::{FetchConfig, Fetcher};
use atpass_protocol::jose::PrivateKey;
use atpass_protocol::random::SystemRandom;
use atpass_protocol::seal::SealingKeys;
use serde_json::Value;
use url::Url;

use crate::app::App;
use crate::fake::{Seen, part};

const ID: &str = "https://app.example.com/client.json";

async fn app(keys: &ClientKeyset) -> App {
    let callback = "https://app.example.com/callback";
    App::with(ClientConfig::confidential(ID, callback, "atproto", keys.clone()).unwrap()).await
}

/// Header and claims of a request's assertion.
fn assertion(seen: &Seen) -> (Value, Value) {
    let assertion = seen.field("client_assertion").unwrap();
    (part(&assertion, 0), part(&assertion, 1))
}

fn kid(seen: &Seen) -> String {
    assertion(seen).0["kid"].as_str().unwrap().to_owned()
}

/// Clauses C-PAR-01, C-REF-02, AS-AUTHN-02, AS-AUTHN-04 and AS-AUTHN-05: each request has an assertion of its
/// own, also the one that is sent again with a nonce: for the issuer, with an end, and with a new `jti`.
#[tokio::test]
async fn an_assertion_for_each_request() {
    let app = app(&ClientKeyset::generate().unwrap()).await;
    let session = app.session().await;
    session.refresh().await.unwrap();
    session.logout().await.unwrap();
    let seen = app.fake.all_seen();
    let endpoints: Vec<_> = seen.iter().map(|seen| seen.endpoint).collect();
    assert_eq!(endpoints, ["par", "par", "token", "token", "revoke"]);
    let mut ids = HashSet::new();
    for seen in &seen {
        let (header, claims) = assertion(seen);
        assert_eq!(header["alg"], "ES256");
        assert_eq!((&claims["iss"], &claims["sub"]), (&ID.into(), &ID.into()));
        assert_eq!(claims["aud"], app.fake.origin.as_str(), "not an endpoint");
        let life = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
        assert!((1..=300).contains(&life), "{life}");
        assert!(ids.insert(claims["jti"].to_string()), "used twice");
        assert!(claims["jti"].as_str().unwrap().len() >= 22);
        let kind = seen.field("client_assertion_type").unwrap();
        assert_eq!(
            kind,
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        );
    }
}

/// Clauses C-REF-02 and C-META-02: a session keeps the key with which it began, while new ones begin with
/// the new key; when the old one is gone, the session says so and the server isn't bothered.
#[tokio::test]
async fn each_session_keeps_its_key() {
    let old = ClientKeyset::new([(
        "old".into(),
        atpass_client::KeyState::Active,
        PrivateKey::generate().unwrap(),
    )])
    .unwrap();
    let both = old.add("new", PrivateKey::generate().unwrap()).unwrap();
    let app = app(&old).await;
    let first = app.session().await;
    app.client
        .replace_keys(both.clone(), Dropping::RefuseIfUsed)
        .await
        .unwrap();
    let turned = both.retire("old").unwrap();
    app.client
        .replace_keys(turned.clone(), Dropping::RefuseIfUsed)
        .await
        .unwrap();
    let second = app.session().await;
    app.fake.forget();
    first.refresh().await.unwrap();
    second.refresh().await.unwrap();
    let used: Vec<_> = app.fake.seen("token").iter().map(kid).collect();
    assert_eq!(used, ["old", "new"]);

    let gone = turned.retire("old").unwrap();
    let refused = app
        .client
        .replace_keys(gone.clone(), Dropping::RefuseIfUsed)
        .await;
    assert!(
        matches!(refused, Err(ClientError::Config(_))),
        "{refused:?}"
    );
    app.client
        .replace_keys(gone, Dropping::EvenIfUsed)
        .await
        .unwrap();
    app.fake.forget();
    let error = first.refresh().await.unwrap_err();
    assert!(
        matches!(&error, ClientError::KeyGone { kid } if kid == "old"),
        "{error}"
    );
    assert!(error.needs_login());
    assert_eq!(app.fake.count("token"), 0);
    second.refresh().await.unwrap();
}

/// Clauses C-REF-02 and C-META-02: an app that gave up its keys can't go on with the sessions that began
/// with them: it says so, and the server isn't bothered with a request that proves nothing.
#[tokio::test]
async fn an_app_without_keys_any_more() {
    let with_keys = app(&ClientKeyset::generate().unwrap()).await;
    let session = with_keys.session().await;
    let callback = "https://app.example.com/callback";
    let public = ClientConfig::web_public(ID, callback, "atproto").unwrap();
    let without = with_keys.and(with_keys.fake.clone(), public);
    let session = without.client.restore(session.key()).await.unwrap();
    let session = session.unwrap();
    with_keys.fake.forget();
    let error = session.refresh().await.unwrap_err();
    assert!(matches!(error, ClientError::KeyGone { .. }), "{error}");
    assert!(error.needs_login());
    assert_eq!(with_keys.fake.count("token"), 0);
    // Its own new sessions need none.
    without.session().await.refresh().await.unwrap();
}

/// Clause C-META-01: what is published has public members only, in the metadata document and over the
/// routes for axum apps, whatever keys the app was given; and the document says nothing that the app
/// didn't.
#[tokio::test]
async fn nothing_private_is_served() {
    let keys = ClientKeyset::generate().unwrap();
    let keys = keys.add("second", PrivateKey::generate().unwrap()).unwrap();
    let app = app(&keys).await;
    let document: Value = serde_json::from_str(&app.client.metadata_document().unwrap()).unwrap();
    assert!(document.get("client_uri").is_none());
    assert_eq!(document["dpop_bound_access_tokens"], true);

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let config = ClientConfig::from_public_url("https://app.example.com", "atproto", keys).unwrap();
    let served = App::with(config).await;
    let cookies = SealingKeys::parse(&SealingKeys::generate(&SystemRandom)).unwrap();
    let routes = atpass_client::axum::SignIn::new(served.client.clone(), cookies).unwrap();
    let router = routes.add_to(axum::Router::new());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let fetcher = Fetcher::new(FetchConfig::development()).unwrap();
    let get = async |path: &str| -> Value {
        fetcher.get_json(&origin.join(path).unwrap()).await.unwrap()
    };
    let jwks = get("/oauth/jwks.json").await;
    let metadata = get("/oauth/client-metadata.json").await;
    assert_eq!(
        metadata["jwks_uri"],
        "https://app.example.com/oauth/jwks.json"
    );
    for keys in [&jwks["keys"], &document["jwks"]["keys"]] {
        let keys = keys.as_array().unwrap();
        assert_eq!(keys.len(), 2);
        for key in keys {
            for private in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
                assert!(key.get(private).is_none(), "{private}");
            }
            assert!(key["x"].is_string() && key["kid"].is_string());
        }
    }
}

/// Clause C-META-01: each kind of client publishes what its servers need, and those that publish nothing
/// have no document.
#[test]
fn kinds_of_clients() {
    use atpass_client::ClientKind;
    let callback = "https://app.example.com/callback";
    let native = ClientConfig::native(ID, "com.example.app:/callback", "atproto").unwrap();
    let public = ClientConfig::web_public(ID, callback, "atproto").unwrap();
    let loopback = ClientConfig::loopback("http://127.0.0.1/callback", "atproto").unwrap();
    assert_eq!(
        (native.kind(), public.kind()),
        (ClientKind::Native, ClientKind::WebPublic)
    );
    let document = |config: &ClientConfig| -> Value {
        serde_json::from_str(&config.metadata_document().unwrap()).unwrap()
    };
    assert_eq!(document(&native)["application_type"], "native");
    assert_eq!(document(&public)["application_type"], "web");
    assert_eq!(document(&public)["token_endpoint_auth_method"], "none");
    assert_eq!(
        (loopback.kind(), loopback.metadata_document()),
        (ClientKind::Loopback, None)
    );
    for bad in [
        ClientConfig::native(ID, "myapp:/callback", "atproto"),
        ClientConfig::native(ID, "com.example:/callback", "atproto"),
        ClientConfig::web_public(ID, "http://127.0.0.1/callback", "atproto"),
        ClientConfig::web_public(ID, callback, "repo:*"),
        ClientConfig::web_public(
            "https://app.example.com:8443/client.json",
            callback,
            "atproto",
        ),
        ClientConfig::loopback("http://localhost/callback", "atproto"),
    ] {
        assert!(bad.is_err(), "{bad:?}");
    }
    // They would end up in the log.
    for bad in [
        "https://user:secret@app.example.com",
        "https://user@app.example.com",
        "https://:secret@app.example.com",
        "http://user:secret@localhost:8080",
    ] {
        let keys = ClientKeyset::generate().unwrap();
        let error = ClientConfig::from_public_url(bad, "atproto", keys).unwrap_err();
        assert!(error.to_string().contains("no password"), "{bad}: {error}");
    }
}
