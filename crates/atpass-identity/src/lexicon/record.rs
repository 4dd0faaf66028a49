//! A record as JSON (atproto spec, Data Model).

use data_encoding::BASE64_NOPAD;
use ipld_core::ipld::Ipld;
use serde_json::{Map, Number, Value, json};

use super::cid;
use super::proof::ProofError;

/// The longest record, bytes. Lexicons have a few thousand; read, a record takes many times its
/// length.
const LONGEST: usize = 128 * 1024;
/// How many arrays and maps may be within each other.
const DEEPEST: usize = 64;

/// Why a record can't be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Longer than 128 KiB.
    #[error("it is longer than {LONGEST} bytes")]
    TooLong,
    /// Arrays and maps more than 64 deep.
    #[error("it is more than {DEEPEST} levels deep")]
    TooDeep,
    /// No map.
    #[error("it is not an object")]
    NotAnObject,
    /// A floating-point number, which no record has.
    #[error("a number in it is no integer")]
    Float,
    /// An integer of more than 64 bits with its sign.
    #[error("an integer in it is too large")]
    Integer,
}

/// Reads a record.
pub(crate) fn read(block: &[u8]) -> Result<Value, ProofError> {
    if block.len() > LONGEST {
        return Err(RecordError::TooLong.into());
    }
    let record: Ipld = cid::decode(block).map_err(|why| ProofError::Block {
        what: "the record",
        why,
    })?;
    if !matches!(record, Ipld::Map(_)) {
        return Err(RecordError::NotAnObject.into());
    }
    Ok(json(record, 1)?)
}

fn json(value: Ipld, depth: usize) -> Result<Value, RecordError> {
    if depth > DEEPEST {
        return Err(RecordError::TooDeep);
    }
    Ok(match value {
        Ipld::Null => Value::Null,
        Ipld::Bool(value) => Value::Bool(value),
        Ipld::Integer(value) => {
            let value = i64::try_from(value).map_err(|_| RecordError::Integer)?;
            Value::Number(Number::from(value))
        }
        Ipld::Float(_) => return Err(RecordError::Float),
        Ipld::String(text) => Value::String(text),
        Ipld::Bytes(bytes) => json!({ "$bytes": BASE64_NOPAD.encode(&bytes) }),
        Ipld::Link(link) => json!({ "$link": link.to_string() }),
        Ipld::List(items) => {
            let items = items.into_iter().map(|item| json(item, depth + 1));
            Value::Array(items.collect::<Result<_, _>>()?)
        }
        Ipld::Map(members) => {
            let members = members
                .into_iter()
                .map(|(name, value)| Ok((name, json(value, depth + 1)?)));
            Value::Object(members.collect::<Result<Map<_, _>, _>>()?)
        }
    })
}
