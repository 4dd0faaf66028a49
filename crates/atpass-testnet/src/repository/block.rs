//! Blocks in DAG-CBOR, their names, and archives of them.

use anyhow::Context;
use aws_lc_rs::digest;
use data_encoding::BASE64_NOPAD;
use ipld_core::cid::Cid;
use ipld_core::cid::multihash::Multihash;
use ipld_core::ipld::Ipld;
use serde_json::{Value, json};

/// The multicodecs of DAG-CBOR and of SHA-256.
const DAG_CBOR: u64 = 0x71;
const SHA2_256: u64 = 0x12;

/// A block in DAG-CBOR, from JSON with `$link` and `$bytes`.
pub fn block(value: &Value) -> anyhow::Result<Vec<u8>> {
    Ok(serde_ipld_dagcbor::to_vec(&ipld(value)?)?)
}

/// The name of a block.
pub fn name(block: &[u8]) -> anyhow::Result<String> {
    Ok(cid(block)?.to_string())
}

fn cid(block: &[u8]) -> anyhow::Result<Cid> {
    let digest = digest::digest(&digest::SHA256, block);
    Ok(Cid::new_v1(
        DAG_CBOR,
        Multihash::wrap(SHA2_256, digest.as_ref())?,
    ))
}

fn ipld(value: &Value) -> anyhow::Result<Ipld> {
    Ok(match value {
        Value::Null => Ipld::Null,
        Value::Bool(value) => Ipld::Bool(*value),
        Value::Number(number) => match (number.as_i128(), number.as_f64()) {
            (Some(integer), _) => Ipld::Integer(integer),
            (None, float) => Ipld::Float(float.context("a number")?),
        },
        Value::String(text) => Ipld::String(text.clone()),
        Value::Array(items) => Ipld::List(items.iter().map(ipld).collect::<Result<_, _>>()?),
        Value::Object(members) => {
            let only = |name: &str| members.get(name).filter(|_| members.len() == 1)?.as_str();
            if let Some(link) = only("$link") {
                return Ok(Ipld::Link(link.parse()?));
            }
            if let Some(bytes) = only("$bytes") {
                return Ok(Ipld::Bytes(BASE64_NOPAD.decode(bytes.as_bytes())?));
            }
            let members = members
                .iter()
                .map(|(name, value)| Ok((name.clone(), ipld(value)?)));
            Ipld::Map(members.collect::<anyhow::Result<_>>()?)
        }
    })
}

/// An archive (CAR, version 1) of these blocks. The first one is the root.
pub fn archive(blocks: &[Vec<u8>]) -> anyhow::Result<Vec<u8>> {
    let root = blocks.first().context("a root")?;
    let header = block(&json!({ "roots": [{ "$link": name(root)? }], "version": 1 }))?;
    let mut bytes = section(&[&header]);
    for block in blocks {
        bytes.extend(section(&[&cid(block)?.to_bytes(), block]));
    }
    Ok(bytes)
}

/// A section of an archive: these parts, after their length.
pub fn section(parts: &[&[u8]]) -> Vec<u8> {
    let whole = parts.concat();
    let mut buffer = unsigned_varint::encode::usize_buffer();
    let length = unsigned_varint::encode::usize(whole.len(), &mut buffer);
    [length, &whole].concat()
}
