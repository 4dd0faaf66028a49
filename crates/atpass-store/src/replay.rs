//! The memory of what must count once only.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use atpass_protocol::time::UnixTime;
use atpass_replay::{Fresh, GRACE, MemoryReplay, Namespace, Replay, ReplayUnavailable};

use crate::database::OperatorStore;

/// Client assertions in the database, so that none counts again after a restart (clause
/// AS-AUTHN-05); DPoP proofs in another memory, or there as well.
pub struct StoredReplay {
    store: Arc<dyn OperatorStore>,
    /// `None` where they are in the database.
    proofs: Option<Arc<dyn Replay>>,
}

impl StoredReplay {
    /// Proofs in the memory of this process, because none outlives the nonces of the process.
    pub fn new(store: Arc<dyn OperatorStore>) -> Self {
        Self::with_proofs(store, Arc::new(MemoryReplay::default()))
    }

    /// Proofs in this memory.
    pub fn with_proofs(store: Arc<dyn OperatorStore>, proofs: Arc<dyn Replay>) -> Self {
        Self {
            store,
            proofs: Some(proofs),
        }
    }

    /// Proofs in the database, which servers share: a row more for each request.
    pub fn shared(store: Arc<dyn OperatorStore>) -> Self {
        Self {
            store,
            proofs: None,
        }
    }
}

impl fmt::Debug for StoredReplay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredReplay")
            .field("proofs", &self.proofs)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Replay for StoredReplay {
    async fn accept_once(
        &self,
        namespace: Namespace,
        key: &[u8; 32],
        until: UnixTime,
        now: UnixTime,
    ) -> Result<Fresh, ReplayUnavailable> {
        // Of one memory, the two kinds have names of different length.
        let noted = match (namespace, &self.proofs) {
            (Namespace::Dpop, Some(proofs)) => {
                return proofs.accept_once(namespace, key, until, now).await;
            }
            (Namespace::Dpop, None) => {
                let name = [b"p".as_slice(), key].concat();
                self.store.note_use(&name, until.plus(GRACE), now).await
            }
            (Namespace::ClientAssertion, _) => {
                self.store.note_use(key, until.plus(GRACE), now).await
            }
        };
        let first = noted.map_err(ReplayUnavailable::new)?;
        Ok(if first { Fresh::First } else { Fresh::Seen })
    }
}
