//! Access tokens: signed JWTs (RFC 9068), bound to a key (RFC 9449 section 6), an app and an
//! account.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

use crate::encoding;
use crate::id::{ClientId, Did, Issuer};
use crate::jose::{CompactJws, ES256, ES256K, Jkt, K256Key, KeyError, PrivateKey, PublicJwk};
use crate::random::{self, Random};
use crate::scope::ScopeSet;
use crate::time::UnixTime;

/// The `typ` of an access token (RFC 9068 section 2.1).
const TYPE: &str = "at+jwt";

/// The longest token that is read, in bytes: one with a scope of hundreds of permissions.
const LONGEST: usize = 64 * 1024;

/// Seconds by which another server's clock may be ahead of ours.
const SKEW: i64 = 30;

/// The name of a session: a random positive number. Knowing it gives no power over the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct SessionId(i64);

/// Not 16 hexadecimal digits with a leading bit of zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a session id is 16 hexadecimal digits")]
pub struct SessionIdError;

impl SessionId {
    /// A new one.
    pub fn generate(random: &dyn Random) -> Self {
        Self(i64::from_be_bytes(random::bytes(random)) & i64::MAX)
    }

    /// From a stored number.
    pub const fn from_i64(id: i64) -> Self {
        Self(id & i64::MAX)
    }

    /// The number to store.
    pub const fn as_i64(self) -> i64 {
        self.0
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl TryFrom<String> for SessionId {
    type Error = SessionIdError;
    fn try_from(text: String) -> Result<Self, SessionIdError> {
        let digits = text.len() == 16 && text.bytes().all(|b| b.is_ascii_hexdigit());
        let id = i64::from_str_radix(&text, 16).map_err(|_| SessionIdError)?;
        if digits && id >= 0 {
            Ok(Self(id))
        } else {
            Err(SessionIdError)
        }
    }
}

impl Serialize for SessionId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What an access token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessTokenClaims {
    /// The authorization server.
    pub iss: Issuer,
    /// The resource server: a DID.
    pub aud: Audience,
    /// The account.
    pub sub: Did,
    /// The app.
    pub client_id: ClientId,
    /// What it allows.
    pub scope: ScopeSet,
    /// The key that must come with it.
    pub cnf: Confirmation,
    /// A name for this token: `tok-` and 32 hexadecimal digits.
    pub jti: String,
    /// The session that it belongs to, so that revocation reaches it.
    pub sid: SessionId,
    /// Made at.
    pub iat: UnixTime,
    /// Not valid from then on.
    pub exp: UnixTime,
}

/// The audience of a token: one DID.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Audience(pub Did);

/// The confirmation claim (RFC 7800, RFC 9449 section 6.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmation {
    /// Thumbprint of the session's DPoP key.
    pub jkt: Jkt,
}

/// Why an access token was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccessTokenError {
    /// Not a JWT with these claims.
    #[error("the access token can't be read: {0}")]
    Malformed(String),
    /// Header `typ` or `alg`.
    #[error("the access token must have typ at+jwt and alg ES256")]
    Type,
    /// Header `kid`.
    #[error("the access token is signed with a key that this server doesn't know")]
    UnknownKey,
    /// The signature.
    #[error("the signature of the access token is not valid")]
    Signature,
    /// Claim `iss`.
    #[error("the access token is of another issuer")]
    Issuer,
    /// Claim `aud`.
    #[error("the access token is for another audience")]
    Audience,
    /// Claim `exp`.
    #[error("the access token has expired; refresh it")]
    Expired,
    /// Claim `iat` or the order of times.
    #[error("the access token is not valid yet")]
    NotYet,
}

/// A new token name.
pub fn new_token_id(random: &dyn Random) -> String {
    let bytes = random::bytes::<16>(random);
    format!("tok-{}", data_encoding::HEXLOWER.encode(&bytes))
}

/// The name of a long scope in a token for an official PDS: `ref:` and the CID (version 1, raw, SHA-256) of the
/// scope's text, so that the same scope always has the same name.
pub fn scope_reference(scope: &str) -> String {
    let cid = [
        &[0x01, 0x55, 0x12, 0x20][..],
        &encoding::sha256(scope.as_bytes()),
    ]
    .concat();
    let mut text = data_encoding::BASE32_NOPAD.encode(&cid);
    text.make_ascii_lowercase();
    format!("ref:b{text}")
}

#[derive(Serialize)]
struct Header<'a> {
    typ: &'a str,
    alg: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<&'a str>,
}

/// What a resource server demands of a token.
#[derive(Clone, Copy, Debug)]
pub struct ExpectedToken<'a> {
    /// The authorization server that it trusts.
    pub issuer: &'a Issuer,
    /// Its own DID.
    pub audience: &'a Did,
}

/// What a token says of itself before anything of it is verified: enough to find the key that must
/// verify it, and for nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenOrigin {
    /// The authorization server that is said to have signed it.
    pub iss: Issuer,
    /// The name of the key.
    pub kid: String,
    /// When it is said to have been made.
    pub iat: UnixTime,
}

/// The claims of a [`TokenOrigin`].
#[derive(Deserialize)]
struct OriginClaims {
    iss: Issuer,
    iat: UnixTime,
}

/// The claims that name a token's session.
#[derive(Deserialize)]
struct SessionClaims {
    iss: Issuer,
    sid: SessionId,
}

impl TokenOrigin {
    /// Reads where a token is from. Nothing of it is verified.
    pub fn read(token: &str) -> Result<Self, AccessTokenError> {
        let jws = parse(token)?;
        let kid = read_kid(&jws)?.into_owned();
        let OriginClaims { iss, iat } = encoding::json_object(&jws.payload).map_err(malformed)?;
        Ok(Self { iss, kid, iat })
    }
}

fn malformed(error: impl fmt::Display) -> AccessTokenError {
    AccessTokenError::Malformed(error.to_string())
}

fn parse(token: &str) -> Result<CompactJws<'_>, AccessTokenError> {
    CompactJws::parse_up_to(token, LONGEST).map_err(malformed)
}

/// Checks the header of a token, and returns the name of its key.
fn read_kid<'a>(jws: &'a CompactJws<'_>) -> Result<Cow<'a, str>, AccessTokenError> {
    let header = jws.read_header().map_err(malformed)?;
    let right_type = header.typ.as_deref().is_some_and(|typ| {
        typ.eq_ignore_ascii_case(TYPE) || typ.eq_ignore_ascii_case("application/at+jwt")
    });
    if !right_type || !header.is_es256() || header.crit {
        return Err(AccessTokenError::Type);
    }
    header.kid.ok_or(AccessTokenError::UnknownKey)
}

impl AccessTokenClaims {
    /// Signs the token.
    pub fn sign(&self, kid: &str, key: &PrivateKey) -> Result<String, KeyError> {
        let header = Header {
            typ: TYPE,
            alg: ES256,
            kid: Some(kid),
        };
        key.sign_compact(&header, self)
    }

    /// Signs the token for an official PDS, which takes no `kid`: it knows one key. With a name of the scope
    /// ([`scope_reference`]), that stands in the token in place of the scope.
    pub fn sign_for_official_pds(
        &self,
        key: &K256Key,
        scope_name: Option<&str>,
    ) -> Result<String, KeyError> {
        let header = Header {
            typ: TYPE,
            alg: ES256K,
            kid: None,
        };
        let mut claims = serde_json::to_value(self).map_err(|_| KeyError::Library)?;
        if let (Some(name), Some(members)) = (scope_name, claims.as_object_mut()) {
            members.insert("scope".into(), name.into());
        }
        key.sign_compact(&header, &claims)
    }

    /// The session that a token for an official PDS belongs to, expired or not, if `issuer` signed it with
    /// this key: enough to end it (RFC 7009), and for nothing else.
    pub fn session_for_official_pds(
        token: &str,
        key: &K256Key,
        issuer: &Issuer,
    ) -> Option<SessionId> {
        let jws = parse(token).ok()?;
        if !key.has_signed(&jws) {
            return None;
        }
        let claims: SessionClaims = encoding::json_object(&jws.payload).ok()?;
        (claims.iss == *issuer).then_some(claims.sid)
    }

    /// Reads a token and checks its signature, issuer, audience and times (RFC 9068 section 4).
    ///
    /// Binding, revocation and scope are the caller's to check.
    pub fn verify<'k>(
        token: &str,
        find_key: impl FnOnce(&str) -> Option<&'k PublicJwk>,
        expected: &ExpectedToken<'_>,
        now: UnixTime,
    ) -> Result<Self, AccessTokenError> {
        use AccessTokenError as E;
        let claims = Self::verify_signature(token, find_key)?;
        if claims.iss != *expected.issuer {
            return Err(E::Issuer);
        }
        if claims.aud.0 != *expected.audience {
            return Err(E::Audience);
        }
        if claims.exp <= now {
            return Err(E::Expired);
        }
        if claims.iat > now.plus(SKEW) || claims.iat >= claims.exp {
            return Err(E::NotYet);
        }
        Ok(claims)
    }

    /// The session that a token of `issuer` belongs to, expired or not: enough to end it
    /// (RFC 7009), and for nothing else.
    pub fn session_of<'k>(
        token: &str,
        find_key: impl FnOnce(&str) -> Option<&'k PublicJwk>,
        issuer: &Issuer,
    ) -> Option<SessionId> {
        let claims = Self::verify_signature(token, find_key).ok()?;
        (claims.iss == *issuer).then_some(claims.sid)
    }

    fn verify_signature<'k>(
        token: &str,
        find_key: impl FnOnce(&str) -> Option<&'k PublicJwk>,
    ) -> Result<Self, AccessTokenError> {
        use AccessTokenError as E;
        let jws = parse(token)?;
        let key = find_key(&read_kid(&jws)?).ok_or(E::UnknownKey)?;
        if !jws.is_signed_by(key) {
            return Err(E::Signature);
        }
        encoding::json_object(&jws.payload).map_err(malformed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

    fn claims(key: &PrivateKey) -> AccessTokenClaims {
        AccessTokenClaims {
            iss: Issuer::parse("https://auth.example.com").unwrap(),
            aud: Audience(Did::parse("did:web:pds.example.com").unwrap()),
            sub: Did::parse("did:plc:ewvi7nxzyoun6zhxrhs64oiz").unwrap(),
            client_id: ClientId::parse("http://localhost").unwrap(),
            scope: ScopeSet::parse("atproto").unwrap(),
            cnf: Confirmation {
                jkt: key.thumbprint(),
            },
            jti: new_token_id(&SystemRandom),
            sid: SessionId::generate(&SystemRandom),
            iat: UnixTime::from_secs(1_000_000),
            exp: UnixTime::from_secs(1_000_900),
        }
    }

    /// An official PDS asks for what the name stands for; the session is in the token either way.
    #[test]
    fn a_token_may_name_its_scope() {
        let key = K256Key::generate(&SystemRandom);
        let claims = claims(&PrivateKey::generate().unwrap());
        let name = scope_reference("atproto");
        assert!(
            name.starts_with("ref:bafkrei") && name.len() == 63,
            "{name}"
        );
        for scope_name in [None, Some(name.as_str())] {
            let token = claims.sign_for_official_pds(&key, scope_name).unwrap();
            let jws = CompactJws::parse(&token).unwrap();
            let payload: serde_json::Value = serde_json::from_slice(&jws.payload).unwrap();
            assert_eq!(payload["scope"], scope_name.unwrap_or("atproto"));
            let of = AccessTokenClaims::session_for_official_pds;
            assert_eq!(of(&token, &key, &claims.iss), Some(claims.sid));
            let other = Issuer::parse("https://other.example.com").unwrap();
            assert_eq!(of(&token, &key, &other), None);
            assert_eq!(
                of(&token, &K256Key::generate(&SystemRandom), &claims.iss),
                None
            );
        }
    }

    /// Clauses RS-TOK-02 and RS-TOK-04.
    #[test]
    fn a_token_holds_for_its_key_issuer_audience_and_time() {
        let (key, other) = (
            PrivateKey::generate().unwrap(),
            PrivateKey::generate().unwrap(),
        );
        let claims = claims(&key);
        let token = claims.sign("k1", &key).unwrap();
        let (issuer, audience) = (claims.iss.clone(), claims.aud.0.clone());
        let elsewhere = Issuer::parse("https://other.example.com").unwrap();
        let check = |public: &PublicJwk, issuer: &Issuer, audience: &Did, now| {
            let expected = ExpectedToken { issuer, audience };
            AccessTokenClaims::verify(
                &token,
                |kid| (kid == "k1").then_some(public),
                &expected,
                UnixTime::from_secs(now),
            )
        };
        assert_eq!(
            check(key.public(), &issuer, &audience, 1_000_899),
            Ok(claims.clone())
        );
        assert_eq!(
            check(key.public(), &issuer, &audience, 1_000_900),
            Err(AccessTokenError::Expired)
        );
        assert_eq!(
            check(key.public(), &issuer, &audience, 999_900),
            Err(AccessTokenError::NotYet)
        );
        assert_eq!(
            check(other.public(), &issuer, &audience, 1_000_000),
            Err(AccessTokenError::Signature)
        );
        assert_eq!(
            check(key.public(), &elsewhere, &audience, 1_000_000),
            Err(AccessTokenError::Issuer)
        );
        assert_eq!(
            check(key.public(), &issuer, &claims.sub, 1_000_000),
            Err(AccessTokenError::Audience)
        );
        let expected = ExpectedToken {
            issuer: &issuer,
            audience: &audience,
        };
        let unknown = AccessTokenClaims::verify(&token, |_| None, &expected, claims.iat);
        assert_eq!(unknown, Err(AccessTokenError::UnknownKey));
        let proof = key
            .sign_compact(
                &serde_json::json!({"typ": "dpop+jwt", "alg": "ES256", "kid": "k1"}),
                &claims,
            )
            .unwrap();
        let other_type =
            AccessTokenClaims::verify(&proof, |_| Some(key.public()), &expected, claims.iat);
        assert_eq!(other_type, Err(AccessTokenError::Type));
        assert_eq!(TokenOrigin::read(&proof), Err(AccessTokenError::Type));
        let origin = TokenOrigin::read(&token).unwrap();
        let (iss, kid, iat) = (claims.iss, "k1".to_owned(), claims.iat);
        assert_eq!(origin, TokenOrigin { iss, kid, iat });
    }

    /// Clause AS-REV-01: an expired token still names the session that it can end.
    #[test]
    fn a_token_names_its_session_to_its_own_issuer_only() {
        let key = PrivateKey::generate().unwrap();
        let claims = claims(&key);
        let token = claims.sign("k1", &key).unwrap();
        let session = |issuer: &str| {
            AccessTokenClaims::session_of(
                &token,
                |_| Some(key.public()),
                &Issuer::parse(issuer).unwrap(),
            )
        };
        assert_eq!(session("https://auth.example.com"), Some(claims.sid));
        assert_eq!(session("https://other.example.com"), None);
    }

    #[test]
    fn session_ids_round_trip() {
        let id = SessionId::generate(&SystemRandom);
        assert_eq!(SessionId::try_from(id.to_string()), Ok(id));
        for bad in ["", "8000000000000000", "zz", "+000000000000001", "0123"] {
            assert!(SessionId::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }
}
