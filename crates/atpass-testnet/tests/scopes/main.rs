//! Granular scopes, from the pushed request to the resource: clauses SC-*, AS-PAR-11, RS-SCOPE-01.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../common/mod.rs"]
mod common;
mod consent;
mod enforcement;
mod permission_sets;

use atpass_protocol::pkce::CodeVerifier;
use atpass_protocol::random::SystemRandom;
use common::{Answer, App, Browser, Lab, REDIRECT, code_of, form};
use http::StatusCode;

const API: &str = "did:web:api.example.com%23svc_appview";

/// A loopback app that declares this scope.
fn app_declaring(lab: &Lab, scope: &str) -> App {
    let mut app = lab.app();
    let query = form(&[("redirect_uri", REDIRECT), ("scope", scope)]);
    app.client_id = format!("http://localhost?{query}");
    app
}

/// Signs in, and returns the consent page with the request that it is about.
async fn ask(app: &App, browser: &Browser, scope: &str) -> (CodeVerifier, String, Answer) {
    let verifier = CodeVerifier::generate(&SystemRandom);
    let request_uri = app.push(&verifier, &[("scope", scope)]).await;
    let opened = browser.open(app, &request_uri).await.text();
    let known = opened.split("name=\"account\" value=\"").nth(1);
    let consent = if let Some(account) = known.and_then(|after| after.split('"').next()) {
        // Signed in by an earlier request.
        let query = form(&[
            ("client_id", &app.client_id),
            ("request_uri", &request_uri),
            ("account", account),
        ]);
        browser.get(&format!("/oauth/authorize?{query}")).await
    } else {
        let signed_in = browser
            .sign_in(app, &request_uri, "alice.test", "wonderland")
            .await;
        browser.get(signed_in.header("location")).await
    };
    assert_eq!(consent.status, StatusCode::OK, "{}", consent.text());
    (verifier, request_uri, consent)
}

/// The whole login. Returns the token answer.
async fn log_in(app: &App, scope: &str) -> Answer {
    let browser = Browser::new(app);
    let (verifier, request_uri, consent) = ask(app, &browser, scope).await;
    let decided = browser
        .decide(app, &request_uri, &consent, "authorize")
        .await;
    app.exchange(&code_of(&decided), &verifier).await
}
