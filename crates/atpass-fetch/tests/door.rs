//! The door against a real server on this machine (clauses ID-NET-01, ID-NET-02).
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use atpass_fetch::{FetchConfig, FetchError, Fetcher, Stage};
use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{StatusCode, header};
use serde_json::Value;
use url::Url;

const JSON: [(header::HeaderName, &str); 1] =
    [(header::CONTENT_TYPE, "application/json; charset=utf-8")];

struct Server {
    port: u16,
    requests: Arc<AtomicUsize>,
}

async fn server() -> Server {
    let requests = Arc::new(AtomicUsize::new(0));
    let counter = requests.clone();
    let app = Router::new()
        .route("/good", get(|| async { (JSON, r#"{"a":1}"#) }))
        .route("/bad-json", get(|| async { (JSON, "{\"a\":") }))
        .route(
            "/html",
            get(|| async { ([(header::CONTENT_TYPE, "text/html")], "<p>") }),
        )
        .route(
            "/forbidden",
            get(|| async {
                (
                    StatusCode::FORBIDDEN,
                    [(header::CONTENT_TYPE, "text/html")],
                    "<p>",
                )
            }),
        )
        .route(
            "/partial",
            get(|| async { (StatusCode::PARTIAL_CONTENT, JSON, "{}") }),
        )
        .route("/empty", get(|| async { StatusCode::NO_CONTENT }))
        .route(
            "/moved",
            get(|| async { (StatusCode::FOUND, [(header::LOCATION, "/good")]) }),
        )
        .route("/long", get(|| async { (JSON, "x".repeat(1_000_000)) }))
        .route("/slow", get(never_ending))
        .layer(axum::middleware::from_fn(
            move |request: axum::extract::Request, next: axum::middleware::Next| {
                counter.fetch_add(1, Ordering::SeqCst);
                next.run(request)
            },
        ));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, app).await });
    Server { port, requests }
}

async fn never_ending() -> Response {
    let pieces = futures::stream::unfold(0, |n| async move {
        if n > 0 {
            std::future::pending::<()>().await;
        }
        Some((Ok::<_, std::convert::Infallible>("{"), n + 1))
    });
    (
        [(header::CONTENT_TYPE, "application/json")],
        Body::from_stream(pieces),
    )
        .into_response()
}

async fn get_json(fetcher: &Fetcher, url: &str) -> Result<Value, FetchError> {
    fetcher.get_json(&Url::parse(url).unwrap()).await
}

#[tokio::test]
async fn only_a_plain_good_answer_is_taken() {
    let server = server().await;
    let config = FetchConfig {
        total_timeout: Duration::from_millis(500),
        ..FetchConfig::development()
    };
    let fetcher = Fetcher::new(config).unwrap();
    let base = format!("http://127.0.0.1:{}", server.port);
    assert_eq!(
        get_json(&fetcher, &format!("{base}/good?x=secret"))
            .await
            .unwrap()["a"],
        1
    );
    for (path, stage) in [
        ("/bad-json", "json"),
        ("/html", "content_type"),
        ("/forbidden", "status"),
        ("/partial", "status"),
        ("/empty", "status"),
        ("/moved", "redirect"),
        ("/long", "too_large"),
        ("/slow", "timeout"),
        ("/nowhere", "status"),
    ] {
        let error = get_json(&fetcher, &format!("{base}{path}?x=secret"))
            .await
            .unwrap_err();
        assert_eq!(error.stage.name(), stage, "{error}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
    let closed = get_json(&fetcher, "http://127.0.0.1:1/").await.unwrap_err();
    assert_eq!(closed.stage.name(), "connect");
    assert!(closed.is_transient());
}

/// Every spelling of an address of this machine is refused before a connection is made.
#[tokio::test]
async fn nothing_private_is_reached_by_default() {
    let server = server().await;
    let port = server.port;
    let strict = Fetcher::new(FetchConfig::default()).unwrap();
    let loopback_only = Fetcher::new(FetchConfig {
        allow_loopback: true,
        ..FetchConfig::default()
    })
    .unwrap();
    for host in [
        "127.0.0.1",
        "localhost",
        "127.1",
        "0x7f000001",
        "2130706433",
        "0177.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "a.localhost",
        "localhost.",
        "0.0.0.0",
        "169.254.169.254",
        "10.0.0.1",
        "[fd00::1]",
    ] {
        let error = get_json(&strict, &format!("https://{host}:{port}/good"))
            .await
            .unwrap_err();
        assert_eq!(error.stage, Stage::AddressNotPublic, "{host}");
        assert!(
            get_json(&strict, &format!("http://{host}:{port}/good"))
                .await
                .is_err(),
            "{host}"
        );
    }
    let plain = get_json(&loopback_only, &format!("http://127.0.0.1:{port}/good"))
        .await
        .unwrap_err();
    assert_eq!(plain.stage.name(), "url");
    let development = Fetcher::new(FetchConfig::development()).unwrap();
    let public = get_json(&development, "http://example.com/")
        .await
        .unwrap_err();
    assert_eq!(
        public.stage.name(),
        "url",
        "plain http stays on this machine"
    );
    let credentials = get_json(&development, &format!("http://u:p@127.0.0.1:{port}/good"))
        .await
        .unwrap_err();
    assert_eq!(credentials.stage.name(), "url");
    assert_eq!(server.requests.load(Ordering::SeqCst), 0);
}
