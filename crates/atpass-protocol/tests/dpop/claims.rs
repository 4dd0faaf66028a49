//! The claims: what the proof is for, when it was made, and its nonce.

use atpass_protocol::OAuthErrorCode;
use atpass_protocol::dpop::{
    DpopError, Expected, NonceKeeper, QueryPolicy, access_token_hash, verify,
};
use atpass_protocol::secret::HmacKey;
use serde_json::{Value, json};

use crate::{EXPECTED, NOW, Proof, URL, check, is_malformed, nonces};

#[test]
fn as_dpop_06_the_method_is_compared_with_its_case() {
    for htm in ["post", "Post", "GET", "", " POST", "POST "] {
        let expected = "POST".to_owned();
        let got = htm.to_owned();
        let error = DpopError::Method { expected, got };
        assert_eq!(Proof::new().claim("htm", htm).verify(), Err(error));
    }
}

#[test]
fn as_dpop_07_the_url_is_compared_after_normalization() {
    for same in [
        URL,
        "https://auth.example.com:443/oauth/par",
        "HTTPS://auth.example.com/oauth/par",
        "https://AUTH.Example.com/oauth/par",
        "https://auth.example.com/x/../oauth/./par",
        "https://auth.example.com/oauth/%70ar",
    ] {
        let result = Proof::new().claim("htu", same).verify();
        assert!(result.is_ok_and(|proof| !proof.had_query), "{same}");
    }
    for other in [
        "http://auth.example.com/oauth/par",
        "https://auth.example.com:8443/oauth/par",
        "https://auth.example.org/oauth/par",
        "https://auth.example.com.evil.example/oauth/par",
        "https://auth.example.com@evil.example/oauth/par",
        "https://user@auth.example.com/oauth/par",
        "https://auth.example.com/oauth/token",
        "https://auth.example.com/oauth/par/",
        "https://auth.example.com//oauth/par",
        "https://auth.example.com/OAuth/par",
        "https://auth.example.com/oauth%2Fpar",
        "https://auth.example.com/",
        "https://auth.example.com",
        "/oauth/par",
        "auth.example.com/oauth/par",
        "",
    ] {
        let result = Proof::new().claim("htu", other).verify();
        assert!(matches!(result, Err(DpopError::Url { .. })), "{other}");
    }
}

#[test]
fn as_dpop_07_percent_encoding_is_normalized() {
    let expected = Expected {
        url: "https://api.example.com/a%2fb/%C3%A9/~x",
        ..EXPECTED
    };
    for (htu, same) in [
        ("https://api.example.com/a%2fb/%C3%A9/~x", true),
        ("https://api.example.com/a%2Fb/%c3%a9/%7Ex", true),
        ("https://api.example.com/a%2Fb/é/%7ex", true),
        ("https://api.example.com/a/b/%C3%A9/~x", false),
        ("https://api.example.com/a%252fb/%C3%A9/~x", false),
        ("https://api.example.com/a%2fb/%C3%A8/~x", false),
    ] {
        let result = Proof::new().claim("htu", htu).verify_for(&expected);
        assert_eq!(result.is_ok(), same, "{htu}");
    }
    // Not an escape, so nothing to normalize.
    for odd in ["%", "%4", "%zz", "%2%35"] {
        let url = format!("https://api.example.com/{odd}");
        let expected = Expected {
            url: &url,
            ..EXPECTED
        };
        assert!(
            Proof::new()
                .claim("htu", &*url)
                .verify_for(&expected)
                .is_ok()
        );
        assert!(
            Proof::new()
                .claim("htu", "https://api.example.com/%25")
                .verify_for(&expected)
                .is_err()
        );
    }
}

#[test]
fn as_dpop_07_a_query_is_refused_or_ignored() {
    for tail in ["?", "?a=b", "#", "#f", "?a=b#f"] {
        let htu = format!("{URL}{tail}");
        let proof = Proof::new().claim("htu", &*htu);
        assert_eq!(proof.verify(), Err(DpopError::UrlHasQuery), "{tail}");
        let lenient = Expected {
            query: QueryPolicy::Ignore,
            ..EXPECTED
        };
        assert!(proof.verify_for(&lenient).unwrap().had_query, "{tail}");
        let elsewhere = Proof::new().claim("htu", format!("https://evil.example/{tail}"));
        assert!(
            matches!(elsewhere.verify_for(&lenient), Err(DpopError::Url { .. })),
            "{tail}"
        );
    }
}

#[test]
fn as_dpop_08_iat_is_in_its_window() {
    for difference in [-600, -300, -1, 0, 1, 300, 600] {
        let result = Proof::new()
            .claim("iat", NOW.plus(difference).as_secs())
            .verify();
        assert!(result.is_ok(), "{difference}");
    }
    for iat in [
        NOW.as_secs() - 601,
        NOW.as_secs() + 601,
        0,
        -1,
        i64::MIN,
        i64::MAX,
    ] {
        let result = Proof::new().claim("iat", iat).verify();
        assert!(matches!(result, Err(DpopError::Time { .. })), "{iat}");
    }
    for iat in [json!(u64::MAX), json!(1.5), json!(-0.5), json!(1e300)] {
        let result = Proof::new().claim("iat", iat.clone()).verify();
        assert!(matches!(result, Err(DpopError::Time { .. })), "{iat}");
    }
    // A `NumericDate` may have a fraction.
    let iat: Value = serde_json::from_str(&format!("{NOW}.5")).unwrap();
    assert!(Proof::new().claim("iat", iat).verify().is_ok());
    for iat in [json!("1800000000"), json!([1_800_000_000]), json!({})] {
        assert!(
            is_malformed(&Proof::new().claim("iat", iat.clone()).verify()),
            "{iat}"
        );
    }
}

/// RFC 7519 sections 4.1.4 and 4.1.5: no proof needs them, and those that are there count.
#[test]
fn as_dpop_05_exp_and_nbf_count() {
    let with = |claim: &str, difference: i64| {
        Proof::new()
            .claim(claim, NOW.plus(difference).as_secs())
            .verify()
    };
    assert!(with("exp", 60).is_ok() && with("exp", -119).is_ok());
    assert_eq!(with("exp", -120), Err(DpopError::Claim("exp")));
    assert!(with("nbf", -60).is_ok() && with("nbf", 120).is_ok());
    assert_eq!(with("nbf", 121), Err(DpopError::Claim("nbf")));
}

#[test]
fn as_dpop_09_a_nonce_of_this_server_is_required() {
    let foreign = NonceKeeper::new(&HmacKey::new(&[2; 32])).issue(NOW);
    let stale = nonces().issue(NOW.plus(-300));
    let future = nonces().issue(NOW.plus(3_600));
    for nonce in [
        json!(null),
        json!(""),
        json!("made up"),
        json!("x".repeat(5_000)),
        json!(foreign),
        json!(stale),
        json!(future),
    ] {
        let error = Proof::new()
            .claim("nonce", nonce.clone())
            .verify()
            .unwrap_err();
        assert!(matches!(error, DpopError::Nonce(_)), "{nonce}");
        assert_eq!(error.code(), OAuthErrorCode::UseDpopNonce);
    }
    let error = Proof::new().without("nonce").verify().unwrap_err();
    assert_eq!(error.code(), OAuthErrorCode::UseDpopNonce);
    assert_eq!(
        DpopError::Signature.code(),
        OAuthErrorCode::InvalidDpopProof
    );
}

#[test]
fn as_dpop_10_a_nonce_outlives_its_rotation() {
    for age in [0, 60, 120, 240] {
        let nonce = nonces().issue(NOW.plus(-age));
        let verified = Proof::new().claim("nonce", nonce).verify().unwrap();
        let left = verified.replay_until.since(NOW);
        assert!((1..=NonceKeeper::LIFETIME).contains(&left), "{age}: {left}");
    }
}

#[test]
fn as_dpop_11_the_replay_key_is_of_key_and_jti() {
    let proof = Proof::new();
    let first = proof.verify().unwrap();
    assert_eq!(
        first,
        proof.verify().unwrap(),
        "signed again, but the same proof"
    );
    let proof = proof.claim("jti", "abd");
    let second = proof.verify().unwrap();
    assert_eq!(first.jkt, second.jkt);
    assert_ne!(first.replay_key, second.replay_key);
    let another = Proof::new().verify().unwrap();
    assert_ne!(first.replay_key, another.replay_key);
}

/// Whatever is accepted after `replay_until` would no longer be remembered.
#[test]
fn as_dpop_11_no_proof_is_accepted_after_its_replay_time() {
    let text = Proof::new().sign();
    let until = check(&[Some(&text)], &EXPECTED).unwrap().replay_until;
    let at = |now| verify([Some(&*text)].into_iter(), &EXPECTED, &nonces(), now);
    assert!(at(until.plus(-1)).is_ok());
    for late in [0, 1, 60, 3_600] {
        assert!(at(until.plus(late)).is_err(), "{late}");
    }
}

#[test]
fn as_dpop_13_the_error_tells_the_server_time_and_the_difference() {
    let error = Proof::new()
        .claim("iat", NOW.as_secs() - 7_200)
        .verify()
        .unwrap_err();
    assert_eq!(
        error,
        DpopError::Time {
            server: NOW,
            difference: -7_200
        }
    );
    let text = error.to_string();
    assert!(
        text.contains("1800000030") && text.contains("-7200 s"),
        "{text}"
    );
}

#[test]
fn rs_dpop_02_ath_is_the_hash_of_the_token() {
    let expected = Expected {
        access_token: Some("token"),
        ..EXPECTED
    };
    let with = |ath: Value| Proof::new().claim("ath", ath).verify_for(&expected);
    assert!(with(json!(access_token_hash("token"))).is_ok());
    for ath in [
        json!(access_token_hash("other")),
        json!(""),
        json!(null),
        json!("token"),
    ] {
        assert_eq!(with(ath), Err(DpopError::AccessTokenHash));
    }
    assert_eq!(
        Proof::new().verify_for(&expected),
        Err(DpopError::AccessTokenHash)
    );
}
