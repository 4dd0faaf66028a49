//! Access tokens for unmodified official PDSes, which know one key of their entryway and nothing else of it.
//!
//! Such a PDS takes tokens signed with ES256K by the key in its configuration, without a `kid`. It can't ask
//! whether a session has ended, so that its tokens live 900 seconds at most. It doesn't know permission sets,
//! so that scopes are expanded; a long one is kept here, and the token names it (`ref:…`), for the PDS to ask
//! back.

use std::collections::HashSet;

use atpass_protocol::id::Did;
use atpass_protocol::jose::K256Key;
use atpass_protocol::random::Random;
use atpass_protocol::time::UnixTime;
use atpass_protocol::token::{AccessTokenClaims, scope_reference};

use crate::lifetimes::{LifetimeError, Lifetimes};
use crate::store::{Store, StoreError};

/// Under which name the store keeps the key, for [`kept_k256_key`].
pub const OFFICIAL_PDS_KEY: &str = "official-pds-tokens";
/// Seconds of an access token that can't be ended at once, at most.
const LONGEST_LIFE: i64 = 900;
/// The longest scope that stands in a token itself, in bytes: the whole token still fits the headers that
/// proxies let through.
const LONGEST_SCOPE: usize = 1024;
/// Seconds beyond a token's life for which the scope that it names is kept: clocks differ.
const GRACE: i64 = 300;

/// The official PDSes behind this server, and their key.
pub(crate) struct OfficialPdses {
    key: K256Key,
    audiences: HashSet<Did>,
}

impl OfficialPdses {
    /// Reads the key, or makes it.
    pub(crate) async fn open(
        audiences: &[Did],
        lifetimes: &Lifetimes,
        store: &dyn Store,
        random: &dyn Random,
    ) -> Result<Self, super::OpenError> {
        if !audiences.is_empty() && lifetimes.access_token > LONGEST_LIFE {
            return Err(LifetimeError::access_token(lifetimes.access_token, LONGEST_LIFE).into());
        }
        Ok(Self {
            key: kept_k256_key(store, OFFICIAL_PDS_KEY, random).await?,
            audiences: audiences.iter().cloned().collect(),
        })
    }

    pub(crate) const fn key(&self) -> &K256Key {
        &self.key
    }

    /// Whether tokens for this audience are for an official PDS.
    pub(crate) fn have(&self, audience: &Did) -> bool {
        self.audiences.contains(audience)
    }

    /// Signs a token; its scope is kept first where the token only names it.
    pub(crate) async fn sign(
        &self,
        claims: &AccessTokenClaims,
        store: &dyn Store,
    ) -> Result<String, StoreError> {
        let scope = claims.scope.to_string();
        let signed = if scope.len() <= LONGEST_SCOPE {
            claims.sign_for_official_pds(&self.key, None)
        } else {
            let name = scope_reference(&scope);
            let until = claims.exp.plus(GRACE);
            store.keep_scope(&name, &scope, until).await?;
            claims.sign_for_official_pds(&self.key, Some(&name))
        };
        signed.map_err(|error| StoreError::Unavailable(error.to_string()))
    }
}

/// The secp256k1 key that the store keeps under this name; made where there is none.
pub async fn kept_k256_key(
    store: &dyn Store,
    name: &str,
    random: &dyn Random,
) -> Result<K256Key, StoreError> {
    let candidate = K256Key::generate(random).to_bytes();
    let kept = zeroize::Zeroizing::new(store.secret(name, &candidate).await?);
    K256Key::from_bytes(&kept).map_err(|error| StoreError::Corrupt {
        table: "secrets",
        detail: format!("{name}: {error}"),
    })
}

impl crate::Provider {
    /// The key of the tokens for official PDSes: each of them has its public half in its configuration
    /// (`PDS_ENTRYWAY_JWT_VERIFY_KEY_K256_PUBLIC_KEY_HEX`).
    pub fn official_pds_key(&self) -> &K256Key {
        self.official_pdses().key()
    }

    /// What the scope of an access token stands for (`com.atproto.temp.dereferenceScope`), if it was named
    /// in one that hasn't expired long ago.
    pub async fn dereference_scope(&self, reference: &str) -> Result<Option<String>, StoreError> {
        self.store().scope(reference).await
    }

    /// Signs an access token as its audience wants it.
    pub(crate) async fn sign_access_token(
        &self,
        claims: &AccessTokenClaims,
        now: UnixTime,
    ) -> Result<String, StoreError> {
        if self.official_pdses().have(&claims.aud.0) {
            self.official_pdses().sign(claims, self.store()).await
        } else {
            self.keys().sign(claims, now)
        }
    }
}
