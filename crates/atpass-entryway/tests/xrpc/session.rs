//! Sessions of apps that know no OAuth.

use atpass_protocol::jose::{CompactJws, K256Key};
use serde_json::{Value, json};

use crate::support::{ENTRY, PASSWORD, PDS, World, alice};

const ACTIVATE: &str = "com.atproto.server.activateAccount";
const DELETE: &str = "com.atproto.server.deleteSession";

fn parts(token: &str) -> (Value, Value) {
    let jws = CompactJws::parse(token).unwrap();
    (jws.header().unwrap(), jws.claims().unwrap())
}

#[tokio::test]
async fn what_an_app_is_given() {
    let world = World::open().await;
    for identifier in [
        "alice.garden.net",
        "@Alice.Garden.Net",
        "Alice@Example.com",
        alice().as_str(),
    ] {
        let answer = world.sign_in(identifier, PASSWORD).await;
        let (access, refresh) = (answer.text("accessJwt"), answer.text("refreshJwt"));
        let mut rest = answer.good();
        rest.as_object_mut().unwrap().remove("accessJwt");
        rest.as_object_mut().unwrap().remove("refreshJwt");
        let person = json!({
            "did": alice(),
            "handle": "alice.garden.net",
            "email": "alice@example.com",
            "emailConfirmed": false,
            "emailAuthFactor": false,
            "active": true,
        });
        assert_eq!(rest, person);
        // A PDS knows one key, by no name.
        let (header, claims) = parts(&access);
        assert_eq!(header, json!({ "typ": "at+jwt", "alg": "ES256K" }));
        let key = world.provider.official_pds_key();
        assert!(key.has_signed(&CompactJws::parse(&access).unwrap()));
        assert_eq!(claims["scope"], "com.atproto.access");
        assert_eq!(
            (&claims["sub"], &claims["aud"]),
            (&json!(alice()), &json!(PDS))
        );
        assert_eq!(claims["iat"], world.now());
        assert_eq!(claims["exp"], world.now() + 900);
        assert!(claims.get("cnf").is_none() && claims.get("lxm").is_none());
        // It looks at the refresh token as well, before it passes it on.
        let (header, claims) = parts(&refresh);
        assert_eq!(header, json!({ "typ": "refresh+jwt", "alg": "ES256K" }));
        assert!(key.has_signed(&CompactJws::parse(&refresh).unwrap()));
        assert_eq!(claims["scope"], "com.atproto.refresh");
        assert_eq!(
            (&claims["sub"], &claims["aud"]),
            (&json!(alice()), &json!(ENTRY))
        );
        assert_eq!(claims["exp"], world.now() + 90 * 86_400);
        assert!(claims["jti"].as_str().unwrap().ends_with(":0"));
    }
}

#[tokio::test]
async fn who_isnt_let_in() {
    let world = World::open().await;
    let wrong = (401, "AuthenticationRequired");
    for (identifier, password) in [
        ("alice.garden.net", "not it"),
        ("nobody.garden.net", PASSWORD),
        ("alice", PASSWORD),
        ("", ""),
        ("alice.garden.net", "abcd-efgh-2345-6767"),
        ("nobody.garden.net", "abcd-efgh-2345-6767"),
    ] {
        let answer = world.sign_in(identifier, password).await;
        assert_eq!(answer.error(), wrong, "{identifier}");
        assert_eq!(answer.body["message"], "Invalid identifier or password");
    }
    world
        .store
        .change(&alice(), |account| account.active = false);
    let answer = world.sign_in("alice.garden.net", PASSWORD).await;
    assert_eq!(answer.error(), (401, "AccountTakedown"));
    let answer = world.sign_in("alice.garden.net", "not it").await;
    assert_eq!(answer.error(), wrong, "only its owner learns that");
}

#[tokio::test]
async fn guesses_are_counted() {
    let world = World::open().await;
    for _ in 0..10 {
        let answer = world.sign_in("alice.garden.net", "not it").await;
        assert_eq!(answer.status, 401);
    }
    let answer = world.sign_in("alice.garden.net", PASSWORD).await;
    assert_eq!(answer.error(), (429, "RateLimitExceeded"));
    assert!(answer.headers.contains_key("retry-after"));
    // Another account from there isn't meant.
    world.sign_in("bob.garden.net", PASSWORD).await.good();
}

#[tokio::test]
async fn a_session_goes_on_until_it_is_ended() {
    let world = World::open().await;
    let first = world.sign_in("alice.garden.net", PASSWORD).await;
    let first = first.text("refreshJwt");
    let second = world.refresh(&first).await.text("refreshJwt");
    // The answer was lost: the same once more.
    let again = world.refresh(&first).await.text("refreshJwt");
    assert_eq!(parts(&again).1["jti"], parts(&second).1["jti"]);
    let third = world.refresh(&second).await;
    assert_eq!(third.body["did"], json!(alice()));
    let third = third.text("refreshJwt");
    let bearer = format!("Bearer {third}");
    world.post(DELETE, Some(&bearer), None).await.good();
    assert_eq!(world.refresh(&third).await.error(), (400, "ExpiredToken"));
    // Whoever signs out twice is out.
    world.post(DELETE, Some(&bearer), None).await.good();
}

#[tokio::test]
async fn an_older_token_ends_the_session() {
    let world = World::open().await;
    let sign_in = async || {
        let answer = world.sign_in("alice.garden.net", PASSWORD).await;
        answer.text("refreshJwt")
    };
    let first = sign_in().await;
    let second = world.refresh(&first).await.text("refreshJwt");
    let third = world.refresh(&second).await.text("refreshJwt");
    assert_eq!(world.refresh(&first).await.error(), (400, "ExpiredToken"));
    assert_eq!(world.refresh(&third).await.error(), (400, "ExpiredToken"));

    let first = sign_in().await;
    let second = world.refresh(&first).await.text("refreshJwt");
    world.clock.pass(2 * 60 * 60 + 1);
    assert_eq!(world.refresh(&first).await.error(), (400, "ExpiredToken"));
    assert_eq!(world.refresh(&second).await.error(), (400, "ExpiredToken"));

    let last = sign_in().await;
    world.clock.pass(90 * 86_400);
    assert_eq!(world.refresh(&last).await.error(), (400, "ExpiredToken"));
    // Even so it can be given up.
    let bearer = format!("Bearer {last}");
    world.post(DELETE, Some(&bearer), None).await.good();
    assert!(world.store.inner().sessions.is_empty());
}

#[tokio::test]
async fn an_account_that_is_disabled_in_between() {
    let world = World::open().await;
    let answer = world.sign_in("alice.garden.net", PASSWORD).await;
    let (access, refresh) = (answer.text("accessJwt"), answer.text("refreshJwt"));
    world
        .store
        .change(&alice(), |account| account.active = false);
    assert_eq!(
        world.refresh(&refresh).await.error(),
        (401, "AccountTakedown")
    );
    let bearer = format!("Bearer {access}");
    let answer = world.post(ACTIVATE, Some(&bearer), None).await;
    assert_eq!(answer.error(), (401, "AccountTakedown"));
    world
        .store
        .change(&alice(), |account| account.active = true);
    assert_eq!(world.refresh(&refresh).await.status, 200);
}

/// A token with some headers and claims changed, signed by this key.
fn change(token: &str, key: &K256Key, header: Value, claims: Value) -> String {
    let (mut old_header, mut old_claims) = parts(token);
    for (old, new) in [(&mut old_header, header), (&mut old_claims, claims)] {
        let Value::Object(new) = new else {
            panic!("no object");
        };
        old.as_object_mut().unwrap().extend(new);
    }
    key.sign_compact(&old_header, &old_claims).unwrap()
}

#[tokio::test]
async fn hostile_refresh_tokens() {
    let world = World::open().await;
    let answer = world.sign_in("alice.garden.net", PASSWORD).await;
    let (access, refresh) = (answer.text("accessJwt"), answer.text("refreshJwt"));
    let key = world.provider.official_pds_key();
    let other = K256Key::from_bytes(&[0x55; 32]).unwrap();
    let none = || json!({});
    let invalid = (400, "InvalidToken");
    for (token, error) in [
        (access.clone(), invalid),
        (change(&refresh, &other, none(), none()), invalid),
        (
            change(&refresh, key, json!({ "typ": "at+jwt" }), none()),
            invalid,
        ),
        (
            change(&access, key, json!({ "typ": "refresh+jwt" }), none()),
            invalid,
        ),
        (
            change(&refresh, key, json!({ "alg": "ES256" }), none()),
            invalid,
        ),
        (
            change(&refresh, key, json!({ "alg": "none" }), none()),
            invalid,
        ),
        (
            change(&refresh, key, json!({ "kid": "k1" }), none()),
            invalid,
        ),
        (
            change(&refresh, key, json!({ "crit": ["x"] }), none()),
            invalid,
        ),
        (
            change(&refresh, key, none(), json!({ "aud": PDS })),
            invalid,
        ),
        (
            change(
                &refresh,
                key,
                none(),
                json!({ "scope": "com.atproto.access" }),
            ),
            invalid,
        ),
        (
            change(&refresh, key, none(), json!({ "scope": "atproto" })),
            invalid,
        ),
        (
            change(&refresh, key, none(), json!({ "jti": "0" })),
            invalid,
        ),
        (
            change(&refresh, key, none(), json!({ "jti": "0:0" })),
            invalid,
        ),
        (change(&refresh, key, none(), json!({ "jti": 7 })), invalid),
        (
            change(&refresh, key, none(), json!({ "cnf": { "jkt": "x" } })),
            invalid,
        ),
        (
            change(&refresh, key, none(), json!({ "exp": world.now() })),
            (400, "ExpiredToken"),
        ),
        (
            change(
                &refresh,
                key,
                none(),
                json!({ "sub": "did:plc:bbbbbbbbbbbbbbbbbbbbbbbb", "jti": format!("{:016x}:0", 7) }),
            ),
            (400, "ExpiredToken"),
        ),
        ("x".into(), invalid),
        (String::new(), invalid),
    ] {
        assert_eq!(world.refresh(&token).await.error(), error, "{token}");
    }
    // None of it did the session any harm.
    assert_eq!(world.refresh(&refresh).await.status, 200);
}

#[tokio::test]
async fn hostile_access_tokens() {
    let world = World::open().await;
    let answer = world.sign_in("alice.garden.net", PASSWORD).await;
    let (access, refresh) = (answer.text("accessJwt"), answer.text("refreshJwt"));
    let key = world.provider.official_pds_key();
    let other = K256Key::from_bytes(&[0x55; 32]).unwrap();
    let none = || json!({});
    let invalid = (400, "InvalidToken");
    for (token, error) in [
        (refresh.clone(), invalid),
        (change(&access, &other, none(), none()), invalid),
        (
            change(&access, key, none(), json!({ "aud": ENTRY })),
            invalid,
        ),
        (
            change(
                &access,
                key,
                none(),
                json!({ "aud": "did:web:other.garden.net" }),
            ),
            invalid,
        ),
        (
            change(
                &access,
                key,
                none(),
                json!({ "scope": "com.atproto.appPass" }),
            ),
            invalid,
        ),
        (
            change(
                &access,
                key,
                none(),
                json!({ "scope": "com.atproto.appPassPrivileged" }),
            ),
            invalid,
        ),
        (
            change(&access, key, none(), json!({ "cnf": { "jkt": "x" } })),
            invalid,
        ),
        (
            change(&access, key, none(), json!({ "lxm": ACTIVATE })),
            invalid,
        ),
        (
            change(
                &access,
                key,
                none(),
                json!({ "sub": "did:plc:cccccccccccccccccccccccc" }),
            ),
            invalid,
        ),
        (
            change(&access, key, none(), json!({ "exp": world.now() })),
            (400, "ExpiredToken"),
        ),
        (
            change(&access, key, json!({ "kid": "k1" }), none()),
            invalid,
        ),
        (world.token(ACTIVATE), invalid),
    ] {
        let answer = world
            .post(ACTIVATE, Some(&format!("Bearer {token}")), None)
            .await;
        assert_eq!(answer.error(), error, "{token}");
    }
    assert!(world.network.asked().is_empty());
}

#[tokio::test]
async fn the_store_is_down() {
    let world = World::open().await;
    world.store.inner().down = true;
    let answer = world.sign_in("alice.garden.net", PASSWORD).await;
    assert_eq!(answer.error(), (503, "Unavailable"));
    assert!(!answer.body.to_string().contains("disk"));
}
