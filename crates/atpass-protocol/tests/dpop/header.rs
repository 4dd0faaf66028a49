//! The header of the request, the header of the proof, the key and the signature.

use atpass_protocol::dpop::{DpopError, DpopProof, Expected};
use atpass_protocol::jose::{JwkError, PrivateKey};
use atpass_protocol::random::SystemRandom;
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

use crate::{EXPECTED, NOW, Proof, URL, check, is_malformed, nonces};

#[test]
fn what_the_client_signs_holds() {
    let key = PrivateKey::generate().unwrap();
    let nonce = nonces().issue(NOW);
    let proof = DpopProof {
        htm: "POST",
        htu: URL,
        nonce: Some(&nonce),
        access_token: Some("token"),
        iat: NOW,
    };
    let text = proof.sign(&key, &SystemRandom).unwrap();
    let expected = Expected {
        access_token: Some("token"),
        ..EXPECTED
    };
    let verified = check(&[Some(&text)], &expected).unwrap();
    assert_eq!(verified.jkt, key.thumbprint());
    assert!(!verified.had_query);
}

#[test]
fn as_dpop_01_exactly_one_header_with_one_jwt() {
    let text = Proof::new().sign();
    assert!(check(&[Some(&text)], &EXPECTED).is_ok());
    for (headers, error) in [
        (&[][..], DpopError::Missing),
        (&[Some(&*text), Some(&*text)], DpopError::Multiple),
        (&[None], DpopError::Multiple),
        (&[Some(&*text), None], DpopError::Multiple),
    ] {
        assert_eq!(check(headers, &EXPECTED), Err(error), "{headers:?}");
    }
    let (signed, signature) = text.rsplit_once('.').unwrap();
    for bad in [
        "",
        "a.b.c",
        signed,
        &format!("{text}.{signature}"),
        &format!("{text}, {text}"),
        &format!(" {text}"),
        &format!("{text}="),
        &format!("{signed}.{signature}AA"),
        &format!("{signed}."),
        &"a".repeat(100_000),
    ] {
        assert!(is_malformed(&check(&[Some(bad)], &EXPECTED)), "{bad}");
    }
}

#[test]
fn as_dpop_01_header_and_claims_are_objects_without_doubles() {
    let encode = |text: &str| BASE64URL_NOPAD.encode(text.as_bytes());
    let proof = Proof::new();
    let (header, claims) = (proof.header.to_string(), proof.claims.to_string());
    let doubled = claims.replacen('{', r#"{"htm":"GET","#, 1);
    let typed = header.replacen('{', r#"{"alg":"none","#, 1);
    for (header, claims) in [
        (&*header, "[]"),
        (&header, "null"),
        (&header, "{"),
        (&header, &doubled),
        ("[]", &claims),
        ("7", &claims),
        (&typed, &claims),
    ] {
        let text = format!("{}.{}.{}", encode(header), encode(claims), "A".repeat(86));
        let result = check(&[Some(&text)], &EXPECTED);
        assert!(result.is_err(), "{header} {claims}");
        assert_ne!(result, Err(DpopError::Signature), "{header} {claims}");
    }
}

#[test]
fn as_dpop_02_typ_and_algorithm() {
    for typ in [json!("JWT"), json!("at+jwt"), json!("DPOP+JWT"), json!("")] {
        let result = Proof::new().header("typ", typ.clone()).verify();
        assert_eq!(result, Err(DpopError::Type), "{typ}");
    }
    assert_eq!(Proof::new().without("typ").verify(), Err(DpopError::Type));
    for alg in [
        "none", "NONE", "HS256", "RS256", "ES384", "ES256K", "EdDSA", "es256", "",
    ] {
        let result = Proof::new().header("alg", alg).verify();
        assert_eq!(result, Err(DpopError::Algorithm), "{alg}");
    }
    assert_eq!(
        Proof::new().without("alg").verify(),
        Err(DpopError::Algorithm)
    );
    assert!(is_malformed(
        &Proof::new().header("alg", json!(["ES256"])).verify()
    ));
    // The algorithm is ES256, but the key is of another curve or kind.
    for (name, value) in [
        ("crv", "secp256k1"),
        ("crv", "P-384"),
        ("kty", "OKP"),
        ("kty", "oct"),
    ] {
        let result = Proof::new().jwk(name, value).verify();
        assert_eq!(
            result,
            Err(DpopError::Key(JwkError::Unsupported)),
            "{name} {value}"
        );
    }
    let result = Proof::new().jwk("alg", "ES256K").verify();
    assert_eq!(result, Err(DpopError::Key(JwkError::Purpose)));
}

#[test]
fn as_dpop_03_the_key_is_public_and_a_point() {
    for member in ["d", "k", "p", "q", "dp", "dq", "qi", "oth"] {
        let result = Proof::new().jwk(member, "AA").verify();
        assert_eq!(result, Err(DpopError::Key(JwkError::Private)), "{member}");
    }
    let zero = BASE64URL_NOPAD.encode(&[0; 32]);
    let long = BASE64URL_NOPAD.encode(&[0; 33]);
    for x in [&*zero, &*long, "", "AA", "!"] {
        let result = Proof::new().jwk("x", x).verify();
        assert_eq!(result, Err(DpopError::Key(JwkError::Point)), "{x}");
    }
    let both = Proof::new().jwk("x", &*zero).jwk("y", &*zero).verify();
    assert_eq!(
        both,
        Err(DpopError::Key(JwkError::Point)),
        "the point at infinity"
    );
    for jwk in [json!(null), json!("key"), json!([]), json!({})] {
        let result = Proof::new().header("jwk", jwk.clone()).verify();
        assert!(matches!(result, Err(DpopError::Key(_))), "{jwk}");
    }
    assert!(matches!(
        Proof::new().without("jwk").verify(),
        Err(DpopError::Key(_))
    ));
}

#[test]
fn as_dpop_03_nothing_but_the_jwk_chooses_the_key() {
    let proof = Proof::new()
        .header("kid", "another")
        .header("jku", "https://evil.example/jwks")
        .header("x5u", "https://evil.example/x")
        .header("x5c", json!(["AAAA"]))
        .jwk("kid", "another")
        .jwk("x5c", json!(["AAAA"]));
    assert_eq!(proof.verify().unwrap().jkt, proof.key.thumbprint());
    for crit in [json!(["exp"]), json!(["b64"]), json!([]), json!(null)] {
        let result = Proof::new().header("crit", crit.clone()).verify();
        assert_eq!(result, Err(DpopError::Critical), "{crit}");
    }
}

#[test]
fn as_dpop_04_the_signature_is_of_the_key_in_it() {
    let (mut proof, other) = (Proof::new(), Proof::new());
    proof.header["jwk"] = other.header["jwk"].clone();
    assert_eq!(proof.verify(), Err(DpopError::Signature));

    let proof = Proof::new();
    let text = proof.sign();
    let (signed, signature) = text.rsplit_once('.').unwrap();
    let (header, _) = signed.split_once('.').unwrap();
    let claims = proof.claims.to_string().replace("abc", "abd");
    let changed = format!(
        "{header}.{}.{signature}",
        BASE64URL_NOPAD.encode(claims.as_bytes())
    );
    assert_eq!(
        check(&[Some(&changed)], &EXPECTED),
        Err(DpopError::Signature)
    );
    for bytes in [[0; 64], [0xff; 64]] {
        let forged = format!("{signed}.{}", BASE64URL_NOPAD.encode(&bytes));
        assert_eq!(
            check(&[Some(&forged)], &EXPECTED),
            Err(DpopError::Signature)
        );
    }
}

#[test]
fn as_dpop_05_claims_are_there_with_their_types() {
    for claim in ["jti", "htm", "htu", "iat"] {
        let result = Proof::new().without(claim).verify();
        assert_eq!(result, Err(DpopError::Claim(claim)));
        let result = Proof::new().claim(claim, Value::Null).verify();
        assert_eq!(result, Err(DpopError::Claim(claim)));
        for wrong in [json!([]), json!({}), json!(true)] {
            let result = Proof::new().claim(claim, wrong.clone()).verify();
            assert!(is_malformed(&result), "{claim} {wrong}");
        }
    }
    for claim in ["jti", "htm", "htu", "nonce", "ath"] {
        assert!(
            is_malformed(&Proof::new().claim(claim, 7).verify()),
            "{claim}"
        );
    }
    assert!(is_malformed(
        &Proof::new().claim("iat", "1800000030").verify()
    ));
    for jti in [String::new(), "x".repeat(257), "x".repeat(4096)] {
        let result = Proof::new().claim("jti", jti).verify();
        assert_eq!(result, Err(DpopError::Claim("jti")));
    }
    assert!(Proof::new().claim("jti", "x".repeat(256)).verify().is_ok());
    assert!(
        Proof::new()
            .claim("other", json!({ "a": 1 }))
            .verify()
            .is_ok()
    );
}
