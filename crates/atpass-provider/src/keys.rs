//! The keys that sign access tokens.

use std::sync::Arc;

use atpass_protocol::jose::{JwkSet, KeyError, PrivateKey, PublishedKey};
use atpass_protocol::time::UnixTime;
use atpass_protocol::token::AccessTokenClaims;

use crate::store::{SigningKeyRecord, Store, StoreError};

/// The keys in use: all are published, the newest signs.
#[derive(Clone)]
pub(crate) struct SigningKeys {
    kid: Arc<str>,
    key: Arc<PrivateKey>,
    published: Arc<JwkSet>,
}

impl SigningKeys {
    /// Reads the keys from the store, and makes the first one where there is none.
    pub(crate) async fn open(store: &dyn Store, now: UnixTime) -> Result<Self, StoreError> {
        let mut records = store.signing_keys().await?;
        if records.is_empty() {
            store.add_signing_key(&new_key(now)?).await?;
            records = store.signing_keys().await?;
        }
        let mut keys = Vec::with_capacity(records.len());
        for record in records {
            let key =
                PrivateKey::from_pkcs8(&record.pkcs8).map_err(|error| StoreError::Corrupt {
                    table: "signing_key",
                    detail: format!("{}: {error}", record.kid),
                })?;
            keys.push((record.kid, key));
        }
        let published = JwkSet {
            keys: keys
                .iter()
                .map(|(kid, key)| PublishedKey::new(kid.clone(), key.public().clone()))
                .collect(),
        };
        let (kid, key) = keys.into_iter().next().ok_or_else(|| {
            StoreError::Unavailable("the signing key that was just added can't be read".into())
        })?;
        Ok(Self {
            kid: kid.into(),
            key: Arc::new(key),
            published: Arc::new(published),
        })
    }

    /// Signs an access token.
    pub(crate) fn sign(&self, claims: &AccessTokenClaims) -> Result<String, KeyError> {
        claims.sign(&self.kid, &self.key)
    }

    /// The public keys.
    pub(crate) fn published(&self) -> &Arc<JwkSet> {
        &self.published
    }
}

impl std::fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKeys")
            .field("kid", &self.kid)
            .finish_non_exhaustive()
    }
}

fn new_key(now: UnixTime) -> Result<SigningKeyRecord, StoreError> {
    let failed = |error: KeyError| StoreError::Unavailable(error.to_string());
    let key = PrivateKey::generate().map_err(failed)?;
    Ok(SigningKeyRecord {
        // The thumbprint names the key and nothing else could.
        kid: key.thumbprint().to_string(),
        pkcs8: key.to_pkcs8().map_err(failed)?,
        created_at: now,
    })
}
