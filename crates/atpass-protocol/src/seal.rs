//! Encryption at rest: what a store keeps is sealed, and opens in its own place only.
//!
//! AES-256-GCM-SIV (RFC 8452): should a nonce ever come twice, nothing is lost but the knowledge
//! that two sealed texts are the same.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, Nonce, UnboundKey};
use zeroize::Zeroizing;

use crate::encoding;
use crate::jose::KeyError;
use crate::random::{self, Random};
use crate::secret::Secret;

/// What a sealed text begins with: the version of this form.
const VERSION: u8 = 1;
/// Bytes that tell one key from another.
const NAME: usize = 4;
/// RFC 8452 section 4.
const NONCE: usize = 12;
const HEAD: usize = 1 + NAME + NONCE;

/// Keys that seal and open. The first one seals, all of them open: so a new key is put before the old
/// one, which stays until everything was sealed anew.
#[derive(Clone)]
pub struct SealingKeys(Vec<Arc<SealingKey>>);

struct SealingKey {
    name: [u8; NAME],
    key: LessSafeKey,
}

/// Why a sealed text doesn't open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// It isn't of this form.
    #[error("it was not sealed by atpass, or is cut off")]
    Form,
    /// None of the keys sealed it.
    #[error("it was sealed with a key that isn't here")]
    UnknownKey,
    /// It was changed, or belongs to another place.
    #[error("it was changed, or belongs to another place")]
    Broken,
}

impl SealingKeys {
    /// One key, of 32 random bytes.
    pub fn new(key: &[u8; 32]) -> Result<Self, KeyError> {
        Ok(Self(vec![Arc::new(SealingKey::new(key)?)]))
    }

    /// One key, in base64url without padding, as [`generate`](Self::generate) makes it. Fails with
    /// [`KeyError::Sealing`] when it isn't one of 32 bytes.
    pub fn parse(text: &Secret) -> Result<Self, KeyError> {
        let bytes = encoding::decode_array::<32>(text.expose()).map(Zeroizing::new);
        Self::new(&*bytes.ok_or(KeyError::Sealing)?)
    }

    /// The text of a new key, for a configuration file or a secret store.
    pub fn generate(random: &dyn Random) -> Secret {
        random::secret::<32>(random)
    }

    /// The same, and one more key that opens what was sealed before.
    #[must_use]
    pub fn opening(&self, older: &Self) -> Self {
        Self(self.0.iter().chain(&older.0).cloned().collect())
    }

    /// Seals `plain` for a place: it opens under the same name only, so that nobody can exchange
    /// two texts of one store.
    pub fn seal(
        &self,
        place: &[u8],
        plain: &[u8],
        random: &dyn Random,
    ) -> Result<Vec<u8>, KeyError> {
        let key = self.0.first().ok_or(KeyError::Sealing)?;
        let nonce = random::bytes::<NONCE>(random);
        let mut sealed = Vec::with_capacity(HEAD + plain.len() + 16);
        sealed.push(VERSION);
        sealed.extend_from_slice(&key.name);
        sealed.extend_from_slice(&nonce);
        let mut body = Zeroizing::new(plain.to_vec());
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag = key
            .key
            .seal_in_place_separate_tag(nonce, Aad::from(place), &mut body)
            .map_err(|_| KeyError::Library)?;
        sealed.extend_from_slice(&body);
        sealed.extend_from_slice(tag.as_ref());
        Ok(sealed)
    }

    /// Opens what was sealed for this place.
    pub fn open(&self, place: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let (head, body) = sealed.split_at_checked(HEAD).ok_or(OpenError::Form)?;
        let (version, rest) = head.split_first().ok_or(OpenError::Form)?;
        let (name, nonce) = rest.split_at_checked(NAME).ok_or(OpenError::Form)?;
        if *version != VERSION {
            return Err(OpenError::Form);
        }
        let mut known = self.0.iter().filter(|key| key.name == name).peekable();
        known.peek().ok_or(OpenError::UnknownKey)?;
        for key in known {
            let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| OpenError::Form)?;
            let mut body = Zeroizing::new(body.to_vec());
            let plain = key.key.open_in_place(nonce, Aad::from(place), &mut body);
            if let Ok(plain) = plain.map(|plain| plain.len()) {
                body.truncate(plain);
                return Ok(body);
            }
        }
        Err(OpenError::Broken)
    }
}

impl SealingKey {
    fn new(bytes: &[u8; 32]) -> Result<Self, KeyError> {
        let key = UnboundKey::new(&AES_256_GCM_SIV, bytes).map_err(|_| KeyError::Library)?;
        let [a, b, c, d, ..] = encoding::sha256(bytes);
        Ok(Self {
            name: [a, b, c, d],
            key: LessSafeKey::new(key),
        })
    }
}

impl fmt::Debug for SealingKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} sealing keys]", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

    fn keys(byte: u8) -> SealingKeys {
        SealingKeys::new(&[byte; 32]).unwrap()
    }

    #[test]
    fn what_is_sealed_opens_in_its_place_only() {
        let sealed = keys(1).seal(b"here", b"text", &SystemRandom).unwrap();
        assert_eq!(*keys(1).open(b"here", &sealed).unwrap(), b"text");
        assert_eq!(keys(1).open(b"there", &sealed), Err(OpenError::Broken));
        assert_eq!(keys(2).open(b"here", &sealed), Err(OpenError::UnknownKey));
        for length in 0..sealed.len() {
            assert!(
                keys(1).open(b"here", &sealed[..length]).is_err(),
                "{length}"
            );
        }
        for byte in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[byte] ^= 1;
            assert!(keys(1).open(b"here", &changed).is_err(), "{byte}");
        }
        let again = keys(1).seal(b"here", b"text", &SystemRandom).unwrap();
        assert_ne!(sealed, again);
    }

    #[test]
    fn keys_are_exchanged_in_steps() {
        let old = keys(1).seal(b"", b"old", &SystemRandom).unwrap();
        let both = keys(2).opening(&keys(1));
        assert_eq!(*both.open(b"", &old).unwrap(), b"old");
        let new = both.seal(b"", b"new", &SystemRandom).unwrap();
        assert_eq!(*keys(2).open(b"", &new).unwrap(), b"new");
        assert_eq!(format!("{both:?}"), "[2 sealing keys]");
    }

    #[test]
    fn keys_as_text() {
        let text = SealingKeys::generate(&SystemRandom);
        let sealed = SealingKeys::parse(&text)
            .unwrap()
            .seal(b"", b"x", &SystemRandom)
            .unwrap();
        assert_eq!(
            *SealingKeys::parse(&text)
                .unwrap()
                .open(b"", &sealed)
                .unwrap(),
            b"x"
        );
        for bad in ["", "short", &"A".repeat(44)] {
            assert_eq!(
                SealingKeys::parse(&Secret::new(bad)).err(),
                Some(KeyError::Sealing)
            );
        }
    }
}
