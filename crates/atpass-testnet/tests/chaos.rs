//! Eight processes share one session store and refresh at random, while requests and answers get lost,
//! come late and come twice, and processes are killed: no session is lost, and no token is sent twice
//! without need.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use atpass_client::store::SqliteStore;
use atpass_client::{ClientConfig, ClientParts, OAuthClient, Session};
use atpass_testnet::{Forecast, Weather};
use common::{Browser, Lab, REDIRECT};
use serde_json::Value;
use url::Url;

const PROCESSES: usize = 8;
const SESSIONS: usize = 96;
/// Refreshes that get through, in all.
const REFRESHES: u64 = 10_000;
const ROUNDS: u64 = 1200;
/// How long a process works until it is killed, the first time; and then another one.
const UNTIL_DEATH: Duration = Duration::from_millis(1500);

/// Clauses C-REF-01 and C-REF-04.
#[tokio::test(flavor = "multi_thread")]
async fn a_storm() {
    let weather = Weather::new(Forecast::FAIR);
    // The system's clock: the processes have no other.
    let change = |config: &mut atpass_testnet::NetworkConfig| {
        config.weather = Some(weather.clone());
        config.clock = Arc::new(atpass_protocol::time::SystemClock);
    };
    let lab = Lab::configured(change).await;
    let store = lab.folder.path().join("client.sqlite");
    let client = client(&lab, &store).await;
    let browser = Browser::new(&lab.app());
    let mut sessions: Vec<Session> = Vec::new();
    for _ in 0..SESSIONS {
        sessions.push(log_in(&lab, &browser, &client).await);
    }

    weather.change(Forecast::STORM);
    let driver = driver();
    let variables = [
        ("STORE", store.display().to_string()),
        ("DIRECTORY", lab.network.directory.to_string()),
        ("HANDLE_RESOLVER", lab.network.resource.to_string()),
    ];
    let weathered = weather.clone();
    let counts = tokio::task::spawn_blocking(move || work(&driver, &variables, &weathered));
    let (counts, killed) = counts.await.unwrap();
    weather.change(Forecast::FAIR);
    let report = weather.report();
    println!("{report:?}; {killed} processes killed; what the others saw: {counts:?}");
    assert!(report.refreshed >= REFRESHES && killed > 0);
    assert_eq!(counts.get("lost"), None);
    assert_eq!(counts.get("failed"), None);

    let client = self::client(&lab, &store).await;
    client.resume_refreshes().await.unwrap();
    assert_eq!(client.sessions().await.unwrap().len(), SESSIONS);
    for session in sessions {
        let session = client.restore(session.key()).await.unwrap().unwrap();
        session.refresh().await.unwrap();
        let who = "/xrpc/com.atproto.server.getSession";
        assert_eq!(session.get(who).await.unwrap().status(), 200);
    }
    // Whoever got an answer and sent the token again had died before it could store it: of each process
    // that was killed, at most as many refreshes as it had under way.
    let at_most = u64::try_from(killed * 4).unwrap();
    assert!(report.sent_after_answer <= at_most, "{report:?}");
}

/// A login in a browser that signs in once, and stays signed in.
async fn log_in(lab: &Lab, browser: &Browser, client: &OAuthClient) -> Session {
    let login = client.login("alice.test").await.unwrap();
    let pairs: Vec<_> = login.url.query_pairs().map(|(_, value)| value).collect();
    let [client_id, request_uri] = pairs.as_slice() else {
        panic!("{}", login.url)
    };
    let mut app = lab.app();
    app.client_id = client_id.to_string();
    if browser.cookie.lock().unwrap().is_empty() {
        browser
            .sign_in(&app, request_uri, "alice.test", "wonderland")
            .await;
    }
    let did = &lab.network.accounts.first().unwrap().did;
    let path = login.url.as_str().strip_prefix(&browser.origin).unwrap();
    let consent = browser.get(&format!("{path}&account={did}")).await;
    let answer = browser
        .decide(&app, request_uri, &consent, "authorize")
        .await;
    let (_, query) = answer.header("location").split_once('?').unwrap();
    client.callback(query).await.unwrap()
}

async fn client(lab: &Lab, store: &Path) -> OAuthClient {
    let store = Arc::new(SqliteStore::open(store).await.unwrap());
    let url = |issuer: &atpass_protocol::id::Issuer| Url::parse(issuer.as_str()).unwrap();
    let (directory, handles) = (url(&lab.network.directory), url(&lab.network.resource));
    let parts = ClientParts::development(store, directory, handles).unwrap();
    let config = ClientConfig::loopback(REDIRECT, "atproto transition:generic").unwrap();
    OAuthClient::new(config, parts)
}

/// The example that cargo has built beside this test.
fn driver() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let driver = test
        .ancestors()
        .nth(2)
        .unwrap()
        .join("examples/client_driver");
    assert!(driver.is_file(), "{} isn't built", driver.display());
    driver
}

type Counts = std::collections::BTreeMap<String, u64>;

/// Keeps the processes working until enough is done; kills one now and then, and starts another.
fn work(driver: &Path, variables: &[(&str, String)], weather: &Weather) -> (Counts, usize) {
    let mut counts = Counts::new();
    let mut killed = 0;
    while weather.report().refreshed < REFRESHES {
        let mut processes: Vec<_> = (0..PROCESSES).map(|_| start(driver, variables)).collect();
        let mut doomed = processes.split_off(PROCESSES - 2);
        let deaths = std::thread::spawn(move || {
            for (number, (child, _)) in (1..).zip(&mut doomed) {
                wait(UNTIL_DEATH * number);
                child.kill().unwrap();
                child.wait().unwrap();
            }
            doomed.len()
        });
        for (mut child, output) in processes {
            let mut line = String::new();
            BufReader::new(output).read_line(&mut line).unwrap();
            drop(child.stdin.take());
            assert!(child.wait().unwrap().success());
            let said: Value = serde_json::from_str(&line).unwrap();
            for (outcome, count) in said.as_object().unwrap_or_else(|| panic!("{line}")) {
                *counts.entry(outcome.clone()).or_default() += count.as_u64().unwrap_or(1);
            }
        }
        killed += deaths.join().unwrap();
        println!("{} refreshes so far", weather.report().refreshed);
    }
    (counts, killed)
}

fn start(driver: &Path, variables: &[(&str, String)]) -> (Child, std::process::ChildStdout) {
    let mut child = Command::new(driver)
        .envs(variables.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let command = format!("{{\"do\":\"work\",\"rounds\":{ROUNDS}}}\n");
    let input = child.stdin.as_mut().unwrap();
    input.write_all(command.as_bytes()).unwrap();
    let output = child.stdout.take().unwrap();
    (child, output)
}

#[expect(
    clippy::disallowed_methods,
    reason = "death comes at a time of its own"
)]
fn wait(time: Duration) {
    std::thread::sleep(time);
}
