//! Signing keys: staged, active, superseded, gone, and no request fails on the way.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod common;

use atpass_protocol::time::Clock;
use atpass_provider::keys::new_key;
use atpass_provider::store::Store;
use common::{Lab, Tokens};
use http::StatusCode;
use serde_json::Value;

async fn published(lab: &Lab) -> Vec<String> {
    let browser = common::Browser::new(&lab.app());
    let set = browser.get("/oauth/jwks").await.json();
    let kids = set["keys"].as_array().unwrap().iter();
    kids.map(|key| key["kid"].as_str().unwrap().to_owned())
        .collect()
}

fn kid_of(token: &str) -> String {
    let header = token.split('.').next().unwrap();
    let header = data_encoding::BASE64URL_NOPAD.decode(header.as_bytes());
    let header: Value = serde_json::from_slice(&header.unwrap()).unwrap();
    header["kid"].as_str().unwrap().to_owned()
}

/// Clause AS-META-12: the next key is published before it signs, the last one until its tokens have
/// expired; each token is good all the time.
#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_that_nobody_notices() {
    let lab = Lab::start().await;
    let mut app = lab.app();
    let mut tokens = app.login().await;
    let old = kid_of(&tokens.access);
    let new = new_key(false, lab.clock.now()).unwrap();
    lab.network.store().add_signing_key(&new).await.unwrap();
    lab.network.refresh().await.unwrap();
    assert_eq!(published(&lab).await, [new.kid.clone(), old.clone()]);

    // Every five minutes a refresh, and a call with the token of the last time and this one.
    let mut signed = Vec::new();
    for _ in 0..18 {
        lab.clock.advance(300);
        app.now = lab.clock.now();
        let next = Tokens::of(&app.refresh(&tokens.refresh).await);
        for token in [&tokens.access, &next.access] {
            assert_eq!(app.get_session(token).await.status, StatusCode::OK);
        }
        tokens = next;
        signed.push(kid_of(&tokens.access));
    }
    assert_eq!(signed[0], old, "staged");
    assert!(signed[1..].iter().all(|kid| *kid == new.kid));
    assert_eq!(published(&lab).await, [new.kid], "the old one is gone");
}

/// A key that was given up signs no more, and its tokens are void.
#[tokio::test(flavor = "multi_thread")]
async fn a_retired_key() {
    let lab = Lab::start().await;
    let app = lab.app();
    let tokens = app.login().await;
    let now = lab.clock.now();
    let new = new_key(true, now).unwrap();
    let store = lab.network.store();
    store.add_signing_key(&new).await.unwrap();
    let old = kid_of(&tokens.access);
    assert!(store.retire_signing_key(&old, now).await.unwrap());
    lab.network.refresh().await.unwrap();
    lab.clock.advance(1);
    assert_eq!(
        app.get_session(&tokens.access).await.status,
        StatusCode::UNAUTHORIZED
    );
    let tokens = Tokens::of(&app.refresh(&tokens.refresh).await);
    assert_eq!(kid_of(&tokens.access), new.kid);
    assert_eq!(app.get_session(&tokens.access).await.status, StatusCode::OK);
}
