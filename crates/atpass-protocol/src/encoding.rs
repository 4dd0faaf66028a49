//! Base64url without padding, strict: one spelling for each value (RFC 7515 section 2); and JSON
//! objects.

use data_encoding::BASE64URL_NOPAD;
use serde::Deserialize;
use serde::de::Error as _;

pub(crate) fn encode(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}

/// The same at the end of a text.
pub(crate) fn encode_onto(text: &mut String, bytes: &[u8]) {
    BASE64URL_NOPAD.encode_append(bytes, text);
}

pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    BASE64URL_NOPAD.decode(text.as_bytes()).ok()
}

/// Decodes exactly `N` bytes.
pub(crate) fn decode_array<const N: usize>(text: &str) -> Option<[u8; N]> {
    if BASE64URL_NOPAD.decode_len(text.len()) != Ok(N) {
        return None;
    }
    let mut bytes = [0; N];
    let decoded = BASE64URL_NOPAD.decode_mut(text.as_bytes(), &mut bytes);
    decoded.ok().map(|_| bytes)
}

/// Reads a JSON object. An array with the members in the right order would do for a derived reader,
/// but not for anybody else who looks at the same text.
pub(crate) fn json_object<'a, T: Deserialize<'a>>(text: &'a [u8]) -> Result<T, serde_json::Error> {
    let first = text.iter().find(|byte| !byte.is_ascii_whitespace());
    match first {
        Some(b'{') => serde_json::from_slice(text),
        _ => Err(serde_json::Error::custom("not a JSON object")),
    }
}

/// SHA-256 (FIPS 180-4).
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    let mut out = [0; 32];
    out.copy_from_slice(digest.as_ref());
    out
}
