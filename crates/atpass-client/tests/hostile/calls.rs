//! Calls with a session.

use atpass_client::ClientError;
use bytes::Bytes;
use http::Request;

use crate::app::App;
use crate::fake::{Fake, Nonces};

/// Clause C-DPOP-01: `htu` is the URL without query and fragment, `ath` the hash of the token, and each
/// proof has its own `jti`.
#[tokio::test]
async fn proofs_of_calls() {
    let app = App::start().await;
    let session = app.session().await;
    let origin = app.fake.origin.as_str();
    let paths = [
        "/xrpc/x",
        "/xrpc/x?a=b&c=%2F",
        "/xrpc/x?",
        "/xrpc/x?a=b#c",
        "/xrpc/a%20b",
    ];
    for path in paths {
        session.get(path).await.unwrap();
        session.get(&format!("{origin}{path}")).await.unwrap();
    }
    let seen = app.fake.seen("call");
    assert_eq!(seen.len(), 2 * paths.len());
    assert_eq!(
        seen[2].uri, "/xrpc/x?a=b&c=%2F",
        "the request itself keeps its query"
    );
    let hash = data_encoding::BASE64URL_NOPAD
        .encode(&atpass_protocol::secret::Secret::new("at-1").sha256());
    let mut ids = std::collections::HashSet::new();
    for seen in &seen {
        let claims = seen.proof();
        let htu = claims["htu"].as_str().unwrap();
        assert!(
            htu == format!("{origin}/xrpc/x") || htu == format!("{origin}/xrpc/a%20b"),
            "{htu}"
        );
        assert_eq!(claims["htm"], "GET");
        assert_eq!(claims["ath"], hash);
        assert!(ids.insert(claims["jti"].to_string()));
        assert_eq!(seen.headers["authorization"], "DPoP at-1");
    }
}

/// Clause C-DPOP-02: each server's nonce is for that server: neither does another one get it, nor does
/// its own take its place.
#[tokio::test]
async fn nonces_of_two_servers() {
    let app = App::start().await;
    let session = app.session().await;
    let other = Fake::start().await;
    other.set(|script| script.nonces = Nonces::New);
    session.get(&other.origin.at("/xrpc/x")).await.unwrap();
    let seen = other.seen("call");
    assert!(seen[0].proof().get("nonce").is_none(), "none is known yet");
    assert_eq!(
        (seen.len(), seen[1].proof()["nonce"].as_str()),
        (2, Some("nonce-1"))
    );
    session.get("/xrpc/x").await.unwrap();
    assert_eq!(app.fake.seen("call")[0].proof()["nonce"], "nonce");
}

/// What can't be sent is an error, and stops nothing.
#[tokio::test]
async fn requests_that_cannot_be_sent() {
    let app = App::start().await;
    let session = app.session().await;
    for uri in [
        "*",
        "example.com:443",
        "ftp://x.example/",
        "http://192.0.2.1/",
        "https://u:p@x.example/",
    ] {
        let request = Request::get(uri).body(Bytes::new()).unwrap();
        let error = session.request(request).await.unwrap_err();
        let known = matches!(error, ClientError::Request(_) | ClientError::Fetch { .. });
        assert!(known, "{uri}: {error}");
    }
    assert!(matches!(
        session.get("no path").await,
        Err(ClientError::Request(_))
    ));
}
