//! Sessions of confidential clients: bound to one key of the client for life (clauses AS-AUTHN-08,
//! AS-AUTHN-09, AS-AUTHN-11, AS-REF-02 to AS-REF-04).

use atpass_protocol::jose::PrivateKey;
use atpass_protocol::pkce::CodeVerifier;
use atpass_protocol::random::SystemRandom;
use http::StatusCode;

use crate::common::{App, Browser, Signer, Tokens};
use crate::site::{World, confidential, public, serves};

const DAY: i64 = 24 * 60 * 60;

fn same_key(app: &App) -> PrivateKey {
    PrivateKey::from_pkcs8(&app.key.to_pkcs8().unwrap()).unwrap()
}

/// Clause AS-AUTHN-08: another key of the same set is another key; the session is untouched.
#[tokio::test(flavor = "multi_thread")]
async fn another_key_of_the_set() {
    let (first, second) = (Signer::new("k1"), Signer::new("k2"));
    let world = World::confidential(&[&first, &second]).await;
    let mut app = world.app(Some(&first));
    let tokens = app.login().await;
    app.signer = Some(second.clone());
    assert_eq!(app.refresh(&tokens.refresh).await.error(), "invalid_grant");
    app.signer = Some(first.clone());
    let tokens = Tokens::of(&app.refresh(&tokens.refresh).await);

    // Neither does a code move from key to key.
    let verifier = CodeVerifier::generate(&SystemRandom);
    let code = app.code(&Browser::new(&app), &verifier).await;
    app.signer = Some(second);
    assert_eq!(
        app.exchange(&code, &verifier).await.error(),
        "invalid_grant"
    );
    app.signer = Some(first);
    Tokens::of(&app.exchange(&code, &verifier).await);
    Tokens::of(&app.refresh(&tokens.refresh).await);
}

/// Clause AS-AUTHN-09: a key that its owner took away ends the sessions bound to it, and no others.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_gone() {
    let (old, new) = (Signer::new("k1"), Signer::new("k2"));
    let world = World::confidential(&[&old, &new]).await;
    let mut by_old = world.app(Some(&old));
    let old_tokens = by_old.login().await;
    let mut by_new = world.app(Some(&new));
    let new_tokens = by_new.login().await;

    world.set(serves(confidential(&[&new])));
    world.pass(&mut by_old, 601);
    by_new.now = by_old.now;
    let answer = by_old.refresh(&old_tokens.refresh).await;
    assert_eq!(answer.error(), "invalid_grant", "{}", answer.text());
    assert!(answer.text().contains("no longer in the client's metadata"));
    let new_tokens = Tokens::of(&by_new.refresh(&new_tokens.refresh).await);

    // It stays ended, also when the key comes back.
    world.set(serves(confidential(&[&old, &new])));
    world.pass(&mut by_old, 601);
    by_new.now = by_old.now;
    let answer = by_old.refresh(&old_tokens.refresh).await;
    assert!(
        answer.text().contains("the session has been ended"),
        "{}",
        answer.text()
    );
    assert_ne!(
        by_old.get_session(&old_tokens.access).await.status,
        StatusCode::OK
    );
    Tokens::of(&by_new.refresh(&new_tokens.refresh).await);
}

/// The same name for another key is no way in.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_was_replaced_under_its_name() {
    let (old, new) = (Signer::new("k1"), Signer::new("k1"));
    let world = World::confidential(&[&old]).await;
    let mut app = world.app(Some(&old));
    let tokens = app.login().await;
    world.set(serves(confidential(&[&new])));
    world.pass(&mut app, 601);
    app.signer = Some(new);
    assert_eq!(app.refresh(&tokens.refresh).await.error(), "invalid_grant");
}

/// A key that is new is found, though the metadata of a moment ago doesn't have it.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_new() {
    let (old, new) = (Signer::new("k1"), Signer::new("k2"));
    let world = World::confidential(&[&old]).await;
    let mut app = world.app(Some(&old));
    app.login().await;
    world.set(serves(confidential(&[&old, &new])));
    world.pass(&mut app, 15);
    app.signer = Some(new);
    app.login().await;
    assert_eq!(world.fetches(), 2);
}

/// Clause AS-AUTHN-11: a client that says it is public now doesn't loosen its sessions.
#[tokio::test(flavor = "multi_thread")]
async fn from_confidential_to_public() {
    let signer = Signer::new("k1");
    let world = World::confidential(&[&signer]).await;
    let mut app = world.app(Some(&signer));
    let tokens = app.login().await;
    world.set(serves(public()));
    world.pass(&mut app, 601);
    app.signer = None;
    assert_eq!(app.refresh(&tokens.refresh).await.error(), "invalid_grant");
}

/// A client that becomes confidential keeps the sessions that it had, and must prove who it is.
#[tokio::test(flavor = "multi_thread")]
async fn from_public_to_confidential() {
    let signer = Signer::new("k1");
    let world = World::start(serves(public())).await;
    let mut app = world.app(None);
    let tokens = app.login().await;
    world.set(serves(confidential(&[&signer])));
    world.pass(&mut app, 601);
    assert_eq!(app.refresh(&tokens.refresh).await.error(), "invalid_client");
    app.signer = Some(signer);
    Tokens::of(&app.refresh(&tokens.refresh).await);
}

/// Clauses AS-REF-03, AS-REF-04: two weeks in all for a public client; for a confidential one 90 days
/// since the last use, and two years in all.
#[tokio::test(flavor = "multi_thread")]
async fn lifetimes_by_class() {
    let signer = Signer::new("k1");
    let world = World::confidential(&[&signer]).await;
    let mut app = world.app(Some(&signer));
    let mut tokens = app.login().await;
    for _ in 0..8 {
        world.pass(&mut app, 89 * DAY);
        tokens = Tokens::of(&app.refresh(&tokens.refresh).await);
    }
    world.pass(&mut app, 19 * DAY);
    assert_eq!(
        app.refresh(&tokens.refresh).await.error(),
        "invalid_grant",
        "two years"
    );

    let mut idle = world.app(Some(&signer));
    let tokens = idle.login().await;
    world.pass(&mut idle, 90 * DAY);
    assert_eq!(
        idle.refresh(&tokens.refresh).await.error(),
        "invalid_grant",
        "90 days"
    );

    let world = World::start(serves(public())).await;
    let mut app = world.app(None);
    let mut tokens = app.login().await;
    for _ in 0..13 {
        world.pass(&mut app, DAY);
        tokens = Tokens::of(&app.refresh(&tokens.refresh).await);
    }
    world.pass(&mut app, DAY);
    assert_eq!(
        app.refresh(&tokens.refresh).await.error(),
        "invalid_grant",
        "14 days"
    );
}

/// Clause AS-REF-02: another DPoP key changes nothing.
#[tokio::test(flavor = "multi_thread")]
async fn another_dpop_key() {
    let signer = Signer::new("k1");
    let world = World::confidential(&[&signer]).await;
    let app = world.app(Some(&signer));
    let tokens = app.login().await;
    let stranger = app.other_key();
    assert_eq!(
        stranger.refresh(&tokens.refresh).await.error(),
        "invalid_grant"
    );
    let mut same = app.other_key();
    same.key = same_key(&app);
    Tokens::of(&same.refresh(&tokens.refresh).await);
}
