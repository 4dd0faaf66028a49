//! Content-addressed archives: the CAR format, version 1, as `com.atproto.sync.getRecord` answers.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::cid::{self, CID_BYTES, Cid, Link};

/// The longest archive that is read, bytes: the bound of every other download.
pub(crate) const LONGEST: usize = 512 * 1024;

/// Why an archive can't be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CarError {
    /// Longer than 512 KiB.
    #[error("it is longer than {LONGEST} bytes")]
    TooLong,
    /// It ends in the middle of something, or a length in it is no length.
    #[error("it is cut off, or a length in it is wrong")]
    Framing,
    /// The header isn't that of version 1.
    #[error("its header can't be read ({0})")]
    Header(String),
    /// Not exactly one root.
    #[error("it has {0} roots; there must be one")]
    Roots(usize),
    /// A block that isn't named by a SHA-256 CID for DAG-CBOR.
    #[error("a block in it has another kind of name than a DAG-CBOR CID with SHA-256")]
    Name,
    /// A block that isn't what its name says.
    #[error("the block named {0} is another one")]
    Mismatch(Cid),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    roots: Vec<Link>,
    version: u64,
}

/// The blocks of an archive, each of them what its name says.
#[derive(Debug)]
pub(crate) struct Archive<'a> {
    pub(crate) root: Cid,
    blocks: HashMap<Cid, &'a [u8]>,
}

impl<'a> Archive<'a> {
    /// Reads it, and checks the name of every block, also of those that nobody asked for.
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, CarError> {
        if bytes.len() > LONGEST {
            return Err(CarError::TooLong);
        }
        let (header, mut rest) = section(bytes)?;
        let header: Header = cid::decode(header).map_err(CarError::Header)?;
        if header.version != 1 {
            return Err(CarError::Header(format!("version {}", header.version)));
        }
        let &[Link(root)] = header.roots.as_slice() else {
            return Err(CarError::Roots(header.roots.len()));
        };
        let mut blocks = HashMap::new();
        while !rest.is_empty() {
            let (section, after) = section(rest)?;
            let (name, block) = section.split_at_checked(CID_BYTES).ok_or(CarError::Name)?;
            let name = Cid::from_bytes(name).ok_or(CarError::Name)?;
            if Cid::of(block) != name {
                return Err(CarError::Mismatch(name));
            }
            blocks.insert(name, block);
            rest = after;
        }
        Ok(Self { root, blocks })
    }

    /// One of this block only, which is its root.
    pub(crate) fn of(block: &'a [u8]) -> Self {
        let root = Cid::of(block);
        Self {
            root,
            blocks: HashMap::from([(root, block)]),
        }
    }

    /// A block, where it is there.
    pub(crate) fn block(&self, name: Cid) -> Option<&'a [u8]> {
        self.blocks.get(&name).copied()
    }
}

/// The first section, which begins with its length, and what follows it.
fn section(bytes: &[u8]) -> Result<(&[u8], &[u8]), CarError> {
    let (length, rest) = unsigned_varint::decode::usize(bytes).map_err(|_| CarError::Framing)?;
    rest.split_at_checked(length).ok_or(CarError::Framing)
}
