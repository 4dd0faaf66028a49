//! Defects seen in other implementations, sent at our servers: `docs/defects.md` lists them all, with
//! the test that keeps each out. Here are those that no other test was about.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "../common/mod.rs"]
mod common;
#[expect(dead_code, reason = "the tests of clients use all of it")]
#[path = "../clients/site.rs"]
mod site;

mod codes;
mod documents;
mod fetches;
mod nodes;
mod pages;
mod proofs;
mod redirects;
mod resource;
mod sessions;
mod tokens;
mod web;

use atpass_protocol::jose::PrivateKey;
use atpass_protocol::pkce::CodeVerifier;
use atpass_protocol::random::SystemRandom;
use common::{Answer, App};

fn verifier() -> CodeVerifier {
    CodeVerifier::generate(&SystemRandom)
}

/// A good request of this app, changed.
async fn push(app: &App, change: &[(&str, &str)]) -> Answer {
    let challenge = verifier().challenge().to_string();
    let state = format!("state-{challenge}");
    let mut pairs = app.request(&state, &challenge);
    pairs.retain(|(name, _)| change.iter().all(|(other, _)| other != name));
    pairs.extend_from_slice(change);
    app.post("/oauth/par", &pairs).await
}

/// The same installation of an app, before it has heard of any nonce.
fn twin(app: &App) -> App {
    let mut twin = app.other_key();
    twin.key = PrivateKey::from_pkcs8(&app.key.to_pkcs8().unwrap()).unwrap();
    twin
}

/// Nothing that could be a token, whatever the status says.
fn assert_no_tokens(answer: &Answer) {
    for member in ["access_token", "refresh_token"] {
        assert!(answer.json().get(member).is_none(), "{}", answer.text());
    }
}
