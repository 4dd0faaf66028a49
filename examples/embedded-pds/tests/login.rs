//! The example does what it says: a whole login, and a call with the token.
#[path = "../../../crates/atpass-testnet/tests/common/mod.rs"]
mod common;

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use atpass_fetch::{FetchConfig, Fetcher};
use atpass_protocol::time::{Clock, SystemClock};
use common::App;
use http::StatusCode;

#[tokio::test(flavor = "multi_thread")]
async fn a_login_at_the_example() {
    let mut process = Command::new(env!("CARGO_BIN_EXE_embedded-pds"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut origin = String::new();
    let stdout = process.stdout.take().unwrap();
    BufReader::new(stdout).read_line(&mut origin).unwrap();
    let fetcher = Fetcher::new(FetchConfig::development()).unwrap();
    let app = App::new(origin.trim(), fetcher, SystemClock.now());
    let tokens = app.login().await;
    let answer = app.get_session(&tokens.access).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let tokens = common::Tokens::of(&app.refresh(&tokens.refresh).await);
    let pairs = [
        ("client_id", app.client_id.as_str()),
        ("token", tokens.refresh.as_str()),
    ];
    app.post("/oauth/revoke", &pairs).await;
    let answer = app.get_session(&tokens.access).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "ended at once");
    process.kill().unwrap();
    process.wait().unwrap();
}
