//! The key with which an account signs its repository (atproto spec, Cryptography).

use std::fmt;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256K1_SHA256_FIXED, EcdsaVerificationAlgorithm, ParsedPublicKey,
};

/// The multicodec prefix of a compressed P-256 point (`p256-pub`, 0x1200).
const P256: [u8; 2] = [0x80, 0x24];
/// The multicodec prefix of a compressed K-256 point (`secp256k1-pub`, 0xe7).
const K256: [u8; 2] = [0xe7, 0x01];
/// The longest point has 65 bytes: never more than 89 characters of base58.
const LONGEST: usize = 90;

/// Half of each curve's order, rounded down: the largest S of a signature that is in low-S form.
const P256_HALF_ORDER: [u8; 32] = [
    0x7f, 0xff, 0xff, 0xff, 0x80, 0x00, 0x00, 0x00, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xde, 0x73, 0x7d, 0x56, 0xd3, 0x8b, 0xcf, 0x42, 0x79, 0xdc, 0xe5, 0x61, 0x7e, 0x31, 0x92, 0xa8,
];
const K256_HALF_ORDER: [u8; 32] = [
    0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0x5d, 0x57, 0x6e, 0x73, 0x57, 0xa4, 0x50, 0x1d, 0xdf, 0xe9, 0x2f, 0x46, 0x68, 0x1b, 0x20, 0xa0,
];

/// A public key of one of the network's two curves.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SigningKey {
    curve: Curve,
    /// Compressed (SEC 1 section 2.3.3).
    point: [u8; 33],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Curve {
    P256,
    K256,
}

/// Why a text is no signing key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SigningKeyError {
    /// Not base58btc with the prefix `z`.
    #[error("it is not base58 after a z")]
    Encoding,
    /// Another kind of key.
    #[error("it is neither a P-256 nor a K-256 key")]
    Kind,
    /// Not a point of its curve.
    #[error("it is no point of its curve")]
    Point,
}

impl Curve {
    fn verification(self) -> &'static EcdsaVerificationAlgorithm {
        match self {
            Self::P256 => &ECDSA_P256_SHA256_FIXED,
            Self::K256 => &ECDSA_P256K1_SHA256_FIXED,
        }
    }

    const fn half_order(self) -> &'static [u8; 32] {
        match self {
            Self::P256 => &P256_HALF_ORDER,
            Self::K256 => &K256_HALF_ORDER,
        }
    }
}

impl SigningKey {
    /// Reads the `publicKeyMultibase` of a `Multikey`, which is also what follows `did:key:`.
    pub fn from_multibase(text: &str) -> Result<Self, SigningKeyError> {
        let bytes = base58(text)?;
        let (curve, point) = match bytes.split_first_chunk() {
            Some((&P256, point)) => (Curve::P256, point),
            Some((&K256, point)) => (Curve::K256, point),
            _ => return Err(SigningKeyError::Kind),
        };
        let point = point.try_into().map_err(|_| SigningKeyError::Point)?;
        Self::checked(curve, point)
    }

    /// Reads the `publicKeyMultibase` of a verification method of this type: `Multikey`, or one of
    /// the two older types, whose points have no prefix and may be uncompressed.
    pub fn from_method(kind: &str, text: &str) -> Result<Self, SigningKeyError> {
        let curve = match kind {
            "Multikey" => return Self::from_multibase(text),
            "EcdsaSecp256r1VerificationKey2019" => Curve::P256,
            "EcdsaSecp256k1VerificationKey2019" => Curve::K256,
            _ => return Err(SigningKeyError::Kind),
        };
        let bytes = base58(text)?;
        if let Ok(point) = bytes.as_slice().try_into() {
            return Self::checked(curve, point);
        }
        let (Some((4, coordinates)), Ok(_)) = (
            bytes.split_first(),
            ParsedPublicKey::new(curve.verification(), &bytes),
        ) else {
            return Err(SigningKeyError::Point);
        };
        let (Some(x), Some(last)) = (coordinates.first_chunk::<32>(), coordinates.last()) else {
            return Err(SigningKeyError::Point);
        };
        let mut point = [2 + (last & 1); 33];
        if let Some(place) = point.last_chunk_mut() {
            *place = *x;
        }
        Self::checked(curve, point)
    }

    fn checked(curve: Curve, point: [u8; 33]) -> Result<Self, SigningKeyError> {
        let key = Self { curve, point };
        key.prepared().ok_or(SigningKeyError::Point)?;
        Ok(key)
    }

    fn prepared(&self) -> Option<ParsedPublicKey> {
        ParsedPublicKey::new(self.curve.verification(), self.point).ok()
    }

    /// The algorithm of its signatures, as JOSE names it (RFC 7518 section 3.1, RFC 8812 section 3.2).
    pub const fn algorithm(&self) -> &'static str {
        match self.curve {
            Curve::P256 => "ES256",
            Curve::K256 => "ES256K",
        }
    }

    /// Whether `signature` (64 bytes, R then S) is this key's over the SHA-256 of `message`, in
    /// low-S form: the network allows one form of each signature only.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        signature.len() == 64
            && signature
                .last_chunk::<32>()
                .is_some_and(|s| s <= self.curve.half_order())
            && self
                .prepared()
                .is_some_and(|key| key.verify_sig(message, signature).is_ok())
    }
}

/// Reads base58btc in multibase.
fn base58(text: &str) -> Result<Vec<u8>, SigningKeyError> {
    let base58 = text.strip_prefix('z').ok_or(SigningKeyError::Encoding)?;
    if text.len() > LONGEST {
        return Err(SigningKeyError::Kind);
    }
    let bytes = bs58::decode(base58).into_vec();
    bytes.map_err(|_| SigningKeyError::Encoding)
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (curve, point) = (self.curve, data_encoding::HEXLOWER.encode(&self.point));
        write!(f, "SigningKey({curve:?} {point})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::BASE64_NOPAD;
    use serde_json::Value;

    /// The network's own examples of signatures: low-S, high-S and DER, with keys in both forms.
    #[test]
    fn signatures_of_the_network() {
        let decode = |value: &Value| {
            let text = value.as_str().unwrap().trim_end_matches('=');
            BASE64_NOPAD.decode(text.as_bytes()).unwrap()
        };
        let text = include_str!("../tests/vectors/signature-fixtures.json");
        let fixtures: Vec<Value> = serde_json::from_str(text).unwrap();
        assert_eq!(fixtures.len(), 6);
        for fixture in fixtures {
            let key = fixture["publicKeyDid"].as_str().unwrap();
            let key = SigningKey::from_multibase(key.strip_prefix("did:key:").unwrap()).unwrap();
            let kind = fixture["didDocSuite"].as_str().unwrap();
            let older = fixture["publicKeyMultibase"].as_str().unwrap();
            assert_eq!(SigningKey::from_method(kind, older), Ok(key));
            let (message, signature) = (&fixture["messageBase64"], &fixture["signatureBase64"]);
            assert_eq!(
                key.verifies(&decode(message), &decode(signature)),
                fixture["validSignature"].as_bool().unwrap(),
                "{}",
                fixture["comment"]
            );
        }
    }

    /// As the directory of the official PDS's tests writes it.
    #[test]
    fn an_uncompressed_point() {
        const KIND: &str = "EcdsaSecp256k1VerificationKey2019";
        let key = "zNQbkF3JRZWHfudyhBSjMfYwYhWxWCg2ZLt2empTuMxhN5AfA7EGdT8R9mzBHbH8ha9qcw1FjRXqMirr3uUJnnZ3L";
        assert!(SigningKey::from_method(KIND, key).is_ok());
        let other = "EcdsaSecp256r1VerificationKey2019";
        assert_eq!(
            SigningKey::from_method(other, key),
            Err(SigningKeyError::Point)
        );
        for bytes in [&[4; 65][..], &[4; 64], &[0], &[], &[4; 33], &[3; 65]] {
            let text = format!("z{}", bs58::encode(bytes).into_string());
            let refused = SigningKey::from_method(KIND, &text);
            assert_eq!(refused, Err(SigningKeyError::Point), "{bytes:?}");
        }
    }

    #[test]
    fn other_texts_are_no_keys() {
        use SigningKeyError::{Encoding, Kind, Point};
        let text = |bytes: &[u8]| format!("z{}", bs58::encode(bytes).into_string());
        let with = |prefix: [u8; 2], rest: &[u8]| text(&[&prefix[..], rest].concat());
        for (bad, error) in [
            ("", Encoding),
            ("DnaembgSGUhZULN2Caob4HLJPaxBh92N7rtH21TErzqf8HQo", Encoding),
            (
                "zDnaembgSGUhZULN2Caob4HLJPaxBh92N7rtH21TErzqf8H0o",
                Encoding,
            ),
            ("z", Kind),
            (&text(&[0xed; 34]), Kind),
            (&format!("z{}", "z".repeat(100_000)), Kind),
            (&with(P256, &[2; 32]), Point),
            (&with(P256, &[0xff; 33]), Point),
            (&with(K256, &[&[2][..], &[0xff; 32]].concat()), Point),
            (&with(P256, &[0]), Point),
        ] {
            assert_eq!(SigningKey::from_multibase(bad), Err(error), "{bad:.60}");
        }
    }
}
