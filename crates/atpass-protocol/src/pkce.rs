//! Proof key for code exchange (RFC 7636), method `S256` only.

use serde::{Deserialize, Serialize};

use crate::encoding;
use crate::random::{self, Random};
use crate::secret::Secret;

/// A code challenge: the SHA-256 of a verifier, in 43 base64url characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CodeChallenge([u8; 32]);

/// Why a challenge or verifier was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PkceError {
    /// RFC 7636 section 4.2.
    #[error("code_challenge must be the 43 base64url characters of a SHA-256")]
    Challenge,
    /// RFC 7636 section 4.1.
    #[error("code_verifier must be 43 to 128 characters of A-Z a-z 0-9 - . _ ~")]
    Verifier,
}

impl CodeChallenge {
    /// Reads the `code_challenge` parameter.
    pub fn parse(text: &str) -> Result<Self, PkceError> {
        encoding::decode_array(text)
            .map(Self)
            .ok_or(PkceError::Challenge)
    }

    /// The 32 bytes of the hash.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// From a stored hash.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl TryFrom<String> for CodeChallenge {
    type Error = PkceError;
    fn try_from(text: String) -> Result<Self, PkceError> {
        Self::parse(&text)
    }
}

impl From<CodeChallenge> for String {
    fn from(challenge: CodeChallenge) -> Self {
        encoding::encode(&challenge.0)
    }
}

impl std::fmt::Display for CodeChallenge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&encoding::encode(&self.0))
    }
}

/// A code verifier: what the client keeps to itself until the exchange.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeVerifier(Secret);

impl CodeVerifier {
    /// A new one of 32 random bytes.
    pub fn generate(random: &dyn Random) -> Self {
        Self(random::secret::<32>(random))
    }

    /// Reads the `code_verifier` parameter.
    pub fn parse(text: &str) -> Result<Self, PkceError> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
        if (43..=128).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(Secret::new(text)))
        } else {
            Err(PkceError::Verifier)
        }
    }

    /// The challenge that belongs to it.
    pub fn challenge(&self) -> CodeChallenge {
        CodeChallenge(self.0.sha256())
    }

    /// The text for the token request.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 7636 appendix B.
    #[test]
    fn rfc_7636_appendix_b() {
        let verifier = CodeVerifier::parse("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk").unwrap();
        let challenge =
            CodeChallenge::parse("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM").unwrap();
        assert_eq!(verifier.challenge(), challenge);
    }

    #[test]
    fn only_the_right_lengths_and_letters() {
        for bad in [
            "",
            "abc",
            &"a".repeat(42),
            &"a".repeat(129),
            &format!("{}!", "a".repeat(43)),
        ] {
            assert!(CodeVerifier::parse(bad).is_err(), "{bad}");
        }
        for bad in [
            "abc",
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM=",
            &"!".repeat(43),
            &"_".repeat(43),
        ] {
            assert!(CodeChallenge::parse(bad).is_err(), "{bad}");
        }
    }
}
