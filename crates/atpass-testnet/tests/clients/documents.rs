//! What lies at a `client_id`, fetched and judged (clauses AS-CLI-01 to AS-CLI-20).

use atpass_protocol::pkce::CodeVerifier;
use atpass_protocol::random::SystemRandom;
use http::StatusCode;
use serde_json::{Value, json};

use crate::common::{Answer, App};
use crate::site::{CLIENT_ID, Mood, World, public, serves, with};

/// A good request of this app, changed.
pub(crate) async fn push(app: &App, change: &[(&str, &str)]) -> Answer {
    let challenge = CodeVerifier::generate(&SystemRandom)
        .challenge()
        .to_string();
    let state = format!("state-{challenge}");
    let mut pairs = app.request(&state, &challenge);
    for (name, value) in change {
        pairs.retain(|(known, _)| known != name);
        pairs.push((name, value));
    }
    app.post("/oauth/par", &pairs).await
}

fn description(answer: &Answer) -> String {
    let text = answer.json()["error_description"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    assert!(!text.is_empty(), "{}", answer.text());
    text
}

/// Clauses AS-CLI-02, AS-CLI-03, AS-CLI-04, AS-CLI-14, AS-CLI-15.
#[tokio::test(flavor = "multi_thread")]
async fn a_public_client_from_its_document() {
    let world = World::start(serves(public())).await;
    let app = world.app(None);
    let tokens = app.login().await;
    assert_eq!(app.refresh(&tokens.refresh).await.status, StatusCode::OK);
    assert_eq!(world.fetches(), 1, "kept for all of it");
    assert_eq!(app.get_session(&tokens.access).await.status, StatusCode::OK);

    // Without the grant there is no refresh token.
    let world = World::start(serves(with(
        public(),
        "grant_types",
        json!(["authorization_code"]),
    )))
    .await;
    let app = world.app(None);
    let verifier = CodeVerifier::generate(&SystemRandom);
    let code = app
        .code(&crate::common::Browser::new(&app), &verifier)
        .await;
    let answer = app.exchange(&code, &verifier).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.json().get("refresh_token").is_none());
}

/// Clauses AS-CLI-02, AS-CLI-19, AS-CLI-20: each refused with its stage.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_document() {
    let deep = "[".repeat(100_000);
    let twice = public()
        .to_string()
        .replacen('{', "{\"scope\":\"atproto\",", 1);
    for (mood, stage) in [
        (Mood::Status(404), "status 404"),
        (Mood::Status(204), "status 204"),
        (Mood::Status(206), "status 206"),
        (Mood::Status(500), "status 500"),
        (
            Mood::Redirects,
            "redirects to https://app.example.com/other.json",
        ),
        (Mood::Silent, "no answer in time"),
        (
            Mood::Text("text/html", "<p>".into()),
            "content type text/html",
        ),
        (Mood::Text("application/json", "{".into()), "json"),
        (
            Mood::Text("application/json", "[]".into()),
            "not a json object",
        ),
        (Mood::Text("application/json", twice), "duplicate field"),
        (Mood::Text("application/json", deep), "not a json object"),
        (
            Mood::Text("application/json", "x".repeat(600 * 1024)),
            "longer than 524288 bytes",
        ),
    ] {
        let world = World::start(mood.clone()).await;
        let answer = push(&world.app(None), &[]).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{stage}");
        assert_eq!(answer.error(), "invalid_client_metadata", "{stage}");
        let text = description(&answer).to_lowercase();
        assert!(
            text.contains(&stage.replace('"', "'").to_lowercase()),
            "{stage}: {text}"
        );
        println!("AS-CLI-02   {stage:<48} {text}");
    }
}

/// Clauses AS-CLI-03 to AS-CLI-13: each departure is named. All of them are in the unit tests of the
/// rules; these are one of each kind, through HTTP.
#[tokio::test(flavor = "multi_thread")]
async fn each_departure_is_named() {
    let rows: [(&str, Value, &str); 14] = [
        (
            "client_id",
            json!("https://app.example.com/other.json"),
            "which is not the URL",
        ),
        (
            "grant_types",
            json!(["implicit"]),
            "grant_types must hold authorization_code",
        ),
        (
            "response_types",
            json!(["token"]),
            "response_types must hold code",
        ),
        (
            "scope",
            json!("transition:generic"),
            "scope must hold atproto",
        ),
        ("redirect_uris", json!([]), "redirect_uris is missing"),
        (
            "redirect_uris",
            json!(["http://127.0.0.1/"]),
            "a web client's are https URLs",
        ),
        (
            "redirect_uris",
            json!(["javascript:alert(1)"]),
            "custom scheme",
        ),
        ("dpop_bound_access_tokens", json!(false), "it must be true"),
        ("application_type", json!("other"), "web or native"),
        (
            "token_endpoint_auth_method",
            json!("client_secret_post"),
            "none or private_key_jwt",
        ),
        (
            "token_endpoint_auth_method",
            json!("private_key_jwt"),
            "either jwks or jwks_uri",
        ),
        (
            "client_secret",
            json!("s"),
            "client_secret must not be there",
        ),
        (
            "client_uri",
            json!("https://elsewhere.example.com"),
            "client_uri must be at the host",
        ),
        (
            "logo_uri",
            json!("http://app.example.com/l.png"),
            "logo_uri must be an https URL",
        ),
    ];
    for (member, value, problem) in rows {
        let world = World::start(serves(with(public(), member, value))).await;
        let answer = push(&world.app(None), &[]).await;
        assert_eq!(answer.error(), "invalid_client_metadata", "{member}");
        let text = description(&answer);
        assert!(text.contains(problem), "{member}: {text}");
    }
}

/// Clause AS-CLI-01: nothing is fetched for an id that can't be one.
#[tokio::test(flavor = "multi_thread")]
async fn ids_that_cannot_be_one() {
    let world = World::start(serves(public())).await;
    for id in [
        "app.example.com",
        "http://app.example.com/client.json",
        "https://app.example.com",
        "https://app.example.com/",
        "https://app.example.com:8443/client.json",
        "https://app.example.com:443/client.json",
        "https://u@app.example.com/client.json",
        "https://app.example.com/client.json#x",
        "https://app.example.com/a/../client.json",
        "https://APP.example.com/client.json",
        "https://127.0.0.1/client.json",
        "https://[::1]/client.json",
        "https://2130706433/client.json",
        "https://localhost/client.json",
        "https://app/client.json",
        "https://app.internal/client.json",
        "ftp://app.example.com/client.json",
        "did:web:app.example.com",
    ] {
        let mut app = world.app(None);
        id.clone_into(&mut app.client_id);
        let answer = push(&app, &[]).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{id}");
        assert_eq!(answer.error(), "invalid_client", "{id}");
    }
    assert_eq!(world.internet.asked(), [""; 0]);
}

/// Clause AS-CLI-19: a host whose address isn't public is never connected to.
#[tokio::test(flavor = "multi_thread")]
async fn hosts_at_private_addresses() {
    let world = World::configured(serves(public()), |config| {
        config.fetch.allow_loopback = false;
    })
    .await;
    let answer = push(&world.app(None), &[]).await;
    assert_eq!(answer.error(), "invalid_client_metadata");
    assert!(description(&answer).contains("not a public one"));
    assert_eq!(world.fetches(), 0);
}

/// Clause AS-CLI-16: kept within limits, and asked for again when something doesn't fit.
#[tokio::test(flavor = "multi_thread")]
async fn how_long_a_document_is_kept() {
    for (cache, at_59, at_61, at_601) in [
        (None, 1, 1, 2),
        (Some("max-age=1"), 1, 2, 3),
        (Some("no-store"), 1, 2, 3),
        (Some("max-age=86400"), 1, 1, 2),
    ] {
        let world = World::start(Mood::Serves(vec![("/client.json", public())], cache)).await;
        let mut app = world.app(None);
        push(&app, &[]).await;
        world.pass(&mut app, 59);
        push(&app, &[]).await;
        assert_eq!(world.fetches(), at_59, "{cache:?}");
        world.pass(&mut app, 2);
        push(&app, &[]).await;
        assert_eq!(world.fetches(), at_61, "{cache:?}");
        world.pass(&mut app, 540);
        let answer = push(&app, &[]).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
        assert_eq!(world.fetches(), at_601, "{cache:?}");
    }
}

/// Clauses AS-CLI-15, AS-CLI-16: a redirect or scope that is new is looked for once more before it is
/// refused; and then not again at once.
#[tokio::test(flavor = "multi_thread")]
async fn one_more_look_before_a_refusal() {
    let world = World::start(serves(public())).await;
    let mut app = world.app(None);
    assert_eq!(push(&app, &[]).await.status, StatusCode::CREATED);
    let new = "https://app.example.com/new";
    assert_eq!(
        push(&app, &[("redirect_uri", new)]).await.error(),
        "invalid_request"
    );
    assert_eq!(world.fetches(), 1, "it was fetched just now");

    world.pass(&mut app, 30);
    world.set(serves(with(public(), "redirect_uris", json!([new]))));
    assert_eq!(
        push(&app, &[("redirect_uri", new)]).await.status,
        StatusCode::CREATED
    );
    assert_eq!(world.fetches(), 2);
    // The old one is gone with it.
    assert_eq!(push(&app, &[]).await.error(), "invalid_request");

    world.pass(&mut app, 30);
    let wide = "atproto transition:generic transition:chat.bsky";
    assert_eq!(
        push(&app, &[("redirect_uri", new), ("scope", wide)])
            .await
            .error(),
        "invalid_scope"
    );
    for near in [
        "https://app.example.com/callback/",
        "https://app.example.com/Callback",
        "https://app.example.com/callback?x=1",
        "https://app.example.com/callback/../callback",
        "https://app.example.com.evil.example/callback",
    ] {
        assert_eq!(
            push(&app, &[("redirect_uri", near)]).await.error(),
            "invalid_request",
            "{near}"
        );
    }
}

/// A failure isn't kept as success, nor for long.
#[tokio::test(flavor = "multi_thread")]
async fn a_failure_is_kept_for_seconds() {
    let world = World::start(Mood::Status(503)).await;
    let mut app = world.app(None);
    for _ in 0..3 {
        assert_eq!(push(&app, &[]).await.error(), "invalid_client_metadata");
    }
    assert_eq!(world.fetches(), 1);
    world.set(serves(public()));
    world.pass(&mut app, 10);
    assert_eq!(push(&app, &[]).await.status, StatusCode::CREATED);
}

/// Many at once cost one fetch.
#[tokio::test(flavor = "multi_thread")]
async fn one_fetch_for_all() {
    let world = World::start(serves(public())).await;
    let app = world.app(None);
    // The nonce, so that each of them comes once.
    push(&world.lab.app(), &[]).await;
    let all = futures::future::join_all((0..20).map(|_| push(&app, &[]))).await;
    assert!(
        all.iter()
            .all(|answer| answer.status == StatusCode::CREATED)
    );
    assert_eq!(world.fetches(), 1);
}

/// Blocked by client id, or by host.
#[tokio::test(flavor = "multi_thread")]
async fn blocked_clients() {
    for blocked in [CLIENT_ID, "app.example.com"] {
        let world = World::configured(serves(public()), |config| {
            config.blocked_clients = vec![blocked.to_owned()];
        })
        .await;
        let answer = push(&world.app(None), &[]).await;
        assert_eq!(answer.error(), "unauthorized_client", "{blocked}");
        assert_eq!(world.fetches(), 0);
        assert_eq!(
            push(&world.lab.app(), &[]).await.status,
            StatusCode::CREATED
        );
    }
}
