//! References to a service of a DID document (atproto spec, DID; permission spec, `rpc`).

use serde::Deserialize;

use super::{Did, string_identifier};

/// A DID with the fragment of one of its services, such as `did:web:api.example.com#svc_appview`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct ServiceRef(Box<str>);

/// Why a text is no service reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a service is named by a DID and a fragment, such as did:web:api.example.com#svc_appview")]
pub struct ServiceRefError;

/// The longest fragment, in bytes.
const LONGEST_FRAGMENT: usize = 512;

impl ServiceRef {
    /// Reads a reference. The DID is of a method that the network blesses.
    pub fn parse(text: &str) -> Result<Self, ServiceRefError> {
        let (did, fragment) = text.split_once('#').ok_or(ServiceRefError)?;
        let did = Did::parse(did).map_err(|_| ServiceRefError)?;
        // RFC 3986 section 3.5, without percent-encoding: a second spelling of the same service.
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?".contains(&b);
        let ok = did.method().is_some()
            && (1..=LONGEST_FRAGMENT).contains(&fragment.len())
            && fragment.bytes().all(allowed);
        if ok {
            Ok(Self(text.into()))
        } else {
            Err(ServiceRefError)
        }
    }
}

string_identifier!(ServiceRef, ServiceRefError);

/// So that a set of references can be asked for a text.
impl std::borrow::Borrow<str> for ServiceRef {
    fn borrow(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_has_a_did_and_a_fragment() {
        for good in [
            "did:web:api.example.com#svc_appview",
            "did:plc:ewvi7nxzyoun6zhxrhs64oiz#atproto_labeler",
        ] {
            assert_eq!(ServiceRef::parse(good).unwrap().as_str(), good);
        }
        for bad in [
            "",
            "*",
            "#svc",
            "did:web:api.example.com",
            "did:web:api.example.com#",
            "did:web:api.example.com#a#b",
            "did:web:api.example.com#a b",
            "did:web:api.example.com#a%20b",
            "did:key:zQ3sh#svc",
            "https://api.example.com#svc",
        ] {
            assert!(ServiceRef::parse(bad).is_err(), "{bad}");
        }
    }
}
