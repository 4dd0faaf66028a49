//! The memory of what must count once only, in the database.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use atpass_protocol::random::{self, SystemRandom};
use atpass_protocol::time::UnixTime;
use atpass_provider::store::StoreError;
use atpass_replay::{
    Era, Fresh, GRACE, MemoryReplay, Namespace, Replay, ReplayUnavailable, SplitReplay,
};

use crate::database::Database;

/// Where the database keeps the era of what it remembers. It goes when the database was put back to an
/// earlier time.
pub(crate) const ERA: &str = "proof-era";

/// What was used once, in the database: it outlasts restarts (clause AS-AUTHN-05), and servers share it. A
/// proof costs a row there; where that is too much, they go to another memory
/// ([`SplitReplay`](atpass_replay::SplitReplay)).
pub struct StoredReplay {
    store: Arc<dyn Database>,
    era: Era,
}

impl StoredReplay {
    /// The memory of this database.
    pub async fn open(store: Arc<dyn Database>) -> Result<Self, StoreError> {
        let secret = store.secret(ERA, &random::bytes(&SystemRandom)).await?;
        let mut era = [0; 16];
        era.copy_from_slice(&secret[..16]);
        let era = Era::from_bytes(era);
        Ok(Self { store, era })
    }

    /// The same for a server that has the database to itself: proofs are remembered in this process, and
    /// cost no row.
    pub fn with_proofs_here(self) -> SplitReplay {
        SplitReplay {
            proofs: Arc::new(MemoryReplay::default()),
            assertions: Arc::new(self),
        }
    }
}

impl fmt::Debug for StoredReplay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredReplay").finish_non_exhaustive()
    }
}

#[async_trait]
impl Replay for StoredReplay {
    fn era(&self) -> Option<Era> {
        Some(self.era)
    }

    async fn ask_era(&self) -> Result<Era, ReplayUnavailable> {
        Ok(self.era)
    }

    async fn accept_once(
        &self,
        namespace: Namespace,
        key: &[u8; 32],
        until: UnixTime,
        now: UnixTime,
    ) -> Result<Fresh, ReplayUnavailable> {
        let until = until.plus(GRACE);
        // Of one table, the two kinds have names of different length.
        let noted = match namespace {
            Namespace::Dpop(era) if era != self.era => return Ok(Fresh::EraOver),
            Namespace::Dpop(_) => {
                let name = [b"p".as_slice(), key].concat();
                self.store.note_use(&name, until, now).await
            }
            Namespace::ClientAssertion => self.store.note_use(key, until, now).await,
        };
        let first = noted.map_err(ReplayUnavailable::new)?;
        Ok(if first { Fresh::First } else { Fresh::Seen })
    }
}
