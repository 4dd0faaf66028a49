//! The client: one for each app, cloned freely.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use atpass_fetch::Fetcher;
use atpass_identity::Resolver;
use atpass_protocol::random::{Random, SystemRandom};
use atpass_protocol::time::{Clock, SystemClock};

use crate::proofs::ProofSender;
use crate::session::Session;
use crate::store::{SessionKey, SessionStore};
use crate::{ClientConfig, ClientError};

/// The parts that a client works with.
pub struct ClientParts {
    /// Where sessions are kept.
    pub store: Arc<dyn SessionStore>,
    /// The door to the outside.
    pub fetcher: Fetcher,
    /// How accounts and servers are found.
    pub resolver: Resolver,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
}

impl ClientParts {
    /// With the system's time and randomness.
    pub fn new(store: Arc<dyn SessionStore>, fetcher: Fetcher, resolver: Resolver) -> Self {
        Self {
            store,
            fetcher,
            resolver,
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
        }
    }
}

/// An OAuth client for the AT Protocol. Cheap to clone; all clones are the same client.
#[derive(Clone)]
pub struct OAuthClient(Arc<Inner>);

/// One lock for each session that is refreshing; forgotten when nobody holds it.
type Locks = Mutex<HashMap<SessionKey, Weak<tokio::sync::Mutex<()>>>>;

struct Inner {
    config: ClientConfig,
    store: Arc<dyn SessionStore>,
    resolver: Resolver,
    sender: ProofSender,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    locks: Locks,
}

impl OAuthClient {
    /// A client of this identity, with these parts.
    pub fn new(config: ClientConfig, parts: ClientParts) -> Self {
        Self(Arc::new(Inner {
            sender: ProofSender::new(parts.fetcher, parts.clock.clone(), parts.random.clone()),
            config,
            store: parts.store,
            resolver: parts.resolver,
            clock: parts.clock,
            random: parts.random,
            locks: Locks::default(),
        }))
    }

    /// Its identity.
    pub fn config(&self) -> &ClientConfig {
        &self.0.config
    }

    /// The session of this name, if it is still there.
    pub async fn restore(&self, key: &SessionKey) -> Result<Option<Session>, ClientError> {
        let found = self.store().get(key).await?;
        Ok(found.map(|(stored, _)| Session::new(self.clone(), key.clone(), &stored)))
    }

    /// The names of all sessions.
    pub async fn sessions(&self) -> Result<Vec<SessionKey>, ClientError> {
        Ok(self.store().list().await?)
    }

    pub(crate) fn store(&self) -> &dyn SessionStore {
        &*self.0.store
    }

    pub(crate) fn resolver(&self) -> &Resolver {
        &self.0.resolver
    }

    pub(crate) fn sender(&self) -> &ProofSender {
        &self.0.sender
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.0.clock
    }

    pub(crate) fn random(&self) -> &dyn Random {
        &*self.0.random
    }

    /// The lock under which this session is refreshed.
    pub(crate) fn lock_of(&self, key: &SessionKey) -> Arc<tokio::sync::Mutex<()>> {
        let mut locks = self.0.locks.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lock) = locks.get(key).and_then(Weak::upgrade) {
            return lock;
        }
        locks.retain(|_, lock| lock.strong_count() > 0);
        let lock = Arc::default();
        locks.insert(key.clone(), Arc::downgrade(&lock));
        lock
    }
}

impl fmt::Debug for OAuthClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuthClient")
            .field("config", &self.0.config)
            .finish_non_exhaustive()
    }
}
