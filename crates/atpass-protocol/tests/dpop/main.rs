//! Verification of proofs, by the clauses of RFC 9449 and the profile (AS-DPOP-*).

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod any;
mod claims;
mod header;

use atpass_protocol::dpop::{DpopError, Expected, NonceKeeper, QueryPolicy, VerifiedProof, verify};
use atpass_protocol::jose::PrivateKey;
use atpass_protocol::secret::HmacKey;
use atpass_protocol::time::UnixTime;
use serde_json::{Value, json};

const NOW: UnixTime = UnixTime::from_secs(1_800_000_030);
const URL: &str = "https://auth.example.com/oauth/par";
const EXPECTED: Expected<'_> = Expected {
    method: "POST",
    url: URL,
    query: QueryPolicy::Refuse,
    access_token: None,
};

fn nonces() -> NonceKeeper {
    NonceKeeper::new(&HmacKey::new(&[1; 32]))
}

/// A proof that can be bent before it is signed.
struct Proof {
    key: PrivateKey,
    header: Value,
    claims: Value,
}

impl Proof {
    fn new() -> Self {
        let key = PrivateKey::generate().unwrap();
        let header = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": key.public() });
        let claims = json!({
            "jti": "abc",
            "htm": "POST",
            "htu": URL,
            "iat": NOW,
            "nonce": nonces().issue(NOW),
        });
        Self {
            key,
            header,
            claims,
        }
    }

    fn header(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.header[name] = value.into();
        self
    }

    fn jwk(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.header["jwk"][name] = value.into();
        self
    }

    fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims[name] = value.into();
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.claims.as_object_mut().unwrap().remove(name);
        self.header.as_object_mut().unwrap().remove(name);
        self
    }

    fn sign(&self) -> String {
        self.key.sign_compact(&self.header, &self.claims).unwrap()
    }

    fn verify(&self) -> Result<VerifiedProof, DpopError> {
        self.verify_for(&EXPECTED)
    }

    fn verify_for(&self, expected: &Expected<'_>) -> Result<VerifiedProof, DpopError> {
        check(&[Some(&self.sign())], expected)
    }
}

fn check(headers: &[Option<&str>], expected: &Expected<'_>) -> Result<VerifiedProof, DpopError> {
    verify(headers.iter().copied(), expected, &nonces(), NOW)
}

fn is_malformed(result: &Result<VerifiedProof, DpopError>) -> bool {
    matches!(result, Err(DpopError::Malformed(_)))
}
