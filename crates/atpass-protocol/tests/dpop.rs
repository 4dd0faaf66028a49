//! Verification of proofs, by the clauses of RFC 9449 and the profile (AS-DPOP-*).

use atpass_protocol::OAuthErrorCode;
use atpass_protocol::dpop::{
    DpopError, DpopProof, Expected, NonceKeeper, QueryPolicy, VerifiedProof, access_token_hash,
    verify,
};
use atpass_protocol::jose::{JwkError, PrivateKey};
use atpass_protocol::random::SystemRandom;
use atpass_protocol::secret::HmacKey;
use atpass_protocol::time::UnixTime;
use data_encoding::BASE64URL_NOPAD;
use proptest::prelude::*;
use serde_json::{Value, json};

const NOW: UnixTime = UnixTime::from_secs(1_800_000_030);
const URL: &str = "https://auth.example.com/oauth/par";
const EXPECTED: Expected<'_> = Expected {
    method: "POST",
    url: URL,
    query: QueryPolicy::Refuse,
    access_token: None,
};

fn nonces() -> NonceKeeper {
    NonceKeeper::new(&HmacKey::new(&[1; 32]))
}

/// A proof that can be bent before it is signed.
struct Proof {
    key: PrivateKey,
    header: Value,
    claims: Value,
}

impl Proof {
    fn new() -> Self {
        let key = PrivateKey::generate().unwrap();
        let header = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": key.public() });
        let claims = json!({
            "jti": "abc",
            "htm": "POST",
            "htu": URL,
            "iat": NOW,
            "nonce": nonces().issue(NOW),
        });
        Self {
            key,
            header,
            claims,
        }
    }

    fn header(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.header[name] = value.into();
        self
    }

    fn jwk(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.header["jwk"][name] = value.into();
        self
    }

    fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims[name] = value.into();
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.claims.as_object_mut().unwrap().remove(name);
        self.header.as_object_mut().unwrap().remove(name);
        self
    }

    fn sign(&self) -> String {
        self.key.sign_compact(&self.header, &self.claims).unwrap()
    }

    fn verify(&self) -> Result<VerifiedProof, DpopError> {
        self.verify_for(&EXPECTED)
    }

    fn verify_for(&self, expected: &Expected<'_>) -> Result<VerifiedProof, DpopError> {
        check(&[Some(&self.sign())], expected)
    }
}

fn check(headers: &[Option<&str>], expected: &Expected<'_>) -> Result<VerifiedProof, DpopError> {
    verify(headers.iter().copied(), expected, &nonces(), NOW)
}

fn is_malformed(result: &Result<VerifiedProof, DpopError>) -> bool {
    matches!(result, Err(DpopError::Malformed(_)))
}

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
    for odd in ["%", "%4", "%zz", "%%41"] {
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
        assert!(Proof::new().verify_for(&expected).is_err());
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
    for iat in [
        json!(u64::MAX),
        json!(1.5),
        json!(-0.5),
        json!(1e300),
        json!(1_800_000_030.0),
    ] {
        assert!(
            is_malformed(&Proof::new().claim("iat", iat.clone()).verify()),
            "{iat}"
        );
    }
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

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,40}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(".{0,8}", inner, 0..4)
                .prop_map(|members| members.into_iter().collect()),
        ]
    })
}

proptest! {
    /// No text in the header can do more than be refused.
    #[test]
    fn any_text_is_refused(text in ".{0,400}") {
        prop_assert!(check(&[Some(&text)], &EXPECTED).is_err());
    }

    #[test]
    fn any_three_parts_are_refused(
        header in prop::collection::vec(any::<u8>(), 0..200),
        claims in prop::collection::vec(any::<u8>(), 0..200),
        signature in prop::collection::vec(any::<u8>(), 64),
    ) {
        let encode = |bytes: &[u8]| BASE64URL_NOPAD.encode(bytes);
        let text = format!("{}.{}.{}", encode(&header), encode(&claims), encode(&signature));
        prop_assert!(check(&[Some(&text)], &EXPECTED).is_err());
    }

    /// A well-signed proof in which one member has any value at all: an answer, never a panic.
    #[test]
    fn any_value_of_any_member_gets_an_answer(
        name in prop::sample::select(vec![
            "typ", "alg", "jwk", "crit", "kid", "jti", "htm", "htu", "iat", "nonce", "ath",
        ]),
        value in json_value(),
        url in "[a-z]{1,6}:[/\\\\]{0,3}.{0,60}",
    ) {
        let _ = Proof::new().claim(name, value.clone()).verify();
        let _ = Proof::new().header(name, value).verify();
        let expected = Expected { url: &url, query: QueryPolicy::Ignore, ..EXPECTED };
        prop_assert!(Proof::new().claim("htu", &*url).verify_for(&expected).is_ok());
        prop_assert!(Proof::new().verify_for(&expected).is_err());
    }
}
