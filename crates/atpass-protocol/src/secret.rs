//! Values that must not be printed, and are wiped when dropped.

use std::fmt;

use aws_lc_rs::hmac;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::encoding;

/// A secret text: a token, a code, a verifier, a password.
///
/// `Debug` prints nothing of it, comparison takes the same time wherever the difference is, and
/// its memory is wiped on drop. It is serialised in the clear, because that is how it travels:
/// who stores one encrypts the whole record.
#[derive(Clone, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Takes the text over.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself. Each call of this name is a place to look at in a review.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// SHA-256 of the text: what a store keeps in place of it.
    pub fn sha256(&self) -> [u8; 32] {
        encoding::sha256(self.0.as_bytes())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        aws_lc_rs::constant_time::verify_slices_are_equal(self.0.as_bytes(), other.0.as_bytes())
            .is_ok()
    }
}

impl Eq for Secret {}

/// A key for HMAC-SHA256 (RFC 2104), prepared once.
///
/// One master key serves several purposes through [`HmacKey::derive`]; what one purpose signs is
/// worthless for another.
#[derive(Clone)]
pub struct HmacKey(hmac::Key);

impl HmacKey {
    /// From 32 random bytes.
    pub fn new(bytes: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    /// The key for one purpose.
    #[must_use]
    pub fn derive(&self, purpose: &str) -> Self {
        Self::new(&self.sign(&[b"atpass:", purpose.as_bytes()]))
    }

    /// The tag over the parts, joined.
    pub fn sign(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.0);
        for part in parts {
            context.update(part);
        }
        let mut tag = [0; 32];
        tag.copy_from_slice(context.sign().as_ref());
        tag
    }

    /// Whether `tag`, cut to its own length, is the tag over the parts. Takes the same time
    /// wherever they differ. A tag under 16 bytes is never accepted.
    pub fn verify(&self, parts: &[&[u8]], tag: &[u8]) -> bool {
        let expected = self.sign(parts);
        tag.len() >= 16
            && expected.get(..tag.len()).is_some_and(|expected| {
                aws_lc_rs::constant_time::verify_slices_are_equal(expected, tag).is_ok()
            })
    }
}

impl fmt::Debug for HmacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[key]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "[secret]");
        assert_eq!(format!("{:?}", HmacKey::new(&[7; 32])), "[key]");
    }

    #[test]
    fn a_tag_holds_for_its_purpose_and_parts_only() {
        let master = HmacKey::new(&[1; 32]);
        let tag = master.derive("a").sign(&[b"x"]);
        assert!(master.derive("a").verify(&[b"x"], &tag[..16]));
        assert!(!master.derive("a").verify(&[b"x"], &tag[..15]));
        assert!(!master.derive("b").verify(&[b"x"], &tag));
        assert!(!master.derive("a").verify(&[b"y"], &tag));
    }
}
