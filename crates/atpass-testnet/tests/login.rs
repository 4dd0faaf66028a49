//! The pages: who may continue, what is asked, where the browser is sent.

mod common;

use atpass_protocol::pkce::CodeVerifier;
use atpass_protocol::random::SystemRandom;
use common::{Browser, Lab, Tokens, code_of, csrf, hidden, parameter};
use http::StatusCode;

fn verifier() -> CodeVerifier {
    CodeVerifier::generate(&SystemRandom)
}

/// Clauses AS-AUTHZ-03, AS-AUTHZ-08, AS-AUTHZ-09, AS-AUTHZ-11, AS-AUTHZ-12.
#[tokio::test(flavor = "multi_thread")]
async fn the_main_path() {
    let lab = Lab::start().await;
    let app = lab.app();
    let browser = Browser::new(&app);
    let request_uri = app.push(&verifier(), &[]).await;
    let page = browser.open(&app, &request_uri).await;
    assert_eq!(page.status, StatusCode::OK);
    let policy = page.header("content-security-policy");
    assert!(
        policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
        "{policy}"
    );
    assert!(
        policy.contains("form-action 'self' http://127.0.0.1:9"),
        "{policy}"
    );
    assert_eq!(page.header("cache-control"), "no-store");
    let cookie = page.header("set-cookie");
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"),
        "{cookie}"
    );

    let anonymous = browser.cookie.lock().unwrap().clone();
    let signed_in = browser
        .sign_in(&app, &request_uri, "alice.test", "wonderland")
        .await;
    assert_eq!(signed_in.status, StatusCode::SEE_OTHER);
    assert_ne!(
        *browser.cookie.lock().unwrap(),
        anonymous,
        "the id changes at sign-in"
    );
    let consent = browser.get(signed_in.header("location")).await;
    for text in ["alice.test", "transition:generic", "localhost"] {
        assert!(consent.text().contains(text), "{text}");
    }
    let answer = browser
        .decide(&app, &request_uri, &consent, "authorize")
        .await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert!(parameter(&answer, "code").is_some() && parameter(&answer, "state").is_some());
    assert_eq!(
        parameter(&answer, "iss").as_deref(),
        Some(lab.network.issuer.as_str())
    );
    // Clause AS-PAR-12: the request was used up.
    assert_eq!(
        browser.open(&app, &request_uri).await.status,
        StatusCode::BAD_REQUEST
    );
}

/// Clauses AS-AUTHZ-05, AS-AUTHZ-03.
#[tokio::test(flavor = "multi_thread")]
async fn denial_is_an_answer() {
    let lab = Lab::start().await;
    let app = lab.app();
    let browser = Browser::new(&app);
    let request_uri = app
        .push(&verifier(), &[("response_mode", "fragment")])
        .await;
    let page = browser.open(&app, &request_uri).await;
    let pairs = [
        ("client_id", app.client_id.as_str()),
        ("request_uri", &request_uri),
        ("csrf", &csrf(&page)),
        ("decision", "deny"),
    ];
    let answer = browser.submit("/oauth/authorize/decide", &pairs).await;
    let location = answer.header("location");
    assert!(
        location.starts_with(&format!("{}#", common::REDIRECT)),
        "{location}"
    );
    for part in ["error=access_denied", "state=", "iss="] {
        assert!(location.contains(part), "{location}");
    }
}

/// Clause AS-AUTHZ-13: wrong password, unknown account and nonsense look the same; too many
/// attempts are stopped, and the owner elsewhere isn't locked out.
#[tokio::test(flavor = "multi_thread")]
async fn guesses() {
    let lab = Lab::start().await;
    let app = lab.app();
    let browser = Browser::new(&app);
    let request_uri = app.push(&verifier(), &[]).await;
    let mut pages = Vec::new();
    for identifier in ["alice.test", "nobody.test", "alice", "alice@nowhere.test"] {
        let answer = browser
            .sign_in(&app, &request_uri, identifier, "wrong")
            .await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        pages.push(
            answer
                .text()
                .replace(&format!("value=\"{identifier}\""), ""),
        );
    }
    assert!(
        pages.iter().all(|page| *page == pages[0]),
        "the pages differ"
    );
    let mut limited = 0;
    for _ in 0..20 {
        let answer = browser
            .sign_in(&app, &request_uri, "alice.test", "wrong")
            .await;
        limited += usize::from(answer.status == StatusCode::TOO_MANY_REQUESTS);
    }
    assert!(limited >= 5, "{limited}");
    let right = browser
        .sign_in(&app, &request_uri, "bob.test", "workshop")
        .await;
    assert_eq!(
        right.status,
        StatusCode::SEE_OTHER,
        "another account isn't limited"
    );
}

/// Clause AS-AUTHZ-04: with a hint, only that account can sign in and approve, whatever is posted.
#[tokio::test(flavor = "multi_thread")]
async fn a_hint_binds() {
    let lab = Lab::start().await;
    let app = lab.app();
    let browser = Browser::new(&app);
    let request_uri = app.push(&verifier(), &[]).await;
    browser
        .approve(&app, &request_uri, "bob.test", "workshop")
        .await;

    let hinted = app
        .push(&verifier(), &[("login_hint", "@Alice.test")])
        .await;
    let page = browser.open(&app, &hinted).await;
    assert_eq!(hidden(&page, "identifier"), "alice.test");
    let as_bob = browser.sign_in(&app, &hinted, "bob.test", "workshop").await;
    assert_eq!(as_bob.status, StatusCode::UNPROCESSABLE_ENTITY);
    let bob = lab.network.accounts[1].did.to_string();
    let pairs = [
        ("client_id", app.client_id.as_str()),
        ("request_uri", &hinted),
        ("csrf", &csrf(&page)),
        ("account", &bob),
        ("decision", "authorize"),
    ];
    let forged = browser.submit("/oauth/authorize/decide", &pairs).await;
    assert!(
        !forged.header("location").starts_with("http"),
        "bob can't approve: {}",
        forged.header("location")
    );
    let code = browser
        .approve(&app, &hinted, "alice.test", "wonderland")
        .await;
    assert!(!code.is_empty());
}

/// Clause AS-AUTHZ-07: `prompt` does what it says; clause AS-AUTHZ-06: no silent sign-in for a
/// public client.
#[tokio::test(flavor = "multi_thread")]
async fn prompts() {
    let lab = Lab::start().await;
    let app = lab.app();
    let browser = Browser::new(&app);
    let silent = app.push(&verifier(), &[("prompt", "none")]).await;
    assert_eq!(
        parameter(&browser.open(&app, &silent).await, "error").as_deref(),
        Some("login_required")
    );
    let first = app.push(&verifier(), &[]).await;
    browser
        .approve(&app, &first, "alice.test", "wonderland")
        .await;
    let silent = app.push(&verifier(), &[("prompt", "none")]).await;
    assert_eq!(
        parameter(&browser.open(&app, &silent).await, "error").as_deref(),
        Some("consent_required")
    );

    lab.clock.advance(5);
    let choose = browser
        .open(&app, &app.push(&verifier(), &[]).await)
        .await
        .text();
    assert!(choose.contains("Use another account") && choose.contains("alice.test"));
    let hinted = app.push(&verifier(), &[("login_hint", "alice.test")]).await;
    assert!(
        browser
            .open(&app, &hinted)
            .await
            .text()
            .contains("Authorize")
    );
    let again = app
        .push(
            &verifier(),
            &[("login_hint", "alice.test"), ("prompt", "login")],
        )
        .await;
    assert!(
        browser
            .open(&app, &again)
            .await
            .text()
            .contains("name=\"password\"")
    );
    browser
        .approve(&app, &again, "alice.test", "wonderland")
        .await;
    let select = app
        .push(
            &verifier(),
            &[("login_hint", "alice.test"), ("prompt", "select_account")],
        )
        .await;
    assert!(
        browser
            .open(&app, &select)
            .await
            .text()
            .contains("Use another account")
    );
}

/// Clauses AS-AUTHZ-10, AS-AUTHZ-16: forms from elsewhere, and another browser.
#[tokio::test(flavor = "multi_thread")]
async fn forms_belong_to_their_browser() {
    let lab = Lab::start().await;
    let app = lab.app();
    let (browser, stranger) = (Browser::new(&app), Browser::new(&app));
    let request_uri = app.push(&verifier(), &[]).await;
    let signed_in = browser
        .sign_in(&app, &request_uri, "alice.test", "wonderland")
        .await;
    let consent = browser.get(signed_in.header("location")).await;

    assert!(
        stranger
            .get(signed_in.header("location"))
            .await
            .text()
            .contains("name=\"password\"")
    );
    assert_eq!(
        stranger
            .decide(&app, &request_uri, &consent, "authorize")
            .await
            .status,
        StatusCode::FORBIDDEN
    );

    let mut other = Browser::new(&app);
    other.cookie = std::sync::Mutex::new(browser.cookie.lock().unwrap().clone());
    for (name, value) in [
        ("origin", "https://evil.example"),
        ("sec-fetch-site", "cross-site"),
        ("origin", "null"),
    ] {
        let account = hidden(&consent, "account");
        let pairs = [
            ("client_id", app.client_id.as_str()),
            ("request_uri", &request_uri),
            ("csrf", &csrf(&consent)),
            ("account", &account),
            ("decision", "authorize"),
        ];
        let mut request = app.form_request("/oauth/authorize/decide", &common::form(&pairs), None);
        request.headers_mut().insert(name, value.parse().unwrap());
        assert_eq!(
            other.send(request).await.status,
            StatusCode::FORBIDDEN,
            "{name}: {value}"
        );
    }
    let answer = browser
        .decide(&app, &request_uri, &consent, "authorize")
        .await;
    assert!(!code_of(&answer).is_empty());
}

/// Clauses AS-AUTHZ-01, AS-AUTHZ-02: nothing but a pushed request, and no redirect before one was
/// found.
#[tokio::test(flavor = "multi_thread")]
async fn no_open_redirect() {
    let lab = Lab::start().await;
    let app = lab.app();
    let browser = Browser::new(&app);
    let other = lab.app();
    let request_uri = app.push(&verifier(), &[]).await;
    let evil = common::form(&[
        ("client_id", "http://localhost"),
        ("redirect_uri", "https://evil.example/cb"),
        ("response_type", "code"),
    ]);
    let wrong_client = common::form(&[
        ("client_id", "http://localhost"),
        ("request_uri", &request_uri),
    ]);
    let twice = format!(
        "{}&client_id=x",
        common::form(&[
            ("client_id", &other.client_id),
            ("request_uri", &request_uri)
        ])
    );
    for query in [
        "",
        &evil,
        &wrong_client,
        &twice,
        "client_id=x&request_uri=y",
    ] {
        let page = browser.get(&format!("/oauth/authorize?{query}")).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{query}");
        assert_eq!(page.header("location"), "");
        assert!(page.text().contains("<h1"), "{query}");
    }
    lab.clock.advance(301);
    assert_eq!(
        browser.open(&app, &request_uri).await.status,
        StatusCode::BAD_REQUEST,
        "it expires"
    );
}

/// Clauses AS-TOK-01, AS-TOK-02, AS-TOK-03, AS-TOK-10.
#[tokio::test(flavor = "multi_thread")]
async fn codes() {
    let lab = Lab::start().await;
    let app = lab.app();
    let browser = Browser::new(&app);
    let right = verifier();
    let code = app.code(&browser, &right).await;
    let thief = app.other_key();
    let mut elsewhere = lab.app();
    elsewhere.client_id = "http://localhost".into();
    for answer in [
        app.exchange(&code, &verifier()).await,
        thief.exchange(&code, &right).await,
        elsewhere.exchange(&code, &right).await,
    ] {
        assert_eq!(
            (answer.status, answer.error().as_str()),
            (StatusCode::BAD_REQUEST, "invalid_grant")
        );
    }
    let answers = futures::future::join_all((0..8).map(|_| app.exchange(&code, &right))).await;
    let winners: Vec<_> = answers
        .iter()
        .filter(|answer| answer.status == StatusCode::OK)
        .collect();
    assert_eq!(winners.len(), 1, "one wins");
    let tokens = Tokens::of(winners[0]);
    assert_eq!(
        app.refresh(&tokens.refresh).await.error(),
        "invalid_grant",
        "a code used again ends the session"
    );

    let verifier = verifier();
    let code = app.code(&Browser::new(&app), &verifier).await;
    lab.clock.advance(60);
    assert_eq!(
        app.exchange(&code, &verifier).await.error(),
        "invalid_grant",
        "a code lives 60 s"
    );
}

/// Clauses AS-PAR-07, AS-PAR-09: a challenge or state of a completed authorization isn't taken
/// again; a request that was only pushed may be repeated.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_used_twice() {
    let lab = Lab::start().await;
    let app = lab.app();
    let verifier = verifier();
    app.push(&verifier, &[]).await;
    let code = app.code(&Browser::new(&app), &verifier).await;
    let challenge = verifier.challenge().to_string();
    let other = CodeVerifier::generate(&SystemRandom)
        .challenge()
        .to_string();
    let used_state = format!("state-{challenge}");
    for (state, challenge, word) in [
        ("new", &challenge, "code_challenge"),
        (used_state.as_str(), &other, "state"),
    ] {
        let answer = app.post("/oauth/par", &app.request(state, challenge)).await;
        assert_eq!(answer.error(), "invalid_request");
        assert!(
            answer.json()["error_description"]
                .as_str()
                .unwrap()
                .contains(word)
        );
    }
    Tokens::of(&app.exchange(&code, &verifier).await);
}
