//! Keys of the network's other curve, secp256k1: repositories, directory operations, service auth, and the
//! tokens that unmodified PDSes take from their entryway. Their algorithm is ES256K (RFC 8812 section 3.2).

use std::fmt;

use k256::ecdsa::signature::Signer;
use k256::ecdsa::{Signature, SigningKey, VerifyingKey};
use serde::Serialize;

use super::jwk_private::{KeyError, compact};
use super::jws::CompactJws;
use crate::random::{self, Random};

/// The signature algorithm (RFC 8812 section 3.2): secp256k1 with SHA-256.
pub const ES256K: &str = "ES256K";

/// The multicodec prefix of a compressed secp256k1 point (`secp256k1-pub`, 0xe7).
const MULTICODEC: [u8; 2] = [0xe7, 0x01];

/// A secp256k1 key that signs with ES256K, prepared once. Its bytes are wiped on drop.
#[derive(Clone)]
pub struct K256Key(SigningKey);

impl K256Key {
    /// The key whose number these bytes are, big-endian. Zero and what is larger than the curve's order
    /// are no keys; random bytes are one but in one of 2^127 cases.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, KeyError> {
        SigningKey::from_slice(bytes)
            .map(Self)
            .map_err(|_| KeyError::K256)
    }

    /// Reads 64 hexadecimal digits, as official PDSes are given their keys. White space around them is
    /// passed over.
    pub fn from_hex(text: &str) -> Result<Self, KeyError> {
        let bytes = data_encoding::HEXLOWER_PERMISSIVE
            .decode(text.trim().as_bytes())
            .map_err(|_| KeyError::K256)?;
        let bytes = zeroize::Zeroizing::new(bytes);
        let bytes = bytes.as_slice().try_into().map_err(|_| KeyError::K256)?;
        Self::from_bytes(bytes)
    }

    /// Makes a new key.
    pub fn generate(random: &dyn Random) -> Self {
        loop {
            if let Ok(key) = Self::from_bytes(&random::bytes(random)) {
                return key;
            }
        }
    }

    /// Its number, big-endian, for a store that keeps it.
    pub fn to_bytes(&self) -> zeroize::Zeroizing<[u8; 32]> {
        zeroize::Zeroizing::new(self.0.to_bytes().into())
    }

    /// The public point, compressed (SEC 1 section 2.3.3).
    pub fn point(&self) -> [u8; 33] {
        let mut point = [0; 33];
        let encoded = self.0.verifying_key().to_encoded_point(true);
        point.copy_from_slice(encoded.as_bytes());
        point
    }

    /// The public point in hexadecimal digits, as official PDSes are told it.
    pub fn public_hex(&self) -> String {
        data_encoding::HEXLOWER.encode(&self.point())
    }

    /// The public point as a `did:key`.
    pub fn did_key(&self) -> String {
        let bytes = [&MULTICODEC[..], &self.point()].concat();
        format!("did:key:z{}", bs58::encode(bytes).into_string())
    }

    /// The signature over SHA-256 of `message`: r and s, s in the lower half (which repositories and the
    /// directory demand).
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        let signature: Signature = self.0.sign(message);
        signature.to_bytes().into()
    }

    /// A compact JWS (RFC 7515 section 3.1) over the two JSON values.
    pub fn sign_compact(
        &self,
        header: &impl Serialize,
        payload: &impl Serialize,
    ) -> Result<String, KeyError> {
        compact(header, payload, |text| Ok(self.sign(text)))
    }

    /// Whether the signature of this JWS is this key's.
    pub fn has_signed(&self, jws: &CompactJws<'_>) -> bool {
        use k256::ecdsa::signature::Verifier;
        let key: &VerifyingKey = self.0.verifying_key();
        Signature::from_slice(jws.signature())
            .is_ok_and(|signature| key.verify(jws.signed().as_bytes(), &signature).is_ok())
    }
}

impl fmt::Debug for K256Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("K256Key").field(&self.did_key()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

    #[test]
    fn what_one_key_signs_another_does_not_verify() {
        let (key, other) = (
            K256Key::generate(&SystemRandom),
            K256Key::generate(&SystemRandom),
        );
        let text = key.sign_compact(&"header", &"payload").unwrap();
        let jws = CompactJws::parse(&text).unwrap();
        assert!(key.has_signed(&jws) && !other.has_signed(&jws));
    }

    #[test]
    fn keys_are_read_and_print_their_public_half_only() {
        let key = K256Key::from_hex(&format!("{:0>63}1\n", "")).unwrap();
        // The generator of the curve (SEC 2 section 2.4.1).
        assert_eq!(
            key.public_hex(),
            "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
        );
        let again = K256Key::from_bytes(&key.to_bytes()).unwrap();
        assert_eq!(again.did_key(), key.did_key());
        assert!(key.did_key().starts_with("did:key:zQ3s"));
        assert_eq!(format!("{key:?}"), format!("K256Key({:?})", key.did_key()));
        for bad in ["", "00", &"0".repeat(64), &"f".repeat(64), &"g".repeat(64)] {
            assert!(K256Key::from_hex(bad).is_err(), "{bad}");
        }
    }
}
