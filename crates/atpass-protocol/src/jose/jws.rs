//! The compact form of a JWS (RFC 7515 section 7.1).

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::jwk_public::present;
use super::{ES256, PublicJwk};
use crate::encoding;

/// A JWS cut into its parts and decoded; nothing is verified yet.
pub struct CompactJws<'a> {
    /// What the signature covers.
    signed: &'a str,
    /// The JSON of the header.
    header: Vec<u8>,
    /// The JSON of the payload.
    pub payload: Vec<u8>,
    signature: [u8; 64],
}

/// The members of a header (RFC 7515 section 4) that mean something here. Others, such as `jku`
/// and `x5c`, choose nothing.
#[derive(Deserialize)]
pub(crate) struct JoseHeader<'a> {
    #[serde(borrow, default)]
    pub(crate) typ: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    alg: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(crate) kid: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(crate) jwk: Option<&'a RawValue>,
    /// Critical extensions are named; none is supported.
    #[serde(default, deserialize_with = "present")]
    pub(crate) crit: bool,
}

impl JoseHeader<'_> {
    /// Whether the one algorithm that is supported is named, and no other.
    pub(crate) fn is_es256(&self) -> bool {
        self.alg.as_deref() == Some(ES256)
    }
}

/// Why a text is no compact JWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwsError {
    /// Longer than it may be: [`CompactJws::LONGEST`], if nothing else was said.
    #[error("longer than {0} characters")]
    TooLong(usize),
    /// Not three base64url parts with dots between.
    #[error("not three base64url parts with dots between them")]
    Shape,
    /// The signature isn't 64 bytes.
    #[error("the signature is not the 64 bytes of ES256")]
    Signature,
}

impl<'a> CompactJws<'a> {
    /// The longest text that is read, in bytes.
    pub const LONGEST: usize = 8192;

    /// Cuts and decodes.
    pub fn parse(text: &'a str) -> Result<Self, JwsError> {
        Self::parse_up_to(text, Self::LONGEST)
    }

    /// The same for a text of at most so many bytes.
    pub fn parse_up_to(text: &'a str, longest: usize) -> Result<Self, JwsError> {
        if text.len() > longest {
            return Err(JwsError::TooLong(longest));
        }
        let (signed, signature) = text.rsplit_once('.').ok_or(JwsError::Shape)?;
        let (header, payload) = signed.split_once('.').ok_or(JwsError::Shape)?;
        Ok(Self {
            signed,
            header: encoding::decode(header).ok_or(JwsError::Shape)?,
            payload: encoding::decode(payload).ok_or(JwsError::Shape)?,
            signature: encoding::decode(signature)
                .ok_or(JwsError::Shape)?
                .try_into()
                .map_err(|_| JwsError::Signature)?,
        })
    }

    /// The name of the key that it says it was signed with (RFC 7515 section 4.1.4).
    pub fn kid(&self) -> Option<String> {
        self.read_header().ok()?.kid.map(Cow::into_owned)
    }

    /// Reads the header.
    pub(crate) fn read_header(&self) -> Result<JoseHeader<'_>, serde_json::Error> {
        encoding::json_object(&self.header)
    }

    /// Reads the header, for a kind of token that this crate doesn't know.
    pub fn header<'b, T: Deserialize<'b>>(&'b self) -> Result<T, serde_json::Error> {
        encoding::json_object(&self.header)
    }

    /// Reads the payload as a JSON object.
    pub fn claims<'b, T: Deserialize<'b>>(&'b self) -> Result<T, serde_json::Error> {
        encoding::json_object(&self.payload)
    }

    /// What the signature covers.
    pub fn signed(&self) -> &str {
        self.signed
    }

    /// The signature.
    pub const fn signature(&self) -> &[u8; 64] {
        &self.signature
    }

    /// Whether the signature is `key`'s.
    pub fn is_signed_by(&self, key: &PublicJwk) -> bool {
        key.verifies(self.signed.as_bytes(), &self.signature)
    }
}

#[cfg(test)]
mod tests {
    use super::super::PrivateKey;
    use super::*;

    #[test]
    fn what_one_key_signs_another_does_not_verify() {
        let (key, other) = (
            PrivateKey::generate().unwrap(),
            PrivateKey::generate().unwrap(),
        );
        let text = key.sign_compact(&"header", &"payload").unwrap();
        let jws = CompactJws::parse(&text).unwrap();
        assert!(jws.is_signed_by(key.public()));
        assert!(!jws.is_signed_by(other.public()));
        assert_eq!(jws.payload, b"\"payload\"");
    }

    #[test]
    fn other_shapes_are_refused() {
        for text in [
            "",
            ".",
            "..",
            "a.b",
            "a.b.c.d",
            "e30.e30.!!!",
            "e30=.e30.AA",
        ] {
            assert!(CompactJws::parse(text).is_err(), "{text}");
        }
        assert_eq!(
            CompactJws::parse("e30.e30.AAAA").err(),
            Some(JwsError::Signature)
        );
        assert_eq!(
            CompactJws::parse(&"a".repeat(9000)).err(),
            Some(JwsError::TooLong(8192))
        );
    }
}
