//! The keys that sign access tokens: published before they sign, and until the last token that they
//! signed has expired.

use std::sync::{Arc, PoisonError, RwLock};

use atpass_protocol::jose::{JwkSet, KeyError, PrivateKey, PublishedKey};
use atpass_protocol::time::UnixTime;
use atpass_protocol::token::AccessTokenClaims;

use crate::store::{SigningKeyRecord, Store, StoreError};

/// Seconds for which a new key is published before it signs: verifiers that keep the key set for
/// minutes have it by then.
const STAGED: i64 = 600;
/// Seconds for which a key is published after the next one took over: longer than any access token
/// lives.
const KEPT: i64 = 3600;

/// What a signing key does at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// Published, and signs later.
    Staged,
    /// Signs.
    Active,
    /// Signs no more; tokens that it signed may still be around.
    Superseded,
    /// No longer published: its tokens have expired, or it was retired.
    Gone,
}

impl KeyState {
    /// A word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Staged => "staged",
            Self::Active => "active",
            Self::Superseded => "superseded",
            Self::Gone => "gone",
        }
    }
}

/// What each of these keys does `now`. The order doesn't matter.
pub fn key_states(keys: &[SigningKeyRecord], now: UnixTime) -> Vec<KeyState> {
    let usable = |key: &&SigningKeyRecord| key.retired_at.is_none();
    let signs = |key: &SigningKeyRecord| (key.signs_from, key.created_at);
    let active = keys
        .iter()
        .filter(usable)
        .filter(|key| key.signs_from <= now)
        .max_by_key(|key| signs(key));
    keys.iter()
        .map(|key| {
            if key.retired_at.is_some() {
                return KeyState::Gone;
            }
            match active {
                Some(active) if active.kid == key.kid => KeyState::Active,
                _ if key.signs_from > now => KeyState::Staged,
                _ => {
                    // Its successor is the next one that began to sign.
                    let next = keys
                        .iter()
                        .filter(usable)
                        .filter(|other| signs(other) > signs(key))
                        .map(|other| other.signs_from)
                        .min();
                    if next.is_some_and(|next| now < next.plus(KEPT)) {
                        KeyState::Superseded
                    } else {
                        KeyState::Gone
                    }
                }
            }
        })
        .collect()
}

/// A new key: the first one signs at once, others are staged.
pub fn new_key(first: bool, now: UnixTime) -> Result<SigningKeyRecord, KeyError> {
    let key = PrivateKey::generate()?;
    Ok(SigningKeyRecord {
        // The thumbprint names the key and nothing else could.
        kid: key.thumbprint().to_string(),
        pkcs8: key.to_pkcs8()?,
        created_at: now,
        signs_from: if first { now } else { now.plus(STAGED) },
        retired_at: None,
    })
}

/// The keys as they were last read.
pub(crate) struct SigningKeys(RwLock<Arc<Loaded>>);

struct Loaded {
    records: Vec<SigningKeyRecord>,
    keys: Vec<PrivateKey>,
    /// What is published, as of the second in which that was last looked at.
    published: RwLock<(UnixTime, Arc<JwkSet>)>,
}

impl SigningKeys {
    /// Reads the keys from the store, and makes the first one where there is none that signs.
    pub(crate) async fn open(store: &dyn Store, now: UnixTime) -> Result<Self, StoreError> {
        let mut records = store.signing_keys().await?;
        if !key_states(&records, now).contains(&KeyState::Active) {
            let key = new_key(true, now).map_err(unavailable)?;
            store.add_first_signing_key(&key, now).await?;
            records = store.signing_keys().await?;
        }
        Ok(Self(RwLock::new(Arc::new(Loaded::from(records)?))))
    }

    /// Reads them again: another process may have added or retired one.
    pub(crate) async fn reload(&self, store: &dyn Store) -> Result<(), StoreError> {
        let loaded = Arc::new(Loaded::from(store.signing_keys().await?)?);
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = loaded;
        Ok(())
    }

    fn loaded(&self) -> Arc<Loaded> {
        let loaded = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&loaded)
    }

    /// Signs an access token with the key whose turn it is.
    pub(crate) fn sign(
        &self,
        claims: &AccessTokenClaims,
        now: UnixTime,
    ) -> Result<String, StoreError> {
        let loaded = self.loaded();
        let (record, key) = loaded
            .in_state(now, |state| state == KeyState::Active)
            .next()
            .ok_or_else(|| unavailable("no signing key is active; add one with `key rotate`"))?;
        claims.sign(&record.kid, key).map_err(unavailable)
    }

    /// The public keys, of all that signed or will sign a token that is good.
    pub(crate) fn published(&self, now: UnixTime) -> Arc<JwkSet> {
        let loaded = self.loaded();
        {
            let known = loaded.published.read();
            let known = known.unwrap_or_else(PoisonError::into_inner);
            if known.0 == now {
                return known.1.clone();
            }
        }
        let keys = loaded
            .in_state(now, |state| state != KeyState::Gone)
            .map(|(record, key)| PublishedKey::new(record.kid.clone(), key.public().clone()))
            .collect();
        let set = Arc::new(JwkSet { keys });
        let known = loaded.published.write();
        *known.unwrap_or_else(PoisonError::into_inner) = (now, set.clone());
        set
    }
}

impl Loaded {
    fn from(records: Vec<SigningKeyRecord>) -> Result<Self, StoreError> {
        let keys = records
            .iter()
            .map(|record| {
                PrivateKey::from_pkcs8(&record.pkcs8).map_err(|error| StoreError::Corrupt {
                    table: "signing_keys",
                    detail: format!("{}: {error}", record.kid),
                })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            records,
            keys,
            published: RwLock::new((UnixTime::from_secs(i64::MIN), Arc::default())),
        })
    }

    fn in_state(
        &self,
        now: UnixTime,
        wanted: impl Fn(KeyState) -> bool,
    ) -> impl Iterator<Item = (&SigningKeyRecord, &PrivateKey)> {
        let states = key_states(&self.records, now);
        let all = self.records.iter().zip(&self.keys).zip(states);
        all.filter(move |(_, state)| wanted(*state))
            .map(|(key, _)| key)
    }
}

impl std::fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let loaded = self.loaded();
        let kids: Vec<_> = loaded.records.iter().map(|record| &record.kid).collect();
        f.debug_tuple("SigningKeys").field(&kids).finish()
    }
}

fn unavailable(error: impl std::fmt::Display) -> StoreError {
    StoreError::Unavailable(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use KeyState::{Active, Gone, Staged, Superseded};

    fn key(kid: &str, created: i64, signs: i64) -> SigningKeyRecord {
        SigningKeyRecord {
            kid: kid.to_owned(),
            pkcs8: vec![].into(),
            created_at: UnixTime::from_secs(created),
            signs_from: UnixTime::from_secs(signs),
            retired_at: None,
        }
    }

    /// Clause AS-META-12: published before it signs, and until nothing needs it.
    #[test]
    fn a_rotation() {
        let keys = [key("new", 1000, 1600), key("old", 0, 0)];
        let at = |now| key_states(&keys, UnixTime::from_secs(now));
        assert_eq!(at(1000), [Staged, Active]);
        assert_eq!(at(1599), [Staged, Active]);
        assert_eq!(at(1600), [Active, Superseded]);
        assert_eq!(at(1600 + KEPT - 1), [Active, Superseded]);
        assert_eq!(at(1600 + KEPT), [Active, Gone]);
    }

    #[test]
    fn a_retired_key_is_gone_at_once() {
        let mut keys = [key("new", 1000, 1600), key("old", 0, 0)];
        keys[0].retired_at = Some(UnixTime::from_secs(1700));
        let at = |now| key_states(&keys, UnixTime::from_secs(now));
        assert_eq!(at(1800), [Gone, Active], "the one before it signs again");
        let mut keys = [key("only", 0, 0)];
        keys[0].retired_at = Some(UnixTime::from_secs(1));
        assert_eq!(key_states(&keys, UnixTime::from_secs(2)), [Gone]);
        assert_eq!(key_states(&[], UnixTime::from_secs(2)), []);
    }
}
