//! The client library in a lab, and the browser's part of its logins.

use std::collections::BTreeMap;
use std::sync::Arc;

use atpass_client::{ClientConfig, ClientParts, OAuthClient, SessionStore};
use atpass_fetch::Fetcher;
use atpass_identity::{HandleResolution, IdentityConfig, Resolver};
use url::Url;

use crate::common::{Browser, Lab, REDIRECT};

pub(crate) const ALICE: (&str, &str) = ("alice.test", "wonderland");

/// A client of these parts.
pub(crate) fn client_of(parts: ClientParts) -> OAuthClient {
    let config = ClientConfig::loopback(REDIRECT, "atproto transition:generic").unwrap();
    OAuthClient::new(config, parts)
}

/// What a client works with that finds handles in its own way, and fetches through its own door.
pub(crate) fn parts(
    lab: &Lab,
    store: Arc<dyn SessionStore>,
    handles: HandleResolution,
    fetcher: &Fetcher,
) -> ClientParts {
    let identity = IdentityConfig {
        directory: Url::parse(lab.network.directory.as_str()).unwrap(),
        handles,
        allow_test_handles: true,
        lexicon_authorities: BTreeMap::new(),
    };
    let resolver = Resolver::new(identity, fetcher.clone(), Arc::new(lab.clock.clone()));
    let mut parts = ClientParts::new(store, fetcher.clone(), resolver);
    parts.clock = Arc::new(lab.clock.clone());
    parts
}

/// The browser's part: follows the login URL, signs in, decides. Returns the callback's query.
pub(crate) async fn browse(lab: &Lab, url: &Url, who: (&str, &str), decision: &str) -> String {
    let app = lab.app();
    let browser = Browser::new(&app);
    let pairs: Vec<_> = url.query_pairs().collect();
    assert_eq!(
        pairs.len(),
        2,
        "clause C-PAR-03: client_id and request_uri only"
    );
    let mut app = app;
    app.client_id = pairs[0].1.to_string();
    let request_uri = pairs[1].1.to_string();
    let signed_in = browser.sign_in(&app, &request_uri, who.0, who.1).await;
    let consent = browser.get(signed_in.header("location")).await;
    // A confidential client isn't asked about twice.
    let answer = if consent.status.is_redirection() {
        consent
    } else {
        browser.decide(&app, &request_uri, &consent, decision).await
    };
    let location = answer.header("location").to_owned();
    location.split_once('?').unwrap().1.to_owned()
}
