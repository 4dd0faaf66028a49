//! The OAuth error answer: an exact code, and a sentence for the developer who reads it.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// An error code as the standards spell it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum OAuthErrorCode { $($(#[$doc])* $name,)* }

        impl OAuthErrorCode {
            /// The code on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// The code of this spelling, if it is one that this crate knows.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$name),)* _ => None }
            }
        }
    };
}

codes! {
    /// RFC 6749 section 5.2.
    InvalidRequest = "invalid_request",
    /// RFC 6749 section 5.2.
    InvalidClient = "invalid_client",
    /// RFC 6749 section 5.2.
    InvalidGrant = "invalid_grant",
    /// RFC 6749 section 5.2.
    UnauthorizedClient = "unauthorized_client",
    /// RFC 6749 section 5.2.
    UnsupportedGrantType = "unsupported_grant_type",
    /// RFC 6749 section 5.2.
    InvalidScope = "invalid_scope",
    /// RFC 6749 section 4.1.2.1.
    UnsupportedResponseType = "unsupported_response_type",
    /// RFC 6749 section 4.1.2.1.
    AccessDenied = "access_denied",
    /// RFC 6749 section 4.1.2.1.
    ServerError = "server_error",
    /// RFC 6749 section 4.1.2.1.
    TemporarilyUnavailable = "temporarily_unavailable",
    /// RFC 7591 section 3.2.2.
    InvalidClientMetadata = "invalid_client_metadata",
    /// RFC 9101 section 6; `OpenID Connect Core` section 3.1.2.6.
    RequestNotSupported = "request_not_supported",
    /// `OpenID Connect Core` section 3.1.2.6.
    LoginRequired = "login_required",
    /// `OpenID Connect Core` section 3.1.2.6.
    ConsentRequired = "consent_required",
    /// `OpenID Connect Core` section 3.1.2.6.
    AccountSelectionRequired = "account_selection_required",
    /// RFC 9449 section 5.
    InvalidDpopProof = "invalid_dpop_proof",
    /// RFC 9449 section 8.
    UseDpopNonce = "use_dpop_nonce",
    /// RFC 6750 section 3.1.
    InvalidToken = "invalid_token",
    /// RFC 6750 section 3.1.
    InsufficientScope = "insufficient_scope",
}

impl fmt::Display for OAuthErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for OAuthErrorCode {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// An error that is told to the peer (RFC 6749 section 5.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{code}: {description}")]
pub struct OAuthError {
    /// Which error it is.
    #[serde(rename = "error")]
    pub code: OAuthErrorCode,
    /// What was wrong and what to do, in the character set that RFC 6749 allows.
    #[serde(rename = "error_description")]
    pub description: String,
}

/// The longest description that is sent, in bytes. Peers' values are quoted in them.
const LONGEST_DESCRIPTION: usize = 400;

impl OAuthError {
    /// An error with its description. Characters that RFC 6749 section 5.2 doesn't allow there
    /// become an apostrophe (quotes) or a question mark (all others).
    pub fn new(code: OAuthErrorCode, description: impl fmt::Display) -> Self {
        let mut text: String = description
            .to_string()
            .chars()
            .map(|c| match c {
                '"' | '\\' | '`' | '“' | '”' => '\'',
                ' '..='~' => c,
                _ => '?',
            })
            .collect();
        if text.len() > LONGEST_DESCRIPTION {
            text.truncate(LONGEST_DESCRIPTION);
            text.push_str("...");
        }
        Self {
            code,
            description: text,
        }
    }

    /// `invalid_request` with its description.
    pub fn invalid_request(description: impl fmt::Display) -> Self {
        Self::new(OAuthErrorCode::InvalidRequest, description)
    }

    /// `invalid_grant` with its description.
    pub fn invalid_grant(description: impl fmt::Display) -> Self {
        Self::new(OAuthErrorCode::InvalidGrant, description)
    }

    /// `invalid_client` with its description.
    pub fn invalid_client(description: impl fmt::Display) -> Self {
        Self::new(OAuthErrorCode::InvalidClient, description)
    }
}

/// An error body as a client receives it: any code, perhaps without a description.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct OAuthErrorBody {
    /// The code, known to this crate or not.
    pub error: String,
    /// The sentence, where the server sent one.
    #[serde(default)]
    pub error_description: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptions_stay_in_the_allowed_characters() {
        let error = OAuthError::invalid_request("a \"b\"\n\u{0}é\\ <script>");
        assert_eq!(error.description, "a 'b'???' <script>");
        let long = OAuthError::invalid_request("x".repeat(10_000));
        assert!(long.description.len() <= LONGEST_DESCRIPTION + 3);
    }

    #[test]
    fn codes_round_trip() {
        for code in [OAuthErrorCode::UseDpopNonce, OAuthErrorCode::InvalidGrant] {
            assert_eq!(OAuthErrorCode::parse(code.as_str()), Some(code));
        }
        assert_eq!(OAuthErrorCode::parse("teapot"), None);
    }
}
