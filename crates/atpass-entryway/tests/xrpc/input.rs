//! What can't be read is refused in the words of XRPC.

use axum::body::Body;
use http::Request;
use http::header::CONTENT_TYPE;
use serde_json::json;

use crate::support::{Answer, PASSWORD, World};

async fn send(world: &World, content_type: Option<&str>, body: impl Into<Body>) -> Answer {
    let mut request = Request::post("/xrpc/com.atproto.server.createSession");
    if let Some(content_type) = content_type {
        request = request.header(CONTENT_TYPE, content_type);
    }
    world.send(request.body(body.into()).unwrap()).await
}

#[tokio::test]
async fn bodies() {
    let world = World::open().await;
    let good = json!({
        "identifier": "alice.garden.net",
        "password": PASSWORD,
        "allowTakendown": true,
        "unknown": { "to": "us" },
    });
    let good = good.to_string();
    let json = Some("application/json");
    send(
        &world,
        Some("Application/JSON; charset=utf-8"),
        good.clone(),
    )
    .await
    .good();
    let array = format!("[\"alice.garden.net\",\"{PASSWORD}\"]");
    let twice = r#"{"identifier":"a.b","identifier":"a.c","password":"x"}"#;
    let secret = r#"{"identifier":"a.b","password":"hunter2" hunter2}"#;
    for (content_type, body) in [
        (None, good.as_str()),
        (Some("text/plain"), &good),
        (Some("application/x-www-form-urlencoded"), "identifier=a"),
        (json, ""),
        (json, "{"),
        (json, "null"),
        (json, "{}"),
        (json, &array),
        (json, twice),
        (json, secret),
        (json, r#"{"identifier":7,"password":"hunter2"}"#),
    ] {
        let answer = send(&world, content_type, body.to_owned()).await;
        assert_eq!(answer.error(), (400, "InvalidRequest"), "{body}");
        assert!(!answer.body.to_string().contains("hunter2"));
    }
    let long = send(&world, json, "x".repeat(64 * 1024 + 1)).await;
    assert_eq!(long.error(), (413, "PayloadTooLarge"));
}

#[tokio::test]
async fn other_methods() {
    let world = World::open().await;
    let other = world.query("com.atproto.server.createSession").await;
    assert_eq!(other.error(), (405, "InvalidRequest"));
    let other = world.query("com.atproto.identity.updateHandle").await;
    assert_eq!(other.error(), (405, "InvalidRequest"));
    let unknown = world.query("com.atproto.repo.listRecords").await;
    assert_eq!(unknown.error(), (501, "MethodNotImplemented"));
}
