//! Nonces and memory as one rule: no proof counts twice, whatever the memory forgets.

use std::sync::Arc;

use atpass_protocol::dpop::{DpopError, Era, NonceKeeper, VerifiedProof};
use atpass_protocol::time::UnixTime;

use crate::replay::{Fresh, Replay, ReplayUnavailable};

/// The nonces of a server, in the era of its memory of proofs.
#[derive(Clone, Debug)]
pub struct Proofs {
    nonces: NonceKeeper,
    replay: Arc<dyn Replay>,
}

/// A proof that holds, with the era in which its nonce was checked. It is still to be recorded.
#[derive(Clone, Debug)]
#[must_use = "a proof counts once it is recorded"]
pub struct CheckedProof {
    /// The proof.
    pub proof: VerifiedProof,
    era: Era,
}

/// Why a proof doesn't count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// It is refused.
    #[error(transparent)]
    Refused(#[from] DpopError),
    /// The memory couldn't tell: our own failure.
    #[error(transparent)]
    Unavailable(#[from] ReplayUnavailable),
}

impl Proofs {
    /// With these.
    pub const fn new(nonces: NonceKeeper, replay: Arc<dyn Replay>) -> Self {
        Self { nonces, replay }
    }

    /// The memory.
    pub fn replay(&self) -> &dyn Replay {
        &*self.replay
    }

    /// The nonce for the next proof, in the newest era that is known here; `None` while the memory
    /// hasn't been reached yet.
    pub fn next_nonce(&self, now: UnixTime) -> Option<String> {
        let era = self.replay.era()?;
        Some(self.nonces.in_era(era).issue(now))
    }

    /// Has `verify` verify the proof of a request, with the nonces that count.
    ///
    /// Apps send a request once more when they are told of another nonce, and official ones not a
    /// second time. So before a nonce is called wrong or missing, the memory is asked for its era: a nonce
    /// of it, which another node gave out, is then good, and the nonce of the answer is one of it.
    pub async fn check(
        &self,
        mut verify: impl FnMut(&NonceKeeper) -> Result<VerifiedProof, DpopError> + Send,
    ) -> Result<CheckedProof, ProofError> {
        let (mut era, is_new) = match self.replay.era() {
            Some(era) => (era, false),
            None => (self.replay.ask_era().await?, true),
        };
        let mut verified = verify(&self.nonces.in_era(era));
        if !is_new && matches!(verified, Err(DpopError::Nonce(_))) {
            let present = self.replay.ask_era().await?;
            if present != era {
                era = present;
                verified = verify(&self.nonces.in_era(era));
            }
        }
        let proof = verified?;
        Ok(CheckedProof { proof, era })
    }

    /// Records a proof, which then counts, or refuses it.
    pub async fn record(
        &self,
        checked: CheckedProof,
        now: UnixTime,
    ) -> Result<VerifiedProof, ProofError> {
        let CheckedProof { proof, era } = checked;
        let fresh = self
            .replay
            .accept_once(era, &proof.replay_key, proof.replay_until, now);
        match fresh.await? {
            Fresh::First => Ok(proof),
            Fresh::Seen => Err(DpopError::Replayed.into()),
            Fresh::EraOver => Err(DpopError::Nonce("the one sent is not good any more").into()),
        }
    }
}
