//! The example does what it says, beside an authorization server that it knows by its URL only.
#[path = "../../../crates/atpass-testnet/tests/common/mod.rs"]
mod common;

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use common::Lab;
use http::{Method, StatusCode};

#[tokio::test(flavor = "multi_thread")]
async fn calls_at_the_example() {
    let lab = Lab::start().await;
    let mut process = Command::new(env!("CARGO_BIN_EXE_xrpc-service"))
        .env("ISSUER", lab.network.issuer.as_str())
        .env("AUDIENCE", "did:web:localhost")
        .env("LISTEN", "127.0.0.1:0")
        .env_remove("ORIGIN")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut origin = String::new();
    let stdout = process.stdout.take().unwrap();
    BufReader::new(stdout).read_line(&mut origin).unwrap();

    let mut app = lab.app();
    let tokens = app.login().await;
    app.origin = origin.trim().to_owned();
    let (note, contact) = ("/xrpc/com.example.note.add", "/xrpc/com.example.contact");
    let answer = app.call(Method::POST, note, &tokens.access, None).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let alice = lab.network.accounts[0].did.as_str();
    assert_eq!(answer.json()["author"], alice);
    let answer = app.call(Method::GET, contact, &tokens.access, None).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{}", answer.text());
    let challenge = answer.header("www-authenticate");
    assert!(challenge.contains("scope=\"account:email\""), "{challenge}");
    let answer = app.call(Method::GET, note, "x", None).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    process.kill().unwrap();
    process.wait().unwrap();
}
