//! The keys that a confidential client publishes.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::encoding::json_object;

use super::{BoundKey, ES256, Jkt, JwkError, JwkSet, PublicJwk, PublishedKey};

/// The most keys of one client.
const MOST_KEYS: usize = 32;

/// The usable keys of a client's set: public, for ES256 signatures, each with its own `kid`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientKeys(Vec<(String, BoundKey)>);

/// Why a client's key set can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientKeysError {
    /// Not `{"keys": […]}`.
    #[error("the key set can't be read: {0}")]
    Shape(String),
    /// A key is wrong.
    #[error("key number {number} of the set: {error}")]
    Key {
        /// Counted from 1.
        number: usize,
        /// What is wrong with it.
        error: JwkError,
    },
    /// A key can't be told from the others.
    #[error("key number {0} of the set has no kid")]
    NoKid(usize),
    /// Two keys have one name.
    #[error("two keys of the set have the kid {0}")]
    SameKid(String),
    /// There is nothing to verify with.
    #[error("the key set has no ES256 key (kty EC, crv P-256, use sig)")]
    NoneUsable,
    /// Too many.
    #[error("the key set has more than {MOST_KEYS} keys")]
    TooMany,
}

#[derive(Deserialize)]
struct Set<'a> {
    #[serde(borrow)]
    keys: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Name<'a> {
    #[serde(borrow, default)]
    kid: Option<Cow<'a, str>>,
}

impl ClientKeys {
    /// Reads a key set (RFC 7517 section 5). Keys of other kinds are passed over, as a set may serve
    /// other purposes too; a private member anywhere refuses the whole set (clause AS-CLI-08).
    pub fn from_json(text: &[u8]) -> Result<Self, ClientKeysError> {
        let shape = |error: serde_json::Error| ClientKeysError::Shape(error.to_string());
        let set: Set<'_> = json_object(text).map_err(shape)?;
        if set.keys.len() > MOST_KEYS {
            return Err(ClientKeysError::TooMany);
        }
        let mut keys: Vec<(String, BoundKey)> = Vec::new();
        for (number, raw) in (1..).zip(set.keys) {
            let key = match PublicJwk::from_json(raw.get().as_bytes()) {
                Ok(key) => key,
                Err(JwkError::Unsupported | JwkError::Purpose) => continue,
                Err(error) => return Err(ClientKeysError::Key { number, error }),
            };
            let name: Name<'_> = serde_json::from_str(raw.get()).map_err(shape)?;
            let kid = name.kid.filter(|kid| (1..=256).contains(&kid.len()));
            let kid = kid.ok_or(ClientKeysError::NoKid(number))?.into_owned();
            if keys.iter().any(|(known, _)| *known == kid) {
                return Err(ClientKeysError::SameKid(kid));
            }
            keys.push((kid, BoundKey::new(key)));
        }
        if keys.is_empty() {
            return Err(ClientKeysError::NoneUsable);
        }
        Ok(Self(keys))
    }

    /// The key of this id.
    pub fn find(&self, kid: &str) -> Option<&BoundKey> {
        self.0
            .iter()
            .find(|(known, _)| known == kid)
            .map(|(_, key)| key)
    }

    /// The same keys as a set that a server publishes.
    pub fn into_jwk_set(self) -> JwkSet {
        let keys = self.0.into_iter();
        JwkSet {
            keys: keys
                .map(|(kid, key)| PublishedKey::new(kid, key.into_key()))
                .collect(),
        }
    }

    /// Whether one of the keys has this thumbprint.
    pub fn has_thumbprint(&self, jkt: Jkt) -> bool {
        self.0.iter().any(|(_, key)| key.jkt() == jkt)
    }

    /// Whether this very key, under this name, is still among them.
    pub fn holds(&self, key: &ClientKey) -> bool {
        key.alg == ES256
            && self
                .find(&key.kid)
                .is_some_and(|found| found.jkt() == key.jkt)
    }
}

/// The key with which a client proved who it is: a session is bound to it for life.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, Deserialize)]
pub struct ClientKey {
    /// Key id.
    pub kid: String,
    /// Algorithm.
    pub alg: String,
    /// Thumbprint.
    pub jkt: Jkt,
}

#[cfg(test)]
mod tests {
    use super::super::PrivateKey;
    use super::*;
    use serde_json::{Value, json};

    fn jwk(kid: &str) -> Value {
        let key = PrivateKey::generate().unwrap();
        let mut value = serde_json::to_value(key.public()).unwrap();
        value["kid"] = kid.into();
        value
    }

    fn read(keys: &Value) -> Result<ClientKeys, ClientKeysError> {
        ClientKeys::from_json(json!({ "keys": keys }).to_string().as_bytes())
    }

    /// Clause AS-CLI-08: public, usable, with kid.
    #[test]
    fn sets() {
        let rsa = json!({"kty": "RSA", "kid": "r", "n": "AQAB", "e": "AQAB"});
        let keys = read(&json!([rsa, jwk("a"), jwk("b")])).unwrap();
        assert!(keys.find("a").is_some() && keys.find("b").is_some());
        assert!(keys.find("r").is_none());

        let mut private = jwk("p");
        private["d"] = "AA".into();
        assert_eq!(
            read(&json!([jwk("a"), private])),
            Err(ClientKeysError::Key {
                number: 2,
                error: JwkError::Private
            })
        );
        let private_rsa = json!({"kty": "RSA", "kid": "r", "n": "AQAB", "e": "AQAB", "d": "AA"});
        assert!(matches!(
            read(&json!([jwk("a"), private_rsa])),
            Err(ClientKeysError::Key { .. })
        ));
        assert_eq!(
            read(&json!([jwk("a"), jwk("a")])),
            Err(ClientKeysError::SameKid("a".into()))
        );
        let mut nameless = jwk("x");
        nameless.as_object_mut().unwrap().remove("kid");
        assert_eq!(read(&json!([nameless])), Err(ClientKeysError::NoKid(1)));
        assert_eq!(read(&json!([rsa])), Err(ClientKeysError::NoneUsable));
        assert_eq!(read(&json!([])), Err(ClientKeysError::NoneUsable));
        let many: Vec<_> = (0..33).map(|n| jwk(&n.to_string())).collect();
        assert_eq!(read(&json!(many)), Err(ClientKeysError::TooMany));
        for text in ["", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":[1]}"#] {
            assert!(ClientKeys::from_json(text.as_bytes()).is_err(), "{text}");
        }
    }

    /// Clause AS-AUTHN-08: another key under the same name isn't the same key.
    #[test]
    fn the_very_key() {
        let keys = read(&json!([jwk("a"), jwk("b")])).unwrap();
        let key = |kid: &str, jkt| ClientKey {
            kid: kid.into(),
            alg: "ES256".into(),
            jkt,
        };
        let a = keys.find("a").unwrap().jkt();
        assert!(keys.holds(&key("a", a)));
        assert!(!keys.holds(&key("b", a)));
        assert!(!keys.holds(&ClientKey {
            alg: "ES384".into(),
            ..key("a", a)
        }));
        assert!(keys.has_thumbprint(a));
    }
}
