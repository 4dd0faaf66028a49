//! Sessions: at several processes, and with the keys of their clients.

use atpass_protocol::client_assertion::ASSERTION_TYPE;
use futures::future::join_all;
use http::StatusCode;

use crate::common::{Answer, Browser, Signer, Tokens, form};
use crate::nodes::Nodes;
use crate::site::{CALLBACK, CLIENT_ID, World, confidential, serves};
use crate::{assert_no_tokens, verifier};

/// Clauses AS-REF-05, AS-REF-06: whichever process answers, refreshes at the same time leave one branch,
/// and an old token ends it everywhere.
#[tokio::test(flavor = "multi_thread")]
async fn processes_agree_on_a_refresh() {
    let nodes = Nodes::start(2).await;
    let app = nodes.app();
    let first = app.login().await;
    let answers = join_all((0..8).map(|_| app.refresh(&first.refresh))).await;
    let next: Vec<_> = answers.iter().map(Tokens::of).collect();
    assert!(next.iter().all(|other| other.refresh == next[0].refresh));
    let last = Tokens::of(&app.refresh(&next[0].refresh).await);
    for token in [&first, &last, &last] {
        assert_eq!(app.refresh(&token.refresh).await.error(), "invalid_grant");
    }
}

/// Clauses AS-TOK-02, AS-TOK-10: one code is one session, whichever process it is taken to.
#[tokio::test(flavor = "multi_thread")]
async fn processes_agree_on_a_code() {
    let nodes = Nodes::start(2).await;
    let app = nodes.app();
    let verifier = verifier();
    let code = app.code(&Browser::new(&app), &verifier).await;
    let answers = join_all((0..8).map(|_| app.exchange(&code, &verifier))).await;
    let won = |answer: &&Answer| answer.status == StatusCode::OK;
    let winners: Vec<_> = answers.iter().filter(won).collect();
    assert_eq!(winners.len(), 1);
    let tokens = Tokens::of(winners[0]);
    assert_eq!(app.refresh(&tokens.refresh).await.error(), "invalid_grant");
}

/// Clause AS-AUTHN-05: an assertion that one process took counts at no other.
#[tokio::test(flavor = "multi_thread")]
async fn processes_agree_on_an_assertion() {
    let signer = Signer::new("k1");
    let world = World::confidential(&[&signer]).await;
    let nodes = Nodes::start_with(2, world.internet.fetch_config()).await;
    let mut app = nodes.app();
    CLIENT_ID.clone_into(&mut app.client_id);
    CALLBACK.clone_into(&mut app.redirect_uri);
    // The nonce, so that each of the requests comes once.
    app.refresh("x").await;
    let assertion = app.assertion(&signer);
    for take in 0..4 {
        let challenge = verifier().challenge().to_string();
        let mut pairs = app.request(&challenge, &challenge);
        pairs.push(("client_assertion_type", ASSERTION_TYPE));
        pairs.push(("client_assertion", &assertion));
        let proof = app.proof("POST", "/oauth/par", None);
        let request = app.form_request("/oauth/par", &form(&pairs), Some(&proof));
        let answer = app.send(request).await;
        if take == 0 {
            assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
        } else {
            assert_eq!(answer.error(), "invalid_client", "{}", answer.text());
        }
    }
}

/// Clause AS-AUTHN-05: what is remembered of assertions goes when they can't be used any more.
#[tokio::test(flavor = "multi_thread")]
async fn the_memory_of_assertions_does_not_grow() {
    let signer = Signer::new("k1");
    let world = World::confidential(&[&signer]).await;
    let mut app = world.app(Some(&signer));
    let tokens = app.login().await;
    app.refresh(&tokens.refresh).await;
    let seen = || {
        let rows = world.lab.rows().into_iter();
        rows.filter(|(table, _)| table == "seen").map(|row| row.1)
    };
    assert!(seen().sum::<i64>() >= 3);
    world.pass(&mut app, 24 * 60 * 60);
    world.lab.network.sweep(1000).await.unwrap();
    assert_eq!(seen().sum::<i64>(), 0);
}

/// Clauses AS-AUTHN-08, AS-AUTHN-09: the same key under another name is another key, for a session: its
/// owner took away the one that the session is bound to.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_was_renamed() {
    let before = Signer::new("k1");
    let after = Signer {
        kid: "k2".into(),
        key: before.key.clone(),
    };
    let world = World::confidential(&[&before]).await;
    let mut app = world.app(Some(&before));
    let tokens = app.login().await;
    world.set(serves(confidential(&[&after])));
    world.pass(&mut app, 601);
    app.signer = Some(after);
    for reason in ["no longer in the client's metadata", "has been ended"] {
        let answer = app.refresh(&tokens.refresh).await;
        assert_eq!(answer.error(), "invalid_grant");
        assert!(answer.text().contains(reason), "{}", answer.text());
    }
    // The new name is as good as any for a new session.
    let tokens = app.login().await;
    Tokens::of(&app.refresh(&tokens.refresh).await);
}

/// Clauses AS-AUTHN-07, AS-REF-02: a refresh token of a confidential client, with its DPoP key, is worth
/// nothing without the client's own key, the replaced one no more than the current one.
#[tokio::test(flavor = "multi_thread")]
async fn both_keys_are_needed() {
    let signer = Signer::new("k1");
    let world = World::confidential(&[&signer]).await;
    let mut app = world.app(Some(&signer));
    let first = app.login().await;
    let second = Tokens::of(&app.refresh(&first.refresh).await);
    for wrong in [None, Some(Signer::new("k1")), Some(Signer::new("k2"))] {
        app.signer = wrong;
        for token in [&first, &second] {
            let answer = app.refresh(&token.refresh).await;
            assert_eq!(answer.error(), "invalid_client", "{}", answer.text());
            assert_no_tokens(&answer);
        }
    }
    app.signer = Some(signer);
    Tokens::of(&app.refresh(&second.refresh).await);
}
