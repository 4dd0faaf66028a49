//! The client: one for each app, cloned freely.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use atpass_fetch::{FetchConfig, FetchError, Fetcher, Stage as FetchStage};
use atpass_identity::{HandleResolution, IdentityConfig, Resolver};
use atpass_protocol::id::Did;
use atpass_protocol::jose::JwkSet;
use atpass_protocol::random::{self, Random, SystemRandom};
use atpass_protocol::seal::SealingKeys;
use atpass_protocol::time::{Clock, SystemClock};
use url::Url;

use crate::authentication::Authenticator;
use crate::keys::{ClientKeyset, KeysetError};
use crate::proofs::{ProofSender, Transport};
use crate::refresh::Failures;
use crate::session::Session;
use crate::store::{SessionKey, SessionStore, Vault};
use crate::{ClientConfig, ClientError};

/// The parts that a client works with.
pub struct ClientParts {
    /// Where sessions are kept.
    pub store: Arc<dyn SessionStore>,
    /// With which records are sealed before the store gets them. `None` keeps them in the clear.
    pub sealing: Option<SealingKeys>,
    /// The door to authorization servers.
    pub fetcher: Fetcher,
    /// The way to servers of resources.
    pub transport: Arc<dyn Transport>,
    /// How accounts and servers are found.
    pub resolver: Resolver,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
}

/// The longest answer of a server of resources, bytes: blobs and repositories are large.
const LONGEST_ANSWER: usize = 64 * 1024 * 1024;
/// How long it may take.
const LONGEST_CALL: std::time::Duration = std::time::Duration::from_mins(1);

/// The directory of `did:plc` that the whole network uses.
const PUBLIC_DIRECTORY: &str = "https://plc.directory";

impl ClientParts {
    /// For the network as it is: DNS and HTTPS for handles, the public directory, and a door that leads
    /// to public addresses only. Fails when TLS can't be set up.
    pub fn internet(store: Arc<dyn SessionStore>) -> Result<Self, FetchError> {
        let fetcher = Fetcher::new(FetchConfig::default())?;
        let directory = Url::parse(PUBLIC_DIRECTORY).map_err(|_| FetchError {
            url: PUBLIC_DIRECTORY.to_owned(),
            stage: FetchStage::Url("not a URL"),
        })?;
        let identity = IdentityConfig {
            directory,
            handles: HandleResolution::Network,
            allow_test_handles: false,
            lexicon_authorities: BTreeMap::new(),
        };
        let resolver = Resolver::new(identity, fetcher.clone(), Arc::new(SystemClock));
        Ok(Self::new(store, fetcher, resolver))
    }

    /// For a network on this machine, such as the one of `atpass dev`: this directory, handles by asking
    /// this server, plain http and loopback addresses. Not for production.
    pub fn development(
        store: Arc<dyn SessionStore>,
        directory: Url,
        handle_resolver: Url,
    ) -> Result<Self, FetchError> {
        let fetcher = Fetcher::new(FetchConfig::development())?;
        let identity = IdentityConfig {
            directory,
            handles: HandleResolution::Server(handle_resolver),
            allow_test_handles: true,
            lexicon_authorities: BTreeMap::new(),
        };
        let resolver = Resolver::new(identity, fetcher.clone(), Arc::new(SystemClock));
        Ok(Self::new(store, fetcher, resolver))
    }

    /// With the system's time and randomness. Answers of servers of resources may be up to 64 MiB and
    /// take a minute.
    pub fn new(store: Arc<dyn SessionStore>, fetcher: Fetcher, resolver: Resolver) -> Self {
        Self {
            store,
            sealing: None,
            transport: Arc::new(fetcher.with_limits(LONGEST_ANSWER, LONGEST_CALL)),
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
    authenticator: Authenticator,
    vault: Vault,
    resolver: Resolver,
    sender: ProofSender,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    /// Tells this client from those of other processes with the same store.
    name: String,
    locks: Locks,
    recovering: Mutex<HashSet<SessionKey>>,
    failures: Failures,
}

/// What becomes of sessions whose key is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dropping {
    /// A key that sessions use isn't dropped.
    RefuseIfUsed,
    /// It is: those sessions need a new login.
    EvenIfUsed,
}

impl OAuthClient {
    /// A client of this identity, with these parts.
    pub fn new(config: ClientConfig, parts: ClientParts) -> Self {
        Self(Arc::new(Inner {
            sender: ProofSender::new(
                parts.fetcher,
                parts.transport,
                parts.clock.clone(),
                parts.random.clone(),
            ),
            authenticator: Authenticator::of(&config),
            config,
            vault: Vault::new(parts.store, parts.sealing, parts.random.clone()),
            resolver: parts.resolver,
            name: random::text::<12>(&*parts.random),
            clock: parts.clock,
            random: parts.random,
            locks: Locks::default(),
            recovering: Mutex::default(),
            failures: Failures::default(),
        }))
    }

    /// Its identity, as it was at the start; of its keys, [`jwks`](Self::jwks) has the present ones.
    pub fn config(&self) -> &ClientConfig {
        &self.0.config
    }

    /// The public keys that the app serves now.
    pub fn jwks(&self) -> Option<JwkSet> {
        self.authenticator().keys().map(|keys| keys.published())
    }

    /// The metadata document that the app serves now.
    pub fn metadata_document(&self) -> Option<String> {
        let config = self.config().clone();
        let config = match self.authenticator().keys() {
            Some(keys) => config.with_keys(keys).ok()?,
            None => config,
        };
        config.metadata_document()
    }

    /// How many sessions began with each of the app's keys, by name.
    pub async fn key_usage(&self) -> Result<BTreeMap<String, usize>, ClientError> {
        let mut usage = BTreeMap::new();
        for key in self.sessions().await? {
            if let Some((session, _)) = self.vault().get(&key).await?
                && let Some(bound) = session.client_key
            {
                *usage.entry(bound.kid).or_default() += 1;
            }
        }
        Ok(usage)
    }

    /// Puts other keys in the place of the app's: from here on they are used and published.
    pub async fn replace_keys(
        &self,
        keys: ClientKeyset,
        dropping: Dropping,
    ) -> Result<(), ClientError> {
        let config = |error: KeysetError| ClientError::Config(error.into());
        if dropping == Dropping::RefuseIfUsed
            && let Some(old) = self.authenticator().keys()
        {
            let usage = self.key_usage().await?;
            for dropped in old.missing_in(&keys) {
                if let Some(&sessions) = usage.get(&dropped.kid) {
                    let kid = dropped.kid;
                    return Err(config(KeysetError::InUse { kid, sessions }));
                }
            }
        }
        // The whole configuration is checked again.
        self.config().clone().with_keys(keys.clone())?;
        self.authenticator().replace_keys(keys);
        Ok(())
    }

    /// The session of this name, if it is still there.
    pub async fn restore(&self, key: &SessionKey) -> Result<Option<Session>, ClientError> {
        let found = self.vault().get(key).await?;
        found
            .map(|(stored, _)| Session::new(self.clone(), key.clone(), stored))
            .transpose()
    }

    /// Forgets a session without telling its server: for one that can't be read any more. Others are
    /// ended with [`Session::logout`]. Whether it was there.
    pub async fn forget(&self, key: &SessionKey) -> Result<bool, ClientError> {
        Ok(self.vault().remove(key, None).await?)
    }

    /// The names of all sessions.
    pub async fn sessions(&self) -> Result<Vec<SessionKey>, ClientError> {
        Ok(self.vault().list(None).await?)
    }

    /// The names of the sessions of one account.
    pub async fn sessions_of(&self, did: &Did) -> Result<Vec<SessionKey>, ClientError> {
        Ok(self.vault().list(Some(did)).await?)
    }

    /// Finishes refreshes that a crash has interrupted: for an app's start, as servers give the answer
    /// again for a short time only. Returns how many it found. Reads every session of the store; what goes
    /// wrong with one of them is in the log, and keeps no other from being finished.
    pub async fn resume_refreshes(&self) -> Result<usize, ClientError> {
        let mut found = 0;
        for key in self.sessions().await? {
            let stored = match self.vault().get(&key).await {
                Ok(Some((stored, _))) if stored.refreshing.is_some() => stored,
                Ok(_) => continue,
                Err(error) => {
                    tracing::warn!(%error, "a session that may have been interrupted");
                    continue;
                }
            };
            found += 1;
            let cause = crate::refresh::Cause::Wanted(stored.access_token);
            if let Err(error) = self.refresh(&key, cause).await {
                tracing::warn!(did = %stored.did, %error, "an interrupted refresh");
            }
        }
        Ok(found)
    }

    pub(crate) fn vault(&self) -> &Vault {
        &self.0.vault
    }

    pub(crate) fn authenticator(&self) -> &Authenticator {
        &self.0.authenticator
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

    pub(crate) fn name(&self) -> &str {
        &self.0.name
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

    /// Refreshes that have failed just now.
    pub(crate) fn failures(&self) -> &Failures {
        &self.0.failures
    }

    /// Whether the session is being refreshed in this process.
    pub(crate) fn is_refreshing(&self, key: &SessionKey) -> bool {
        self.lock_of(key).try_lock().is_err()
    }

    /// Whether nobody goes on with this session's refresh in the background yet.
    pub(crate) fn begins_recovery(&self, key: &SessionKey) -> bool {
        self.recovering().insert(key.clone())
    }

    pub(crate) fn ends_recovery(&self, key: &SessionKey) {
        self.recovering().remove(key);
    }

    fn recovering(&self) -> std::sync::MutexGuard<'_, HashSet<SessionKey>> {
        let recovering = self.0.recovering.lock();
        recovering.unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for OAuthClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuthClient")
            .field("config", &self.0.config)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryStore;

    /// Clause C-REF-01: one lock for all who refresh a session, and none for those that nobody refreshes.
    #[test]
    fn locks_are_forgotten() {
        let url = Url::parse("http://127.0.0.1:1").unwrap();
        let store = Arc::new(MemoryStore::default());
        let parts = ClientParts::development(store, url.clone(), url).unwrap();
        let config = ClientConfig::loopback("http://127.0.0.1/callback", "atproto").unwrap();
        let client = OAuthClient::new(config, parts);
        let held = SessionKey::new("held");
        let lock = client.lock_of(&held);
        for number in 0..1000 {
            drop(client.lock_of(&SessionKey::new(number.to_string())));
        }
        assert!(Arc::ptr_eq(&lock, &client.clone().lock_of(&held)));
        assert!(client.0.locks.lock().unwrap().len() <= 2);
    }
}
