//! The keys with which a confidential client proves who it is.

use std::fmt;
use std::sync::Arc;

use atpass_protocol::jose::{JwkSet, KeyError, PrivateKey, PublishedKey, StoredKey};
use atpass_protocol::secret::Secret;
use serde::{Deserialize, Serialize};

use crate::store::BoundClientKey;

/// What a key is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyState {
    /// Published. The first active key is the one with which new sessions begin.
    Active,
    /// Published, and used for the sessions that began with it; no new ones do.
    Retiring,
    /// Not published any more. Servers end the sessions that began with it.
    Retired,
}

/// The private keys of a confidential client (RFC 7523), each with its name and state.
///
/// A session is bound to the key with which it began, for its whole life: servers compare name,
/// algorithm and thumbprint at each refresh. So a key is exchanged in steps:
///
/// 1. [`add`](Self::add) the new key: it stands behind the old one, published and unused, until servers
///    have seen it (they remember a key set for up to ten minutes);
/// 2. [`retire`](Self::retire) the old key, which makes it *retiring*: sessions begin with the new one;
/// 3. when no session uses the old key any more ([`OAuthClient::key_usage`](crate::OAuthClient::key_usage)),
///    [`retire`](Self::retire) it again.
///
/// There is no way to publish a private key: what is published are [`PublishedKey`]s, which hold public
/// members only, and this type isn't serialisable but by [`to_secret`](Self::to_secret).
#[derive(Clone)]
pub struct ClientKeyset(Vec<Arc<KeysetEntry>>);

struct KeysetEntry {
    kid: String,
    state: KeyState,
    key: Arc<PrivateKey>,
}

/// Why keys can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeysetError {
    /// Two keys have one name, or a key has none.
    #[error("each key of a client has a kid of its own, of 1 to 256 characters; not so {0:?}")]
    Kid(String),
    /// No session could begin.
    #[error("a confidential client has at least one active key")]
    NoneActive,
    /// There is no such key.
    #[error("there is no key with the kid {0}")]
    Unknown(String),
    /// Sessions would be lost.
    #[error("{sessions} sessions began with the key {kid}; they would end")]
    InUse {
        /// Which key.
        kid: String,
        /// How many sessions.
        sessions: usize,
    },
    /// The stored form can't be read.
    #[error("the stored keys can't be read: {0}")]
    Stored(&'static str),
    /// The crypto library failed.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// The form in which keys are kept.
#[derive(Serialize, Deserialize)]
struct StoredKeyset {
    keys: Vec<StoredEntry>,
}

#[derive(Serialize, Deserialize)]
struct StoredEntry {
    kid: String,
    state: KeyState,
    pkcs8: StoredKey,
}

impl ClientKeyset {
    /// One new key. Its name is its thumbprint (RFC 7638).
    pub fn generate() -> Result<Self, KeysetError> {
        let key = PrivateKey::generate()?;
        Self::new([(key.thumbprint().to_string(), KeyState::Active, key)])
    }

    /// These keys.
    pub fn new(
        keys: impl IntoIterator<Item = (String, KeyState, PrivateKey)>,
    ) -> Result<Self, KeysetError> {
        let entry = |(kid, state, key)| {
            let key = Arc::new(key);
            Arc::new(KeysetEntry { kid, state, key })
        };
        Self(keys.into_iter().map(entry).collect()).checked()
    }

    /// The same, and one more key, active and behind the others.
    pub fn add(&self, kid: impl Into<String>, key: PrivateKey) -> Result<Self, KeysetError> {
        let mut keys = self.0.clone();
        keys.push(Arc::new(KeysetEntry {
            kid: kid.into(),
            state: KeyState::Active,
            key: Arc::new(key),
        }));
        Self(keys).checked()
    }

    /// The same, with this key one step further: from active to retiring, and from there to retired.
    pub fn retire(&self, kid: &str) -> Result<Self, KeysetError> {
        self.entry(kid)
            .ok_or_else(|| KeysetError::Unknown(kid.to_owned()))?;
        let step = |entry: &Arc<KeysetEntry>| {
            if entry.kid != kid {
                return entry.clone();
            }
            let state = match entry.state {
                KeyState::Active => KeyState::Retiring,
                KeyState::Retiring | KeyState::Retired => KeyState::Retired,
            };
            let (kid, key) = (entry.kid.clone(), entry.key.clone());
            Arc::new(KeysetEntry { kid, state, key })
        };
        Self(self.0.iter().map(step).collect()).checked()
    }

    /// Names and states, in order.
    pub fn keys(&self) -> impl Iterator<Item = (&str, KeyState)> {
        self.0.iter().map(|entry| (entry.kid.as_str(), entry.state))
    }

    /// What the app publishes (clause C-META-01): the public halves of the active and retiring keys.
    pub fn published(&self) -> JwkSet {
        let published = self.0.iter().filter(|entry| entry.is_published());
        let keys = published.map(|entry| {
            let public = entry.key.public().clone();
            PublishedKey::new(entry.kid.as_str(), public)
        });
        JwkSet {
            keys: keys.collect(),
        }
    }

    /// All keys in one secret text, for a file that nobody else reads or a secret store.
    pub fn to_secret(&self) -> Result<Secret, KeysetError> {
        let keys = self.0.iter().map(|entry| {
            Ok(StoredEntry {
                kid: entry.kid.clone(),
                state: entry.state,
                pkcs8: StoredKey::from_key(&entry.key)?,
            })
        });
        let stored = StoredKeyset {
            keys: keys.collect::<Result<_, KeyError>>()?,
        };
        serde_json::to_string(&stored)
            .map(Secret::new)
            .map_err(|_| KeysetError::Stored("they can't be written"))
    }

    /// Reads what [`to_secret`](Self::to_secret) gave.
    pub fn from_secret(text: &Secret) -> Result<Self, KeysetError> {
        // Why it can't be read isn't said: it might repeat a part of it.
        let stored: StoredKeyset = serde_json::from_str(text.expose())
            .map_err(|_| KeysetError::Stored("not the JSON that they are kept in"))?;
        let keys = stored.keys.into_iter();
        let keys = keys.map(|entry| Ok((entry.kid, entry.state, entry.pkcs8.to_key()?)));
        Self::new(keys.collect::<Result<Vec<_>, KeyError>>()?)
    }

    /// The key with which new sessions begin.
    pub(crate) fn first(&self) -> Option<(BoundClientKey, &PrivateKey)> {
        let first = self.0.iter().find(|entry| entry.state == KeyState::Active);
        first.map(|entry| (entry.bound(), &*entry.key))
    }

    /// The key with which a session began (clause C-REF-02), unless it is retired.
    pub(crate) fn bound(&self, bound: &BoundClientKey) -> Option<&PrivateKey> {
        self.entry(&bound.kid)
            .filter(|entry| entry.is_published())
            .filter(|entry| bound.jkt.is_none_or(|jkt| jkt == entry.key.thumbprint()))
            .map(|entry| &*entry.key)
    }

    /// The keys that are published here and not there.
    pub(crate) fn missing_in<'a>(
        &'a self,
        other: &'a Self,
    ) -> impl Iterator<Item = BoundClientKey> {
        self.0
            .iter()
            .filter(|entry| entry.is_published())
            .map(|entry| entry.bound())
            .filter(|bound| other.bound(bound).is_none())
    }

    fn entry(&self, kid: &str) -> Option<&KeysetEntry> {
        self.0
            .iter()
            .map(|entry| &**entry)
            .find(|entry| entry.kid == kid)
    }

    fn checked(self) -> Result<Self, KeysetError> {
        for (place, entry) in self.0.iter().enumerate() {
            let before = self.0.iter().take(place);
            let same = before.into_iter().any(|other| other.kid == entry.kid);
            if same || !(1..=256).contains(&entry.kid.len()) {
                return Err(KeysetError::Kid(entry.kid.clone()));
            }
        }
        if self.first().is_none() {
            return Err(KeysetError::NoneActive);
        }
        Ok(self)
    }
}

impl KeysetEntry {
    fn is_published(&self) -> bool {
        self.state != KeyState::Retired
    }

    fn bound(&self) -> BoundClientKey {
        BoundClientKey {
            kid: self.kid.clone(),
            jkt: Some(self.key.thumbprint()),
        }
    }
}

impl fmt::Debug for ClientKeyset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Clauses C-META-01 and C-META-02: public members only, however the keys are turned and printed.
    #[test]
    fn nothing_private_is_published() {
        let keys = ClientKeyset::generate().unwrap();
        let keys = keys.add("second", PrivateKey::generate().unwrap()).unwrap();
        let json = serde_json::to_value(keys.published()).unwrap();
        let published = json["keys"].as_array().unwrap();
        assert_eq!(published.len(), 2);
        for key in published {
            for private in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
                assert!(key.get(private).is_none(), "{private}");
            }
        }
        let secret = keys.to_secret().unwrap();
        let printed = format!("{keys:?} {secret:?} {json}");
        for entry in &keys.0 {
            let stored = serde_json::to_string(&StoredKey::from_key(&entry.key).unwrap()).unwrap();
            assert!(secret.expose().contains(stored.trim_matches('"')));
            assert!(!printed.contains(stored.trim_matches('"')));
        }
        let read = ClientKeyset::from_secret(&secret).unwrap();
        assert_eq!(read.published(), keys.published());
        assert!(ClientKeyset::from_secret(&Secret::new("{}")).is_err());
    }

    /// Clauses C-META-02 and C-REF-02: step by step; a session keeps its key while it is published.
    #[test]
    fn keys_are_exchanged_in_steps() {
        let old = ClientKeyset::generate().unwrap();
        let (bound, _) = old.first().unwrap();
        let both = old.add("new", PrivateKey::generate().unwrap()).unwrap();
        assert_eq!(both.first().unwrap().0, bound, "the new one waits");
        let turned = both.retire(&bound.kid).unwrap();
        assert_eq!(turned.first().unwrap().0.kid, "new");
        assert!(turned.bound(&bound).is_some());
        assert_eq!(turned.published().keys.len(), 2);
        let gone = turned.retire(&bound.kid).unwrap();
        assert!(gone.bound(&bound).is_none());
        assert_eq!(gone.published().keys.len(), 1);
        assert!(turned.missing_in(&gone).eq([bound.clone()]));
        assert_eq!(gone.retire("new").err(), Some(KeysetError::NoneActive));
        let same = gone.add("new", PrivateKey::generate().unwrap());
        assert_eq!(same.err(), Some(KeysetError::Kid("new".into())));
        let other = BoundClientKey {
            jkt: Some(PrivateKey::generate().unwrap().thumbprint()),
            ..bound
        };
        assert!(turned.bound(&other).is_none(), "another key of that name");
    }
}
