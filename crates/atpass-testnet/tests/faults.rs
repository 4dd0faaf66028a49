//! The store fails in the middle of each operation: the right status, nothing half done, no session
//! lost (clauses AS-REF-07, AS-REV-05).

mod common;

use atpass_protocol::pkce::CodeVerifier;
use atpass_protocol::random::SystemRandom;
use atpass_testnet::{Fault, Faults};
use common::{Answer, Browser, Lab, Tokens, code_of};
use http::StatusCode;

async fn lab() -> (Lab, Faults) {
    let faults = Faults::default();
    let shared = faults.clone();
    let lab = Lab::configured(|config| config.faults = shared).await;
    (lab, faults)
}

/// Our own failure, told as such, and worth another try.
fn assert_ours(answer: &Answer, what: &str) {
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{what}");
    assert_eq!(answer.error(), "temporarily_unavailable", "{what}");
    assert_eq!(answer.header("retry-after"), "1", "{what}");
}

/// Clauses AS-REF-07, AS-REF-10: a refresh that fails, or whose answer is lost, is simply made again.
#[tokio::test(flavor = "multi_thread")]
async fn refresh() {
    let (lab, faults) = lab().await;
    let app = lab.app();
    let mut tokens = app.login().await;
    for (act, fault) in [
        ("session", Fault::Before),
        ("rotate", Fault::Before),
        ("rotate", Fault::After),
    ] {
        faults.fail_next(act, fault);
        let answer = app.refresh(&tokens.refresh).await;
        assert!(faults.has_struck(act));
        assert_ours(&answer, act);
        tokens = Tokens::of(&app.refresh(&tokens.refresh).await);
        assert_eq!(app.get_session(&tokens.access).await.status, StatusCode::OK);
    }
}

/// A push that fails leaves nothing; one whose answer is lost is made again.
#[tokio::test(flavor = "multi_thread")]
async fn par() {
    let (lab, faults) = lab().await;
    let app = lab.app();
    for (act, fault) in [
        ("push_request", Fault::Before),
        ("push_request", Fault::After),
    ] {
        let challenge = CodeVerifier::generate(&SystemRandom)
            .challenge()
            .to_string();
        let pairs = app.request("state", &challenge);
        app.post("/oauth/par", &pairs).await;
        faults.fail_next(act, fault);
        assert_ours(&app.post("/oauth/par", &pairs).await, act);
        let again = app.post("/oauth/par", &pairs).await;
        assert_eq!(again.status, StatusCode::CREATED, "{act}: clause AS-PAR-07");
    }
}

/// The code stays good until it was exchanged.
#[tokio::test(flavor = "multi_thread")]
async fn exchange() {
    let (lab, faults) = lab().await;
    for act in ["code", "consume_code"] {
        let app = lab.app();
        let verifier = CodeVerifier::generate(&SystemRandom);
        let code = app.code(&Browser::new(&app), &verifier).await;
        faults.fail_next(act, Fault::Before);
        assert_ours(&app.exchange(&code, &verifier).await, act);
        let tokens = Tokens::of(&app.exchange(&code, &verifier).await);
        Tokens::of(&app.refresh(&tokens.refresh).await);
    }
    // The session was made and nobody knows it: the code can't be told from a stolen one any more,
    // so the session ends, and the person signs in again.
    let app = lab.app();
    let verifier = CodeVerifier::generate(&SystemRandom);
    let code = app.code(&Browser::new(&app), &verifier).await;
    faults.fail_next("consume_code", Fault::After);
    assert_ours(&app.exchange(&code, &verifier).await, "consume_code");
    assert_eq!(
        app.exchange(&code, &verifier).await.error(),
        "invalid_grant"
    );
}

/// Clause AS-REV-05: never a 200 for a session that still lives.
#[tokio::test(flavor = "multi_thread")]
async fn revocation() {
    let (lab, faults) = lab().await;
    let app = lab.app();
    let tokens = app.login().await;
    let pairs = [
        ("client_id", app.client_id.as_str()),
        ("token", tokens.refresh.as_str()),
    ];
    for act in ["session", "end_session"] {
        faults.fail_next(act, Fault::Before);
        assert_ours(&app.post("/oauth/revoke", &pairs).await, act);
    }
    let answer = app.get_session(&tokens.access).await;
    assert_eq!(answer.status, StatusCode::OK, "it still lives");
    assert_eq!(
        app.post("/oauth/revoke", &pairs).await.status,
        StatusCode::OK
    );
    assert_eq!(app.refresh(&tokens.refresh).await.error(), "invalid_grant");
}

/// A page that can't be shown says so, and the same page works a moment later.
#[tokio::test(flavor = "multi_thread")]
async fn pages() {
    let (lab, faults) = lab().await;
    let app = lab.app();
    let browser = Browser::new(&app);
    let verifier = CodeVerifier::generate(&SystemRandom);
    let request_uri = app.push(&verifier, &[]).await;
    for act in ["request", "device"] {
        browser.open(&app, &request_uri).await;
        faults.fail_next(act, Fault::Before);
        let page = browser.open(&app, &request_uri).await;
        assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE, "{act}");
        assert!(page.text().contains("our fault"), "{act}");
        assert!(
            !page.text().contains("made to fail"),
            "the cause is for the operator"
        );
    }
    faults.fail_next("sign_in", Fault::Before);
    let failed = browser
        .sign_in(&app, &request_uri, "alice.test", "wonderland")
        .await;
    assert_eq!(failed.status, StatusCode::SERVICE_UNAVAILABLE);
    let signed_in = browser
        .sign_in(&app, &request_uri, "alice.test", "wonderland")
        .await;
    let consent = browser.get(signed_in.header("location")).await;
    faults.fail_next("approve", Fault::Before);
    let failed = browser
        .decide(&app, &request_uri, &consent, "authorize")
        .await;
    assert_eq!(failed.status, StatusCode::SERVICE_UNAVAILABLE);
    let answer = browser
        .decide(&app, &request_uri, &consent, "authorize")
        .await;
    Tokens::of(&app.exchange(&code_of(&answer), &verifier).await);
}
