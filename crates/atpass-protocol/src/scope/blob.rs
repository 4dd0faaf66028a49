//! `blob`: uploading media (permission spec, "`blob`").

use std::collections::BTreeSet;
use std::fmt;

use super::ScopeError;
use super::grammar::{Fields, Writer};

/// A kind of media, or several: `*/*`, `image/*`, `image/png`. In small letters, as media types
/// don't tell them from capitals (RFC 2045 section 5.1).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MimePattern {
    /// `*/*`.
    Any,
    /// `image/*`.
    Type(Box<str>),
    /// `image/png`.
    One(MimeType),
}

/// A media type without parameters, in small letters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MimeType {
    kind: Box<str>,
    subtype: Box<str>,
}

/// RFC 6838 section 4.2, and the `*` left out.
fn is_name(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b);
    (1..=127).contains(&text.len())
        && text.bytes().all(allowed)
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
}

impl MimeType {
    /// Reads the value of a `Content-Type` header; its parameters are left out.
    pub fn parse(text: &str) -> Result<Self, ScopeError> {
        let bare = text.split(';').next().unwrap_or_default().trim();
        let text = bare.to_ascii_lowercase();
        let parts = text.split_once('/');
        let (kind, subtype) = parts
            .filter(|(kind, subtype)| is_name(kind) && is_name(subtype))
            .ok_or_else(|| ScopeError::value("mime", "a media type such as image/png"))?;
        Ok(Self {
            kind: kind.into(),
            subtype: subtype.into(),
        })
    }
}

impl fmt::Display for MimeType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.subtype)
    }
}

impl MimePattern {
    fn parse(text: &str) -> Result<Self, ScopeError> {
        let text = text.to_ascii_lowercase();
        let odd = || {
            ScopeError::value(
                "accept",
                "*/*, or a media type such as image/* or image/png",
            )
        };
        match text.split_once('/').ok_or_else(odd)? {
            ("*", "*") => Ok(Self::Any),
            (kind, "*") if is_name(kind) => Ok(Self::Type(kind.into())),
            (kind, subtype) if is_name(kind) && is_name(subtype) => Ok(Self::One(MimeType {
                kind: kind.into(),
                subtype: subtype.into(),
            })),
            _ => Err(odd()),
        }
    }

    /// Whether the media type fits.
    pub fn allows(&self, mime: &MimeType) -> bool {
        match self {
            Self::Any => true,
            Self::Type(kind) => *kind == mime.kind,
            Self::One(one) => one == mime,
        }
    }

    /// Whether all that fits the other fits this one.
    pub fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Any, _) => true,
            (Self::Type(kind), Self::Type(other)) => kind == other,
            (Self::Type(kind), Self::One(other)) => *kind == other.kind,
            (Self::One(one), Self::One(other)) => one == other,
            (_, Self::Any) | (Self::One(_), Self::Type(_)) => false,
        }
    }
}

impl fmt::Display for MimePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*/*"),
            Self::Type(kind) => write!(f, "{kind}/*"),
            Self::One(mime) => mime.fmt(f),
        }
    }
}

/// `blob:<accept>`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobScope {
    /// What may be uploaded. Never empty.
    pub accept: BTreeSet<MimePattern>,
}

impl BlobScope {
    pub(super) fn read(mut fields: Fields) -> Result<Self, ScopeError> {
        let accept = fields.positional("accept")?;
        fields.finish()?;
        let accept = accept.iter().map(|text| MimePattern::parse(text));
        Ok(Self {
            accept: accept.collect::<Result<_, _>>()?,
        })
    }
}

impl fmt::Display for BlobScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Writer::new(f, "blob")?.positional("accept", self.accept.iter())
    }
}
