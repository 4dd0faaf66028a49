//! The resource server.

use atpass_protocol::jose::PrivateKey;
use atpass_protocol::time::Clock;
use atpass_provider::store::Store;
use bytes::Bytes;
use data_encoding::BASE64URL_NOPAD;
use futures::future::join_all;
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};

use crate::common::{App, Lab, Tokens};

const SESSION: &str = "/xrpc/com.atproto.server.getSession";

/// Clauses RS-DPOP-03, RS-ERR-02: giving out nonces costs nothing, so that neither many callers nor a
/// flood of strangers keeps anybody from one.
#[tokio::test(flavor = "multi_thread")]
async fn a_flood_in_one_second() {
    let lab = Lab::start().await;
    let app = lab.app();
    let tokens = app.login().await;
    let strangers = (0..300).map(|_| async {
        let request = Request::get(format!("{}{SESSION}", app.origin)).body(Bytes::new());
        let answer = app.send(request.unwrap()).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert!(!answer.header("dpop-nonce").is_empty());
    });
    join_all(strangers).await;
    let calls = (0..200).map(|_| app.get_session(&tokens.access));
    for answer in join_all(calls).await {
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        assert!(!answer.header("dpop-nonce").is_empty());
    }
}

/// A token narrowed to this scope.
async fn narrowed(app: &App, tokens: &Tokens, scope: &str) -> Tokens {
    let pairs = [
        ("grant_type", "refresh_token"),
        ("client_id", app.client_id.as_str()),
        ("refresh_token", &tokens.refresh),
        ("scope", scope),
    ];
    Tokens::of(&app.post("/oauth/token", &pairs).await)
}

/// Clauses RS-SCOPE-01, RS-ERR-01: every method looks at the scope, not only some.
#[tokio::test(flavor = "multi_thread")]
async fn each_method_enforces_its_scope() {
    let lab = Lab::start().await;
    let app = lab.app();
    let whole = app.login().await;
    let small = narrowed(&app, &whole, "atproto").await;
    let repo = lab.network.accounts[0].did.as_str();
    let collection = "app.example.note";
    let record = json!({"$type": collection, "text": "x"});
    let create = json!({"repo": repo, "collection": collection, "rkey": "a", "record": record});
    let delete = json!({"repo": repo, "collection": collection, "rkey": "a"});
    let service = |lxm: &str| {
        format!("/xrpc/com.atproto.server.getServiceAuth?aud=did:web:api.example.com&lxm={lxm}")
    };
    let (feed, chat) = (
        service("app.bsky.feed.getTimeline"),
        service("chat.bsky.convo.getLog"),
    );
    for (method, path, body, with_generic) in [
        (
            Method::POST,
            "/xrpc/com.atproto.repo.createRecord",
            Some(&create),
            StatusCode::OK,
        ),
        (
            Method::POST,
            "/xrpc/com.atproto.repo.deleteRecord",
            Some(&delete),
            StatusCode::OK,
        ),
        (Method::GET, &feed, None, StatusCode::OK),
        (Method::GET, &chat, None, StatusCode::FORBIDDEN),
    ] {
        let call = async |token: &str| app.call(method.clone(), path, token, body).await;
        let refused = call(&small.access).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{path}");
        assert_eq!(refused.error(), "insufficient_scope", "{path}");
        let answer = call(&whole.access).await;
        assert_eq!(answer.status, with_generic, "{path}: {}", answer.text());
    }
    for tokens in [&small, &whole] {
        let session = app.get_session(&tokens.access).await;
        assert_eq!(session.status, StatusCode::OK);
        assert!(session.json().get("email").is_none(), "never asked for");
    }
}

/// Clauses RS-TOK-02, RS-TOK-04: who issued a token, and for whom, is compared letter by letter.
#[tokio::test(flavor = "multi_thread")]
async fn nearly_the_right_issuer() {
    let lab = Lab::start().await;
    let app = lab.app();
    let good = app.login().await.access;
    let keys = lab.network.store().signing_keys().await.unwrap();
    let server_key = PrivateKey::from_pkcs8(&keys[0].pkcs8).unwrap();
    let mut parts = good
        .split('.')
        .map(|part| BASE64URL_NOPAD.decode(part.as_bytes()).unwrap());
    let mut read = || -> Value { serde_json::from_slice(&parts.next().unwrap()).unwrap() };
    let (header, claims) = (read(), read());
    let sign = |member: &str, value: Value| {
        let mut claims = claims.clone();
        claims[member] = value;
        server_key.sign_compact(&header, &claims).unwrap()
    };
    let same = sign("jti", claims["jti"].clone());
    assert_eq!(app.get_session(&same).await.status, StatusCode::OK);
    let (issuer, audience) = (lab.network.issuer.as_str(), "did:web:localhost");
    for (member, value) in [
        ("iss", json!(format!("{issuer}/"))),
        ("iss", json!(format!("{issuer}//"))),
        ("iss", json!(issuer.to_uppercase())),
        ("iss", json!(issuer.replace("localhost", "127.0.0.1"))),
        ("iss", json!([issuer])),
        ("aud", json!(issuer)),
        ("aud", json!(format!("{audience}#atproto_pds"))),
        ("aud", json!(format!("{audience}.example.com"))),
        ("aud", json!([audience, "did:web:other.example.com"])),
        ("aud", json!("")),
        ("exp", json!(lab.clock.now())),
        ("scope", json!("transition:generic")),
    ] {
        let token = sign(member, value.clone());
        let answer = app.get_session(&token).await;
        assert_eq!(answer.error(), "invalid_token", "{member} {value}");
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    }
}
