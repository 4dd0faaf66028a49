//! Private keys: made, stored as PKCS#8, used to sign. Never written as a JWK.

use std::fmt;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{Jkt, PublicJwk};
use crate::encoding;

/// A P-256 key that signs with ES256, prepared once.
pub struct PrivateKey {
    pair: EcdsaKeyPair,
    public: PublicJwk,
}

/// A key that can't be made, read or used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not a P-256 key in PKCS#8.
    #[error("not a P-256 private key in PKCS#8")]
    Pkcs8,
    /// Not a secp256k1 key.
    #[error("not a secp256k1 private key: 64 hexadecimal digits")]
    K256,
    /// Not 32 bytes in base64url, where a key for sealing is expected.
    #[error("a sealing key is 32 random bytes in base64url without padding (43 characters)")]
    Sealing,
    /// The crypto library failed (out of memory, or no randomness).
    #[error("the crypto library failed")]
    Library,
}

impl PrivateKey {
    /// Makes a new key, from the crypto library's own randomness.
    pub fn generate() -> Result<Self, KeyError> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)
            .map_err(|_| KeyError::Library)?;
        Self::from_pair(pair)
    }

    /// Reads a stored key.
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, KeyError> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der)
            .map_err(|_| KeyError::Pkcs8)?;
        Self::from_pair(pair)
    }

    /// The key for storage, in PKCS#8 version 1 (RFC 5208), wiped when dropped.
    pub fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let der = self.pair.to_pkcs8v1().map_err(|_| KeyError::Library)?;
        Ok(Zeroizing::new(der.as_ref().to_vec()))
    }

    fn from_pair(pair: EcdsaKeyPair) -> Result<Self, KeyError> {
        let point: [u8; 65] = pair
            .public_key()
            .as_ref()
            .try_into()
            .map_err(|_| KeyError::Library)?;
        let (mut x, mut y) = ([0; 32], [0; 32]);
        x.copy_from_slice(&point[1..33]);
        y.copy_from_slice(&point[33..]);
        let public = PublicJwk::from_coordinates(x, y).map_err(|_| KeyError::Library)?;
        Ok(Self { pair, public })
    }

    /// The public half.
    pub const fn public(&self) -> &PublicJwk {
        &self.public
    }

    /// The thumbprint of the public half.
    pub fn thumbprint(&self) -> Jkt {
        self.public.thumbprint()
    }

    /// A compact JWS (RFC 7515 section 3.1) over the two JSON values.
    pub fn sign_compact(
        &self,
        header: &impl Serialize,
        payload: &impl Serialize,
    ) -> Result<String, KeyError> {
        compact(header, payload, |text| {
            self.pair
                .sign(&SystemRandom::new(), text)
                .map_err(|_| KeyError::Library)
        })
    }
}

/// The compact form, with the signature that `sign` makes over the first two parts.
pub(super) fn compact<S: AsRef<[u8]>>(
    header: &impl Serialize,
    payload: &impl Serialize,
    sign: impl FnOnce(&[u8]) -> Result<S, KeyError>,
) -> Result<String, KeyError> {
    let json = |value: Result<Vec<u8>, serde_json::Error>| value.map_err(|_| KeyError::Library);
    let header = json(serde_json::to_vec(header))?;
    let payload = json(serde_json::to_vec(payload))?;
    // Both grow by a third, and the signature has 64 bytes.
    let mut text = String::with_capacity((header.len() + payload.len() + 64) * 4 / 3 + 8);
    encoding::encode_onto(&mut text, &header);
    text.push('.');
    encoding::encode_onto(&mut text, &payload);
    let signature = sign(text.as_bytes())?;
    text.push('.');
    encoding::encode_onto(&mut text, signature.as_ref());
    Ok(text)
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PrivateKey")
            .field(&self.thumbprint())
            .finish()
    }
}

/// A private key as bytes for a session store: opaque, redacted, wiped on drop.
///
/// Serialises as base64url of PKCS#8, so that a store can keep it. Nothing that publishes keys
/// takes this type.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StoredKey(crate::secret::Secret);

impl fmt::Debug for StoredKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[private key]")
    }
}

impl StoredKey {
    /// The stored form of a key.
    pub fn from_key(key: &PrivateKey) -> Result<Self, KeyError> {
        let der = key.to_pkcs8()?;
        Ok(Self(crate::secret::Secret::new(encoding::encode(&der))))
    }

    /// The key, ready to sign.
    pub fn to_key(&self) -> Result<PrivateKey, KeyError> {
        let der = Zeroizing::new(encoding::decode(self.0.expose()).ok_or(KeyError::Pkcs8)?);
        PrivateKey::from_pkcs8(&der)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_key_is_the_same_key_and_prints_nothing() {
        let key = PrivateKey::generate().unwrap();
        let stored = StoredKey::from_key(&key).unwrap();
        assert_eq!(stored.to_key().unwrap().thumbprint(), key.thumbprint());
        assert_eq!(format!("{stored:?}"), "[private key]");
        assert!(PrivateKey::from_pkcs8(b"nonsense").is_err());
    }
}
