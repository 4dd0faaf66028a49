//! Two servers, and PostgreSQL away.

use atpass_protocol::pkce::CodeVerifier;
use atpass_protocol::random::SystemRandom;

use crate::common::{Browser, Tokens, code_of};
use crate::program::Server;
use crate::support::{Door, Postgres, add_alice, app, section};

/// Any request may reach any server: nothing of a login is in one alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_login_across_two_servers() {
    let postgres = Postgres::new().await;
    let balancer = Door::open();
    let issuer = format!("http://localhost:{}", balancer.port);
    let one = Server::start_behind(&issuer, &postgres.section());
    let two = Server::start_behind(&issuer, &postgres.section());
    add_alice(one.path());
    let body = |server: &Server| {
        let answer = server.get("/oauth/jwks").text;
        answer.split("\r\n\r\n").nth(1).unwrap().to_owned()
    };
    assert!(body(&one).contains("kid"), "{}", body(&one));
    assert_eq!(body(&one), body(&two));

    let (app, verifier) = (app(&issuer), CodeVerifier::generate(&SystemRandom));
    balancer.to(one.port);
    let request_uri = app.push(&verifier, &[]).await;
    balancer.to(two.port);
    let browser = Browser::new(&app);
    let answer = browser
        .sign_in(&app, &request_uri, "alice.test", "wonderland")
        .await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    balancer.to(one.port);
    let consent = browser.get(answer.header("location")).await;
    balancer.to(two.port);
    let answer = browser
        .decide(&app, &request_uri, &consent, "authorize")
        .await;
    balancer.to(one.port);
    let tokens = Tokens::of(&app.exchange(&code_of(&answer), &verifier).await);

    // With the nonce that the first gave out: a second request would hide that it wasn't taken.
    balancer.to(two.port);
    let proof = app.proof("POST", "/oauth/token", None);
    let form = crate::common::form(&[
        ("grant_type", "refresh_token"),
        ("client_id", &app.client_id),
        ("refresh_token", &tokens.refresh),
    ]);
    let request = || app.form_request("/oauth/token", &form, Some(&proof));
    let newer = Tokens::of(&app.send(request()).await);
    // The proof was used up for both.
    balancer.to(one.port);
    let again = app.send(request()).await;
    assert_eq!(again.status, 400, "{}", again.text());
    assert_eq!(again.error(), "invalid_dpop_proof", "{}", again.text());
    Tokens::of(&app.refresh(&newer.refresh).await);
}

/// Without PostgreSQL nothing is decided, and nothing is lost: 503, until it is back.
#[tokio::test(flavor = "multi_thread")]
async fn postgresql_goes_away_and_comes_back() {
    let postgres = Postgres::new().await;
    let (door, url) = postgres.door();
    let server = Server::start(&section(&url, &[&postgres.master()]));
    add_alice(server.path());
    let app = app(&server.origin());
    let (browser, verifier) = (Browser::new(&app), CodeVerifier::generate(&SystemRandom));
    let code = app.code(&browser, &verifier).await;
    let tokens = Tokens::of(&app.exchange(&code, &verifier).await);
    assert_eq!(browser.get("/account").await.status, 200);
    let health = |path: &str| server.observed(path).status;
    assert_eq!(health("/health/ready"), 200);

    door.cut();
    assert_eq!(health("/health/ready"), 503);
    assert_eq!(
        health("/health/live"),
        200,
        "nothing is gained by a restart"
    );
    assert_eq!(health("/metrics"), 200);
    let refused = app.refresh(&tokens.refresh).await;
    assert_eq!(refused.status, 503, "{}", refused.text());
    let challenge = CodeVerifier::generate(&SystemRandom)
        .challenge()
        .to_string();
    let request = app.request("state", &challenge);
    let refused = app.post("/oauth/par", &request).await;
    assert_eq!(refused.status, 503, "{}", refused.text());
    let page = browser.get("/account").await;
    assert_eq!(page.status, 503, "{}", page.text());
    assert!(
        !server.log().contains(&tokens.refresh),
        "no token in the log"
    );

    door.to(postgres.url.port().unwrap_or(5432));
    // The connections that broke are found out one by one.
    while health("/health/ready") != 200 {}
    Tokens::of(&app.refresh(&tokens.refresh).await);
    assert_eq!(browser.get("/account").await.status, 200, "still signed in");
    app.login().await;
}
