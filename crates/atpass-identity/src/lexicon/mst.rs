//! The tree of a repository's records (atproto spec, Repository, "MST Structure"): one shape for
//! each set of records, so that a path through it also proves that a record isn't there.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use super::car::Archive;
use super::cid::{self, Cid, Link, sha256};
use super::proof::ProofError;

/// The longest key, bytes.
const LONGEST_KEY: usize = 1024;

/// What is wrong with the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    /// A key is shortened by more than the one before it has, or by less than it could be.
    #[error("a key is not shortened as it must be")]
    Prefix,
    /// A key is longer than 1024 bytes.
    #[error("a key is longer than {LONGEST_KEY} bytes")]
    TooLong,
    /// Keys out of order, within a node or between a node and the ones above it.
    #[error("its keys are out of order")]
    Order,
    /// A key, or a node, on another layer than its own.
    #[error("a key or a node is on the wrong layer")]
    Layer,
    /// A node without anything in it.
    #[error("a node is empty")]
    Empty,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Node<'a> {
    /// The subtree before the first entry.
    l: Option<Link>,
    #[serde(borrow)]
    e: Vec<Entry<'a>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry<'a> {
    /// Bytes that the key shares with the one before it.
    p: usize,
    /// The rest of the key.
    #[serde(with = "serde_bytes")]
    k: &'a [u8],
    /// The record.
    v: Link,
    /// The subtree after this entry.
    t: Option<Link>,
}

/// Finds the record of a key, or that there is none. Checks all of every node on the way.
pub(crate) fn find(
    archive: &Archive<'_>,
    root: Cid,
    key: &[u8],
) -> Result<Option<Cid>, ProofError> {
    let mut place = Place::default();
    let mut at = root;
    // Each step goes one layer down, of 128 at most.
    loop {
        let block = archive.block(at).ok_or(ProofError::Missing(at))?;
        let node: Node<'_> = cid::decode(block).map_err(|why| ProofError::Block {
            what: "a node of the tree",
            why,
        })?;
        match place.look(&node, key)? {
            Next::Found(record) => return Ok(Some(record)),
            Next::Nowhere => return Ok(None),
            Next::Down(node) => at = node,
        }
    }
}

/// Where a node hangs: what the nodes above it allow.
#[derive(Default)]
struct Place {
    /// Its layer. The root's is that of its keys.
    layer: Option<u32>,
    /// The keys between which its own must be.
    after: Option<Vec<u8>>,
    before: Option<Vec<u8>>,
}

enum Next {
    Found(Cid),
    Nowhere,
    Down(Cid),
}

impl Place {
    /// Looks for a key in this node, and moves on to the place of the subtree where it must be.
    fn look(&mut self, node: &Node<'_>, wanted: &[u8]) -> Result<Next, TreeError> {
        if node.e.is_empty() {
            return self.pass(node);
        }
        let mut key = Vec::new();
        let (mut found, mut subtree) = (None, node.l);
        let (mut less, mut greater) = (None, None);
        for (n, entry) in node.e.iter().enumerate() {
            extend(&mut key, entry)?;
            if n == 0 && self.after.as_ref().is_some_and(|after| *after >= key) {
                return Err(TreeError::Order);
            }
            if *self.layer.get_or_insert_with(|| layer(&key)) != layer(&key) {
                return Err(TreeError::Layer);
            }
            match key.as_slice().cmp(wanted) {
                Ordering::Equal => found = Some(entry.v.0),
                Ordering::Less => (less, subtree) = (Some(key.clone()), entry.t),
                Ordering::Greater => _ = greater.get_or_insert_with(|| key.clone()),
            }
        }
        if self.before.as_ref().is_some_and(|before| key >= *before) {
            return Err(TreeError::Order);
        }
        self.after = less.or(self.after.take());
        self.before = greater.or(self.before.take());
        match (found, subtree) {
            (Some(record), _) => Ok(Next::Found(record)),
            (None, None) => Ok(Next::Nowhere),
            (None, Some(subtree)) => self.down(subtree),
        }
    }

    /// A node without entries: the root of an empty tree, or one that only passes on a layer.
    fn pass(&mut self, node: &Node<'_>) -> Result<Next, TreeError> {
        match (node.l, self.layer) {
            (None, None) => Ok(Next::Nowhere),
            (None, Some(_)) => Err(TreeError::Empty),
            // The top layer is one that has keys.
            (Some(_), None) => Err(TreeError::Layer),
            (Some(subtree), Some(_)) => self.down(subtree),
        }
    }

    fn down(&mut self, subtree: Link) -> Result<Next, TreeError> {
        let layer = self.layer.and_then(|layer| layer.checked_sub(1));
        self.layer = Some(layer.ok_or(TreeError::Layer)?);
        Ok(Next::Down(subtree.0))
    }
}

/// Makes an entry's key from the one before it, which must be less.
fn extend(key: &mut Vec<u8>, entry: &Entry<'_>) -> Result<(), TreeError> {
    if entry.p > key.len() {
        return Err(TreeError::Prefix);
    }
    match (key.get(entry.p), entry.k.first()) {
        // What is shared is never written again.
        (Some(old), Some(new)) if old == new => return Err(TreeError::Prefix),
        (Some(old), Some(new)) if old > new => return Err(TreeError::Order),
        (_, None) => return Err(TreeError::Order),
        (_, Some(_)) => {}
    }
    if entry.p.saturating_add(entry.k.len()) > LONGEST_KEY {
        return Err(TreeError::TooLong);
    }
    key.truncate(entry.p);
    key.extend_from_slice(entry.k);
    Ok(())
}

/// The layer of a key: two leading zero bits of its SHA-256 for each.
fn layer(key: &[u8]) -> u32 {
    let digest = sha256(key);
    let whole = digest.iter().take_while(|&&byte| byte == 0).count();
    let next = digest.get(whole).map_or(0, |byte| byte.leading_zeros());
    u32::try_from(whole).map_or(u32::MAX, |whole| whole * 4 + next / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of the atproto spec (Repository, "MST Structure").
    #[test]
    fn layers_of_the_specification() {
        for (key, expected) in [
            ("2653ae71", 0),
            ("blue", 1),
            ("app.bsky.feed.post/454397e440ec", 4),
            ("app.bsky.feed.post/9adeb165882c", 8),
        ] {
            assert_eq!(layer(key.as_bytes()), expected, "{key}");
        }
    }
}
