//! A resource server elsewhere, which fetches the authorization server's keys.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;
#[path = "common/elsewhere.rs"]
mod elsewhere;

use atpass_protocol::dpop::DpopProof;
use atpass_protocol::id::Issuer;
use atpass_protocol::jose::PrivateKey;
use atpass_protocol::random::SystemRandom;
use atpass_protocol::time::Clock;
use atpass_protocol::token::{AccessTokenClaims, TokenOrigin};
use atpass_provider::keys::new_key;
use atpass_provider::store::Store;
use atpass_resource::IssuerKeys;
use atpass_testnet::RequestLog;
use common::{App, Lab, Tokens};
use elsewhere::Elsewhere;
use futures::future::join_all;
use http::{Request, Response};

const ORIGIN: &str = "https://api.example.com";
const URL: &str = "https://api.example.com/x";

fn start(lab: &Lab, log: RequestLog) -> Elsewhere {
    Elsewhere::start(lab, Issuer::parse(ORIGIN).unwrap(), log)
}

/// The status of a call's answer.
async fn call(elsewhere: &Elsewhere, app: &App, token: &str) -> u16 {
    let nonce = elsewhere.server.next_nonce();
    let proof = DpopProof {
        htm: "GET",
        htu: URL,
        nonce: nonce.as_deref(),
        access_token: Some(token),
        iat: elsewhere.clock.now(),
    };
    let request = Request::get(URL)
        .header("authorization", format!("DPoP {token}"))
        .header("dpop", proof.sign(&app.key, &SystemRandom).unwrap())
        .body(())
        .unwrap();
    match elsewhere.server.verify_request(&request).await {
        Ok(_) => 200,
        Err(refusal) => Response::<String>::from(refusal).status().as_u16(),
    }
}

fn kid_of(token: &str) -> String {
    TokenOrigin::read(token).unwrap().kid
}

/// Clause RS-KEY-01: keys are exchanged while requests go on, and not one of them fails.
#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_that_no_request_notices() {
    let log = RequestLog::default();
    let lab = Lab::start_logged(log.clone()).await;
    let elsewhere = start(&lab, log);
    let mut app = lab.app();
    let mut tokens = app.login().await;
    let old = kid_of(&tokens.access);
    assert_eq!(call(&elsewhere, &app, &tokens.access).await, 200);
    let staged = new_key(false, lab.clock.now()).unwrap();
    lab.network.store().add_signing_key(&staged).await.unwrap();
    lab.network.refresh().await.unwrap();

    // A call every 20 seconds, ten at once, with the last token and this one; a refresh every five
    // minutes, for an hour and a half.
    for _ in 0..18 {
        app.now = lab.clock.now();
        let next = Tokens::of(&app.refresh(&tokens.refresh).await);
        for _ in 0..15 {
            let calls = (0..10).map(|number| {
                let token = if number % 2 == 0 { &next } else { &tokens };
                call(&elsewhere, &app, &token.access)
            });
            let answers = join_all(calls).await;
            assert!(answers.iter().all(|status| *status == 200), "{answers:?}");
            lab.clock.advance(20);
        }
        tokens = next;
    }
    assert_eq!(kid_of(&tokens.access), staged.kid);
    let keys = elsewhere.keys.keys().await.unwrap();
    assert!(keys.find(&old).is_none(), "the old one is gone");
    let fetches = elsewhere.fetches();
    assert!((80..=110).contains(&fetches), "{fetches}: once a minute");

    // A key that signs at once, because the last one was given up: nobody knew of it before.
    let (now, store) = (lab.clock.now(), lab.network.store());
    let sudden = new_key(true, now).unwrap();
    store.add_signing_key(&sudden).await.unwrap();
    assert!(store.retire_signing_key(&staged.kid, now).await.unwrap());
    lab.network.refresh().await.unwrap();
    lab.clock.advance(5);
    app.now = lab.clock.now();
    let next = Tokens::of(&app.refresh(&tokens.refresh).await);
    assert_eq!(kid_of(&next.access), sudden.kid);
    let calls = (0..50).map(|_| call(&elsewhere, &app, &next.access));
    let answers = join_all(calls).await;
    assert!(answers.iter().all(|status| *status == 200), "{answers:?}");
    assert_eq!(
        call(&elsewhere, &app, &tokens.access).await,
        401,
        "given up"
    );
}

/// Clauses RS-KEY-01, RS-ERR-02: strangers can't make us ask; and an authorization server that is
/// gone is nobody's fault who calls.
#[tokio::test(flavor = "multi_thread")]
async fn unknown_keys_and_a_server_that_is_gone() {
    let log = RequestLog::default();
    let lab = Lab::start_logged(log.clone()).await;
    let elsewhere = start(&lab, log);
    let app = lab.app();
    let tokens = app.login().await;
    assert_eq!(call(&elsewhere, &app, &tokens.access).await, 200);
    let stranger = PrivateKey::generate().unwrap();
    let payload = tokens.access.split('.').nth(1).unwrap();
    let payload = data_encoding::BASE64URL_NOPAD.decode(payload.as_bytes());
    let claims: AccessTokenClaims = serde_json::from_slice(&payload.unwrap()).unwrap();
    for second in 0..10 {
        let calls = (0..50).map(|number| {
            let kid = format!("{second}-{number}");
            let token = claims.sign(&kid, &stranger).unwrap();
            let (elsewhere, app) = (&elsewhere, &app);
            async move { call(elsewhere, app, &token).await }
        });
        let answers = join_all(calls).await;
        assert!(answers.iter().all(|status| [401, 503].contains(status)));
        assert_eq!(call(&elsewhere, &app, &tokens.access).await, 200);
        lab.clock.advance(1);
    }
    assert!(elsewhere.fetches() <= 3, "{}", elsewhere.fetches());

    lab.network.stop().await;
    for _ in 0..14 {
        elsewhere.clock.advance(60);
        assert_eq!(call(&elsewhere, &app, &tokens.access).await, 200);
    }
    let newer = AccessTokenClaims {
        iat: elsewhere.clock.now(),
        ..claims
    };
    let newer = newer.sign("newer", &stranger).unwrap();
    assert_eq!(call(&elsewhere, &app, &newer).await, 503, "it may be good");
    elsewhere.clock.advance(3600);
    assert_eq!(call(&elsewhere, &app, &tokens.access).await, 503);
}
