//! DID documents: the two things in them that a login needs (atproto spec, DID, "Representation").

use atpass_protocol::id::{Did, Handle, Issuer};
use atpass_protocol::text::shown;
use serde::Deserialize;
use serde_json::Value;
use url::Url;

/// A DID document, read as far as a login needs it: what is kept of a stranger's document is small.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "Written")]
pub struct DidDocument {
    /// Whose it is.
    pub id: Did,
    handle: Option<Handle>,
    pds: Result<Issuer, DocumentError>,
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
}

#[derive(Deserialize)]
struct Service {
    id: String,
    #[serde(rename = "type")]
    kind: Value,
    #[serde(rename = "serviceEndpoint")]
    endpoint: Value,
}

impl From<Written> for DidDocument {
    fn from(written: Written) -> Self {
        let mut names = written.also_known_as.iter();
        Self {
            handle: names.find_map(|name| Handle::parse(name.strip_prefix("at://")?).ok()),
            pds: pds(&written.id, &written.service),
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
}

fn pds(did: &Did, services: &[Value]) -> Result<Issuer, DocumentError> {
    let is_pds = |service: &Service| {
        let fragment = service.id.strip_prefix(did.as_str());
        fragment.unwrap_or(&service.id) == "#atproto_pds"
            && service.kind == "AtprotoPersonalDataServer"
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
