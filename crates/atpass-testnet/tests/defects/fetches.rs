//! What is fetched for a client, and from where.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use http::{StatusCode, header};
use serde_json::{Value, json};

use crate::common::Signer;
use crate::push;
use crate::site::{CLIENT_ID, confidential, public, with};
use crate::web::{Web, assert_unusable, document};

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// An address of somebody's own network.
const PRIVATE: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));

fn good() -> Router {
    Router::new().fallback(async || document(200, &public()))
}

/// Clause AS-CLI-19: one address that isn't public is enough to refuse all, and the name isn't looked up
/// a second time for the connection. Loopback stands for the public internet here.
#[tokio::test(flavor = "multi_thread")]
async fn names_with_two_faces() {
    for addresses in [[LOOPBACK, PRIVATE], [PRIVATE, LOOPBACK]] {
        let web = Web::start(good()).await;
        web.internet
            .names
            .add_addresses("mixed.example.com", &addresses);
        let answer = push(&web.app("https://mixed.example.com/client.json"), &[]).await;
        assert_unusable(&answer, "not a public one", "mixed");
        assert_eq!(web.internet.asked(), [""; 0]);
    }
    let web = Web::start(good()).await;
    // The second answer to the same question.
    web.internet
        .names
        .add_addresses("app.example.com", &[PRIVATE]);
    let answer = push(&web.app(CLIENT_ID), &[]).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    let asked = web.internet.names.asked();
    let look_ups = asked.iter().filter(|line| *line == "A app.example.com");
    assert_eq!(look_ups.count(), 1, "{asked:?}");
}

/// A good document of the client at this path.
fn document_at(path: &str) -> Value {
    let id = format!("https://app.example.com{path}");
    with(public(), "client_id", id.into())
}

/// Clauses AS-CLI-02, AS-CLI-19: redirects aren't followed, wherever they lead.
#[tokio::test(flavor = "multi_thread")]
async fn redirects() {
    // The path has the status, and the place that is redirected to.
    let site = Router::new().fallback(async |request: Request| {
        let path = request.uri().path();
        let Some((status, to)) = path.trim_start_matches('/').split_once('/') else {
            return document(200, &document_at(path));
        };
        let mut response = document(status.parse().unwrap(), &document_at(path));
        let to = match to {
            "public" => "https://app.example.com/good.json",
            "private" => "https://10.0.0.1/client.json",
            _ => "http://169.254.169.254/latest/meta-data/",
        };
        let headers = response.headers_mut();
        headers.insert(header::LOCATION, to.parse().unwrap());
        response
    });
    let web = Web::start(site).await;
    let mut asked = Vec::new();
    for status in [300, 301, 302, 303, 307, 308] {
        for to in ["public", "private", "local"] {
            let id = format!("https://app.example.com/{status}/{to}");
            let answer = push(&web.app(&id), &[]).await;
            assert_unusable(&answer, "redirects", &id);
            asked.push(format!("GET {id}"));
        }
    }
    assert_eq!(web.internet.asked(), asked);
}

/// Clause AS-CLI-02: 200 and nothing else, JSON and nothing else, though a good document comes with it.
#[tokio::test(flavor = "multi_thread")]
async fn other_answers() {
    let kinds = ["text/html", "text/plain", "application/ld+json", "*/*", ""];
    let site = Router::new().fallback(async move |request: Request| {
        let path = request.uri().path();
        let number: u16 = path.trim_start_matches('/').parse().unwrap();
        if let Some(kind) = kinds.get(usize::from(number)) {
            let mut response = document(200, &document_at(path));
            let kind = kind.parse().unwrap();
            response.headers_mut().insert(header::CONTENT_TYPE, kind);
            return response;
        }
        document(number, &document_at(path))
    });
    let web = Web::start(site).await;
    let mut app = web.app("https://app.example.com/200");
    let answer = push(&app, &[]).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    for status in [201, 202, 203, 206, 207, 226, 400, 404, 500] {
        app.client_id = format!("https://app.example.com/{status}");
        let reason = format!("status {status}");
        assert_unusable(&push(&app, &[]).await, &reason, &reason);
    }
    for (number, kind) in kinds.iter().enumerate() {
        app.client_id = format!("https://app.example.com/{number}");
        assert_unusable(&push(&app, &[]).await, "content type", kind);
    }
}

/// Clauses AS-CLI-02, AS-CLI-19: what is too long is left off where it gets too long, however long it goes
/// on; and what drips ends with its time.
#[tokio::test(flavor = "multi_thread")]
async fn bodies_without_end() {
    const PIECE: usize = 8192;
    let sent = Arc::new(AtomicUsize::new(0));
    let counter = sent.clone();
    let endless = move || {
        let counter = counter.clone();
        let pieces = futures::stream::repeat_with(move || {
            counter.fetch_add(PIECE, Ordering::Relaxed);
            Ok::<_, Infallible>(Bytes::from_static(&[b' '; PIECE]))
        });
        // A gigabyte, if anybody takes it.
        Body::from_stream(pieces.take((1 << 30) / PIECE))
    };
    let dripping = || {
        let start = futures::stream::iter(["{", "\"client_id\""]);
        let start = start.map(Ok::<_, Infallible>);
        Body::from_stream(start.chain(futures::stream::pending()))
    };
    let json = || [(header::CONTENT_TYPE, "application/json")];
    let site = Router::new().fallback(async move || (json(), endless()));
    Web::start(site.clone())
        .await
        .assert_unusable("longer than", "a gigabyte")
        .await;
    let taken = sent.load(Ordering::Relaxed);
    assert!(taken < 16 << 20, "{taken} bytes were taken");
    let site = Router::new().fallback(async move || (json(), dripping()));
    let deadline = Duration::from_millis(400);
    Web::configured(site, |fetch| fetch.total_timeout = deadline)
        .await
        .assert_unusable("no answer in time", "drops")
        .await;
    let site = Router::new().fallback(async move || {
        let bomb = [(header::CONTENT_ENCODING, "gzip")];
        (json(), bomb, vec![0x1f, 0x8b, 8, 0])
    });
    let web = Web::start(site).await;
    web.assert_unusable("compressed", "a bomb").await;
}

/// Clauses AS-CLI-08, AS-CLI-19: keys at a URL of their own are fetched as carefully as the document.
#[tokio::test(flavor = "multi_thread")]
async fn keys_elsewhere() {
    let signer = Signer::new("k1");
    let mut private = signer.jwk();
    private["d"] = json!("AAAA");
    let (public_keys, private_keys) = (
        json!({ "keys": [signer.jwk()] }),
        json!({ "keys": [private] }),
    );
    for (uri, reason) in [
        ("https://10.0.0.1/jwks.json", "jwks_uri"),
        ("https://169.254.169.254/?localhost", "jwks_uri"),
        ("https://[fd00::1]/jwks.json", "jwks_uri"),
        ("https://inside.example.com/jwks.json", "not a public one"),
        ("http://keys.example.net/jwks.json", "jwks_uri"),
        ("https://keys.example.net/moved", "redirects"),
        ("https://keys.example.net/part", "status 206"),
        ("https://keys.example.net/long", "longer than"),
        ("https://keys.example.net/private", "private"),
        ("https://keys.example.net/jwks.json", ""),
    ] {
        let mut client = confidential(&[]);
        client.as_object_mut().unwrap().remove("jwks");
        client["jwks_uri"] = uri.into();
        let (public_keys, private_keys) = (public_keys.clone(), private_keys.clone());
        let site = Router::new().fallback(async move |request: Request| -> Response {
            match request.uri().path() {
                "/client.json" => document(200, &client),
                "/moved" => {
                    let to = [(header::LOCATION, "https://keys.example.net/jwks.json")];
                    (StatusCode::FOUND, to).into_response()
                }
                "/part" => document(206, &public_keys),
                "/long" => document(200, &json!("x".repeat(1 << 20))),
                "/private" => document(200, &private_keys),
                _ => document(200, &public_keys),
            }
        });
        let web = Web::start(site).await;
        let names = &web.internet.names;
        names.add_addresses("inside.example.com", &[PRIVATE]);
        let mut app = web.app(CLIENT_ID);
        app.signer = Some(signer.clone());
        let answer = push(&app, &[]).await;
        if reason.is_empty() {
            assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
        } else {
            assert_unusable(&answer, reason, uri);
            let asked = web.internet.asked();
            assert!(asked.len() <= 2, "{asked:?}");
        }
    }
}

/// Clause AS-CLI-19: a document comes over TLS from the host that is named, or not at all.
#[tokio::test(flavor = "multi_thread")]
async fn certificates() {
    let stranger = Web::configured(good(), |fetch| fetch.root_certificates.clear()).await;
    stranger
        .assert_unusable("no secure connection", "an authority that nobody trusts")
        .await;
    assert_eq!(stranger.internet.asked(), [""; 0]);

    let web = Web::start(good()).await;
    let names = &web.internet.names;
    names.add_addresses("other.example.com", &[LOOPBACK]);
    let app = web.app("https://other.example.com/client.json");
    let answer = push(&app, &[]).await;
    assert_unusable(&answer, "no secure connection", "another's certificate");
    assert_eq!(web.internet.asked(), [""; 0]);
}
