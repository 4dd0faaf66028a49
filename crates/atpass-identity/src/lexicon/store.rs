//! Where lexicons are kept between look-ups, and between runs of a program.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use atpass_protocol::id::{Did, Nsid};
use atpass_protocol::time::UnixTime;

use super::{Cid, LexiconSchema};

/// A lexicon as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptLexicon {
    /// When its resolution began.
    pub resolved_at: UnixTime,
    /// Who published it.
    pub did: Did,
    /// The record that it is.
    pub cid: Cid,
    /// The record, a JSON object.
    pub document: String,
}

/// A store that failed, or that holds what makes no sense. The text is for the operator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct LexiconStoreError(pub String);

/// Keeps lexicons. Two methods to write; each is one atomic act.
///
/// What is kept here is what sessions live on when a publisher can't be reached: a store keeps it
/// for good, as far as it has room. Strangers choose the names, so it needs a bound: where it is
/// full, what was resolved the longest ago goes first.
#[async_trait]
pub trait LexiconStore: Send + Sync + 'static {
    /// What is kept of this name, however old.
    async fn get(&self, nsid: &Nsid) -> Result<Option<KeptLexicon>, LexiconStoreError>;

    /// Keeps a lexicon, in place of what was kept of its name.
    async fn put(&self, nsid: &Nsid, kept: &KeptLexicon) -> Result<(), LexiconStoreError>;
}

impl KeptLexicon {
    pub(crate) fn new(schema: &LexiconSchema, resolved_at: UnixTime) -> Self {
        Self {
            resolved_at,
            did: schema.did.clone(),
            cid: schema.cid,
            document: schema.document.to_string(),
        }
    }

    pub(crate) fn schema(&self, nsid: &Nsid) -> Result<LexiconSchema, LexiconStoreError> {
        let document = serde_json::from_str(&self.document);
        let document =
            document.map_err(|error| LexiconStoreError(format!("{nsid} as kept: {error}")))?;
        Ok(LexiconSchema {
            nsid: nsid.clone(),
            did: self.did.clone(),
            cid: self.cid,
            document,
        })
    }

    /// Bytes that it takes, nearly.
    fn size(&self, nsid: &Nsid) -> usize {
        let names = nsid.as_str().len() + self.did.as_str().len();
        size_of::<Self>() + names + self.document.len()
    }
}

/// A store in memory: at most 1000 lexicons, and at most 16 MiB.
#[derive(Debug, Default)]
pub struct MemoryLexicons(Mutex<Shelf>);

#[derive(Debug, Default)]
struct Shelf {
    kept: HashMap<Nsid, KeptLexicon>,
    bytes: usize,
}

/// The most lexicons in memory.
const MOST: usize = 1000;
/// The most bytes in memory.
const MOST_BYTES: usize = 16 * 1024 * 1024;

impl Shelf {
    fn remove(&mut self, nsid: &Nsid) {
        if let Some(old) = self.kept.remove(nsid) {
            self.bytes = self.bytes.saturating_sub(old.size(nsid));
        }
    }

    fn put(&mut self, nsid: &Nsid, kept: KeptLexicon) {
        let size = kept.size(nsid);
        self.remove(nsid);
        while self.kept.len() >= MOST || self.bytes.saturating_add(size) > MOST_BYTES {
            let oldest = self.kept.iter().min_by_key(|(_, kept)| kept.resolved_at);
            let Some(oldest) = oldest.map(|(nsid, _)| nsid.clone()) else {
                break;
            };
            self.remove(&oldest);
        }
        self.bytes = self.bytes.saturating_add(size);
        self.kept.insert(nsid.clone(), kept);
    }
}

#[async_trait]
impl LexiconStore for MemoryLexicons {
    async fn get(&self, nsid: &Nsid) -> Result<Option<KeptLexicon>, LexiconStoreError> {
        let shelf = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(shelf.kept.get(nsid).cloned())
    }

    async fn put(&self, nsid: &Nsid, kept: &KeptLexicon) -> Result<(), LexiconStoreError> {
        let mut shelf = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        shelf.put(nsid, kept.clone());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nsid(n: usize) -> Nsid {
        Nsid::parse(&format!("com.example.set{n}")).unwrap()
    }

    fn kept(n: usize, bytes: usize) -> KeptLexicon {
        KeptLexicon {
            resolved_at: UnixTime::from_secs(i64::try_from(n).unwrap()),
            did: Did::parse("did:web:example.com").unwrap(),
            cid: Cid::of(b""),
            document: "x".repeat(bytes),
        }
    }

    #[tokio::test]
    async fn the_oldest_make_room() {
        let store = MemoryLexicons::default();
        for n in 0..MOST + 10 {
            store.put(&nsid(n), &kept(n, 10)).await.unwrap();
        }
        assert_eq!(store.get(&nsid(9)).await.unwrap(), None);
        assert!(store.get(&nsid(10)).await.unwrap().is_some());
        // The same again takes no more room.
        for _ in 0..10 {
            store.put(&nsid(500), &kept(500, 20)).await.unwrap();
        }
        assert!(store.get(&nsid(10)).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn bytes_are_bounded() {
        let store = MemoryLexicons::default();
        for n in 0..100 {
            store.put(&nsid(n), &kept(n, 1024 * 1024)).await.unwrap();
            assert!(store.0.lock().unwrap().bytes <= MOST_BYTES);
        }
        let shelf = store.0.lock().unwrap();
        assert_eq!(shelf.kept.len(), 15);
        let sum: usize = shelf.kept.iter().map(|(nsid, kept)| kept.size(nsid)).sum();
        assert_eq!(shelf.bytes, sum);
    }
}
