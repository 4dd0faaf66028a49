//! Who a forwarded request is from.

use atpass_protocol::jose::{K256Key, PrivateKey};
use data_encoding::BASE64URL_NOPAD;
use http::Request;
use http::header::AUTHORIZATION;
use serde_json::{Value, json};

use crate::support::{Answer, World, alice, bob, multibase};

const METHOD: &str = "com.atproto.server.getSession";

async fn ask(world: &World, authorization: &str) -> Answer {
    let request = Request::get(format!("/xrpc/{METHOD}")).header(AUTHORIZATION, authorization);
    world
        .send(request.body(axum::body::Body::empty()).unwrap())
        .await
}

/// A token with some claims and headers changed; `null` takes one away.
fn forged(world: &World, key: &K256Key, header: &Value, claims: &Value) -> String {
    let mut all = [
        json!({ "typ": "JWT", "alg": "ES256K" }),
        world.claims(METHOD),
    ];
    for (whole, changes) in all.iter_mut().zip([header, claims]) {
        for (name, value) in changes.as_object().unwrap() {
            let whole = whole.as_object_mut().unwrap();
            whole.remove(name);
            if !value.is_null() {
                whole.insert(name.clone(), value.clone());
            }
        }
    }
    let [header, claims] = all;
    format!("Bearer {}", key.sign_compact(&header, &claims).unwrap())
}

#[tokio::test]
async fn the_account_itself() {
    let world = World::open().await;
    let who = world.query(METHOD).await.good();
    assert_eq!(
        who,
        json!({
            "did": alice(),
            "handle": "alice.garden.net",
            "email": "alice@example.com",
            "emailConfirmed": false,
            "emailAuthFactor": false,
            "active": true,
        })
    );
    // Its document is kept.
    world.query(METHOD).await.good();
    assert_eq!(world.network.looks(), 1);
}

#[tokio::test]
async fn hostile_tokens() {
    let world = World::open().await;
    let other = K256Key::from_bytes(&[0x55; 32]).unwrap();
    world.network.put(&bob(), &multibase(&other));
    let now = world.now();
    let (right, none) = (&world.key, json!({}));
    let of = |key, header: Value, claims: Value| forged(&world, key, &header, &claims);
    let claims = |claims| of(right, none.clone(), claims);
    let header = |header| of(right, header, none.clone());
    let kid_of_other = json!({ "kid": other.did_key(), "jku": "https://evil.example" });
    for (authorization, status, error) in [
        (
            claims(json!({ "aud": "did:web:other.example" })),
            401,
            "BadJwtAudience",
        ),
        (
            claims(json!({ "aud": "https://entry.garden.net" })),
            401,
            "BadJwtAudience",
        ),
        (claims(json!({ "aud": null })), 401, "BadJwt"),
        (
            claims(json!({ "aud": ["did:web:entry.garden.net"] })),
            401,
            "BadJwt",
        ),
        (
            claims(json!({ "lxm": "com.atproto.server.updateEmail" })),
            401,
            "BadJwtLexiconMethod",
        ),
        (claims(json!({ "lxm": null })), 401, "BadJwtLexiconMethod"),
        (claims(json!({ "exp": now })), 401, "JwtExpired"),
        (claims(json!({ "exp": now - 1 })), 401, "JwtExpired"),
        (claims(json!({ "exp": -1 })), 401, "JwtExpired"),
        (claims(json!({ "exp": now + 301 })), 401, "BadJwt"),
        (claims(json!({ "exp": null })), 401, "BadJwt"),
        (claims(json!({ "exp": "soon" })), 401, "BadJwt"),
        (
            claims(json!({ "iss": "did:plc:cccccccccccccccccccccccc" })),
            401,
            "AccountNotFound",
        ),
        (
            claims(json!({ "iss": format!("{}#atproto", alice()) })),
            401,
            "AccountNotFound",
        ),
        (claims(json!({ "iss": bob() })), 401, "BadJwtSignature"),
        (claims(json!({ "iss": null })), 401, "BadJwt"),
        (header(json!({ "typ": "at+jwt" })), 401, "BadJwtType"),
        (header(json!({ "typ": "AT+JWT" })), 401, "BadJwtType"),
        (
            header(json!({ "typ": "application/at+jwt" })),
            401,
            "BadJwtType",
        ),
        (header(json!({ "typ": "refresh+jwt" })), 401, "BadJwtType"),
        (header(json!({ "typ": "dpop+jwt" })), 401, "BadJwtType"),
        (
            header(json!({ "crit": ["b64"], "b64": false })),
            401,
            "BadJwtType",
        ),
        (header(json!({ "alg": "none" })), 401, "BadJwtSignature"),
        (header(json!({ "alg": "ES256" })), 401, "BadJwtSignature"),
        (header(json!({ "alg": null })), 401, "BadJwt"),
        (
            of(&other, kid_of_other, none.clone()),
            401,
            "BadJwtSignature",
        ),
        ("Bearer".into(), 400, "InvalidToken"),
        ("Bearer x".into(), 401, "BadJwt"),
        ("Bearer e30.e30.".into(), 401, "BadJwt"),
        ("Basic YWRtaW46eA==".into(), 400, "InvalidToken"),
        (format!("DPoP {}", world.token(METHOD)), 400, "InvalidToken"),
    ] {
        let answer = ask(&world, &authorization).await;
        assert_eq!(answer.error(), (status, error), "{authorization}");
    }
    let missing = world.post("com.atproto.server.requestEmailUpdate", None, None);
    assert_eq!(missing.await.error(), (401, "AuthMissing"));
    let token = world.token(METHOD);
    let twice = Request::get(format!("/xrpc/{METHOD}"))
        .header(AUTHORIZATION, format!("Bearer {token}"))
        .header(AUTHORIZATION, format!("Bearer {token}"));
    let twice = world.send(twice.body(axum::body::Body::empty()).unwrap());
    assert_eq!(twice.await.error(), (400, "InvalidToken"));
}

/// The order of secp256k1's group, less a number: the other form of a signature.
fn negated(s: &[u8]) -> Vec<u8> {
    const ORDER: &str = "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141";
    let order = data_encoding::HEXUPPER.decode(ORDER.as_bytes()).unwrap();
    let mut borrow = 0;
    let mut out = vec![0; 32];
    for place in (0..32).rev() {
        let difference = i32::from(order[place]) - i32::from(s[place]) - borrow;
        borrow = i32::from(difference < 0);
        out[place] = u8::try_from(difference.rem_euclid(256)).unwrap();
    }
    out
}

#[tokio::test]
async fn one_form_of_each_signature() {
    let world = World::open().await;
    let token = world.token(METHOD);
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let mut signature = BASE64URL_NOPAD.decode(signature.as_bytes()).unwrap();
    let high = negated(&signature[32..]);
    signature[32..].copy_from_slice(&high);
    let token = format!("Bearer {signed}.{}", BASE64URL_NOPAD.encode(&signature));
    let answer = ask(&world, &token).await;
    assert_eq!(answer.error(), (401, "BadJwtSignature"));
}

#[tokio::test]
async fn a_key_that_was_changed() {
    let world = World::open().await;
    world.query(METHOD).await.good();
    let new = K256Key::from_bytes(&[0x66; 32]).unwrap();
    world.network.put(&alice(), &multibase(&new));
    let by_new = forged(&world, &new, &json!({}), &json!({}));
    ask(&world, &by_new).await.good();
    assert_eq!(world.network.looks(), 2);
    // And the old one is nobody's.
    let answer = world.query(METHOD).await;
    assert_eq!(answer.error(), (401, "BadJwtSignature"));
    // Wrong signatures don't make us ask for ever.
    let mut last = 0;
    for _ in 0..8 {
        last = world.query(METHOD).await.status;
    }
    assert_eq!((last, world.network.looks() <= 5), (429, true));
    // Whoever signs rightly doesn't notice.
    ask(&world, &by_new).await.good();
}

#[tokio::test]
async fn a_directory_that_is_down_is_our_trouble() {
    let world = World::open().await;
    world.network.directory_is_down(true);
    let answer = world.query(METHOD).await;
    assert_eq!(answer.error(), (503, "Unavailable"));
    assert_eq!(answer.headers["retry-after"], "1");
    world.network.directory_is_down(false);
    // A failure is kept for a moment, so that a directory in trouble isn't asked all the time.
    world.clock.pass(60);
    world.query(METHOD).await.good();
    world.store.inner().down = true;
    assert_eq!(world.query(METHOD).await.error(), (503, "Unavailable"));
}

#[tokio::test]
async fn a_key_of_the_other_curve() {
    let world = World::open().await;
    let key = PrivateKey::generate().unwrap();
    let public = serde_json::to_value(key.public()).unwrap();
    let [x, y] = ["x", "y"].map(|name| {
        let text = public[name].as_str().unwrap();
        BASE64URL_NOPAD.decode(text.as_bytes()).unwrap()
    });
    let bytes = [&[0x80, 0x24, 2 + (y[31] & 1)], x.as_slice()].concat();
    let text = format!("z{}", bs58::encode(bytes).into_string());
    world.network.put(&alice(), &text);
    let header = json!({ "typ": "JWT", "alg": "ES256" });
    // The network takes signatures with a small second half only, which this key doesn't see to.
    let token = loop {
        let token = key.sign_compact(&header, &world.claims(METHOD)).unwrap();
        let (_, signature) = token.rsplit_once('.').unwrap();
        let signature = BASE64URL_NOPAD.decode(signature.as_bytes()).unwrap();
        if signature[32] < 0x7f {
            break token;
        }
    };
    ask(&world, &format!("Bearer {token}")).await.good();
    let header = json!({ "typ": "JWT", "alg": "ES256K" });
    let token = key.sign_compact(&header, &world.claims(METHOD)).unwrap();
    let answer = ask(&world, &format!("Bearer {token}")).await;
    assert_eq!(answer.error(), (401, "BadJwtSignature"));
}

#[tokio::test]
async fn an_account_that_may_not_act() {
    let world = World::open().await;
    world
        .store
        .change(&alice(), |account| account.active = false);
    assert_eq!(world.query(METHOD).await.error(), (401, "AccountTakedown"));
}
