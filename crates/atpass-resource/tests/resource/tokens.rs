//! The access token: RS-TOK-*.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use atpass_protocol::id::{Did, Issuer};
use atpass_protocol::jose::{JwkSet, PrivateKey, PublishedKey};
use atpass_protocol::token::{AccessTokenClaims, Audience, Confirmation, SessionId};
use atpass_resource::{IssuerKeys, KeysUnavailable};
use serde_json::{Value, json};

use crate::fixture::{Call, ME, Setup, World};

#[tokio::test]
async fn rs_tok_01_the_scheme_is_dpop() {
    let world = World::new();
    let token = world.token();
    for scheme in ["DPoP", "dpop", "DPOP", "dPoP "] {
        let proof = world.proof("GET", ME, &token).sign();
        let call = Call::new("GET", ME).header("authorization", &format!("{scheme} {token}"));
        assert!(world.send(&call.proof(&proof)).await.is_ok(), "{scheme}");
    }
    for scheme in ["Bearer", "bearer"] {
        let proof = world.proof("GET", ME, &token).sign();
        let call = Call::new("GET", ME).header("authorization", &format!("{scheme} {token}"));
        for call in [call.clone(), call.proof(&proof)] {
            let answer = world.send(&call).await;
            assert!(answer.refuses(401, "invalid_token"), "{scheme}");
            assert!(
                answer.text.contains("Authorization: DPoP"),
                "it says what to do"
            );
        }
    }
}

#[tokio::test]
async fn rs_tok_02_signature_type_and_times() {
    let world = World::new();
    let claims = world.claims();
    let key = &world.issuer_key;
    let other = PrivateKey::generate().unwrap();
    let header = |typ: &str, alg: &str| json!({ "typ": typ, "alg": alg, "kid": "k1" });
    let signed = |header: &Value| key.sign_compact(header, &claims).unwrap();
    let timed = |iat, exp| {
        let (iat, exp) = (world.now().plus(iat), world.now().plus(exp));
        let claims = AccessTokenClaims {
            iat,
            exp,
            ..claims.clone()
        };
        claims.sign("k1", key).unwrap()
    };
    for typ in ["at+jwt", "application/at+jwt", "AT+JWT"] {
        let token = signed(&header(typ, "ES256"));
        assert!(world.send(&world.me(&token)).await.is_ok(), "{typ}");
    }
    for (what, token) in [
        ("garbage", "x".to_owned()),
        ("another's signature", claims.sign("k1", &other).unwrap()),
        ("an unknown key", claims.sign("k2", key).unwrap()),
        (
            "no key",
            signed(&json!({ "typ": "at+jwt", "alg": "ES256" })),
        ),
        ("another type", signed(&header("JWT", "ES256"))),
        ("a proof's type", signed(&header("dpop+jwt", "ES256"))),
        ("no algorithm", signed(&header("at+jwt", "none"))),
        ("a symmetric algorithm", signed(&header("at+jwt", "HS256"))),
        ("another algorithm", signed(&header("at+jwt", "ES256K"))),
        (
            "critical extensions",
            signed(&json!({ "typ": "at+jwt", "alg": "ES256", "kid": "k1", "crit": ["exp"] })),
        ),
        ("expired", timed(-900, 0)),
        ("from the future", timed(60, 900)),
        ("ended before it began", timed(10, 5)),
    ] {
        let answer = world.send(&world.me(&token)).await;
        assert!(
            answer.refuses(401, "invalid_token"),
            "{what}: {}",
            answer.text
        );
    }
}

#[tokio::test]
async fn rs_tok_02_every_claim_is_there() {
    let world = World::new();
    let whole = serde_json::to_value(world.claims()).unwrap();
    let header = json!({ "typ": "at+jwt", "alg": "ES256", "kid": "k1" });
    let sign = |claims: &Value| world.issuer_key.sign_compact(&header, claims).unwrap();
    assert!(world.send(&world.me(&sign(&whole))).await.is_ok());
    for claim in [
        "iss",
        "aud",
        "sub",
        "client_id",
        "scope",
        "cnf",
        "sid",
        "iat",
        "exp",
    ] {
        for value in [
            None,
            Some(json!(null)),
            Some(json!(true)),
            Some(json!(["x"])),
        ] {
            let mut claims = whole.clone();
            let members = claims.as_object_mut().unwrap();
            members.remove(claim);
            members.extend(value.map(|value| (claim.to_owned(), value)));
            let answer = world.send(&world.me(&sign(&claims))).await;
            assert!(answer.refuses(401, "invalid_token"), "{claims}");
        }
    }
}

#[tokio::test]
async fn rs_tok_02_a_token_ends_on_time() {
    let world = World::new();
    let token = world.token();
    world.advance(899);
    assert!(world.send(&world.me(&token)).await.is_ok());
    world.advance(1);
    assert!(
        world
            .send(&world.me(&token))
            .await
            .refuses(401, "invalid_token")
    );
}

#[tokio::test]
async fn rs_tok_03_the_token_is_bound_to_the_key_of_the_proof() {
    let world = World::new();
    let thief = PrivateKey::generate().unwrap();
    let token = world.token();
    let mut proof = world.proof("GET", ME, &token);
    proof.key = &thief;
    proof.header = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": thief.public() });
    let answer = world
        .send(&Call::new("GET", ME).token(&token).proof(&proof.sign()))
        .await;
    assert!(answer.refuses(401, "invalid_token"));

    let cnf = Confirmation {
        jkt: thief.thumbprint(),
    };
    let token = AccessTokenClaims {
        cnf,
        ..world.claims()
    }
    .sign("k1", &world.issuer_key)
    .unwrap();
    assert!(
        world
            .send(&world.me(&token))
            .await
            .refuses(401, "invalid_token")
    );
}

#[tokio::test]
async fn rs_tok_04_another_audience_or_issuer_is_refused() {
    let world = World::new();
    let aud = Audience(Did::parse("did:web:other.example.com").unwrap());
    let iss = Issuer::parse("https://other.example.com").unwrap();
    for claims in [
        AccessTokenClaims {
            aud,
            ..world.claims()
        },
        AccessTokenClaims {
            iss,
            ..world.claims()
        },
    ] {
        let token = claims.sign("k1", &world.issuer_key).unwrap();
        assert!(
            world
                .send(&world.me(&token))
                .await
                .refuses(401, "invalid_token")
        );
    }
}

#[tokio::test]
async fn rs_tok_05_an_ended_session_is_refused_at_once() {
    let world = World::new();
    let (token, other) = (world.token(), {
        let sid = SessionId::from_i64(8);
        AccessTokenClaims {
            sid,
            ..world.claims()
        }
        .sign("k1", &world.issuer_key)
        .unwrap()
    });
    assert!(world.send(&world.me(&token)).await.is_ok());
    world
        .revoked
        .end_session(SessionId::from_i64(7), world.now().plus(900), world.now());
    for _ in 0..3 {
        assert!(
            world
                .send(&world.me(&token))
                .await
                .refuses(401, "invalid_token")
        );
        world.advance(299);
    }
    assert!(world.send(&world.me(&other)).await.is_ok());
}

#[tokio::test]
async fn rs_tok_06_without_atproto_there_is_no_access() {
    let world = World::new();
    let header = json!({ "typ": "at+jwt", "alg": "ES256", "kid": "k1" });
    for scope in [
        "",
        "transition:generic",
        "transition:email transition:generic",
    ] {
        let mut claims = serde_json::to_value(world.claims()).unwrap();
        claims
            .as_object_mut()
            .unwrap()
            .insert("scope".into(), json!(scope));
        let token = world.issuer_key.sign_compact(&header, &claims).unwrap();
        assert!(
            world
                .send(&world.me(&token))
                .await
                .refuses(401, "invalid_token"),
            "{scope}"
        );
    }
}

/// Keys that change while the server runs.
#[derive(Default)]
struct Changing(Mutex<Arc<JwkSet>>);

#[derive(Clone, Default)]
struct Shared(Arc<Changing>);

#[async_trait]
impl IssuerKeys for Shared {
    async fn keys(&self) -> Result<Arc<JwkSet>, KeysUnavailable> {
        Ok(self.0.0.lock().unwrap().clone())
    }
}

/// A token that was verified once isn't verified again; but its key must still be the issuer's, its
/// time not over, and the proof's key the one that it is bound to.
#[tokio::test]
async fn rs_tok_02_a_token_that_is_held() {
    let keys = Shared::default();
    let mut world = World::with(Setup {
        keys: Some(Arc::new(keys.clone())),
        ..Setup::default()
    });
    let published = PublishedKey::new("k1", world.issuer_key.public().clone());
    let all = Arc::new(JwkSet {
        keys: vec![published],
    });
    let token = world.token();
    assert!(
        world
            .send(&world.me(&token))
            .await
            .refuses(401, "invalid_token")
    );
    *keys.0.0.lock().unwrap() = all.clone();
    assert!(world.send(&world.me(&token)).await.is_ok());
    assert!(world.send(&world.me(&token)).await.is_ok());

    let own = std::mem::replace(&mut world.app_key, PrivateKey::generate().unwrap());
    assert!(
        world
            .send(&world.me(&token))
            .await
            .refuses(401, "invalid_token")
    );
    world.app_key = own;
    *keys.0.0.lock().unwrap() = Arc::default();
    assert!(
        world
            .send(&world.me(&token))
            .await
            .refuses(401, "invalid_token")
    );
    *keys.0.0.lock().unwrap() = all;
    assert!(world.send(&world.me(&token)).await.is_ok());
    world.advance(900);
    assert!(
        world
            .send(&world.me(&token))
            .await
            .refuses(401, "invalid_token")
    );
}
