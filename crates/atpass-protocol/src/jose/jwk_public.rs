//! Public keys: P-256 points, read strictly.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ParsedPublicKey};
use serde::de::{Deserializer, IgnoredAny};
use serde::ser::{SerializeStruct, Serializer};
use serde::{Deserialize, Serialize};

use super::Jkt;
use crate::encoding;

/// A public P-256 key (RFC 7517, RFC 7518 section 6.2), checked to lie on the curve and prepared
/// for verification.
#[derive(Clone)]
pub struct PublicJwk {
    x: [u8; 32],
    y: [u8; 32],
    verifier: ParsedPublicKey,
}

/// Why a JWK was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwkError {
    /// A private or symmetric member (`d`, `k`, ...) is there.
    #[error("the JWK has a private member; send the public key only")]
    Private,
    /// Another key type or curve.
    #[error("the JWK must have kty EC and crv P-256")]
    Unsupported,
    /// Its `alg` isn't ES256, or its `use` isn't `sig`.
    #[error("the JWK is not meant for ES256 signatures (see its alg, use or key_ops)")]
    Purpose,
    /// A coordinate is no 32-byte base64url value, or the point isn't on the curve.
    #[error("x and y of the JWK must be 32 bytes each, and a point of P-256")]
    Point,
    /// Not a JSON object of the right shape.
    #[error("the JWK can't be read: {0}")]
    Malformed(String),
}

/// The members as they come. Members that choose nothing (`kid`, `x5c`, ...) are ignored.
#[derive(Deserialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "one flag for each member that must not be there"
)]
pub(crate) struct JwkMembers<'a> {
    #[serde(borrow)]
    kty: Cow<'a, str>,
    #[serde(borrow, default)]
    crv: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    x: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    y: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    alg: Option<Cow<'a, str>>,
    #[serde(borrow, default, rename = "use")]
    usage: Option<Cow<'a, str>>,
    #[serde(default, deserialize_with = "present")]
    d: bool,
    #[serde(default, deserialize_with = "present")]
    k: bool,
    #[serde(default, deserialize_with = "present")]
    p: bool,
    #[serde(default, deserialize_with = "present")]
    q: bool,
    #[serde(default, deserialize_with = "present")]
    dp: bool,
    #[serde(default, deserialize_with = "present")]
    dq: bool,
    #[serde(default, deserialize_with = "present")]
    qi: bool,
    #[serde(default, deserialize_with = "present")]
    oth: bool,
}

/// Reads a member only to know that it is there, whatever its value.
pub(crate) fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

impl PublicJwk {
    /// Reads a JWK from JSON text.
    pub fn from_json(text: &[u8]) -> Result<Self, JwkError> {
        let (x, y) = Self::read(text)?;
        Self::from_coordinates(x, y)
    }

    /// The coordinates in a JWK; whether they are a point isn't known yet.
    fn read(text: &[u8]) -> Result<([u8; 32], [u8; 32]), JwkError> {
        let members: JwkMembers<'_> =
            encoding::json_object(text).map_err(|error| JwkError::Malformed(error.to_string()))?;
        Self::coordinates(&members)
    }

    pub(crate) fn from_members(members: &JwkMembers<'_>) -> Result<Self, JwkError> {
        let (x, y) = Self::coordinates(members)?;
        Self::from_coordinates(x, y)
    }

    fn coordinates(members: &JwkMembers<'_>) -> Result<([u8; 32], [u8; 32]), JwkError> {
        let m = members;
        if m.d || m.k || m.p || m.q || m.dp || m.dq || m.qi || m.oth {
            return Err(JwkError::Private);
        }
        if m.kty != "EC" || m.crv.as_deref() != Some("P-256") {
            return Err(JwkError::Unsupported);
        }
        if m.alg.as_deref().is_some_and(|alg| alg != super::ES256)
            || m.usage.as_deref().is_some_and(|usage| usage != "sig")
        {
            return Err(JwkError::Purpose);
        }
        let coordinate = |text: &Option<Cow<'_, str>>| {
            text.as_deref()
                .and_then(encoding::decode_array)
                .ok_or(JwkError::Point)
        };
        Ok((coordinate(&m.x)?, coordinate(&m.y)?))
    }

    pub(crate) fn from_coordinates(x: [u8; 32], y: [u8; 32]) -> Result<Self, JwkError> {
        let mut point = [4; 65];
        point[1..33].copy_from_slice(&x);
        point[33..].copy_from_slice(&y);
        let verifier =
            ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).map_err(|_| JwkError::Point)?;
        Ok(Self { x, y, verifier })
    }

    /// Whether `signature` (64 bytes, R then S) is this key's over `message`.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.verifier.verify_sig(message, signature).is_ok()
    }

    /// The point in its compressed form (SEC 1 section 2.3.3), as in a `Multikey`.
    pub fn to_compressed(&self) -> [u8; 33] {
        let mut point = [0; 33];
        point[0] = 2 + (self.y[31] & 1);
        point[1..].copy_from_slice(&self.x);
        point
    }

    /// The thumbprint (RFC 7638 section 3).
    pub fn thumbprint(&self) -> Jkt {
        let (x, y) = (encoding::encode(&self.x), encoding::encode(&self.y));
        let canonical = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        Jkt::from_bytes(encoding::sha256(canonical.as_bytes()))
    }
}

/// A key with its thumbprint: what a session is bound to. Made once and kept, it saves the next proof the
/// preparation of both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoundKey {
    key: PublicJwk,
    jkt: Jkt,
}

impl BoundKey {
    /// With its thumbprint.
    pub fn new(key: PublicJwk) -> Self {
        let jkt = key.thumbprint();
        Self { key, jkt }
    }

    /// Reads a JWK from JSON text: it is `known`, or another one.
    pub fn from_json(text: &[u8], known: Option<Arc<Self>>) -> Result<Arc<Self>, JwkError> {
        let (x, y) = PublicJwk::read(text)?;
        match known {
            Some(known) if known.key.x == x && known.key.y == y => Ok(known),
            _ => PublicJwk::from_coordinates(x, y).map(|key| Arc::new(Self::new(key))),
        }
    }

    /// The key.
    pub const fn key(&self) -> &PublicJwk {
        &self.key
    }

    /// The key, without its thumbprint.
    pub fn into_key(self) -> PublicJwk {
        self.key
    }

    /// Its thumbprint.
    pub const fn jkt(&self) -> Jkt {
        self.jkt
    }
}

impl PartialEq for PublicJwk {
    fn eq(&self, other: &Self) -> bool {
        self.x == other.x && self.y == other.y
    }
}

impl Eq for PublicJwk {}

impl fmt::Debug for PublicJwk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PublicJwk")
            .field(&self.thumbprint())
            .finish()
    }
}

impl Serialize for PublicJwk {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut jwk = serializer.serialize_struct("PublicJwk", 4)?;
        jwk.serialize_field("kty", "EC")?;
        jwk.serialize_field("crv", "P-256")?;
        jwk.serialize_field("x", &encoding::encode(&self.x))?;
        jwk.serialize_field("y", &encoding::encode(&self.y))?;
        jwk.end()
    }
}

impl<'de> Deserialize<'de> for PublicJwk {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let members = JwkMembers::deserialize(deserializer)?;
        Self::from_members(&members).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const X: &str = "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs";
    const Y: &str = "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA";

    /// The example key of RFC 9449 section 4.1 has the thumbprint of its section 6.1.
    #[test]
    fn rfc_9449_thumbprint() {
        let jwk = format!(r#"{{"kty":"EC","x":"{X}","y":"{Y}","crv":"P-256"}}"#);
        let key = PublicJwk::from_json(jwk.as_bytes()).unwrap();
        assert_eq!(
            key.thumbprint().to_string(),
            "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
        );
        assert_eq!(
            PublicJwk::from_json(&serde_json::to_vec(&key).unwrap()).unwrap(),
            key
        );
    }

    /// Clause AS-DPOP-03.
    #[test]
    fn private_members_other_curves_and_bad_points_are_refused() {
        let refused = |jwk: String| PublicJwk::from_json(jwk.as_bytes()).unwrap_err();
        for member in [r#""d":"AA""#, r#""d":null"#, r#""k":"AA""#, r#""oth":[]"#] {
            let jwk = format!(r#"{{"kty":"EC","crv":"P-256","x":"{X}","y":"{Y}",{member}}}"#);
            assert_eq!(refused(jwk), JwkError::Private, "{member}");
        }
        assert_eq!(
            refused(format!(
                r#"{{"kty":"EC","crv":"secp256k1","x":"{X}","y":"{Y}"}}"#
            )),
            JwkError::Unsupported
        );
        assert_eq!(refused(r#"{"kty":"oct"}"#.into()), JwkError::Unsupported);
        assert_eq!(
            refused(format!(
                r#"{{"kty":"EC","crv":"P-256","x":"{X}","y":"{X}"}}"#
            )),
            JwkError::Point
        );
        assert_eq!(
            refused(format!(r#"{{"kty":"EC","crv":"P-256","x":"{X}"}}"#)),
            JwkError::Point
        );
        assert_eq!(
            refused(format!(
                r#"{{"kty":"EC","crv":"P-256","x":"{X}","y":"{Y}","alg":"ES256K"}}"#
            )),
            JwkError::Purpose
        );
        assert!(matches!(
            refused(format!(
                r#"{{"kty":"EC","kty":"EC","crv":"P-256","x":"{X}","y":"{Y}"}}"#
            )),
            JwkError::Malformed(_)
        ));
        assert!(matches!(refused("[]".into()), JwkError::Malformed(_)));
    }
}
