//! When a kept lexicon is good enough, and when the network is asked (atproto spec, Permission,
//! "Permission Sets"; clause SC-INC-05).

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use atpass_protocol::id::Nsid;
use atpass_protocol::time::UnixTime;

use super::LexiconSchema;
use super::attempts::{Attempts, Outcome};
use super::error::{LexiconError, LexiconStage};
use super::store::{KeptLexicon, LexiconStore, LexiconStoreError};
use crate::Resolver;

/// For how long what is kept may be used, in seconds; and how long one waits for a better one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LexiconLifetimes {
    /// Younger than this, nobody is asked. At least as long as an access token lives.
    pub stale_after: i64,
    /// This old or older, it is of no use to a new session.
    pub expires_after: i64,
    /// For how long a failure is remembered.
    pub failure: i64,
    /// How long those wait for a new value who have an old one to fall back on.
    pub patience: Duration,
}

impl Default for LexiconLifetimes {
    fn default() -> Self {
        Self {
            stale_after: 24 * 60 * 60,
            expires_after: 90 * 24 * 60 * 60,
            failure: 60,
            patience: Duration::from_secs(2),
        }
    }
}

/// How long a look-up may take.
const DEADLINE: Duration = Duration::from_secs(20);
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
    attempts: Attempts,
}

impl LexiconCache {
    /// Lexicons that this resolver finds, kept in this store.
    pub fn new(resolver: Resolver, store: Arc<dyn LexiconStore>) -> Self {
        Self {
            resolver,
            store,
            lifetimes: LexiconLifetimes::default(),
            check: Arc::new(|_| Ok(())),
            attempts: Attempts::default(),
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
                match tokio::time::timeout(self.lifetimes.patience, attempt).await {
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
        let (this, wanted) = (self.clone(), nsid.clone());
        let look_up = async move { this.look_up(&wanted, now).await };
        self.attempts
            .join(nsid, now, self.lifetimes.failure, look_up)
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
