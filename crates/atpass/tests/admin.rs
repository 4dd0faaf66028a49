//! Accounts and sessions from the command line, while the server runs on the same database.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "../../atpass-testnet/tests/common/mod.rs"]
mod common;
mod program;

use std::os::unix::fs::PermissionsExt;

use atpass_fetch::{FetchConfig, Fetcher};
use atpass_protocol::pkce::CodeVerifier;
use atpass_protocol::random::SystemRandom;
use atpass_protocol::time::{Clock, SystemClock};
use common::{App, Browser, Tokens, csrf, form};
use http::header::CONTENT_TYPE;
use http::{Request, StatusCode};
use program::{Server, errors, failure, json, run_with, text};

const ALICE: &str = "did:plc:ewvi7nxzyoun6zhxrhs64oiz";

fn add_alice(server: &Server) {
    let add = [
        "account",
        "add",
        "alice.test",
        "--did",
        ALICE,
        "--pds",
        "did:web:pds.example.com",
        "--email",
        "Alice@Example.com",
        "--password-stdin",
    ];
    let output = run_with(server.path(), &add, "wonderland\n");
    assert!(output.status.success(), "{}", errors(&output));
    let output = run_with(server.path(), &add, "wonderland\n");
    assert!(
        errors(&output).contains("an account of this DID already"),
        "{}",
        errors(&output)
    );
}

fn app(server: &Server) -> App {
    let fetcher = Fetcher::new(FetchConfig::development()).unwrap();
    App::new(&server.origin(), fetcher, SystemClock.now())
}

fn sessions(server: &Server, more: &[&str]) -> usize {
    let list = json(
        server.path(),
        &[&["session", "list", "--json"], more].concat(),
    );
    assert_eq!(list["total"], list["sessions"].as_array().unwrap().len());
    list["sessions"].as_array().unwrap().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_from_its_beginning_to_its_end() {
    let server = Server::start("");
    add_alice(&server);
    let list = text(server.path(), &["account", "list"]);
    assert!(
        list.contains("alice.test") && list.contains(ALICE) && list.contains("active"),
        "{list}"
    );

    // The running server knows it at once; the audit trail is written and counted.
    let tokens = app(&server).login().await;
    assert!(!tokens.refresh.is_empty());
    let issued = server.event(|event| event["event"] == "issued").unwrap();
    assert_eq!(issued["target"], "atpass::audit");
    let metrics = server.observed("/metrics").text;
    assert!(
        metrics.contains("atpass_audit_events_total{event=\"issued\"} 1"),
        "{metrics}"
    );
    for secret in ["wonderland", &tokens.refresh, &tokens.access] {
        assert!(!server.log().contains(secret), "{}", server.log());
    }

    let show = |who: &str| json(server.path(), &["account", "show", who, "--json"]);
    let shown = show("alice@example.com");
    assert_eq!(
        (shown["did"].as_str(), shown["sessions"].as_i64()),
        (Some(ALICE), Some(1))
    );
    assert_eq!(shown["browsers"], 1);

    let set = [
        "account",
        "set-password",
        "alice.test",
        "--password-stdin",
        "--keep-sessions",
    ];
    let output = run_with(server.path(), &set, "looking-glass\n");
    assert!(output.status.success(), "{}", errors(&output));
    assert_eq!(show(ALICE)["sessions"], 1, "kept");
    let output = run_with(server.path(), &set[..4], "short\n");
    assert!(
        errors(&output).contains("8 characters"),
        "{}",
        errors(&output)
    );
    let output = run_with(server.path(), &set[..4], "through the looking-glass\n");
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("ended 1 session and signed it out"), "{said}");
    assert_eq!(
        (
            show(ALICE)["sessions"].as_i64(),
            show(ALICE)["browsers"].as_i64()
        ),
        (Some(0), Some(0))
    );

    let disabled = json(
        server.path(),
        &["account", "disable", "alice.test", "--json"],
    );
    assert_eq!(disabled["done"], "disabled");
    assert_eq!(show(ALICE)["active"], false);
    text(server.path(), &["account", "enable", ALICE]);
    assert_eq!(show(ALICE)["active"], true);

    let message = failure(server.path(), &["account", "remove", "alice.test"]);
    assert!(message.contains("--yes"), "{message}");
    text(server.path(), &["account", "remove", "alice.test", "--yes"]);
    let message = failure(server.path(), &["account", "show", "alice.test"]);
    assert!(
        message.contains("there is no account alice.test"),
        "{message}"
    );
}

/// A code that was on its way when the password changed becomes no session (clause AS-AUTHZ-17).
#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_stops_a_code_on_its_way() {
    let server = Server::start("");
    add_alice(&server);
    let app = app(&server);
    let verifier = CodeVerifier::generate(&SystemRandom);
    let code = app.code(&Browser::new(&app), &verifier).await;
    let set = ["account", "set-password", ALICE, "--password-stdin"];
    let output = run_with(server.path(), &set, "looking-glass\n");
    assert!(output.status.success(), "{}", errors(&output));
    assert_eq!(
        app.exchange(&code, &verifier).await.error(),
        "invalid_grant"
    );
    assert_eq!(sessions(&server, &[]), 0);
}

#[test]
fn a_password_is_never_asked_for_where_nobody_is() {
    let server = Server::start("");
    add_alice(&server);
    let message = failure(server.path(), &["account", "set-password", "alice.test"]);
    assert!(message.contains("--password-stdin"), "{message}");
}

#[test]
fn the_database_is_its_owners_alone() {
    let server = Server::start("");
    let mode = std::fs::metadata(server.database())
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_found_and_ended() {
    let server = Server::start("");
    add_alice(&server);
    let (first, second) = (app(&server), app(&server));
    let (first_tokens, second_tokens) = (first.login().await, second.login().await);
    assert_eq!(sessions(&server, &[]), 2);
    assert_eq!(sessions(&server, &["--did", ALICE]), 2);
    assert_eq!(
        sessions(
            &server,
            &["--account", "alice.test", "--client", &first.client_id]
        ),
        2
    );
    let jkt = first.key.public().thumbprint().to_string();
    assert_eq!(sessions(&server, &["--jkt", &jkt]), 1);
    assert_eq!(
        sessions(
            &server,
            &["--client", "https://other.example.com/client.json"]
        ),
        0
    );

    let revoke = |more: &[&str]| {
        let all = [&["session", "revoke", "--json"], more].concat();
        json(server.path(), &all)["sessions"].as_i64().unwrap()
    };
    let message = failure(server.path(), &["session", "revoke"]);
    assert!(message.contains("--all"), "{message}");
    assert_eq!(revoke(&["--did", ALICE, "--dry-run"]), 2);
    assert_eq!(revoke(&["--all", "--dry-run"]), 2);
    assert_eq!(sessions(&server, &[]), 2, "a dry run changes nothing");

    assert_eq!(revoke(&["--jkt", &jkt]), 1);
    assert_eq!(
        first.refresh(&first_tokens.refresh).await.error(),
        "invalid_grant"
    );
    Tokens::of(&second.refresh(&second_tokens.refresh).await);

    let list = json(server.path(), &["session", "list", "--json"]);
    let id = list["sessions"][0]["id"].as_str().unwrap();
    let output = run_with(server.path(), &["session", "revoke", id], "");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        said.contains("Ended 1 session.") && said.contains("900 seconds"),
        "{said}"
    );
    let trail = errors(&output);
    let event = format!("session={id} sessions_ended=1");
    assert!(
        trail.contains("atpass::audit") && trail.contains(&event),
        "an operator's act is in the audit trail: {trail}"
    );
    assert_eq!(revoke(&["--all"]), 0);
    // Nobody's earlier consent brings an app back without a person.
    let database = rusqlite::Connection::open(server.database()).unwrap();
    let count = "SELECT count(*) FROM approvals";
    let approvals: i64 = database.query_row(count, [], |row| row.get(0)).unwrap();
    assert_eq!(approvals, 0);
    assert_eq!(sessions(&server, &[]), 0);
}

/// Behind a proxy that is trusted, guesses from one address don't lock out another one.
#[tokio::test(flavor = "multi_thread")]
async fn limits_count_the_address_that_the_proxy_names() {
    let server = Server::start("");
    add_alice(&server);
    let app = app(&server);
    let request_uri = app.push(&CodeVerifier::generate(&SystemRandom), &[]).await;
    let guess = async |address: &str| {
        let browser = Browser::new(&app);
        let csrf = csrf(&browser.open(&app, &request_uri).await);
        let pairs = [
            ("client_id", app.client_id.as_str()),
            ("request_uri", &request_uri),
            ("csrf", &csrf),
            ("identifier", "alice.test"),
            ("password", "wrong"),
        ];
        let request = Request::post(format!("{}/oauth/authorize/sign-in", server.origin()))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("origin", server.origin())
            .header("sec-fetch-site", "same-origin")
            .header("x-forwarded-for", address)
            .body(form(&pairs).into())
            .unwrap();
        browser.send(request).await.status
    };
    let mut last = StatusCode::OK;
    for _ in 0..11 {
        last = guess("192.0.2.1, 203.0.113.1").await;
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
    // What stands before the proxy's own word is the stranger's invention.
    assert_eq!(
        guess("192.0.2.2, 203.0.113.1").await,
        StatusCode::TOO_MANY_REQUESTS
    );
    assert_ne!(guess("203.0.113.2").await, StatusCode::TOO_MANY_REQUESTS);
}
