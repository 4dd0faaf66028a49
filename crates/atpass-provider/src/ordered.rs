//! Secrets that are handed out once each and kept by a hash: request URIs and codes.
//!
//! A secret begins with the time of its making, and so does its id, as UUIDs of version 7 do (RFC 9562 section 5.7).
//! What is made at about the same time then lies side by side in a store's tree: a commit of many changes a few of its
//! pages, where random ids change one for each.

use atpass_protocol::random;
use atpass_protocol::secret::Secret;
use data_encoding::BASE64URL_NOPAD;

use crate::provider::Provider;
use crate::store::Digest32;

/// Bytes of the time, which count milliseconds.
const TIME: usize = 6;
/// Random bytes after it.
const RANDOM: usize = 32;

/// A new one.
pub(crate) fn secret(provider: &Provider) -> Secret {
    let [_, _, time @ ..] = provider.clock().millis().to_be_bytes();
    let random: [u8; RANDOM] = random::bytes(provider.random());
    Secret::new(BASE64URL_NOPAD.encode(&[&time[..], &random].concat()))
}

/// By what it is kept: its time, and the first 208 bits of its SHA-256. One that isn't of ours has an id that nothing
/// is kept by.
pub(crate) fn id(secret: &Secret) -> Digest32 {
    let mut id = secret.sha256();
    let bytes = BASE64URL_NOPAD.decode(secret.expose().as_bytes());
    if let Ok(bytes) = bytes
        && bytes.len() == TIME + RANDOM
        && let (Some(to), Some(time)) = (id.get_mut(..TIME), bytes.get(..TIME))
    {
        to.copy_from_slice(time);
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_in_the_order_of_time_and_else_unlike() {
        let secret = |time: u8, random: u8| {
            let bytes = [&[0, 0, 0, 0, 0, time][..], &[random; RANDOM]].concat();
            Secret::new(BASE64URL_NOPAD.encode(&bytes))
        };
        assert!(id(&secret(1, 200)) < id(&secret(2, 100)));
        assert_ne!(id(&secret(1, 1)), id(&secret(1, 2)));
        assert_eq!(id(&secret(1, 1)), id(&secret(1, 1)));
    }

    #[test]
    fn whatever_somebody_sends_has_an_id() {
        for text in [
            "",
            "a",
            "ä",
            "====",
            &"A".repeat(50),
            &"A".repeat(52),
            &"A".repeat(10_000),
        ] {
            let secret = Secret::new(text);
            assert_eq!(id(&secret), secret.sha256(), "{text}");
        }
    }
}
