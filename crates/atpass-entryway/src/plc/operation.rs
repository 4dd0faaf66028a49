//! Operations as types: what they say, how they are signed, and what they are named by.

use std::collections::BTreeMap;

use atpass_protocol::id::{Did, Handle, Issuer};
use atpass_protocol::jose::K256Key;
use atpass_protocol::text::shown;
use aws_lc_rs::digest::{Digest, SHA256, digest};
use data_encoding::{BASE32_NOPAD, BASE64URL_NOPAD};
use ipld_core::cid::Cid;
use ipld_core::cid::multihash::Multihash;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::PlcError;

/// Multicodec numbers: DAG-CBOR, and the hash SHA-256.
const DAG_CBOR: u64 = 0x71;
const SHA2_256: u64 = 0x12;
/// Characters of the hash that make a DID.
const DID_LENGTH: usize = 24;
/// What goes before a handle in `alsoKnownAs`.
const AT: &str = "at://";

/// What an operation makes true of a DID.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Contents {
    /// Who may sign the next operation, the mightiest first; each a `did:key`.
    pub rotation_keys: Vec<String>,
    /// Keys for other purposes; `atproto` is the repository's.
    pub verification_methods: BTreeMap<String, String>,
    /// What it is called: the first that begins with `at://` is the handle.
    pub also_known_as: Vec<String>,
    /// Where it is served; `atproto_pds` is the PDS.
    pub services: BTreeMap<String, Service>,
}

/// A service of a DID.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its address.
    pub endpoint: String,
}

impl Contents {
    /// What is true of a new account.
    pub fn of_account(
        handle: &Handle,
        pds: &Issuer,
        rotation_key: String,
        signing_key: String,
    ) -> Self {
        let service = Service {
            kind: "AtprotoPersonalDataServer".into(),
            endpoint: pds.as_str().into(),
        };
        Self {
            rotation_keys: vec![rotation_key],
            verification_methods: [("atproto".into(), signing_key)].into(),
            also_known_as: vec![format!("{AT}{handle}")],
            services: [("atproto_pds".into(), service)].into(),
        }
    }

    /// The handle: its first name of that kind.
    pub fn handle(&self) -> Option<Handle> {
        let mut names = self.also_known_as.iter();
        let name = names.find_map(|name| name.strip_prefix(AT))?;
        Handle::parse(name).ok()
    }

    /// The same with another handle, in the place of the one before. Other names stay.
    #[must_use]
    pub fn with_handle(mut self, handle: &Handle) -> Self {
        let new = format!("{AT}{handle}");
        let names = &mut self.also_known_as;
        names.retain(|name| *name != new);
        match names.iter_mut().find(|name| name.starts_with(AT)) {
            Some(old) => *old = new,
            None => names.insert(0, new),
        }
        self
    }

    /// Signs the operation that makes this true. `previous` is the CID of the one before.
    pub fn sign(
        self,
        previous: Option<String>,
        key: &K256Key,
    ) -> Result<SignedOperation, PlcError> {
        let operation = Operation {
            kind: Kind::Operation,
            contents: self,
            prev: previous,
        };
        let sig = BASE64URL_NOPAD.encode(&key.sign(&encode(&operation)?));
        Ok(SignedOperation { operation, sig })
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Operation {
    #[serde(rename = "type")]
    kind: Kind,
    #[serde(flatten)]
    contents: Contents,
    prev: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
enum Kind {
    #[serde(rename = "plc_operation")]
    Operation,
}

/// An operation with its signature; serialises as the directory takes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SignedOperation {
    #[serde(flatten)]
    operation: Operation,
    sig: String,
}

impl SignedOperation {
    /// The DID that this operation makes, where it is the first one.
    pub fn did(&self) -> Result<Did, PlcError> {
        let hash = BASE32_NOPAD.encode(hash(self)?.as_ref());
        let name = hash.get(..DID_LENGTH).unwrap_or(&hash);
        let did = format!("did:plc:{}", name.to_ascii_lowercase());
        Did::parse(&did).map_err(|error| PlcError::Malformed(error.to_string()))
    }

    /// As JSON.
    pub fn to_json(&self) -> Result<Value, PlcError> {
        serde_json::to_value(self).map_err(|error| malformed(&error))
    }
}

/// The last operation of a DID: what is true of it, and what the next one must name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastOperation {
    /// Its CID.
    pub cid: String,
    /// What it says.
    pub contents: Contents,
}

/// The oldest form of a first operation. It may still be the last one of a DID.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Create {
    signing_key: String,
    recovery_key: String,
    handle: String,
    service: String,
}

impl LastOperation {
    /// Reads an operation of `did` as the directory has it.
    pub fn read(did: &Did, operation: &Value) -> Result<Self, PlcError> {
        let kind = operation.get("type").and_then(Value::as_str);
        let contents = match kind {
            Some("plc_operation") => Contents::deserialize(operation),
            Some("create") => Create::deserialize(operation).map(Contents::from),
            Some("plc_tombstone") => return Err(PlcError::Tombstoned(did.clone())),
            _ => return Err(PlcError::Malformed("it is of no known type".into())),
        };
        Ok(Self {
            contents: contents.map_err(|error| malformed(&error))?,
            // Of all that is there, known or not: that is what was signed.
            cid: cid(operation)?,
        })
    }
}

impl From<Create> for Contents {
    fn from(create: Create) -> Self {
        let bare = |text: &str| {
            let rest = text.strip_prefix("https://");
            let rest = rest.or_else(|| text.strip_prefix("http://"));
            rest.unwrap_or(text).to_owned()
        };
        let handle = match create.handle.strip_prefix(AT) {
            Some(handle) => handle.to_owned(),
            None => bare(&create.handle),
        };
        let endpoint = if bare(&create.service) == create.service {
            format!("https://{}", create.service)
        } else {
            create.service
        };
        let kind = "AtprotoPersonalDataServer".into();
        Self {
            rotation_keys: vec![create.recovery_key, create.signing_key.clone()],
            verification_methods: [("atproto".into(), create.signing_key)].into(),
            also_known_as: vec![format!("{AT}{handle}")],
            services: [("atproto_pds".into(), Service { kind, endpoint })].into(),
        }
    }
}

/// In DAG-CBOR, which has one form only for each value.
fn encode(value: &impl Serialize) -> Result<Vec<u8>, PlcError> {
    serde_ipld_dagcbor::to_vec(value).map_err(|error| malformed(&error))
}

fn hash(value: &impl Serialize) -> Result<Digest, PlcError> {
    Ok(digest(&SHA256, &encode(value)?))
}

fn cid(value: &impl Serialize) -> Result<String, PlcError> {
    let hash =
        Multihash::wrap(SHA2_256, hash(value)?.as_ref()).map_err(|error| malformed(&error))?;
    Ok(Cid::new_v1(DAG_CBOR, hash).to_string())
}

fn malformed(error: &impl std::fmt::Display) -> PlcError {
    PlcError::Malformed(shown(&error.to_string()))
}
