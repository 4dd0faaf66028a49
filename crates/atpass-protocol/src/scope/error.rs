//! Why a scope was refused.

/// Why a scope, or a set of them, was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScopeError {
    /// The profile demands it.
    #[error("scope must hold atproto")]
    NoAtproto,
    /// Characters that RFC 6749 section 3.3 doesn't allow, or values not parted by one space.
    #[error("scope must be values of printable characters with one space between them")]
    Syntax,
    /// Percent-encoding that isn't, or not of UTF-8.
    #[error("a % in a scope is followed by two hexadecimal digits, and what it encodes is UTF-8")]
    Encoding,
    /// A resource, field or value that this version doesn't know. It grants nothing.
    #[error("{0} is not known here")]
    Unknown(String),
    /// A field that must be there.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A field given more often than it may be.
    #[error("{0} may be given once only")]
    Twice(&'static str),
    /// A field whose value makes no sense.
    #[error("{field} must be {expected}")]
    Value {
        /// Which.
        field: String,
        /// What it must be.
        expected: &'static str,
    },
    /// Every method of every service.
    #[error("lxm and aud can't both be *")]
    Everything,
    /// One value of several, and what is wrong with it.
    #[error("scope {scope}: {reason}")]
    In {
        /// The value.
        scope: String,
        /// What is wrong.
        reason: Box<Self>,
    },
}

impl ScopeError {
    pub(super) fn within(self, scope: &str) -> Self {
        Self::In {
            scope: crate::text::shown(scope),
            reason: Box::new(self),
        }
    }

    pub(super) fn value(field: &'static str, expected: &'static str) -> Self {
        Self::Value {
            field: field.to_owned(),
            expected,
        }
    }
}
