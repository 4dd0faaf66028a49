//! Decentralized identifiers (atproto spec, DID).

use serde::Deserialize;

use super::string_identifier;

/// A DID in the atproto syntax: at most 2048 bytes, no query, no fragment.
///
/// Any method is well-formed; [`Did::method`] tells whether the network blesses it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct Did(Box<str>);

/// Why a text is no DID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DidError {
    /// Longer than 2048 bytes.
    #[error("a DID is at most 2048 characters long")]
    TooLong,
    /// Not `did:method:identifier` in the allowed characters.
    #[error("a DID looks like did:plc:... or did:web:example.com")]
    Syntax,
}

/// The DID methods of the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DidMethod {
    /// `did:plc`, 24 base32 characters, kept by a directory.
    Plc,
    /// `did:web`, a host name.
    Web,
}

impl Did {
    /// Reads a DID.
    pub fn parse(text: &str) -> Result<Self, DidError> {
        if text.len() > 2048 {
            return Err(DidError::TooLong);
        }
        let (method, identifier) = text
            .strip_prefix("did:")
            .and_then(|rest| rest.split_once(':'))
            .ok_or(DidError::Syntax)?;
        let method_ok = !method.is_empty() && method.bytes().all(|b| b.is_ascii_lowercase());
        let identifier_ok = identifier
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._:%-".contains(&b))
            && identifier
                .bytes()
                .last()
                .is_some_and(|b| b != b':' && b != b'%');
        if method_ok && identifier_ok {
            Ok(Self(text.into()))
        } else {
            Err(DidError::Syntax)
        }
    }

    /// The method, where it is one that the network uses and the identifier fits it.
    ///
    /// `did:plc` has exactly 24 base32 characters; `did:web` is a host name without a path, and
    /// with a port only on `localhost` (atproto spec, DID, "Blessed DID Methods").
    pub fn method(&self) -> Option<DidMethod> {
        if let Some(id) = self.0.strip_prefix("did:plc:") {
            let base32 = |b: u8| b.is_ascii_lowercase() || (b'2'..=b'7').contains(&b);
            return (id.len() == 24 && id.bytes().all(base32)).then_some(DidMethod::Plc);
        }
        let host = self.0.strip_prefix("did:web:")?;
        let local = host == "localhost"
            || host
                .strip_prefix("localhost%3A")
                .is_some_and(|port| port.parse::<u16>().is_ok());
        (local || super::Handle::parse(host).is_ok()).then_some(DidMethod::Web)
    }
}

string_identifier!(Did, DidError);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods() {
        let method = |text: &str| Did::parse(text).unwrap().method();
        assert_eq!(
            method("did:plc:ewvi7nxzyoun6zhxrhs64oiz"),
            Some(DidMethod::Plc)
        );
        assert_eq!(method("did:plc:ewvi7nxzyoun6zhxrhs64oi"), None);
        assert_eq!(method("did:plc:EWVI7NXZYOUN6ZHXRHS64OIZ"), None);
        assert_eq!(method("did:web:example.com"), Some(DidMethod::Web));
        assert_eq!(method("did:web:localhost%3A2583"), Some(DidMethod::Web));
        assert_eq!(method("did:web:example.com%3A8080"), None);
        assert_eq!(method("did:web:example.com:path"), None);
        assert_eq!(method("did:web:127.0.0.1"), None);
        assert_eq!(
            method("did:key:zQ3shZc2QzApp2oymGvQbzP8eKheVshBHbU4ZYjeXqwSKEn6N"),
            None
        );
    }
}
