//! A proof: a JWT over one request, signed by the key that it carries (RFC 9449 section 4.2).

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::DpopError;
use crate::encoding;
use crate::jose::{BoundKey, CompactJws, ES256, JwkError, KeyError, PrivateKey, PublicJwk};
use crate::random::{self, Random};
use crate::time::{NumericDate, UnixTime};

/// The request that a proof is made for.
#[derive(Clone, Copy, Debug)]
pub struct DpopProof<'a> {
    /// HTTP method, in capitals.
    pub htm: &'a str,
    /// URL of the request, without query and fragment.
    pub htu: &'a str,
    /// The nonce that this server gave last.
    pub nonce: Option<&'a str>,
    /// The access token that goes with it, at a resource server.
    pub access_token: Option<&'a str>,
    /// When it is made, by the server's clock as far as it is known.
    pub iat: UnixTime,
}

#[derive(Serialize)]
struct Header<'a> {
    typ: &'a str,
    alg: &'a str,
    jwk: &'a PublicJwk,
}

#[derive(Serialize)]
struct Claims<'a> {
    jti: &'a str,
    htm: &'a str,
    htu: &'a str,
    iat: UnixTime,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ath: Option<String>,
}

impl DpopProof<'_> {
    /// Signs it, with a `jti` of 128 random bits. Each call makes another `jti`, so a repeated
    /// request never repeats a proof.
    pub fn sign(&self, key: &PrivateKey, random: &dyn Random) -> Result<String, KeyError> {
        let header = Header {
            typ: "dpop+jwt",
            alg: ES256,
            jwk: key.public(),
        };
        let claims = Claims {
            jti: &random::text::<16>(random),
            htm: self.htm,
            htu: self.htu,
            iat: self.iat,
            nonce: self.nonce,
            ath: self.access_token.map(access_token_hash),
        };
        key.sign_compact(&header, &claims)
    }
}

/// The `ath` claim: base64url of the SHA-256 of the token (RFC 9449 section 4.2).
pub fn access_token_hash(token: &str) -> String {
    encoding::encode(&encoding::sha256(token.as_bytes()))
}

#[derive(Deserialize)]
pub(super) struct ReceivedClaims {
    pub(super) jti: Option<String>,
    pub(super) htm: Option<String>,
    pub(super) htu: Option<String>,
    pub(super) iat: Option<NumericDate>,
    pub(super) exp: Option<NumericDate>,
    pub(super) nbf: Option<NumericDate>,
    pub(super) nonce: Option<String>,
    pub(super) ath: Option<String>,
}

/// A proof that was read: header checked, key usable, signature not yet verified.
pub(super) struct ReceivedProof<'a> {
    pub(super) jws: CompactJws<'a>,
    pub(super) key: Arc<BoundKey>,
    pub(super) claims: ReceivedClaims,
}

impl<'a> ReceivedProof<'a> {
    /// Reads it. A key that is `known` needn't be prepared again.
    pub(super) fn parse(text: &'a str, known: Option<Arc<BoundKey>>) -> Result<Self, DpopError> {
        let malformed = |what: String| DpopError::Malformed(what);
        let jws = CompactJws::parse(text).map_err(|error| malformed(error.to_string()))?;
        let header = jws
            .read_header()
            .map_err(|error| malformed(format!("header: {error}")))?;
        if header.typ.as_deref() != Some("dpop+jwt") {
            return Err(DpopError::Type);
        }
        if !header.is_es256() {
            return Err(DpopError::Algorithm);
        }
        if header.crit {
            return Err(DpopError::Critical);
        }
        let jwk = header
            .jwk
            .ok_or(DpopError::Key(JwkError::Malformed("missing".into())))?;
        let key = BoundKey::from_json(jwk.get().as_bytes(), known).map_err(DpopError::Key)?;
        let claims = encoding::json_object(&jws.payload)
            .map_err(|error| malformed(format!("claims: {error}")))?;
        Ok(Self { jws, key, claims })
    }
}
