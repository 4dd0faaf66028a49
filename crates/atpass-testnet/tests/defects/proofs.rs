//! Proofs of possession.

use atpass_protocol::time::{Clock, SystemClock, UnixTime};
use atpass_replay::{Fresh, MemoryReplay, Replay};
use data_encoding::BASE64URL_NOPAD;
use http::StatusCode;
use serde_json::{Value, json};

use crate::common::{Answer, App, Browser, Lab, Tokens, form};
use crate::nodes::{Nodes, ORIGIN};
use crate::{assert_no_tokens, twin, verifier};

const PAR: &str = "/oauth/par";

/// A proof for a pushed request, with these claims changed.
fn proof(app: &App, change: &Value) -> String {
    let header = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": app.key.public() });
    let mut claims = json!({
        "jti": verifier().challenge().to_string(), "htm": "POST", "htu": format!("{}{PAR}", app.origin),
        "iat": app.now, "nonce": app.nonce(),
    });
    for (name, value) in change.as_object().unwrap() {
        claims[name] = value.clone();
    }
    app.key.sign_compact(&header, &claims).unwrap()
}

/// A good request with this proof.
async fn push_with(app: &App, proof: &str) -> Answer {
    let challenge = verifier().challenge().to_string();
    let body = form(&app.request(&challenge, &challenge));
    app.send(app.form_request(PAR, &body, Some(proof))).await
}

/// An app that has heard of the nonce.
async fn aware(app: App) -> App {
    app.refresh("x").await;
    app
}

/// Clause AS-DPOP-09: a nonce can't be made from another one, by changing, cutting or lengthening it.
#[tokio::test(flavor = "multi_thread")]
async fn nonces_are_not_made_by_others() {
    let lab = Lab::start().await;
    let app = aware(lab.app()).await;
    let nonce = app.nonce().unwrap();
    let good = BASE64URL_NOPAD.decode(nonce.as_bytes()).unwrap();
    assert!(good.len() >= 16, "more than anybody can guess");
    let mut wrong: Vec<Vec<u8>> = (0..good.len())
        .map(|place| {
            let mut bytes = good.clone();
            bytes[place] ^= 1;
            bytes
        })
        .collect();
    wrong.extend([
        good[..good.len() - 1].to_vec(),
        good[..4].to_vec(),
        [&good[..], &[0]].concat(),
        [&good[..], &good[..]].concat(),
        vec![0; good.len()],
        // Of a time that is long over.
        [&[0; 4], &good[4..]].concat(),
    ]);
    for bytes in wrong {
        let change = json!({ "nonce": BASE64URL_NOPAD.encode(&bytes) });
        let answer = push_with(&app, &proof(&app, &change)).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert_eq!(answer.error(), "use_dpop_nonce", "{bytes:?}");
    }
    let answer = push_with(&app, &proof(&app, &json!({ "nonce": nonce }))).await;
    assert_eq!(answer.status, StatusCode::CREATED);
}

/// Clauses AS-DPOP-09, AS-DPOP-12, AS-TOK-08: no endpoint takes a proof without a nonce, and nothing is
/// used up or ended by such a proof.
#[tokio::test(flavor = "multi_thread")]
async fn every_endpoint_wants_a_nonce() {
    let lab = Lab::start().await;
    let app = lab.app();
    let tokens = app.login().await;
    let verifier = verifier();
    let code = app.code(&Browser::new(&app), &verifier).await;
    let client = ("client_id", app.client_id.as_str());
    let other = crate::verifier().challenge().to_string();
    let exchange = [
        client,
        ("grant_type", "authorization_code"),
        ("redirect_uri", &app.redirect_uri),
        ("code", &code),
        ("code_verifier", verifier.expose()),
    ];
    let refresh = [
        client,
        ("grant_type", "refresh_token"),
        ("refresh_token", &tokens.refresh),
    ];
    for (path, pairs) in [
        (PAR, app.request(&other, &other)),
        ("/oauth/token", exchange.to_vec()),
        ("/oauth/token", refresh.to_vec()),
        ("/oauth/revoke", vec![client, ("token", &tokens.refresh)]),
    ] {
        let unaware = twin(&app);
        let proof = unaware.proof("POST", path, None);
        let request = unaware.form_request(path, &form(&pairs), Some(&proof));
        let answer = unaware.send(request).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}");
        assert_eq!(answer.error(), "use_dpop_nonce", "{path}");
        assert!(!answer.header("dpop-nonce").is_empty(), "{path}");
        assert_no_tokens(&answer);
    }
    Tokens::of(&app.exchange(&code, &verifier).await);
    Tokens::of(&app.refresh(&tokens.refresh).await);
}

/// Clause AS-DPOP-11: some apps make the same proof again, with the nonce that it lacked. The first one
/// wasn't taken, so this one is; the next one isn't.
#[tokio::test(flavor = "multi_thread")]
async fn a_jti_counts_once_it_was_taken() {
    let lab = Lab::start().await;
    let app = lab.app();
    let same = |nonce: Option<String>| proof(&app, &json!({ "jti": "same", "nonce": nonce }));
    let answer = push_with(&app, &same(None)).await;
    assert_eq!(answer.error(), "use_dpop_nonce");
    let answer = push_with(&app, &same(app.nonce())).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    lab.clock.advance(60);
    app.refresh("x").await;
    let answer = push_with(&app, &same(app.nonce())).await;
    assert_eq!(answer.error(), "invalid_dpop_proof", "the nonce is another");
}

/// Clause AS-DPOP-11: a proof is remembered for as long as it would be accepted, also one that says it
/// was made later than it was.
#[tokio::test(flavor = "multi_thread")]
async fn a_proof_never_comes_back() {
    let lab = Lab::start().await;
    let app = aware(lab.app()).await;
    for ahead in [0, 290, 590] {
        let nonce = app.refresh("x").await.header("dpop-nonce").to_owned();
        let iat = lab.clock.now().plus(ahead);
        let again = proof(&app, &json!({ "iat": iat, "nonce": nonce }));
        let answer = push_with(&app, &again).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
        for _ in 0..40 {
            lab.clock.advance(30);
            lab.network.sweep(1000).await.unwrap();
            let answer = push_with(&app, &again).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{ahead} s ahead");
        }
    }
}

/// Whether a memory takes a proof of this number as a new one.
async fn is_new(memory: &MemoryReplay, number: u32, now: UnixTime) -> bool {
    let mut key = [0; 32];
    key[..4].copy_from_slice(&number.to_be_bytes());
    let until = now.plus(300);
    let era = memory.era().unwrap();
    let answer = memory.accept_once(era, &key, until, now);
    answer.await.unwrap() == Fresh::First
}

/// Clause AS-DPOP-11: a memory that holds very many proofs knows all of them, and still takes new ones.
#[tokio::test]
async fn very_many_proofs_are_remembered() {
    let (memory, now) = (MemoryReplay::default(), SystemClock.now());
    for new in [true, false] {
        for number in 0..150_000 {
            assert_eq!(is_new(&memory, number, now).await, new, "{number}");
        }
    }
}

/// Clause AS-DPOP-11: proofs that would be refused for their age are forgotten, or this small memory would
/// soon be full.
#[tokio::test]
async fn the_memory_of_proofs_is_emptied() {
    let (memory, start) = (MemoryReplay::new(4_000), SystemClock.now());
    for number in 0..24 * 60 * 60 {
        let now = start.plus(i64::from(number));
        assert!(is_new(&memory, number, now).await, "{number}");
    }
}

/// Clause AS-DPOP-07: a URL may be spelled in several ways, and each other URL is another one.
#[tokio::test(flavor = "multi_thread")]
async fn spellings_of_the_url() {
    let nodes = Nodes::start(1).await;
    let app = aware(nodes.app()).await;
    for same in [
        "https://auth.example.com/oauth/par",
        "https://auth.example.com:443/oauth/par",
        "https://AUTH.Example.COM/oauth/par",
        "HTTPS://auth.example.com/oauth/par",
    ] {
        let answer = push_with(&app, &proof(&app, &json!({ "htu": same }))).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{same}");
    }
    for other in [
        "https://auth.example.com./oauth/par",
        "https://auth.example.com:8443/oauth/par",
        "http://auth.example.com/oauth/par",
        "https://x@auth.example.com/oauth/par",
        "https://auth.example.com/oauth/par/",
        "https://auth.example.com/oauth/par?x=1",
        "https://auth.example.com/oauth/par#x",
        "https://auth.example.com/oauth/PAR",
        "https://auth.example.com.evil.example/oauth/par",
        ORIGIN,
        "",
    ] {
        let answer = push_with(&app, &proof(&app, &json!({ "htu": other }))).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{other}");
        assert_eq!(answer.error(), "invalid_dpop_proof", "{other}");
    }
}
