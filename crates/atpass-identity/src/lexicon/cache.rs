//! When a kept lexicon is good enough, and when the network is asked (atproto spec, Permission,
//! "Permission Sets"; clause SC-INC-05).

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use atpass_protocol::id::Nsid;
use atpass_protocol::time::UnixTime;
use tokio::sync::watch;

use super::LexiconSchema;
use super::error::{LexiconError, LexiconStage};
use super::store::{KeptLexicon, LexiconStore, LexiconStoreError};
use crate::Resolver;

/// For how long what is kept may be used, seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LexiconLifetimes {
    /// Younger than this, nobody is asked. At least as long as an access token lives.
    pub stale_after: i64,
    /// This old or older, it is of no use to a new session.
    pub expires_after: i64,
    /// For how long a failure is remembered.
    pub failure: i64,
}

impl Default for LexiconLifetimes {
    fn default() -> Self {
        Self {
            stale_after: 24 * 60 * 60,
            expires_after: 90 * 24 * 60 * 60,
            failure: 60,
        }
    }
}

/// How long those wait who have an old value to fall back on.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long a look-up may take.
const DEADLINE: Duration = Duration::from_secs(20);
/// The most look-ups at once. Strangers choose what is looked up.
const MOST_UNDER_WAY: usize = 256;
/// The most look-ups that are remembered, under way or failed.
const MOST_REMEMBERED: usize = 1000;

/// A lexicon, and how good it is.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundLexicon {
    /// The lexicon.
    pub schema: LexiconSchema,
    /// When its resolution began.
    pub resolved_at: UnixTime,
    /// Why it couldn't be resolved anew, where it should have been. For the operator.
    pub failure: Option<LexiconError>,
}

/// Looks at a lexicon and says why it is of no use, if it is.
type Check = dyn Fn(&LexiconSchema) -> Result<(), String> + Send + Sync;

/// Lexicons from a store, or else from the network. Cheap to clone; clones share their look-ups.
#[derive(Clone)]
pub struct LexiconCache {
    resolver: Resolver,
    store: Arc<dyn LexiconStore>,
    lifetimes: LexiconLifetimes,
    check: Arc<Check>,
    attempts: Arc<Mutex<HashMap<Nsid, Attempt>>>,
}

/// A look-up that is under way, or that failed a little while ago.
struct Attempt {
    begun: UnixTime,
    outcome: watch::Receiver<Option<Outcome>>,
}

type Outcome = Result<FoundLexicon, LexiconError>;

impl Attempt {
    fn is_under_way(&self) -> bool {
        self.outcome.borrow().is_none() && self.outcome.has_changed().is_ok()
    }

    fn has_just_failed(&self, now: UnixTime, lifetime: i64) -> bool {
        matches!(*self.outcome.borrow(), Some(Err(_)))
            && (0..lifetime).contains(&now.since(self.begun))
    }
}

impl LexiconCache {
    /// Lexicons that this resolver finds, kept in this store.
    pub fn new(resolver: Resolver, store: Arc<dyn LexiconStore>) -> Self {
        Self {
            resolver,
            store,
            lifetimes: LexiconLifetimes::default(),
            check: Arc::new(|_| Ok(())),
            attempts: Arc::default(),
        }
    }

    /// The same with other lifetimes.
    #[must_use]
    pub fn with_lifetimes(self, lifetimes: LexiconLifetimes) -> Self {
        Self { lifetimes, ..self }
    }

    /// The same for lexicons of one kind: what `check` refuses counts as a failure, and never takes
    /// the place of one that was good.
    #[must_use]
    pub fn with_check(
        self,
        check: impl Fn(&LexiconSchema) -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        let check = Arc::new(check);
        Self { check, ..self }
    }

    /// For a session that begins. What is stale is resolved anew, or used as it is where that fails;
    /// what has expired, or was never seen, must be resolved.
    pub async fn for_new_session(
        &self,
        nsid: &Nsid,
        now: UnixTime,
    ) -> Result<FoundLexicon, LexiconError> {
        let oldest = self.lifetimes.expires_after;
        self.get(nsid, now, |age| age < oldest).await
    }

    /// For a session that goes on. The last good value is used where there is no newer one, however
    /// old it is: it fails only if nothing was ever kept.
    pub async fn for_existing_session(
        &self,
        nsid: &Nsid,
        now: UnixTime,
    ) -> Result<FoundLexicon, LexiconError> {
        self.get(nsid, now, |_age| true).await
    }

    async fn get(
        &self,
        nsid: &Nsid,
        now: UnixTime,
        is_usable: impl Fn(i64) -> bool,
    ) -> Result<FoundLexicon, LexiconError> {
        let kept = self.kept(nsid).await;
        let age = |found: &FoundLexicon| now.since(found.resolved_at);
        if let Ok(Some(found)) = &kept
            // A clock that went back trusts nothing.
            && (0..self.lifetimes.stale_after).contains(&age(found))
        {
            return Ok(found.clone());
        }
        let attempt = self.attempt(nsid, now);
        match kept {
            Ok(Some(old)) if is_usable(age(&old)) => {
                match tokio::time::timeout(PATIENCE, attempt).await {
                    Ok(Ok(new)) => Ok(new),
                    Ok(Err(failure)) => Ok(FoundLexicon {
                        failure: Some(failure),
                        ..old
                    }),
                    // It goes on, and the next one who asks may have it.
                    Err(_) => Ok(old),
                }
            }
            Ok(_) => attempt.await,
            // That we can't read our own store is our fault, whatever else fails.
            Err(error) => attempt.await.map_err(|_| LexiconError {
                nsid: nsid.clone(),
                stage: LexiconStage::Store(error.0),
            }),
        }
    }

    async fn kept(&self, nsid: &Nsid) -> Result<Option<FoundLexicon>, LexiconStoreError> {
        let Some(kept) = self.store.get(nsid).await? else {
            return Ok(None);
        };
        Ok(Some(FoundLexicon {
            schema: kept.schema(nsid)?,
            resolved_at: kept.resolved_at,
            failure: None,
        }))
    }

    /// What a look-up finds: the one under way, or one that failed just now, or a new one.
    fn attempt(&self, nsid: &Nsid, now: UnixTime) -> impl Future<Output = Outcome> + use<> {
        let outcome = self.join(nsid, now);
        let failed = |stage| {
            let nsid = nsid.clone();
            move || Err(LexiconError { nsid, stage })
        };
        let (busy, gone) = (failed(LexiconStage::Busy), failed(LexiconStage::Timeout));
        async move {
            let Some(mut outcome) = outcome else {
                return busy();
            };
            match outcome.wait_for(Option::is_some).await {
                Ok(outcome) => outcome.clone().unwrap_or_else(gone),
                // The runtime is ending.
                Err(_) => gone(),
            }
        }
    }

    fn join(&self, nsid: &Nsid, now: UnixTime) -> Option<watch::Receiver<Option<Outcome>>> {
        let mut attempts = self.attempts();
        let lifetime = self.lifetimes.failure;
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
        // On its own: it goes on when those who wait for it give up.
        tokio::spawn(async move {
            let found = this.look_up(&nsid, now).await;
            let is_good = found.is_ok();
            send.send_replace(Some(found));
            if is_good {
                // The store has it now.
                this.forget(&nsid, &send.subscribe());
            }
        });
        Some(outcome)
    }

    fn attempts(&self) -> std::sync::MutexGuard<'_, HashMap<Nsid, Attempt>> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn forget(&self, nsid: &Nsid, outcome: &watch::Receiver<Option<Outcome>>) {
        let mut attempts = self.attempts();
        if let Some(attempt) = attempts.get(nsid)
            && attempt.outcome.same_channel(outcome)
        {
            attempts.remove(nsid);
        }
    }

    /// Asks the network, and keeps what is good.
    async fn look_up(&self, nsid: &Nsid, now: UnixTime) -> Outcome {
        let failed = |stage| LexiconError {
            nsid: nsid.clone(),
            stage,
        };
        let found = tokio::time::timeout(DEADLINE, self.resolver.lexicon(nsid)).await;
        let schema = found.map_err(|_| failed(LexiconStage::Timeout))??;
        (self.check)(&schema).map_err(|why| failed(LexiconStage::Unfit(why)))?;
        let kept = self.store.put(nsid, &KeptLexicon::new(&schema, now)).await;
        Ok(FoundLexicon {
            schema,
            resolved_at: now,
            failure: kept.err().map(|error| failed(LexiconStage::Store(error.0))),
        })
    }
}

impl fmt::Debug for LexiconCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LexiconCache")
            .field("lifetimes", &self.lifetimes)
            .finish_non_exhaustive()
    }
}
