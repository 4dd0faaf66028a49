//! The key with which an account signs its repository (atproto spec, Cryptography).

use std::fmt;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256K1_SHA256_FIXED, EcdsaVerificationAlgorithm, ParsedPublicKey,
};

/// The multicodec prefix of a compressed P-256 point (`p256-pub`, 0x1200).
const P256: [u8; 2] = [0x80, 0x24];
/// The multicodec prefix of a compressed K-256 point (`secp256k1-pub`, 0xe7).
const K256: [u8; 2] = [0xe7, 0x01];
/// A prefix and a point have 35 bytes: never more than 48 characters of base58.
const LONGEST: usize = 49;

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
    /// Not a compressed point of its curve.
    #[error("it is no compressed point of its curve")]
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
        let base58 = text.strip_prefix('z').ok_or(SigningKeyError::Encoding)?;
        if text.len() > LONGEST {
            return Err(SigningKeyError::Kind);
        }
        let bytes = bs58::decode(base58).into_vec();
        let bytes = bytes.map_err(|_| SigningKeyError::Encoding)?;
        let (curve, point) = match bytes.split_first_chunk() {
            Some((&P256, point)) => (Curve::P256, point),
            Some((&K256, point)) => (Curve::K256, point),
            _ => return Err(SigningKeyError::Kind),
        };
        let point = point.try_into().map_err(|_| SigningKeyError::Point)?;
        let key = Self { curve, point };
        key.prepared().ok_or(SigningKeyError::Point)?;
        Ok(key)
    }

    fn prepared(&self) -> Option<ParsedPublicKey> {
        ParsedPublicKey::new(self.curve.verification(), self.point).ok()
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

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (curve, point) = (self.curve, data_encoding::HEXLOWER.encode(&self.point));
        write!(f, "SigningKey({curve:?} {point})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of the atproto spec (Cryptography, "Public Key Encoding").
    #[test]
    fn keys_of_the_specification() {
        for (text, curve) in [
            (
                "zDnaembgSGUhZULN2Caob4HLJPaxBh92N7rtH21TErzqf8HQo",
                Curve::P256,
            ),
            (
                "zQ3shqwJEJyMBsBXCWyCBpUBMqxcon9oHB7mCvx4sSpMdLJwc",
                Curve::K256,
            ),
        ] {
            let key = SigningKey::from_multibase(text).unwrap();
            assert_eq!(key.curve, curve);
            assert!(!key.verifies(b"x", &[1; 64]));
            assert!(!key.verifies(b"x", b""));
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
