//! Handles: domain names that people use for their accounts (atproto spec, Handle).

use serde::Deserialize;

use super::string_identifier;

/// A handle, lower-cased: a host name of at least two labels, at most 253 bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct Handle(Box<str>);

/// Why a text is no handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a handle is a domain name such as alice.example.com")]
pub struct HandleError;

impl Handle {
    /// Reads a handle; capitals become small letters. Says nothing about whether it resolves.
    pub fn parse(text: &str) -> Result<Self, HandleError> {
        let label_ok = |label: &str| {
            (1..=63).contains(&label.len())
                && label
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        let mut labels = text.rsplit('.');
        let top = labels.next().ok_or(HandleError)?;
        let ok = text.len() <= 253
            && text.contains('.')
            && label_ok(top)
            && top.starts_with(|c: char| c.is_ascii_alphabetic())
            && labels.all(label_ok);
        if ok {
            Ok(Self(text.to_ascii_lowercase().into()))
        } else {
            Err(HandleError)
        }
    }

    /// Reads what a person typed: spaces around it and a leading `@` are forgiven, and so are
    /// the invisible direction marks that come along when a handle is copied.
    pub fn from_person(text: &str) -> Result<Self, HandleError> {
        let invisible = |c: char| {
            c.is_whitespace()
                || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
        };
        let text = text.trim_matches(invisible);
        Self::parse(text.strip_prefix('@').unwrap_or(text))
    }
}

string_identifier!(Handle, HandleError);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_forgiven() {
        for text in [
            "@Alice.Test",
            "  alice.test\n",
            "\u{202a}alice.test\u{202c}",
        ] {
            assert_eq!(Handle::from_person(text).unwrap().as_str(), "alice.test");
        }
        assert!(Handle::from_person("@@alice.test").is_err());
        assert!(Handle::parse(" alice.test").is_err());
    }
}
