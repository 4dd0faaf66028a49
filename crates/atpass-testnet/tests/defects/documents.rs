//! What a client's document says, and what its id may be.

use axum::Router;
use http::StatusCode;
use serde_json::{Value, json};

use crate::common::Signer;
use crate::push;
use crate::site::{CLIENT_ID, World, confidential, public, serves, with};
use crate::web::{Web, assert_unusable, document};

/// Clauses AS-CLI-01, AS-CLI-19: an id is a URL with a public name. A word in it that reminds of this
/// machine is no permission, and nothing is fetched.
#[tokio::test(flavor = "multi_thread")]
async fn ids_that_lead_inside() {
    let site = Router::new().fallback(async || document(200, &public()));
    let web = Web::start(site).await;
    for id in [
        "http://169.254.169.254/?localhost",
        "http://169.254.169.254/localhost",
        "http://169.254.169.254/?127.0.0.1",
        "http://app.example.com/localhost",
        "http://localhost@app.example.com/client.json",
        "http://localhost.app.example.com/client.json",
        "http://127.0.0.1.app.example.com/client.json",
        "http://localhost#@app.example.com/client.json",
        "http://localhost\\@app.example.com/client.json",
        "https://169.254.169.254/?localhost",
        "https://169.254.169.254/client.json",
        "https://10.0.0.1/client.json",
        "https://0xa.1/client.json",
        "https://012.0.0.1/client.json",
        "https://[fd00::1]/client.json",
        "https://[::ffff:10.0.0.1]/client.json",
        "https://app.example.com@10.0.0.1/client.json",
        "https://app.example.com:22/client.json",
        "https://app.localhost/client.json",
        "https://app.example.com./client.json",
        "file:///etc/hostname",
    ] {
        let answer = push(&web.app(id), &[]).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{id}");
        assert_eq!(answer.error(), "invalid_client", "{id}");
    }
    assert_eq!(web.internet.asked(), [""; 0]);
    let names = web.internet.names.asked();
    assert!(names.is_empty(), "{names:?}");
}

/// Clause AS-CLI-03: a document speaks for the URL at which it lies, and says so in the same letters.
#[tokio::test(flavor = "multi_thread")]
async fn documents_of_nobody_or_another() {
    let mut nobody = public();
    nobody.as_object_mut().unwrap().remove("client_id");
    let mut documents = vec![nobody];
    for id in [
        json!(null),
        json!(""),
        json!([CLIENT_ID]),
        json!("https://app.example.com/"),
        json!("https://app.example.com/client.json?"),
        json!("https://app.example.com/client.json#"),
        json!("https://APP.example.com/client.json"),
        json!("https://app.example.com:443/client.json"),
        json!("https://app.example.com/Client.json"),
        json!("https://evil.example.net/client.json"),
        json!("http://localhost"),
    ] {
        documents.push(with(public(), "client_id", id));
    }
    let world = World::start(serves(public())).await;
    let mut app = world.app(None);
    for document in documents {
        let id = document["client_id"].to_string();
        world.set(serves(document));
        world.pass(&mut app, 601);
        assert_unusable(&push(&app, &[]).await, "client metadata", &id);
    }
    world.set(serves(public()));
    world.pass(&mut app, 601);
    assert_eq!(push(&app, &[]).await.status, StatusCode::CREATED);
}

/// Clauses AS-CLI-05, AS-CLI-07: what a client leaves out isn't taken as leave to do without.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_out_is_not_assumed() {
    let world = World::start(serves(public())).await;
    let mut app = world.app(None);
    for member in [
        "dpop_bound_access_tokens",
        "grant_types",
        "response_types",
        "redirect_uris",
        "scope",
        "token_endpoint_auth_method",
    ] {
        let mut document = public();
        document.as_object_mut().unwrap().remove(member);
        world.set(serves(document));
        world.pass(&mut app, 601);
        assert_unusable(&push(&app, &[]).await, member, member);
    }
}

/// Clause AS-CLI-08: a confidential client's keys are in one place, public and usable.
#[tokio::test(flavor = "multi_thread")]
async fn keys_that_cannot_be_used() {
    let signer = Signer::new("k1");
    let good = || confidential(&[&signer]);
    let mut private = good();
    private["jwks"]["keys"][0]["d"] = json!("AAAA");
    let mut nameless = good();
    let key = &mut nameless["jwks"]["keys"][0];
    key.as_object_mut().unwrap().remove("kid");
    let mut symmetric = good();
    symmetric["jwks"]["keys"][0] = json!({"kty": "oct", "kid": "k1", "k": "AAAA"});
    let mut neither = good();
    neither.as_object_mut().unwrap().remove("jwks");
    let elsewhere = json!("https://keys.example.net/jwks.json");
    let rows: [(&str, Value); 8] = [
        ("both places", with(good(), "jwks_uri", elsewhere)),
        ("no place", neither),
        ("a private key", private),
        ("a key without a name", nameless),
        ("a symmetric key", symmetric),
        ("no key", with(good(), "jwks", json!({ "keys": [] }))),
        (
            "no algorithm",
            with(good(), "token_endpoint_auth_signing_alg", json!("none")),
        ),
        (
            "a symmetric algorithm",
            with(good(), "token_endpoint_auth_signing_alg", json!("HS256")),
        ),
    ];
    let world = World::start(serves(good())).await;
    let mut app = world.app(Some(&signer));
    for (number, (what, document)) in rows.into_iter().enumerate() {
        world.set(serves(document));
        world.pass(&mut app, 601);
        let answer = push(&app, &[]).await;
        assert_unusable(&answer, "client metadata", what);
        assert_eq!(world.internet.asked().len(), number + 1, "{what}");
    }
    world.set(serves(good()));
    world.pass(&mut app, 601);
    let answer = push(&app, &[]).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
}
