//! Repositories for tests: records in a tree, under a signed commit, in an archive (atproto spec,
//! Repository). Blocks are written as JSON, so that a test can also write bad ones, and sign them.

mod block;
mod key;

use std::collections::BTreeMap;

use anyhow::Context;
use atpass_protocol::id::Did;
use aws_lc_rs::digest;
use data_encoding::BASE64_NOPAD;
use serde_json::{Value, json};

pub use block::{archive, block, name, section};
pub use key::RepositoryKey;

/// The records of one account.
#[derive(Clone, Debug)]
pub struct Repository {
    /// Whose they are.
    pub did: Did,
    /// Blocks by path: collection, slash, record key.
    pub records: BTreeMap<String, Vec<u8>>,
}

/// A tree of records: its root, and all of its nodes.
#[derive(Clone, Debug)]
pub struct Tree {
    /// The name of the top node.
    pub root: String,
    /// The nodes, from the top.
    pub nodes: Vec<Vec<u8>>,
}

impl Repository {
    /// One without records.
    pub fn new(did: Did) -> Self {
        Self {
            did,
            records: BTreeMap::new(),
        }
    }

    /// Adds a record.
    pub fn put(&mut self, path: &str, record: &Value) -> anyhow::Result<()> {
        self.records.insert(path.to_owned(), block(record)?);
        Ok(())
    }

    /// The tree of its records.
    pub fn tree(&self) -> anyhow::Result<Tree> {
        let mut names = BTreeMap::new();
        for (path, record) in &self.records {
            names.insert(path.clone(), name(record)?);
        }
        Tree::of(&names)
    }

    /// Its commit, without a signature.
    pub fn commit(&self, root: &str) -> Value {
        json!({
            "did": self.did,
            "version": 3,
            "data": { "$link": root },
            "rev": "3l7h2ig3fqk2a",
            "prev": null,
        })
    }

    /// What `com.atproto.sync.getRecord` answers: the signed commit, all nodes of the tree, and
    /// the record, where there is one.
    pub fn proof(&self, path: &str, key: &RepositoryKey) -> anyhow::Result<Vec<u8>> {
        let tree = self.tree()?;
        let mut blocks = vec![signed(&self.commit(&tree.root), key)?];
        blocks.extend(tree.nodes);
        blocks.extend(self.records.get(path).cloned());
        archive(&blocks)
    }
}

impl Tree {
    /// The tree of records with these names, by path.
    pub fn of(records: &BTreeMap<String, String>) -> anyhow::Result<Self> {
        let leaves: Vec<Leaf<'_>> = records
            .iter()
            .map(|(path, record)| Leaf {
                key: path.as_bytes(),
                layer: layer(path),
                record,
            })
            .collect();
        let top = leaves.iter().map(|leaf| leaf.layer).max();
        let mut nodes = Vec::new();
        let root = grow(&leaves, top.unwrap_or_default(), &mut nodes)?;
        nodes.reverse();
        Ok(Self { root, nodes })
    }
}

struct Leaf<'a> {
    key: &'a [u8],
    layer: u32,
    record: &'a str,
}

/// Makes the node of these leaves at this layer, and all below it first. Returns its name.
fn grow(leaves: &[Leaf<'_>], layer: u32, nodes: &mut Vec<Vec<u8>>) -> anyhow::Result<String> {
    let mut parts = leaves.split_inclusive(|leaf| leaf.layer == layer);
    let mut below = |leaves: &[Leaf<'_>]| -> anyhow::Result<Value> {
        match layer.checked_sub(1) {
            Some(layer) if !leaves.is_empty() => {
                Ok(json!({ "$link": grow(leaves, layer, nodes)? }))
            }
            _ => Ok(Value::Null),
        }
    };
    let mut left = Value::Null;
    let mut entries: Vec<Value> = Vec::new();
    let mut previous: &[u8] = &[];
    for part in &mut parts {
        let (own, before) = match part.split_last() {
            Some((leaf, before)) if leaf.layer == layer => (Some(leaf), before),
            _ => (None, part),
        };
        let subtree = below(before)?;
        match entries.last_mut() {
            Some(entry) => entry["t"] = subtree,
            None => left = subtree,
        }
        if let Some(leaf) = own {
            entries.push(entry(previous, leaf.key, leaf.record));
            previous = leaf.key;
        }
    }
    let node = block(&json!({ "l": left, "e": entries }))?;
    let root = name(&node)?;
    nodes.push(node);
    Ok(root)
}

/// An entry of a node, after the one with the key `previous`; without a subtree.
pub fn entry(previous: &[u8], key: &[u8], record: &str) -> Value {
    let shared = previous.iter().zip(key).take_while(|(a, b)| a == b).count();
    let rest = key.get(shared..).unwrap_or_default();
    json!({
        "p": shared,
        "k": { "$bytes": BASE64_NOPAD.encode(rest) },
        "v": { "$link": record },
        "t": null,
    })
}

/// The layer of a key in a tree.
pub fn layer(key: &str) -> u32 {
    let digest = digest::digest(&digest::SHA256, key.as_bytes());
    let bits = digest
        .as_ref()
        .iter()
        .flat_map(|byte| (0..4).rev().map(move |pair| (byte >> (2 * pair)) & 3));
    let zeros = bits.take_while(|&pair| pair == 0).count();
    u32::try_from(zeros).unwrap_or(u32::MAX)
}

/// A signed commit.
pub fn signed(commit: &Value, key: &RepositoryKey) -> anyhow::Result<Vec<u8>> {
    with_signature(commit, &key.sign(&block(commit)?)?)
}

/// A commit with these bytes for a signature.
pub fn with_signature(commit: &Value, signature: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut commit = commit.clone();
    let members = commit.as_object_mut().context("an object")?;
    let signature = json!({ "$bytes": BASE64_NOPAD.encode(signature) });
    members.insert("sig".into(), signature);
    block(&commit)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The roots that the network's own tests of the tree expect (atproto, `packages/repo`).
    #[test]
    fn known_trees() {
        const RECORD: &str = "bafyreie5cvv4h45feadgeuwhbcutmh6t2ceseocckahdoe6uat64zmz454";
        for (keys, root) in [
            (
                &[][..],
                "bafyreie5737gdxlw5i64vzichcalba3z2v5n6icifvx5xytvske7mr3hpm",
            ),
            (
                &["3jqfcqzm3fo2j"],
                "bafyreibj4lsc3aqnrvphp5xmrnfoorvru4wynt6lwidqbm2623a6tatzdu",
            ),
            (
                &["3jqfcqzm3fx2j"],
                "bafyreih7wfei65pxzhauoibu3ls7jgmkju4bspy4t2ha2qdjnzqvoy33ai",
            ),
            (
                &[
                    "3jqfcqzm3fp2j",
                    "3jqfcqzm3fr2j",
                    "3jqfcqzm3fs2j",
                    "3jqfcqzm3ft2j",
                    "3jqfcqzm4fc2j",
                ],
                "bafyreicmahysq4n6wfuxo522m6dpiy7z7qzym3dzs756t5n7nfdgccwq7m",
            ),
        ] {
            let path = |key| format!("com.example.record/{key}");
            let records = keys.iter().map(|key| (path(key), RECORD.to_owned()));
            assert_eq!(Tree::of(&records.collect()).unwrap().root, root);
        }
    }
}
