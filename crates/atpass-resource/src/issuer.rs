//! An authorization server whose tokens are taken, and where its keys come from.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use atpass_protocol::id::{Did, Issuer};
use atpass_protocol::jose::JwkSet;
use atpass_protocol::token::TokenOrigin;

use crate::RevocationList;

/// An authorization server whose tokens are taken.
///
/// It is believed about every account that it names. Where several are trusted, each for accounts
/// of its own, compare [`crate::VerifiedRequest::issuer`] with the account's.
#[derive(Clone)]
pub struct TrustedIssuer {
    /// Its URL: the `iss` of its tokens.
    pub issuer: Issuer,
    /// The resource server's DID, as this issuer knows it: the `aud` of its tokens.
    pub audience: Did,
    /// Its keys. No other issuer's token is ever held against them.
    pub keys: Arc<dyn IssuerKeys>,
    /// Which of its sessions are over.
    pub revoked: Arc<RevocationList>,
}

impl fmt::Debug for TrustedIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrustedIssuer")
            .field("issuer", &self.issuer)
            .field("audience", &self.audience)
            .finish_non_exhaustive()
    }
}

/// Where the issuer's public keys come from.
#[async_trait]
pub trait IssuerKeys: Send + Sync + 'static {
    /// The keys as they are now.
    async fn keys(&self) -> Result<Arc<JwkSet>, KeysUnavailable>;

    /// The keys for a token whose key isn't among [`Self::keys`]: it may be newer than they are.
    /// Where the answer doesn't have it either, the token is refused.
    async fn keys_for(&self, token: &TokenOrigin) -> Result<Arc<JwkSet>, KeysUnavailable> {
        let _ = token;
        self.keys().await
    }
}

/// The issuer's keys can't be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeysUnavailable {
    /// They can't be read.
    #[error("the issuer's keys are unavailable: {0}")]
    Failed(String),
    /// Whether the issuer has such a key is not known, and was asked too short a time ago to be
    /// asked again.
    #[error("the issuer was asked for its keys a moment ago")]
    AskedJustNow,
}

/// Keys of an authorization server in the same process.
#[async_trait]
impl IssuerKeys for Arc<JwkSet> {
    async fn keys(&self) -> Result<Arc<JwkSet>, KeysUnavailable> {
        Ok(self.clone())
    }
}
