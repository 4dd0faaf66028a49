//! The proof: RS-DPOP-*, and with it AS-DPOP-01 to 13 at the resource.

use std::sync::Arc;

use atpass_protocol::dpop::{NonceKeeper, QueryPolicy, access_token_hash};
use atpass_protocol::secret::HmacKey;
use serde_json::{Value, json};

use crate::fixture::{Call, ME, ORIGIN, Proof, Setup, World};

type Bend = fn(&mut Value, &mut Value);

fn set(target: &mut Value, name: &str, value: Value) {
    target
        .as_object_mut()
        .unwrap()
        .insert(name.to_owned(), value);
}

#[tokio::test]
async fn rs_dpop_01_the_rules_for_proofs_hold_here() {
    let bends: &[(&str, Bend)] = &[
        ("AS-DPOP-02 typ", |header, _| {
            set(header, "typ", json!("JWT"));
        }),
        ("AS-DPOP-02 none", |header, _| {
            set(header, "alg", json!("none"));
        }),
        ("AS-DPOP-02 HS256", |header, _| {
            set(header, "alg", json!("HS256"));
        }),
        ("AS-DPOP-02 ES256K", |header, _| {
            set(header, "alg", json!("ES256K"));
        }),
        ("AS-DPOP-03 no jwk", |header, _| {
            set(header, "jwk", json!(null));
        }),
        ("AS-DPOP-03 crit", |header, _| {
            set(header, "crit", json!(["x"]));
        }),
        ("AS-DPOP-05 jti", |_, claims| set(claims, "jti", json!(""))),
        ("AS-DPOP-05 long jti", |_, claims| {
            set(claims, "jti", json!("x".repeat(300)));
        }),
        ("AS-DPOP-05 iat", |_, claims| {
            set(claims, "iat", json!("now"));
        }),
        ("AS-DPOP-06 htm", |_, claims| {
            set(claims, "htm", json!("get"));
        }),
        ("AS-DPOP-06 other htm", |_, claims| {
            set(claims, "htm", json!("POST"));
        }),
        ("AS-DPOP-07 path", |_, claims| {
            set(claims, "htu", json!(format!("{ORIGIN}/")));
        }),
        ("AS-DPOP-07 origin", |_, claims| {
            set(claims, "htu", json!(format!("https://evil.example{ME}")));
        }),
        ("AS-DPOP-08 iat", |_, claims| set(claims, "iat", json!(0))),
        ("AS-DPOP-08 huge iat", |_, claims| {
            set(claims, "iat", json!(u64::MAX));
        }),
        ("RS-DPOP-02 no ath", |_, claims| {
            set(claims, "ath", json!(null));
        }),
        ("RS-DPOP-02 other ath", |_, claims| {
            set(claims, "ath", json!(access_token_hash("other")));
        }),
    ];
    let world = World::new();
    let token = world.token();
    for (what, bend) in bends {
        let mut proof = world.proof("GET", ME, &token);
        let Proof { header, claims, .. } = &mut proof;
        bend(header, claims);
        let answer = world
            .send(&Call::new("GET", ME).token(&token).proof(&proof.sign()))
            .await;
        assert!(
            answer.refuses(401, "invalid_dpop_proof"),
            "{what}: {}",
            answer.text
        );
    }
}

#[tokio::test]
async fn rs_dpop_01_one_proof_and_its_own_signature() {
    let world = World::new();
    let token = world.token();
    let proof = || world.proof("GET", ME, &token).sign();
    let (signed, other) = (proof(), proof());
    let (signed, _) = signed.rsplit_once('.').unwrap();
    let (_, signature) = other.rsplit_once('.').unwrap();
    let call = Call::new("GET", ME).token(&token);
    for (what, call) in [
        ("AS-DPOP-01 none", call.clone()),
        (
            "AS-DPOP-01 two",
            call.clone().proof(&proof()).proof(&proof()),
        ),
        ("AS-DPOP-01 empty", call.clone().proof("")),
        ("AS-DPOP-01 not text", call.clone().proof("\u{e9}")),
        (
            "AS-DPOP-04",
            call.clone().proof(&format!("{signed}.{signature}")),
        ),
    ] {
        assert!(
            world.send(&call).await.refuses(401, "invalid_dpop_proof"),
            "{what}"
        );
    }
}

/// Clause AS-DPOP-07: the URL is the configured one, whatever the request's headers say.
#[tokio::test]
async fn rs_dpop_01_the_url_is_not_from_headers() {
    let world = World::new();
    let token = world.token();
    let hosts = |call: Call| {
        call.header("host", "evil.example")
            .header("x-forwarded-host", "evil.example")
            .header("x-forwarded-proto", "http")
            .header("forwarded", "host=evil.example")
    };
    assert!(world.send(&hosts(world.me(&token))).await.is_ok());
    let mut proof = world.proof("GET", ME, &token);
    set(
        &mut proof.claims,
        "htu",
        json!(format!("https://evil.example{ME}")),
    );
    let call = hosts(Call::new("GET", ME).token(&token).proof(&proof.sign()));
    assert!(world.send(&call).await.refuses(401, "invalid_dpop_proof"));
}

/// Clause AS-DPOP-07: the whole path, in a nested router too, and as it was sent.
#[tokio::test]
async fn rs_dpop_01_the_url_has_the_whole_path() {
    let world = World::new();
    let token = world.token();
    for path in [
        "/nested/me",
        "/blob/a%20b",
        "/blob/%C3%A9",
        "/xrpc/app.example.me?limit=1&a=%2F",
    ] {
        assert!(
            world.send(&world.call("GET", path, &token)).await.is_ok(),
            "{path}"
        );
    }
    let proof = world.proof("GET", "/me", &token).sign();
    let call = Call::new("GET", "/nested/me").token(&token).proof(&proof);
    assert!(world.send(&call).await.refuses(401, "invalid_dpop_proof"));
}

/// Clause AS-DPOP-07: a query in `htu` is ignored, or refused in strict mode.
#[tokio::test]
async fn rs_dpop_01_a_query_in_the_url() {
    let path = "/xrpc/app.example.me?limit=1";
    for (query, status) in [(QueryPolicy::Ignore, 200), (QueryPolicy::Refuse, 401)] {
        let world = World::with(Setup {
            query,
            ..Setup::default()
        });
        let token = world.token();
        let proof = world.proof("GET", path, &token).sign();
        let answer = world
            .send(&Call::new("GET", path).token(&token).proof(&proof))
            .await;
        assert_eq!(answer.status, status, "{query:?}");
    }
}

/// Clause AS-DPOP-11.
#[tokio::test]
async fn rs_dpop_01_a_proof_is_used_once() {
    let world = World::new();
    let token = world.token();
    let call = world.me(&token);
    assert!(world.send(&call).await.is_ok());
    for seconds in [0, 60, 120, 60] {
        world.advance(seconds);
        assert!(!world.send(&call).await.is_ok(), "{seconds}");
    }
    assert!(world.send(&world.me(&token)).await.is_ok());
}

/// Clause AS-DPOP-11, from many sides at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn rs_dpop_01_of_many_copies_one_passes() {
    let world = Arc::new(World::new());
    let call = world.me(&world.token());
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..32 {
        let (world, call) = (world.clone(), call.clone());
        tasks.spawn(async move { world.send(&call).await.is_ok() });
    }
    let passed = tasks
        .join_all()
        .await
        .into_iter()
        .filter(|passed| *passed)
        .count();
    assert_eq!(passed, 1);
}

/// A proof that is refused for another reason isn't used up.
#[tokio::test]
async fn rs_dpop_01_a_refused_proof_is_not_recorded() {
    let world = World::new();
    let (token, stolen) = (world.token(), world.token());
    let proof = world.proof("GET", ME, &token).sign();
    let with = |token: &str| Call::new("GET", ME).token(token).proof(&proof);
    assert!(
        world
            .send(&with(&stolen))
            .await
            .refuses(401, "invalid_dpop_proof")
    );
    assert!(world.send(&with(&token)).await.is_ok());
}

#[tokio::test]
async fn rs_dpop_03_a_nonce_is_asked_for() {
    let world = World::new();
    let token = world.token();
    let foreign = NonceKeeper::new(&HmacKey::new(&[2; 32])).issue(world.now());
    let stale = world.nonces.issue(world.now().plus(-300));
    for nonce in [
        json!(null),
        json!(""),
        json!("x"),
        json!(foreign),
        json!(stale),
    ] {
        let mut proof = world.proof("GET", ME, &token);
        set(&mut proof.claims, "nonce", nonce.clone());
        let answer = world
            .send(&Call::new("GET", ME).token(&token).proof(&proof.sign()))
            .await;
        assert!(answer.refuses(401, "use_dpop_nonce"), "{nonce}");
        // What the answer gives is what the next proof needs.
        let mut proof = world.proof("GET", ME, &token);
        set(
            &mut proof.claims,
            "nonce",
            json!(answer.header("dpop-nonce")),
        );
        let call = Call::new("GET", ME).token(&token).proof(&proof.sign());
        assert!(world.send(&call).await.is_ok());
    }
}

/// Clause AS-DPOP-10: a nonce survives rotations.
#[tokio::test]
async fn rs_dpop_03_a_nonce_outlives_its_rotation() {
    let world = World::new();
    let token = world.token();
    let nonce = world.nonces.issue(world.now());
    for seconds in [0, 60, 120, 59] {
        world.advance(seconds);
        let mut proof = world.proof("GET", ME, &token);
        set(&mut proof.claims, "nonce", json!(nonce));
        let call = Call::new("GET", ME).token(&token).proof(&proof.sign());
        assert!(world.send(&call).await.is_ok(), "{seconds}");
    }
}

/// Clause AS-DPOP-13: a clock that is off by some minutes passes; the error tells by how much.
#[tokio::test]
async fn rs_dpop_01_clocks_may_be_off() {
    let world = World::new();
    let token = world.token();
    for (difference, passes) in [(-600, true), (600, true), (-7_200, false), (7_200, false)] {
        let mut proof = world.proof("GET", ME, &token);
        set(
            &mut proof.claims,
            "iat",
            json!(world.now().plus(difference)),
        );
        let answer = world
            .send(&Call::new("GET", ME).token(&token).proof(&proof.sign()))
            .await;
        assert_eq!(answer.is_ok(), passes, "{difference}");
        assert!(
            passes || answer.text.contains(&format!("{difference} s")),
            "{}",
            answer.text
        );
    }
}

#[tokio::test]
async fn rs_dpop_04_one_token_in_one_place() {
    let world = World::new();
    let token = world.token();
    let twice = world.me(&token).token(&token);
    assert!(world.send(&twice).await.refuses(400, "invalid_request"));
    let both = world
        .me(&token)
        .header("authorization", &format!("Bearer {token}"));
    assert!(world.send(&both).await.refuses(400, "invalid_request"));
    for query in [
        "access_token=x",
        "a=b&access_token=x",
        "access%5Ftoken=x",
        "access_token",
    ] {
        let path = format!("{ME}?{query}");
        let answer = world.send(&world.call("GET", &path, &token)).await;
        assert!(answer.refuses(400, "invalid_request"), "{query}");
        assert!(
            world
                .send(&Call::new("GET", &path))
                .await
                .refuses(400, "invalid_request")
        );
    }
    let similar = format!("{ME}?not_access_token=x");
    assert!(
        world
            .send(&world.call("GET", &similar, &token))
            .await
            .is_ok()
    );
    // A token in a body is not looked for: there are no credentials.
    let body = Call::new("POST", ME).header("content-type", "application/x-www-form-urlencoded");
    assert_eq!(world.send(&body).await.status, 401);
    for value in ["DPoP", "DPoP ", "\u{e9}"] {
        let call = Call::new("GET", ME).header("authorization", value);
        assert!(
            world.send(&call).await.refuses(400, "invalid_request"),
            "{value}"
        );
    }
}
