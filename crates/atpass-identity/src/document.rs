//! DID documents: the three things in them that are needed here (atproto spec, DID,
//! "Representation").

use atpass_protocol::id::{Did, Handle, Issuer};
use atpass_protocol::text::shown;
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use crate::signing_key::{SigningKey, SigningKeyError};

/// The types of a verification method that an account can have: today's, and two older ones.
const METHODS: [&str; 3] = [
    "Multikey",
    "EcdsaSecp256r1VerificationKey2019",
    "EcdsaSecp256k1VerificationKey2019",
];

/// A DID document, read as far as it is needed: what is kept of a stranger's document is small.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "Written")]
pub struct DidDocument {
    /// Whose it is.
    pub id: Did,
    handle: Option<Handle>,
    pds: Result<Issuer, DocumentError>,
    signing_key: Result<SigningKey, DocumentError>,
}

/// The document as it is written.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    id: Did,
    #[serde(default)]
    also_known_as: Vec<String>,
    /// Services of other kinds may look as they like.
    #[serde(default)]
    service: Vec<Value>,
    /// May be anything: a login needs no key.
    #[serde(default)]
    verification_method: Value,
}

#[derive(Deserialize)]
struct Service {
    id: String,
    #[serde(rename = "type")]
    kind: Value,
    #[serde(rename = "serviceEndpoint")]
    endpoint: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct VerificationMethod {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    controller: String,
    public_key_multibase: String,
}

impl From<Written> for DidDocument {
    fn from(written: Written) -> Self {
        let mut names = written.also_known_as.iter();
        Self {
            handle: names.find_map(|name| Handle::parse(name.strip_prefix("at://")?).ok()),
            pds: pds(&written.id, &written.service),
            signing_key: signing_key(&written.id, &written.verification_method),
            id: written.id,
        }
    }
}

impl std::fmt::Display for DidDocument {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.handle() {
            Some(handle) => write!(f, "{handle}, ")?,
            None => f.write_str("no handle, ")?,
        }
        match self.pds() {
            Ok(pds) => write!(f, "at {pds}"),
            Err(error) => error.fmt(f),
        }
    }
}

/// Why a document can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// It is somebody else's.
    #[error("the document is of {0}")]
    Id(Did),
    /// It names no PDS.
    #[error("the document names no PDS (a service #atproto_pds of type AtprotoPersonalDataServer)")]
    NoPds,
    /// The address of its PDS isn't one.
    #[error("the address of its PDS must be an https origin, and is {0}")]
    PdsUrl(String),
    /// It names no key for the account's repository.
    #[error(
        "the document names no signing key (a verification method #atproto of type Multikey, \
         controlled by the DID itself)"
    )]
    NoSigningKey,
    /// The key for the account's repository isn't one.
    #[error("the account's signing key can't be used: {0}")]
    SigningKey(SigningKeyError),
}

impl DidDocument {
    /// Makes sure that the document is the one that was asked for.
    pub fn check_id(&self, asked: &Did) -> Result<(), DocumentError> {
        if self.id == *asked {
            Ok(())
        } else {
            Err(DocumentError::Id(self.id.clone()))
        }
    }

    /// The handle that the account claims: its first name that is one.
    pub const fn handle(&self) -> Option<&Handle> {
        self.handle.as_ref()
    }

    /// The account's PDS: the first service of id `#atproto_pds` and the right type, at an
    /// address without path, query and credentials.
    pub fn pds(&self) -> Result<Issuer, DocumentError> {
        self.pds.clone()
    }

    /// The key of the account's repository: the first verification method of id `#atproto` and a type
    /// for such keys that the DID itself controls.
    pub fn signing_key(&self) -> Result<SigningKey, DocumentError> {
        self.signing_key.clone()
    }
}

/// Whether the id of a part of the document, relative or in full, is this one.
fn is_id(id: &str, did: &Did, fragment: &str) -> bool {
    id.strip_prefix(did.as_str()).unwrap_or(id) == fragment
}

fn signing_key(did: &Did, methods: &Value) -> Result<SigningKey, DocumentError> {
    let methods = methods.as_array().map(Vec::as_slice).unwrap_or_default();
    let method = methods
        .iter()
        .filter_map(|method| VerificationMethod::deserialize(method).ok())
        .find(|method| {
            is_id(&method.id, did, "#atproto")
                && METHODS.contains(&method.kind.as_str())
                && method.controller == did.as_str()
        })
        .ok_or(DocumentError::NoSigningKey)?;
    SigningKey::from_method(&method.kind, &method.public_key_multibase)
        .map_err(DocumentError::SigningKey)
}

fn pds(did: &Did, services: &[Value]) -> Result<Issuer, DocumentError> {
    let is_pds = |service: &Service| {
        is_id(&service.id, did, "#atproto_pds") && service.kind == "AtprotoPersonalDataServer"
    };
    let service = services
        .iter()
        .filter_map(|service| Service::deserialize(service).ok())
        .find(is_pds)
        .ok_or(DocumentError::NoPds)?;
    let text = service.endpoint.as_str().unwrap_or("not text");
    let bad = || DocumentError::PdsUrl(shown(text));
    let url = Url::parse(text).map_err(|_| bad())?;
    let plain = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    let anonymous = url.username().is_empty() && url.password().is_none();
    if !plain || !anonymous {
        return Err(bad());
    }
    Issuer::of(&url).map_err(|_| bad())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const DID: &str = "did:plc:ewvi7nxzyoun6zhxrhs64oiz";

    fn document(names: &Value, services: &Value) -> DidDocument {
        serde_json::from_value(json!({ "id": DID, "alsoKnownAs": names, "service": services }))
            .unwrap()
    }

    fn service(id: &str, kind: &str, endpoint: &str) -> Value {
        json!({ "id": id, "type": kind, "serviceEndpoint": endpoint })
    }

    /// Clause ID-DID-04.
    #[test]
    fn the_pds() {
        const KIND: &str = "AtprotoPersonalDataServer";
        let pds = |services: Value| document(&json!([]), &services).pds();
        let good = Issuer::parse("https://pds.example.com").unwrap();
        for id in ["#atproto_pds", &format!("{DID}#atproto_pds")] {
            let other = service("#other", KIND, "https://other.example.com");
            let odd = json!({"id": "#odd", "something": [1]});
            assert_eq!(
                pds(json!([
                    odd,
                    other,
                    service(id, KIND, "https://pds.example.com")
                ])),
                Ok(good.clone())
            );
        }
        assert_eq!(pds(json!([])), Err(DocumentError::NoPds));
        assert_eq!(
            pds(json!([service(
                "#atproto_pds",
                "Other",
                "https://pds.example.com"
            )])),
            Err(DocumentError::NoPds)
        );
        for bad in [
            "https://pds.example.com/x",
            "https://u@pds.example.com",
            "http://pds.example.com",
            "https://pds.example.com?x",
            "x",
        ] {
            assert!(
                matches!(
                    pds(json!([service("#atproto_pds", KIND, bad)])),
                    Err(DocumentError::PdsUrl(_))
                ),
                "{bad}"
            );
        }
    }

    /// Clause SC-INC-01: the key that proves a lexicon's record.
    #[test]
    fn the_signing_key() {
        const P256: &str = "zDnaembgSGUhZULN2Caob4HLJPaxBh92N7rtH21TErzqf8HQo";
        const K256: &str = "zQ3shqwJEJyMBsBXCWyCBpUBMqxcon9oHB7mCvx4sSpMdLJwc";
        let key = |methods: Value| {
            let document = json!({ "id": DID, "verificationMethod": methods });
            serde_json::from_value::<DidDocument>(document)
                .unwrap()
                .signing_key()
        };
        let method = |id: &str, kind: &str, controller: &str, key: &str| json!({ "id": id, "type": kind, "controller": controller, "publicKeyMultibase": key });
        let full = format!("{DID}#atproto");
        for id in ["#atproto", &full] {
            let methods = json!([
                1,
                method(&format!("{DID}#other"), "Multikey", DID, P256),
                method(id, "Ed25519VerificationKey2020", DID, P256),
                method(id, "Multikey", "did:web:example.com", P256),
                method(id, "Multikey", DID, K256),
                method(id, "Multikey", DID, P256),
            ]);
            assert_eq!(key(methods), Ok(SigningKey::from_multibase(K256).unwrap()));
        }
        for none in [json!(null), json!({}), json!("x"), json!([]), json!([[]])] {
            assert_eq!(key(none), Err(DocumentError::NoSigningKey));
        }
        assert_eq!(
            key(json!([method(&full, "Multikey", DID, "zz")])),
            Err(DocumentError::SigningKey(SigningKeyError::Kind))
        );
    }

    /// Clause ID-HDL-06: the first name that is a handle.
    #[test]
    fn the_handle() {
        let handle = |names: Value| {
            document(&names, &json!([]))
                .handle()
                .map(ToString::to_string)
        };
        assert_eq!(
            handle(json!([
                "https://x.example",
                "at://alice.test",
                "at://bob.test"
            ])),
            Some("alice.test".into())
        );
        assert_eq!(handle(json!(["at://not a handle"])), None);
        assert_eq!(handle(json!([])), None);
    }

    /// Clause ID-DID-03.
    #[test]
    fn another_dids_document() {
        let other = Did::parse("did:plc:aaaaaaaaaaaaaaaaaaaaaaaa").unwrap();
        assert!(document(&json!([]), &json!([])).check_id(&other).is_err());
    }
}
