//! The memory of DPoP proofs in the database.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use atpass_protocol::random::{self, SystemRandom};
use atpass_protocol::time::UnixTime;
use atpass_provider::store::StoreError;
use atpass_replay::{Era, Fresh, GRACE, Replay, ReplayUnavailable};

use crate::database::Database;

/// Where the database keeps the era of what it remembers. It goes when the database was put back to an
/// earlier time.
pub(crate) const ERA: &str = "proof-era";

/// DPoP proofs that were used, in the database, for servers that share it and have nothing else in common. Each costs a
/// row there; where that is too much, they go to another memory.
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
        of: Era,
        key: &[u8; 32],
        until: UnixTime,
        now: UnixTime,
    ) -> Result<Fresh, ReplayUnavailable> {
        if of != self.era {
            return Ok(Fresh::EraOver);
        }
        // Longer than the names of assertions, which are in the same table.
        let name = [b"p".as_slice(), key].concat();
        let noted = self.store.note_use(&name, until.plus(GRACE), now).await;
        let first = noted.map_err(ReplayUnavailable::new)?;
        Ok(if first { Fresh::First } else { Fresh::Seen })
    }
}
