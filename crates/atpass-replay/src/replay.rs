//! What a replay memory promises.

use std::fmt;

use async_trait::async_trait;
use atpass_protocol::dpop::Era;
use atpass_protocol::time::UnixTime;

/// Seconds for which a key is remembered beyond its time: requests that read the clock a little
/// earlier, and nodes whose clock is behind, still find it.
pub const GRACE: i64 = 30;

/// Whether a key was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a key that was seen before must be refused"]
pub enum Fresh {
    /// It wasn't known; now it is.
    First,
    /// It was known.
    Seen,
    /// The memory is in another era than the key's, and can't tell: what it knew of that one is forgotten. The key is
    /// to be refused, and isn't remembered.
    EraOver,
}

/// The memory couldn't tell. The request is to be refused as our own failure: to let it pass
/// would allow a replay.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("replay memory: {0}")]
pub struct ReplayUnavailable(String);

impl ReplayUnavailable {
    /// With what went wrong, for the operator.
    pub fn new(detail: impl fmt::Display) -> Self {
        Self(detail.to_string())
    }
}

/// A memory of the DPoP proofs that were used already (RFC 9449 section 11.1).
///
/// It may lose what it knows, but never without beginning another [`Era`]. Nonces of DPoP proofs are
/// bound to the era ([`Proofs`](crate::Proofs) does that), so a proof that it forgot can't be sent again.
#[async_trait]
pub trait Replay: fmt::Debug + Send + Sync + 'static {
    /// The era for nonces, as far as it is known here without asking; `None` while the memory
    /// hasn't been reached yet.
    fn era(&self) -> Option<Era>;

    /// The era now. Asked for before a nonce is called a wrong one: another node may know of an era of
    /// which this one hasn't heard. Strangers can cause it, so concurrent callers share a question.
    async fn ask_era(&self) -> Result<Era, ReplayUnavailable>;

    /// Accepts `key` if it isn't known, and remembers it until `until` and [`GRACE`] more seconds. It is of key and
    /// `jti` of a proof, and `era` the one in which its nonce was checked: the very one, not one that was heard of
    /// since.
    ///
    /// Of any number of concurrent calls with one key, exactly one gets [`Fresh::First`]. A
    /// memory that can't remember another key says so; within an era it never forgets one before its
    /// time. Whether the era is the key's is decided in the same atomic act, and when it isn't,
    /// [`Self::era`] is the present one from then on. A key whose time is over is accepted without being remembered:
    /// the caller has refused it by its date already.
    async fn accept_once(
        &self,
        era: Era,
        key: &[u8; 32],
        until: UnixTime,
        now: UnixTime,
    ) -> Result<Fresh, ReplayUnavailable>;
}
