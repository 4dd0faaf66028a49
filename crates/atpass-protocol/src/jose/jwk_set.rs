//! Sets of public keys (RFC 7517 section 5), as a server publishes them.

use serde::{Deserialize, Serialize};

use super::{ES256, PublicJwk};

/// A key as it stands in a set: public, with its id, algorithm and use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedKey {
    /// Key id.
    pub kid: String,
    /// Always `ES256`.
    pub alg: String,
    /// Always `sig`.
    #[serde(rename = "use")]
    pub usage: String,
    /// The key itself. There is no way to put a private one here.
    #[serde(flatten)]
    pub key: PublicJwk,
}

impl PublishedKey {
    /// A signature key under this id.
    pub fn new(kid: impl Into<String>, key: PublicJwk) -> Self {
        Self {
            kid: kid.into(),
            alg: ES256.to_owned(),
            usage: "sig".to_owned(),
            key,
        }
    }
}

/// A published key set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JwkSet {
    /// The keys.
    pub keys: Vec<PublishedKey>,
}

impl JwkSet {
    /// The key of this id.
    pub fn find(&self, kid: &str) -> Option<&PublicJwk> {
        self.keys
            .iter()
            .find(|key| key.kid == kid)
            .map(|key| &key.key)
    }
}

#[cfg(test)]
mod tests {
    use super::super::PrivateKey;
    use super::*;

    /// Clause AS-META-12: the published set has public members only.
    #[test]
    fn only_public_members_are_published() {
        let key = PrivateKey::generate().unwrap();
        let set = JwkSet {
            keys: vec![PublishedKey::new("k1", key.public().clone())],
        };
        let json = serde_json::to_value(&set).unwrap();
        let members: Vec<_> = json["keys"][0]
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect();
        assert_eq!(members, ["alg", "crv", "kid", "kty", "use", "x", "y"]);
        assert_eq!(serde_json::from_value::<JwkSet>(json).unwrap(), set);
    }
}
