//! Look-ups of lexicons: one at a time for each, and none right after one that failed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use atpass_protocol::id::Nsid;
use atpass_protocol::time::UnixTime;
use tokio::sync::watch;

use super::cache::FoundLexicon;
use super::error::{LexiconError, LexiconStage};

/// The most look-ups at once. Strangers choose what is looked up.
const MOST_UNDER_WAY: usize = 256;
/// The most look-ups that are remembered, under way or failed.
const MOST_REMEMBERED: usize = 1000;

/// What came of a look-up.
pub(crate) type Outcome = Result<FoundLexicon, LexiconError>;

type Receiver = watch::Receiver<Option<Outcome>>;

/// Look-ups by name. Clones are the same.
#[derive(Clone, Default)]
pub(crate) struct Attempts(Arc<Mutex<HashMap<Nsid, Attempt>>>);

/// A look-up that is under way, or that failed a little while ago.
struct Attempt {
    begun: UnixTime,
    outcome: Receiver,
}

impl Attempt {
    fn is_under_way(&self) -> bool {
        self.outcome.borrow().is_none() && self.outcome.has_changed().is_ok()
    }

    fn has_just_failed(&self, now: UnixTime, lifetime: i64) -> bool {
        matches!(*self.outcome.borrow(), Some(Err(_)))
            && (0..lifetime).contains(&now.since(self.begun))
    }
}

impl Attempts {
    /// The outcome of the look-up of this name that is under way, or that failed less than
    /// `lifetime` seconds ago, or else of `look_up`. That one goes on when those who wait for it
    /// give up.
    pub(crate) fn join<F: Future<Output = Outcome> + Send + 'static>(
        &self,
        nsid: &Nsid,
        now: UnixTime,
        lifetime: i64,
        look_up: F,
    ) -> impl Future<Output = Outcome> + use<F> {
        let outcome = self.start(nsid, now, lifetime, look_up);
        let nsid = nsid.clone();
        async move {
            let mut stage = LexiconStage::Busy;
            if let Some(mut outcome) = outcome {
                match outcome.wait_for(Option::is_some).await.as_deref() {
                    Ok(Some(outcome)) => return outcome.clone(),
                    // The runtime is ending.
                    Ok(None) | Err(_) => stage = LexiconStage::Timeout,
                }
            }
            Err(LexiconError { nsid, stage })
        }
    }

    /// `None` where too many are under way.
    fn start(
        &self,
        nsid: &Nsid,
        now: UnixTime,
        lifetime: i64,
        look_up: impl Future<Output = Outcome> + Send + 'static,
    ) -> Option<Receiver> {
        let mut attempts = self.lock();
        if let Some(attempt) = attempts.get(nsid)
            && (attempt.is_under_way() || attempt.has_just_failed(now, lifetime))
        {
            return Some(attempt.outcome.clone());
        }
        if attempts.len() >= MOST_REMEMBERED {
            attempts.retain(|_, old| old.is_under_way() || old.has_just_failed(now, lifetime));
        }
        if attempts.len() >= MOST_REMEMBERED {
            attempts.retain(|_, old| old.is_under_way());
        }
        let under_way = attempts.values().filter(|old| old.is_under_way()).count();
        if under_way >= MOST_UNDER_WAY {
            return None;
        }
        let (send, outcome) = watch::channel(None);
        let attempt = Attempt {
            begun: now,
            outcome: outcome.clone(),
        };
        attempts.insert(nsid.clone(), attempt);
        drop(attempts);
        let (this, nsid) = (self.clone(), nsid.clone());
        tokio::spawn(async move {
            let found = look_up.await;
            let is_good = found.is_ok();
            send.send_replace(Some(found));
            if is_good {
                // It is kept elsewhere.
                this.forget(&nsid, &send.subscribe());
            }
        });
        Some(outcome)
    }

    fn forget(&self, nsid: &Nsid, outcome: &Receiver) {
        let mut attempts = self.lock();
        let own = |attempt: &Attempt| attempt.outcome.same_channel(outcome);
        if attempts.get(nsid).is_some_and(own) {
            attempts.remove(nsid);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Nsid, Attempt>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::{Ready, ready};

    const NOW: UnixTime = UnixTime::from_secs(0);

    fn nsid(n: usize) -> Nsid {
        Nsid::parse(&format!("com.example.set{n}")).unwrap()
    }

    /// Fails at once.
    fn fail(nsid: Nsid) -> Ready<Outcome> {
        let stage = LexiconStage::Unfit("no".into());
        ready(Err(LexiconError { nsid, stage }))
    }

    #[tokio::test]
    async fn failures_are_bounded() {
        let attempts = Attempts::default();
        for n in 0..3 * MOST_REMEMBERED {
            let outcome = attempts.join(&nsid(n), NOW, 60, fail(nsid(n))).await;
            assert_eq!(outcome.unwrap_err().stage.name(), "unfit");
            assert!(attempts.lock().len() <= MOST_REMEMBERED);
        }
    }

    #[tokio::test]
    async fn look_ups_are_bounded() {
        let attempts = Attempts::default();
        let all: Vec<_> = (0..MOST_UNDER_WAY)
            .map(|n| attempts.join(&nsid(n), NOW, 60, std::future::pending()))
            .collect();
        let (one, more) = (nsid(0), nsid(MOST_UNDER_WAY));
        let refused = attempts.join(&more, NOW, 60, fail(more.clone())).await;
        assert_eq!(refused.unwrap_err().stage.name(), "busy");
        // Those that are there can be joined.
        let joined = attempts.join(&one, NOW, 60, fail(one.clone()));
        assert!(
            tokio::time::timeout(std::time::Duration::ZERO, joined)
                .await
                .is_err()
        );
        drop(all);
    }

    /// A look-up that was cut off is none.
    #[tokio::test]
    async fn a_look_up_that_panics() {
        let attempts = Attempts::default();
        let one = nsid(1);
        let panics = attempts.join(&one, NOW, 60, async { panic!("on purpose") });
        assert_eq!(panics.await.unwrap_err().stage.name(), "timeout");
        let next = attempts.join(&one, NOW, 60, fail(one.clone())).await;
        assert_eq!(next.unwrap_err().stage.name(), "unfit");
    }
}
