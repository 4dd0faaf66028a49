//! Verification of a proof (RFC 9449 section 4.3), in the order in which it costs the least: the
//! signature is 97 % of it and comes last.

use std::sync::Arc;

use data_encoding::{HEXUPPER, HEXUPPER_PERMISSIVE};
use url::{Position, Url};

use super::proof::ReceivedProof;
use super::{NonceKeeper, NonceStatus};
use crate::encoding;
use crate::error::{OAuthError, OAuthErrorCode};
use crate::jose::{BoundKey, Jkt, JwkError};
use crate::time::{NumericDate, UnixTime};

/// What the request is, by the server's own knowledge.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// HTTP method.
    pub method: &'a str,
    /// The public URL of the request, from the configured origin: never from its headers.
    pub url: &'a str,
    /// What to do with an `htu` that has a query or fragment.
    pub query: QueryPolicy,
    /// The access token that came with it, at a resource server.
    pub access_token: Option<&'a str>,
}

/// `htu` is to come without query and fragment; some clients in the wild send them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueryPolicy {
    /// Refuse it (the authorization server).
    Refuse,
    /// Compare without it (a resource server that isn't strict).
    Ignore,
}

/// A proof that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedProof {
    /// Thumbprint of the key that made it.
    pub jkt: Jkt,
    /// That key, to be known at the next request.
    pub key: Arc<BoundKey>,
    /// What must not be seen twice: the hash of key and `jti`.
    pub replay_key: [u8; 32],
    /// How long the proof would be accepted: it must be remembered until then.
    pub replay_until: UnixTime,
    /// SHA-256 of the access token that came with it: what its `ath` is. For those who look the
    /// token up by it.
    pub token_hash: Option<[u8; 32]>,
    /// The `htu` had a query or fragment that was ignored.
    pub had_query: bool,
}

/// Why a proof was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DpopError {
    /// No `DPoP` header.
    #[error("send a DPoP proof in the DPoP header (RFC 9449)")]
    Missing,
    /// More than one `DPoP` header, or one that isn't text.
    #[error("send exactly one DPoP header, with one JWT in it")]
    Multiple,
    /// Not a JWT that can be read.
    #[error("the DPoP proof can't be read: {0}")]
    Malformed(String),
    /// Header `typ`.
    #[error("the typ of a DPoP proof must be dpop+jwt")]
    Type,
    /// Header `alg`.
    #[error("the alg of a DPoP proof must be ES256 here")]
    Algorithm,
    /// Header `crit`.
    #[error("the DPoP proof has critical extensions; none is supported")]
    Critical,
    /// Header `jwk`.
    #[error("the jwk of the DPoP proof: {0}")]
    Key(JwkError),
    /// A claim is missing or too long; `exp` is past, or `nbf` to come.
    #[error("the claim {0} of the DPoP proof is missing, empty, too long or out of its time")]
    Claim(&'static str),
    /// Claim `htm`.
    #[error("the DPoP proof is for method {got}, this request is {expected}")]
    Method {
        /// The request's.
        expected: String,
        /// The proof's.
        got: String,
    },
    /// Claim `htu`.
    #[error("the DPoP proof is for {got}, this request is to {expected}")]
    Url {
        /// The server's public URL of this request.
        expected: String,
        /// The proof's.
        got: String,
    },
    /// Claim `htu` has a query or fragment.
    #[error("the htu of a DPoP proof is the URL without query and fragment")]
    UrlHasQuery,
    /// Claim `iat`.
    #[error(
        "the DPoP proof's iat differs from this server's clock ({server}) by {difference} s; set the clock, or use the Date of this answer"
    )]
    Time {
        /// The server's time.
        server: UnixTime,
        /// Proof's time less server's, seconds.
        difference: i64,
    },
    /// Claim `nonce`: none, one that isn't this server's, one too old, or one from before the memory of
    /// proofs forgot.
    #[error("use the nonce of the DPoP-Nonce header ({0})")]
    Nonce(&'static str),
    /// Claim `ath`.
    #[error("the ath of the DPoP proof is not the hash of the access token")]
    AccessTokenHash,
    /// The signature.
    #[error("the signature of the DPoP proof is not of the key in it")]
    Signature,
    /// Seen before.
    #[error("this DPoP proof was used already; make a new one with another jti for each request")]
    Replayed,
}

impl DpopError {
    /// `use_dpop_nonce` where a fresh nonce is all that is missing, else `invalid_dpop_proof`.
    pub const fn code(&self) -> OAuthErrorCode {
        match self {
            Self::Nonce(_) => OAuthErrorCode::UseDpopNonce,
            _ => OAuthErrorCode::InvalidDpopProof,
        }
    }
}

impl From<DpopError> for OAuthError {
    fn from(error: DpopError) -> Self {
        Self::new(error.code(), error)
    }
}

/// Seconds by which a client's clock may be off. Freshness comes from the nonce, so people with
/// a bad clock need not be locked out (clause AS-DPOP-13).
const CLOCK_TOLERANCE: i64 = 600;

/// Seconds by which an `exp` may be past, or an `nbf` to come.
const LEEWAY: i64 = 120;

/// The longest `jti` that is taken, in bytes.
const LONGEST_JTI: usize = 256;

/// Verifies the one proof among the `DPoP` header values of a request.
///
/// The caller then records [`VerifiedProof::replay_key`], and refuses the request with
/// [`DpopError::Replayed`] if it is there already.
pub fn verify<'a>(
    headers: impl Iterator<Item = Option<&'a str>>,
    expected: &Expected<'_>,
    nonces: &NonceKeeper,
    now: UnixTime,
) -> Result<VerifiedProof, DpopError> {
    verify_with(headers, expected, nonces, now, |_| None)
}

/// The same for a server that knows a token's key from a request before: `known` is asked by the token's hash.
/// That spares the key's preparation, and no check.
pub fn verify_with<'a>(
    mut headers: impl Iterator<Item = Option<&'a str>>,
    expected: &Expected<'_>,
    nonces: &NonceKeeper,
    now: UnixTime,
    known: impl FnOnce(&[u8; 32]) -> Option<Arc<BoundKey>>,
) -> Result<VerifiedProof, DpopError> {
    let text = match (headers.next(), headers.next()) {
        (None, _) => return Err(DpopError::Missing),
        (Some(Some(text)), None) => text,
        _ => return Err(DpopError::Multiple),
    };
    let token_hash = expected
        .access_token
        .map(|token| encoding::sha256(token.as_bytes()));
    let known = token_hash.as_ref().and_then(known);
    let ReceivedProof { jws, key, claims } = ReceivedProof::parse(text, known)?;

    let jti = claims
        .jti
        .filter(|jti| (1..=LONGEST_JTI).contains(&jti.len()))
        .ok_or(DpopError::Claim("jti"))?;
    let htm = claims.htm.ok_or(DpopError::Claim("htm"))?;
    if htm != expected.method {
        return Err(DpopError::Method {
            expected: expected.method.to_owned(),
            got: htm,
        });
    }
    let htu = claims.htu.ok_or(DpopError::Claim("htu"))?;
    let had_query = check_url(&htu, expected)?;

    let NumericDate(iat) = claims.iat.ok_or(DpopError::Claim("iat"))?;
    let difference = iat.since(now);
    let replay_until = match claims
        .nonce
        .as_deref()
        .map(|nonce| nonces.check(nonce, now))
    {
        Some(NonceStatus::Valid { until }) => until,
        Some(NonceStatus::Stale) => return Err(DpopError::Nonce("the one sent is too old")),
        Some(NonceStatus::Foreign) => {
            return Err(DpopError::Nonce("the one sent is not of this server"));
        }
        None => return Err(DpopError::Nonce("none was sent")),
    };
    if !(-CLOCK_TOLERANCE..=CLOCK_TOLERANCE).contains(&difference) {
        return Err(DpopError::Time {
            server: now,
            difference,
        });
    }
    // RFC 7519 sections 4.1.4 and 4.1.5. No proof needs them.
    let is_over = |exp: &NumericDate| exp.0.plus(LEEWAY) <= now;
    let is_early = |nbf: &NumericDate| nbf.0.plus(-LEEWAY) > now;
    if claims.exp.as_ref().is_some_and(is_over) {
        return Err(DpopError::Claim("exp"));
    }
    if claims.nbf.as_ref().is_some_and(is_early) {
        return Err(DpopError::Claim("nbf"));
    }
    let ath = token_hash.map(|hash| encoding::encode(&hash));
    if ath.is_some() && claims.ath != ath {
        return Err(DpopError::AccessTokenHash);
    }
    if !jws.is_signed_by(key.key()) {
        return Err(DpopError::Signature);
    }
    let jkt = key.jkt();
    let replay_key = encoding::sha256(&[jkt.as_bytes(), jti.as_bytes()].concat());
    Ok(VerifiedProof {
        jkt,
        key,
        replay_key,
        replay_until,
        token_hash,
        had_query,
    })
}

/// Compares `htu` after syntax- and scheme-based normalization (RFC 9449 section 4.3, RFC 3986
/// section 6.2). Returns whether a query or fragment was ignored.
fn check_url(htu: &str, expected: &Expected<'_>) -> Result<bool, DpopError> {
    if htu == expected.url {
        return Ok(false);
    }
    let mismatch = || DpopError::Url {
        expected: expected.url.to_owned(),
        got: htu.to_owned(),
    };
    let mut got = Url::parse(htu).map_err(|_| mismatch())?;
    let had_query = got.query().is_some() || got.fragment().is_some();
    if had_query && expected.query == QueryPolicy::Refuse {
        return Err(DpopError::UrlHasQuery);
    }
    got.set_query(None);
    got.set_fragment(None);
    let same = Url::parse(expected.url).is_ok_and(|url| {
        url[..Position::BeforePath] == got[..Position::BeforePath]
            && normalize_escapes(url.path()) == normalize_escapes(got.path())
    });
    if same { Ok(had_query) } else { Err(mismatch()) }
}

/// A path whose percent-encoding is spelled in one way (RFC 3986 section 6.2.2): escapes in
/// capitals, and none for a character that needs none. One with a broken escape stays as it is.
fn normalize_escapes(path: &str) -> String {
    let mut parts = path.split('%');
    let mut normal = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let escape = part.split_at_checked(2).and_then(|(digits, rest)| {
            Some((
                HEXUPPER_PERMISSIVE.decode(digits.as_bytes()).ok()?.pop()?,
                rest,
            ))
        });
        let Some((byte, rest)) = escape else {
            return path.to_owned();
        };
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            normal.push(char::from(byte));
        } else {
            normal.push('%');
            normal.push_str(&HEXUPPER.encode(&[byte]));
        }
        normal.push_str(rest);
    }
    normal
}
