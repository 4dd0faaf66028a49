//! What a cold login costs: how many requests, and how many of them one after the other.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod common;
#[path = "common/library.rs"]
mod library;

use std::collections::HashSet;
use std::sync::Arc;

use atpass_client::MemoryStore;
use atpass_fetch::{FetchConfig, Fetcher};
use atpass_identity::HandleResolution;
use atpass_testnet::{Internet, RequestLog};
use axum::Router;
use axum::routing::get;
use common::Lab;
use library::{ALICE, browse, client_of, parts};

/// Clauses ID-HDL-04 and C-DPOP-03: handle look-ups run side by side, nothing is fetched twice, and
/// the nonce that came with the server's metadata spares PAR its retry.
#[tokio::test(flavor = "multi_thread")]
async fn a_cold_login() {
    let log = RequestLog::default();
    let lab = Lab::start_logged(log.clone()).await;
    let did = lab.network.accounts[0].did.to_string();
    let body = did.clone();
    let well_known = get(move || std::future::ready(body.clone()));
    let host = Router::new().route("/.well-known/atproto-did", well_known);
    let internet = Internet::start([("alice.test", host)]).await.unwrap();
    let claim = format!("did={did}");
    internet.names.add_texts("_atproto.alice.test", &[&claim]);
    let fetcher = Fetcher::new(FetchConfig {
        allow_http: true,
        ..internet.fetch_config()
    })
    .unwrap();
    let store = Arc::new(MemoryStore::default());
    let client = client_of(parts(
        &lab,
        store.clone(),
        HandleResolution::Network,
        &fetcher,
    ));

    let login = client.login("alice.test").await.unwrap();
    let before_browser = log.lines();
    let query = browse(&lab, &login.url, ALICE, "authorize").await;
    let at_callback = log.lines().len();
    client.callback(&query).await.unwrap();
    let after_browser = log.lines()[at_callback..].to_vec();

    let (issuer, directory) = (&lab.network.issuer, &lab.network.directory);
    assert_eq!(
        before_browser,
        [
            format!("GET {directory}/{did}"),
            format!("GET {issuer}/.well-known/oauth-protected-resource"),
            format!("GET {issuer}/.well-known/oauth-authorization-server"),
            format!("POST {issuer}/oauth/par"),
        ]
    );
    assert_eq!(after_browser, [format!("POST {issuer}/oauth/token")]);

    let questions: Vec<String> = internet
        .names
        .asked()
        .into_iter()
        .filter(|question| question.starts_with("TXT"))
        .collect();
    assert_eq!(questions, ["TXT _atproto.alice.test"]);
    // The host is asked beside DNS, and given up when DNS has answered.
    let host = internet.asked();
    assert!(host.len() <= 1, "{host:?}");

    let all: Vec<&String> = questions
        .iter()
        .chain(&host)
        .chain(&before_browser)
        .chain(&after_browser)
        .collect();
    let distinct: HashSet<_> = all.iter().collect();
    assert_eq!(distinct.len(), all.len(), "nothing is asked twice");
    println!("a cold login, from a handle to stored tokens:");
    for line in &all {
        println!("  {line}");
    }
    println!(
        "{} requests; one after the other: {} before the browser (the host of the handle is asked \
         beside DNS), {} after it",
        all.len(),
        questions.len() + before_browser.len(),
        after_browser.len()
    );

    // A second login of the same account: what was found is still good.
    let before = log.lines().len();
    client.login("alice.test").await.unwrap();
    let second = log.lines()[before..].to_vec();
    assert_eq!(second, [format!("POST {issuer}/oauth/par")]);
    println!("a second login before the browser: {second:?}");
}
