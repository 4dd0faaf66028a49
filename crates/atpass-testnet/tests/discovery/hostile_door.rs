//! Hostile hosts behind good names: what they send, and what lies behind their names.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use atpass_fetch::{FetchConfig, Fetcher};
use atpass_identity::IdentityError;
use atpass_testnet::Internet;
use axum::Router;
use http::header;
use serde_json::json;
use url::Url;

use super::row::label;
use super::scene::{Content, DID, Reply, Scene, document, resource, service, with};

/// Clause ID-NET-02: each refused with its stage, within its deadline.
#[tokio::test]
async fn bodies() {
    let good = || Reply::json(&resource());
    let padded = format!("{}{}", resource(), " ".repeat(600 * 1024));
    let bomb = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1, 0];
    let rows = [
        (
            "too large, said beforehand",
            Reply::text("application/json", padded),
            "too_large",
        ),
        ("endless", good().body(Content::Endless), "too_large"),
        (
            "stuck in the middle",
            good().body(Content::Stuck),
            "timeout",
        ),
        ("no answer", good().body(Content::Silent), "timeout"),
        (
            "gzip that nobody asked for",
            Reply::text("application/json", bomb.clone()).header(header::CONTENT_ENCODING, "gzip"),
            "content_encoding",
        ),
        (
            "brotli",
            Reply::text("application/json", bomb.clone()).header(header::CONTENT_ENCODING, "br"),
            "content_encoding",
        ),
        (
            "a coding of its own",
            good().header(header::CONTENT_ENCODING, "identity, x-own"),
            "content_encoding",
        ),
        (
            "gzip that isn't announced",
            Reply::text("application/json", bomb),
            "json",
        ),
        (
            "not UTF-8",
            Reply::text("application/json", vec![b'"', 0xff, b'"']),
            "json",
        ),
        (
            "UTF-16",
            Reply::text(
                "application/json; charset=utf-16",
                vec![0xff, 0xfe, b'{', 0, b'}', 0],
            ),
            "json",
        ),
        ("empty", Reply::text("application/json", ""), "json"),
        (
            "two documents",
            Reply::text("application/json", "{}{}"),
            "json",
        ),
        (
            "the same member twice",
            Reply::text(
                "application/json",
                r#"{"authorization_servers":["https://auth.example.org"],"authorization_servers":["https://evil.example.com"]}"#,
            ),
            "json",
        ),
        ("300", good().status(300), "redirect"),
        (
            "304",
            Reply {
                body: Content::Whole("".into()),
                ..good()
            }
            .status(304),
            "redirect",
        ),
        ("418", good().status(418), "status"),
        ("503", good().status(503), "status"),
    ];
    for (name, reply, stage) in rows {
        let scene = Scene {
            resource: reply,
            ..Scene::default()
        };
        let error = scene.start().await.discover(DID).await.expect_err(name);
        assert_eq!(
            label(&error),
            format!("resource: {stage}"),
            "{name}: {error}"
        );
        println!("ID-NET-02   {name:<34} {error}");
    }
}

/// Discovers an account whose PDS is at this origin, and fails.
async fn fail_at(endpoint: &str) -> IdentityError {
    let scene = Scene {
        document: Reply::json(&with(document(), "/service/0/serviceEndpoint", endpoint)),
        ..Scene::default()
    };
    let stage = scene.start().await;
    let here = [IpAddr::V4(Ipv4Addr::LOCALHOST)];
    stage
        .internet
        .names
        .add_addresses("other.example.com", &here);
    stage.discover(DID).await.unwrap_err()
}

/// Clause C-NET-01: TLS with a name and a root that are trusted, or nothing.
#[tokio::test]
async fn connections() {
    let other = Internet::start([("pds.example.com", Router::new())])
        .await
        .unwrap();
    let (other_port, closed) = (other.port(), free_port());
    let plain = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let plain_port = plain.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(plain, Router::new()).await });
    let mute = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mute_port = mute.local_addr().unwrap().port();
    for (name, endpoint, stage) in [
        (
            "an authority that nobody trusts",
            format!("https://pds.example.com:{other_port}"),
            "tls",
        ),
        (
            "a certificate for another name",
            "https://other.example.com".to_owned(),
            "tls",
        ),
        (
            "no TLS at all",
            format!("https://pds.example.com:{plain_port}"),
            "tls",
        ),
        (
            "a closed port",
            format!("https://pds.example.com:{closed}"),
            "connect",
        ),
        (
            "a port that takes connections and says nothing",
            format!("https://pds.example.com:{mute_port}"),
            "timeout",
        ),
        (
            "no such name",
            "https://nowhere.example.com".to_owned(),
            "dns",
        ),
    ] {
        let error = fail_at(&endpoint).await;
        assert_eq!(
            label(&error),
            format!("resource: {stage}"),
            "{name}: {error}"
        );
        println!("C-NET-01    {name:<48} {error}");
    }
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Clause ID-NET-02: a host that is asked for too much at once isn't asked for more.
#[tokio::test]
async fn one_bound_per_host() {
    let scene = Scene {
        resource: Reply::json(&resource()).body(Content::Silent),
        ..Scene::default()
    };
    let stage = scene.start().await;
    let config = FetchConfig {
        per_host: 2,
        total_timeout: Duration::from_hours(1),
        ..stage.internet.fetch_config()
    };
    let fetcher = Fetcher::new(config).unwrap();
    let silent =
        Url::parse("https://pds.example.com/.well-known/oauth-protected-resource").unwrap();
    let asks = (0..8).map(|_| fetcher.get(&silent, "*/*"));
    let asks = futures::future::join_all(asks);
    // Other hosts go on answering meanwhile, one question after the other.
    let others = async {
        let other = Url::parse("https://auth.example.org/").unwrap();
        let count = || {
            let asked = stage.internet.asked();
            asked.iter().filter(|line| line.contains("pds.")).count()
        };
        while count() < 2 {
            fetcher.get(&other, "*/*").await.unwrap();
        }
        for _ in 0..20 {
            fetcher.get(&other, "*/*").await.unwrap();
        }
        assert_eq!(count(), 2, "{:?}", stage.internet.asked());
    };
    tokio::select! {
        _ = asks => panic!("the host never answers"),
        () = others => {}
    }
}

/// A document that is good for one PDS says nothing about another.
#[tokio::test]
async fn a_pds_that_speaks_for_another() {
    let scene = Scene {
        document: Reply::json(&with(
            document(),
            "/service",
            json!([service("https://auth.example.org")]),
        )),
        server_as_resource: Some(Reply::json(&resource())),
        ..Scene::default()
    };
    let error = scene.start().await.discover(DID).await.unwrap_err();
    assert_eq!(label(&error), "bad resource", "{error}");
}
