//! What people see of a client, and when they aren't asked.

use atpass_protocol::pkce::CodeVerifier;
use atpass_protocol::random::SystemRandom;
use http::StatusCode;

use crate::common::{App, Browser, Signer, parameter};
use crate::site::{CLIENT_ID, World, confidential, public, serves};

fn verifier() -> CodeVerifier {
    CodeVerifier::generate(&SystemRandom)
}

/// Clause AS-CLI-18: a name is easily lied about. The id always shows.
#[tokio::test(flavor = "multi_thread")]
async fn names_of_trusted_clients_only() {
    for trusted in [false, true] {
        let world = World::configured(serves(public()), |config| {
            if trusted {
                config.trusted_clients = vec![CLIENT_ID.parse().unwrap()];
            }
        })
        .await;
        let app = world.app(None);
        let request_uri = app.push(&verifier(), &[]).await;
        let page = Browser::new(&app).open(&app, &request_uri).await;
        assert!(page.text().contains(CLIENT_ID));
        for shown in ["Example App", "https://app.example.com/logo.png"] {
            assert_eq!(page.text().contains(shown), trusted, "{shown}");
        }
        let policy = page.header("content-security-policy");
        let images = policy.contains("img-src 'self' https://app.example.com;");
        assert_eq!(images, trusted, "{policy}");
    }
}

/// Signs alice in and agrees once. Returns her browser.
async fn agreed(app: &App, extra: &[(&str, &str)]) -> Browser {
    let browser = Browser::new(app);
    let request_uri = app.push(&verifier(), extra).await;
    browser
        .approve(app, &request_uri, "alice.test", "wonderland")
        .await;
    browser
}

/// Clauses AS-AUTHZ-05, AS-AUTHZ-06, AS-AUTHZ-07: for a confidential client, the same is granted again
/// without a question.
#[tokio::test(flavor = "multi_thread")]
async fn silent_sign_in() {
    let signer = Signer::new("k1");
    let world = World::confidential(&[&signer]).await;
    let app = world.app(Some(&signer));
    let browser = agreed(&app, &[]).await;
    let open = async |extra: &[(&str, &str)]| {
        let request_uri = app.push(&verifier(), extra).await;
        browser.open(&app, &request_uri).await
    };
    for extra in [
        &[("prompt", "none")][..],
        &[("login_hint", "alice.test")],
        &[
            ("prompt", "none"),
            ("login_hint", "alice.test"),
            ("scope", "atproto"),
        ],
    ] {
        let answer = open(extra).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{extra:?}");
        assert!(parameter(&answer, "code").is_some(), "{extra:?}");
    }
    // The last time she granted less, so what she once granted must be asked for again.
    let wider = open(&[("prompt", "none")]).await;
    assert_eq!(
        parameter(&wider, "error").as_deref(),
        Some("consent_required")
    );
    for extra in [
        &[("login_hint", "alice.test")][..],
        &[
            ("login_hint", "alice.test"),
            ("prompt", "consent"),
            ("scope", "atproto"),
        ],
        &[("prompt", "select_account"), ("scope", "atproto")],
        &[("scope", "atproto")],
    ] {
        let page = open(extra).await;
        assert_eq!(page.status, StatusCode::OK, "a page asks: {extra:?}");
    }
    let nobody = Browser::new(&app);
    let request_uri = app.push(&verifier(), &[("prompt", "none")]).await;
    let answer = nobody.open(&app, &request_uri).await;
    assert_eq!(
        parameter(&answer, "error").as_deref(),
        Some("login_required")
    );
    let other = open(&[("prompt", "none"), ("login_hint", "bob.test")]).await;
    assert_eq!(
        parameter(&other, "error").as_deref(),
        Some("login_required")
    );
}

/// Clause AS-AUTHZ-06: a public client is anybody who copies its id, so people are asked each time.
#[tokio::test(flavor = "multi_thread")]
async fn public_clients_always_ask() {
    let world = World::start(serves(public())).await;
    let app = world.app(None);
    let browser = agreed(&app, &[]).await;
    let request_uri = app.push(&verifier(), &[("prompt", "none")]).await;
    let answer = browser.open(&app, &request_uri).await;
    assert_eq!(
        parameter(&answer, "error").as_deref(),
        Some("consent_required")
    );
    let request_uri = app.push(&verifier(), &[("login_hint", "alice.test")]).await;
    assert_eq!(
        browser.open(&app, &request_uri).await.status,
        StatusCode::OK
    );
}

/// Clause AS-AUTHZ-14: the answer as a form, with and without scripts.
#[tokio::test(flavor = "multi_thread")]
async fn form_post() {
    let signer = Signer::new("k1");
    let world = World::start(serves(confidential(&[&signer]))).await;
    let app = world.app(Some(&signer));
    let browser = Browser::new(&app);
    let request_uri = app
        .push(&verifier(), &[("response_mode", "form_post")])
        .await;
    let signed_in = browser
        .sign_in(&app, &request_uri, "alice.test", "wonderland")
        .await;
    let consent = browser.get(signed_in.header("location")).await;
    let page = browser
        .decide(&app, &request_uri, &consent, "authorize")
        .await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text());
    let text = page.text();
    for part in [
        r#"<form method="post" action="https://app.example.com/callback">"#,
        r#"name="code""#,
        r#"name="state""#,
        r#"name="iss""#,
        "<button",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let policy = page.header("content-security-policy");
    assert!(
        policy.contains("form-action 'self' https://app.example.com"),
        "{policy}"
    );
    assert!(policy.contains("script-src 'sha256-"), "{policy}");
    assert_eq!(page.header("cache-control"), "no-store");
}
