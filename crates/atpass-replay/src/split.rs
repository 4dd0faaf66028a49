//! One memory made of two.

use std::sync::Arc;

use async_trait::async_trait;
use atpass_protocol::dpop::Era;
use atpass_protocol::time::UnixTime;

use crate::replay::{Fresh, Namespace, Replay, ReplayUnavailable};

/// Proofs in one memory, client assertions in another: those have no nonce that ends with an era, so
/// they belong where nothing is lost.
#[derive(Clone, Debug)]
pub struct SplitReplay {
    /// Where DPoP proofs are remembered.
    pub proofs: Arc<dyn Replay>,
    /// Where client assertions are.
    pub assertions: Arc<dyn Replay>,
}

#[async_trait]
impl Replay for SplitReplay {
    fn era(&self) -> Option<Era> {
        self.proofs.era()
    }

    async fn ask_era(&self) -> Result<Era, ReplayUnavailable> {
        self.proofs.ask_era().await
    }

    async fn accept_once(
        &self,
        namespace: Namespace,
        key: &[u8; 32],
        until: UnixTime,
        now: UnixTime,
    ) -> Result<Fresh, ReplayUnavailable> {
        let memory = match namespace {
            Namespace::Dpop(_) => &self.proofs,
            Namespace::ClientAssertion => &self.assertions,
        };
        memory.accept_once(namespace, key, until, now).await
    }
}
