//! Clause AS-REF-10: the program is killed in the middle of a thousand refreshes, and no session
//! is lost.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "../../atpass-testnet/tests/common/mod.rs"]
mod common;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use atpass_fetch::{FetchConfig, Fetcher};
use atpass_protocol::pkce::CodeVerifier;
use atpass_protocol::random::SystemRandom;
use atpass_protocol::time::{Clock, SystemClock};
use common::{App, Browser, Tokens, code_of};
use futures::{StreamExt, stream};
use http::StatusCode;

const SESSIONS: usize = 1000;
/// Answers after which the program is killed.
const ANSWERS: usize = 300;

/// `atpass dev`, and the origin at which it answers.
struct Program {
    process: Child,
    origin: String,
}

impl Program {
    fn start(data: &Path) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_atpass"))
            .args(["dev", "--json", "--port", "0", "--data"])
            .arg(data)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let stdout = process.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let ready: serde_json::Value = serde_json::from_str(&line).unwrap();
        let origin = ready["issuer"].as_str().unwrap().to_owned();
        Self { process, origin }
    }

    /// SIGKILL: nothing of the program runs after this.
    fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Gone already where the test killed it.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A session and the newest refresh token that its app was told.
struct Held {
    app: App,
    token: Mutex<String>,
}

async fn log_in(program: &Program, browser: &Browser, fetcher: &Fetcher) -> Held {
    let app = App::new(&program.origin, fetcher.clone(), SystemClock.now());
    let verifier = CodeVerifier::generate(&SystemRandom);
    let request_uri = app.push(&verifier, &[("login_hint", "alice.test")]).await;
    let consent = browser.open(&app, &request_uri).await;
    let answer = browser
        .decide(&app, &request_uri, &consent, "authorize")
        .await;
    let tokens = Tokens::of(&app.exchange(&code_of(&answer), &verifier).await);
    Held {
        app,
        token: Mutex::new(tokens.refresh),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_in_the_middle_of_a_thousand_refreshes() {
    let folder = tempfile::tempdir().unwrap();
    let limits = FetchConfig {
        per_host: SESSIONS,
        total_timeout: std::time::Duration::from_mins(2),
        ..FetchConfig::development()
    };
    let fetcher = Fetcher::new(limits).unwrap();
    let program = Program::start(folder.path());
    let first = App::new(&program.origin, fetcher.clone(), SystemClock.now());
    let browser = Browser::new(&first);
    let request_uri = first
        .push(&CodeVerifier::generate(&SystemRandom), &[])
        .await;
    browser
        .sign_in(&first, &request_uri, "alice.test", "wonderland")
        .await;
    let logins = (0..SESSIONS).map(|_| log_in(&program, &browser, &fetcher));
    let mut sessions: Vec<Held> = stream::iter(logins).buffer_unordered(32).collect().await;

    // All at once; the process dies once some of them were answered.
    let (answered, enough) = (AtomicUsize::new(0), Arc::new(tokio::sync::Notify::new()));
    let refreshes = sessions.iter().map(|held| {
        let (answered, enough) = (&answered, enough.clone());
        async move {
            let token = held.token.lock().unwrap().clone();
            let Ok(answer) = held.app.try_refresh(&token).await else {
                return;
            };
            *held.token.lock().unwrap() = Tokens::of(&answer).refresh;
            if answered.fetch_add(1, Ordering::SeqCst) + 1 == ANSWERS {
                enough.notify_one();
            }
        }
    });
    let killing = async {
        enough.notified().await;
        program.kill();
    };
    tokio::join!(futures::future::join_all(refreshes), killing);
    let answered = answered.into_inner();
    println!("killed after {answered} of {SESSIONS} answers");
    assert!(
        (ANSWERS..SESSIONS).contains(&answered),
        "it was killed in the middle"
    );

    let program = Program::start(folder.path());
    for held in &mut sessions {
        held.app.origin.clone_from(&program.origin);
    }
    let alive = stream::iter(&sessions).map(|held| async {
        for _ in 0..2 {
            let token = held.token.lock().unwrap().clone();
            let answer = held.app.refresh(&token).await;
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
            *held.token.lock().unwrap() = Tokens::of(&answer).refresh;
        }
    });
    let alive = alive.buffer_unordered(64).count().await;
    assert_eq!(
        alive, SESSIONS,
        "every session refreshes, and refreshes again"
    );
}
