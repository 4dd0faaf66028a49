//! How a confidential client proves who it is: a JWT signed with its own key (RFC 7523 section 3,
//! with the rules of the atproto profile).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::encoding;
use crate::id::{ClientId, Issuer};
use crate::jose::{ClientKey, ClientKeys, CompactJws, ES256, Jkt, KeyError, PrivateKey};
use crate::random::{self, Random};
use crate::time::{NumericDate, UnixTime};
use crate::token::Confirmation;

/// The only `client_assertion_type`.
pub const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Seconds for which an assertion is taken after it was made: the profile wants 60 at least; the rest
/// is for clocks and slow networks.
const LONGEST_AGE: i64 = 90;
/// Seconds by which a client's clock may be ahead.
const CLOCK_TOLERANCE: i64 = 60;
/// Seconds between now and an `exp` that makes sense.
const LONGEST_LIFE: i64 = 3600;
/// The longest `jti` that is taken, in bytes.
const LONGEST_JTI: usize = 256;

/// What an assertion must fit.
#[derive(Clone, Copy, Debug)]
pub struct ExpectedAssertion<'a> {
    /// The client that it must come from.
    pub client_id: &'a ClientId,
    /// The authorization server that it must be meant for.
    pub issuer: &'a Issuer,
    /// The client's keys.
    pub keys: &'a ClientKeys,
}

/// An assertion that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedAssertion {
    /// The key that made it.
    pub key: ClientKey,
    /// What must not be seen twice: the hash of client and `jti`.
    pub replay_key: [u8; 32],
    /// How long the assertion would be accepted: it must be remembered until then.
    pub replay_until: UnixTime,
    /// The DPoP key that must come with it, where it names one (atproto proposal 0010).
    pub bound_to: Option<Jkt>,
}

/// Why an assertion was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AssertionError {
    /// Not a JWT that can be read.
    #[error("the client assertion can't be read: {0}")]
    Malformed(String),
    /// Header `alg`.
    #[error("the alg of a client assertion must be ES256 here")]
    Algorithm,
    /// Header `typ`, where there is one.
    #[error("the typ of a client assertion is JWT")]
    Type,
    /// Header `crit`.
    #[error("the client assertion has critical extensions; none is supported")]
    Critical,
    /// Header `kid`.
    #[error("the client assertion names no key: put its kid in the header")]
    NoKey,
    /// Header `kid` isn't in the client's key set.
    #[error("the key {0} is not in the key set of the client's metadata")]
    UnknownKey(String),
    /// The signature.
    #[error("the signature of the client assertion is not of the key that it names")]
    Signature,
    /// A claim is missing or too long.
    #[error("the claim {0} of the client assertion is missing, empty or too long")]
    Claim(&'static str),
    /// Claims `iss` and `sub`.
    #[error("iss and sub of the client assertion must both be the client_id")]
    Subject,
    /// Claim `aud`.
    #[error("the aud of the client assertion must be {0}, and nothing else")]
    Audience(Issuer),
    /// Claim `iat`.
    #[error(
        "the client assertion's iat differs from this server's clock ({server}) by {difference} s; make a new one for each request, and set the clock"
    )]
    Time {
        /// The server's time.
        server: UnixTime,
        /// Assertion's time less server's, seconds.
        difference: i64,
    },
    /// Claim `exp` is past.
    #[error("the client assertion has expired; make a new one for each request")]
    Expired,
    /// Claim `exp` is too far ahead.
    #[error("the exp of the client assertion is more than {LONGEST_LIFE} s ahead")]
    TooLong,
    /// Seen before.
    #[error(
        "this client assertion was used already; make a new one with another jti for each request"
    )]
    Replayed,
}

#[derive(Deserialize)]
struct Claims {
    #[serde(default)]
    iss: Option<String>,
    #[serde(default)]
    sub: Option<String>,
    #[serde(default)]
    aud: Option<Audience>,
    #[serde(default)]
    jti: Option<String>,
    #[serde(default)]
    iat: Option<NumericDate>,
    #[serde(default)]
    exp: Option<NumericDate>,
    #[serde(default)]
    cnf: Option<Confirmation>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    List(Vec<String>),
}

impl Audience {
    /// An assertion that is good elsewhere as well could be sent on by whoever got it.
    fn is_only(&self, issuer: &Issuer) -> bool {
        match self {
            Self::One(one) => one == issuer.as_str(),
            Self::List(list) => matches!(list.as_slice(), [one] if one == issuer.as_str()),
        }
    }
}

/// Verifies an assertion.
///
/// The caller then records [`VerifiedAssertion::replay_key`], and refuses the request with
/// [`AssertionError::Replayed`] if it is there already.
pub fn verify(
    text: &str,
    expected: &ExpectedAssertion<'_>,
    now: UnixTime,
) -> Result<VerifiedAssertion, AssertionError> {
    use AssertionError as E;
    let malformed = |error: &dyn fmt::Display| E::Malformed(error.to_string());
    let jws = CompactJws::parse(text).map_err(|error| malformed(&error))?;
    let header = jws.read_header().map_err(|error| malformed(&error))?;
    if !header.is_es256() {
        return Err(E::Algorithm);
    }
    let right_type = header
        .typ
        .as_deref()
        .is_none_or(|typ| typ.eq_ignore_ascii_case("JWT"));
    if !right_type {
        return Err(E::Type);
    }
    if header.crit {
        return Err(E::Critical);
    }
    let kid = header.kid.as_deref().ok_or(E::NoKey)?;
    let key = expected.keys.find(kid);
    let key = key.ok_or_else(|| E::UnknownKey(kid.to_owned()))?;

    let claims: Claims = encoding::json_object(&jws.payload).map_err(|error| malformed(&error))?;
    let (iat, exp) = check_claims(&claims, expected, now)?;
    let jti = claims
        .jti
        .filter(|jti| (1..=LONGEST_JTI).contains(&jti.len()))
        .ok_or(E::Claim("jti"))?;
    if !jws.is_signed_by(key.key()) {
        return Err(E::Signature);
    }
    let seen = format!("{} {jti}", expected.client_id);
    Ok(VerifiedAssertion {
        key: ClientKey {
            kid: kid.to_owned(),
            alg: ES256.to_owned(),
            jkt: key.jkt(),
        },
        replay_key: encoding::sha256(seen.as_bytes()),
        replay_until: exp.min(iat.plus(LONGEST_AGE + 1)),
        bound_to: claims.cnf.map(|cnf| cnf.jkt),
    })
}

/// Whom it is from, whom it is for, and when. Returns `iat` and `exp`.
fn check_claims(
    claims: &Claims,
    expected: &ExpectedAssertion<'_>,
    now: UnixTime,
) -> Result<(UnixTime, UnixTime), AssertionError> {
    use AssertionError as E;
    let client_id = Some(expected.client_id.as_str());
    if claims.iss.as_deref() != client_id || claims.sub.as_deref() != client_id {
        return Err(E::Subject);
    }
    let audience = claims.aud.as_ref();
    if !audience.is_some_and(|audience| audience.is_only(expected.issuer)) {
        return Err(E::Audience(expected.issuer.clone()));
    }
    let NumericDate(iat) = claims.iat.ok_or(E::Claim("iat"))?;
    let NumericDate(exp) = claims.exp.ok_or(E::Claim("exp"))?;
    let difference = iat.since(now);
    if !(-LONGEST_AGE..=CLOCK_TOLERANCE).contains(&difference) {
        return Err(E::Time {
            server: now,
            difference,
        });
    }
    if exp <= now {
        return Err(E::Expired);
    }
    if exp > now.plus(LONGEST_LIFE) {
        return Err(E::TooLong);
    }
    Ok((iat, exp))
}

/// An assertion to be made, on the client's side.
#[derive(Clone, Copy, Debug)]
pub struct NewAssertion<'a> {
    /// The client.
    pub client_id: &'a ClientId,
    /// The authorization server that it is for.
    pub issuer: &'a Issuer,
    /// Name of the key in the client's published set.
    pub kid: &'a str,
    /// Thumbprint of the DPoP key that it is to be bound to.
    pub bound_to: Option<Jkt>,
    /// Now, by the server's clock as far as it is known.
    pub iat: UnixTime,
}

/// Seconds for which our own assertions are good.
const LIFE: i64 = 60;

impl NewAssertion<'_> {
    /// Signs the assertion.
    pub fn sign(&self, key: &PrivateKey, random: &dyn Random) -> Result<String, KeyError> {
        #[derive(Serialize)]
        struct Header<'a> {
            alg: &'a str,
            typ: &'a str,
            kid: &'a str,
        }
        #[derive(Serialize)]
        struct Claims<'a> {
            iss: &'a str,
            sub: &'a str,
            aud: &'a str,
            jti: &'a str,
            iat: i64,
            exp: i64,
            #[serde(skip_serializing_if = "Option::is_none")]
            cnf: Option<Confirmation>,
        }
        let header = Header {
            alg: ES256,
            typ: "JWT",
            kid: self.kid,
        };
        let claims = Claims {
            iss: self.client_id.as_str(),
            sub: self.client_id.as_str(),
            aud: self.issuer.as_str(),
            jti: &random::text::<16>(random),
            iat: self.iat.as_secs(),
            exp: self.iat.plus(LIFE).as_secs(),
            cnf: self.bound_to.map(|jkt| Confirmation { jkt }),
        };
        key.sign_compact(&header, &claims)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;
    use serde_json::{Value, json};

    const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
    const CLIENT: &str = "https://app.example.com/client.json";
    const ISSUER: &str = "https://auth.example.org";

    struct Lab {
        key: PrivateKey,
        keys: ClientKeys,
        client_id: ClientId,
        issuer: Issuer,
    }

    impl Lab {
        fn new() -> Self {
            let key = PrivateKey::generate().unwrap();
            let mut jwk = serde_json::to_value(key.public()).unwrap();
            jwk["kid"] = "k1".into();
            let set = json!({ "keys": [jwk] }).to_string();
            Self {
                keys: ClientKeys::from_json(set.as_bytes()).unwrap(),
                client_id: ClientId::parse(CLIENT).unwrap(),
                issuer: Issuer::parse(ISSUER).unwrap(),
                key,
            }
        }

        fn verify(&self, text: &str, now: UnixTime) -> Result<VerifiedAssertion, AssertionError> {
            let expected = ExpectedAssertion {
                client_id: &self.client_id,
                issuer: &self.issuer,
                keys: &self.keys,
            };
            verify(text, &expected, now)
        }

        fn with(
            &self,
            header: &Value,
            claims: &Value,
        ) -> Result<VerifiedAssertion, AssertionError> {
            self.verify(&self.key.sign_compact(header, claims).unwrap(), NOW)
        }
    }

    fn header() -> Value {
        json!({"alg": "ES256", "typ": "JWT", "kid": "k1"})
    }

    fn claims() -> Value {
        let now = NOW.as_secs();
        json!({"iss": CLIENT, "sub": CLIENT, "aud": ISSUER, "jti": "a", "iat": now, "exp": now + 60})
    }

    fn changed(mut value: Value, member: &str, new: Value) -> Value {
        if new.is_null() {
            value.as_object_mut().unwrap().remove(member);
        } else {
            value[member] = new;
        }
        value
    }

    #[test]
    fn our_own_assertions_hold() {
        let lab = Lab::new();
        let dpop = PrivateKey::generate().unwrap().thumbprint();
        let new = NewAssertion {
            client_id: &lab.client_id,
            issuer: &lab.issuer,
            kid: "k1",
            bound_to: Some(dpop),
            iat: NOW,
        };
        let text = new.sign(&lab.key, &SystemRandom).unwrap();
        let verified = lab.verify(&text, NOW).unwrap();
        assert_eq!(verified.bound_to, Some(dpop));
        assert_eq!(verified.key.jkt, lab.key.thumbprint());
        assert!(verified.replay_until >= NOW.plus(LIFE));
    }

    /// Clauses AS-AUTHN-02, AS-AUTHN-03, AS-AUTHN-04, AS-AUTHN-06.
    #[test]
    fn each_claim_must_be_right() {
        use AssertionError as E;
        let lab = Lab::new();
        let now = NOW.as_secs();
        for (member, value) in [
            ("aud", json!([ISSUER])),
            ("iat", json!(now - 60)),
            ("iat", json!(now + 30)),
            ("exp", json!(now + 3600)),
            ("unknown", json!(1)),
        ] {
            let good = lab.with(&header(), &changed(claims(), member, value.clone()));
            assert!(good.is_ok(), "{member} {value}: {good:?}");
        }
        let audience = E::Audience(lab.issuer.clone());
        for (member, value, error) in [
            ("iss", json!("https://evil.example.com/c.json"), E::Subject),
            ("sub", json!("https://evil.example.com/c.json"), E::Subject),
            ("iss", Value::Null, E::Subject),
            ("sub", Value::Null, E::Subject),
            (
                "aud",
                json!(format!("{ISSUER}/oauth/token")),
                audience.clone(),
            ),
            ("aud", json!(format!("{ISSUER}/")), audience.clone()),
            (
                "aud",
                json!([ISSUER, "https://evil.example.com"]),
                audience.clone(),
            ),
            ("aud", json!([]), audience.clone()),
            ("aud", Value::Null, audience),
            ("jti", Value::Null, E::Claim("jti")),
            ("jti", json!(""), E::Claim("jti")),
            ("jti", json!("x".repeat(257)), E::Claim("jti")),
            ("iat", Value::Null, E::Claim("iat")),
            ("exp", Value::Null, E::Claim("exp")),
            ("exp", json!(now), E::Expired),
            ("exp", json!(now + 3601), E::TooLong),
            (
                "iat",
                json!(now - 91),
                E::Time {
                    server: NOW,
                    difference: -91,
                },
            ),
            (
                "iat",
                json!(now + 61),
                E::Time {
                    server: NOW,
                    difference: 61,
                },
            ),
        ] {
            let got = lab.with(&header(), &changed(claims(), member, value.clone()));
            assert_eq!(got, Err(error), "{member} {value}");
        }
        for (member, value) in [
            ("iat", json!(1.5)),
            ("iat", json!(i64::MAX)),
            ("iat", json!(i64::MIN)),
            ("exp", json!("soon")),
            ("aud", json!(1)),
            ("cnf", json!({"jkt": "x"})),
        ] {
            let got = lab.with(&header(), &changed(claims(), member, value.clone()));
            assert!(got.is_err(), "{member} {value}");
        }
    }

    /// Clause AS-AUTHN-06.
    #[test]
    fn each_header_must_be_right() {
        use AssertionError as E;
        let lab = Lab::new();
        for (member, value, error) in [
            ("alg", json!("none"), E::Algorithm),
            ("alg", json!("HS256"), E::Algorithm),
            ("alg", json!("ES256K"), E::Algorithm),
            ("alg", Value::Null, E::Algorithm),
            ("typ", json!("dpop+jwt"), E::Type),
            ("typ", json!("at+jwt"), E::Type),
            ("kid", Value::Null, E::NoKey),
            ("kid", json!("k2"), E::UnknownKey("k2".into())),
            ("crit", json!(["exp"]), E::Critical),
        ] {
            let got = lab.with(&changed(header(), member, value), &claims());
            assert_eq!(got, Err(error), "{member}");
        }
        assert!(
            lab.with(&changed(header(), "typ", Value::Null), &claims())
                .is_ok()
        );
        let other = PrivateKey::generate().unwrap();
        let forged = other.sign_compact(&header(), &claims()).unwrap();
        assert_eq!(lab.verify(&forged, NOW), Err(E::Signature));
        assert!(matches!(lab.verify("a.b", NOW), Err(E::Malformed(_))));
    }

    /// Clause AS-AUTHN-05: one key for one `jti` of one client, for as long as it is accepted.
    #[test]
    fn replay_keys() {
        let lab = Lab::new();
        let first = lab.with(&header(), &claims()).unwrap();
        let again = lab.with(
            &header(),
            &changed(claims(), "exp", json!(NOW.as_secs() + 3000)),
        );
        let again = again.unwrap();
        assert_eq!(first.replay_key, again.replay_key);
        assert_eq!(again.replay_until, NOW.plus(LONGEST_AGE + 1));
        let other = lab
            .with(&header(), &changed(claims(), "jti", json!("b")))
            .unwrap();
        assert_ne!(first.replay_key, other.replay_key);
    }
}
