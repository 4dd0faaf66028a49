//! Namespaced identifiers of methods and collections (atproto spec, NSID).

use serde::Deserialize;

use super::string_identifier;

/// An NSID such as `com.atproto.repo.createRecord`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct Nsid(Box<str>);

/// Why a text is no NSID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an NSID has at least three segments, such as app.example.post")]
pub struct NsidError;

impl Nsid {
    /// Reads an NSID.
    pub fn parse(text: &str) -> Result<Self, NsidError> {
        let (authority, name) = text.rsplit_once('.').ok_or(NsidError)?;
        let segment_ok = |segment: &str| {
            (1..=63).contains(&segment.len())
                && segment
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-')
                && !segment.starts_with('-')
                && !segment.ends_with('-')
        };
        let name_ok = (1..=63).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_alphanumeric())
            && name.starts_with(|c: char| c.is_ascii_alphabetic());
        let ok = text.len() <= 317
            && authority.contains('.')
            && authority.starts_with(|c: char| c.is_ascii_alphabetic())
            && authority.split('.').all(segment_ok)
            && name_ok;
        if ok {
            Ok(Self(text.into()))
        } else {
            Err(NsidError)
        }
    }
}

string_identifier!(Nsid, NsidError);
