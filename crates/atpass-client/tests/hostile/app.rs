//! An app that logs in at the fake server, and sees what is kept.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use async_trait::async_trait;
use atpass_client::store::{PutOutcome, Record, SessionKey, StoreFailure};
use atpass_client::{
    ClientConfig, ClientError, ClientParts, LoginRequest, MemoryStore, OAuthClient, Session,
    SessionStore,
};
use atpass_fetch::{FetchConfig, Fetcher};
use atpass_identity::{HandleResolution, IdentityConfig, Resolver};
use atpass_protocol::id::Did;
use atpass_protocol::time::{Clock, SystemClock, UnixTime};
use url::Url;

use crate::fake::{Fake, Nonces};

/// The system's time, and what the test adds.
#[derive(Clone, Default)]
pub(crate) struct ShiftedClock(Arc<AtomicI64>);

impl ShiftedClock {
    pub(crate) fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for ShiftedClock {
    fn now(&self) -> UnixTime {
        SystemClock.now().plus(self.0.load(Ordering::SeqCst))
    }
}

/// A store in memory that counts.
#[derive(Default)]
pub(crate) struct Witness {
    store: MemoryStore,
    sessions: AtomicUsize,
    logins: AtomicUsize,
}

#[async_trait]
impl SessionStore for Witness {
    async fn get(&self, key: &SessionKey) -> Result<Option<(Record, u64)>, StoreFailure> {
        self.store.get(key).await
    }

    async fn put(
        &self,
        key: &SessionKey,
        did: &Did,
        record: &Record,
        expected: Option<u64>,
    ) -> Result<PutOutcome, StoreFailure> {
        self.sessions.fetch_add(1, Ordering::SeqCst);
        self.store.put(key, did, record, expected).await
    }

    async fn remove(&self, key: &SessionKey, expected: Option<u64>) -> Result<bool, StoreFailure> {
        self.store.remove(key, expected).await
    }

    async fn list(&self, did: Option<&Did>) -> Result<Vec<SessionKey>, StoreFailure> {
        self.store.list(did).await
    }

    async fn put_pending(
        &self,
        name: &str,
        record: &Record,
        until: UnixTime,
        now: UnixTime,
    ) -> Result<(), StoreFailure> {
        self.logins.fetch_add(1, Ordering::SeqCst);
        self.store.put_pending(name, record, until, now).await
    }

    async fn take_pending(
        &self,
        name: &str,
        now: UnixTime,
    ) -> Result<Option<Record>, StoreFailure> {
        self.store.take_pending(name, now).await
    }
}

pub(crate) struct App {
    pub(crate) fake: Arc<Fake>,
    pub(crate) client: OAuthClient,
    pub(crate) store: Arc<Witness>,
    pub(crate) clock: ShiftedClock,
    /// Takes its time to make, so a test that needs many apps makes one.
    fetcher: Fetcher,
}

impl App {
    /// A loopback client that asks for `atproto` only.
    pub(crate) async fn start() -> Self {
        Self::asking("atproto").await
    }

    pub(crate) async fn asking(scope: &str) -> Self {
        Self::with(asking(scope)).await
    }

    pub(crate) async fn with(config: ClientConfig) -> Self {
        let fetcher = Fetcher::new(FetchConfig::development()).unwrap();
        let (store, clock) = (Arc::default(), ShiftedClock::default());
        Self::of(Fake::start().await, config, store, clock, fetcher)
    }

    /// Another app like this one, at a server of its own, with nothing stored.
    pub(crate) async fn anew(&self) -> Self {
        self.anew_with(self.client.config().clone()).await
    }

    pub(crate) async fn anew_asking(&self, scope: &str) -> Self {
        self.anew_with(asking(scope)).await
    }

    async fn anew_with(&self, config: ClientConfig) -> Self {
        let (store, clock) = (Arc::default(), ShiftedClock::default());
        Self::of(
            Fake::start().await,
            config,
            store,
            clock,
            self.fetcher.clone(),
        )
    }

    /// The same app in another process, with a clock of its own.
    pub(crate) fn beside(&self) -> Self {
        let config = self.client.config().clone();
        let (store, clock) = (self.store.clone(), ShiftedClock::default());
        Self::of(
            self.fake.clone(),
            config,
            store,
            clock,
            self.fetcher.clone(),
        )
    }

    /// With the same store and time, as another client, or at another server.
    pub(crate) fn and(&self, fake: Arc<Fake>, config: ClientConfig) -> Self {
        let (store, clock) = (self.store.clone(), self.clock.clone());
        Self::of(fake, config, store, clock, self.fetcher.clone())
    }

    fn of(
        fake: Arc<Fake>,
        config: ClientConfig,
        store: Arc<Witness>,
        clock: ShiftedClock,
        fetcher: Fetcher,
    ) -> Self {
        let url = Url::parse(fake.origin.as_str()).unwrap();
        let identity = IdentityConfig {
            directory: url.clone(),
            handles: HandleResolution::Server(url),
            allow_test_handles: true,
            lexicon_authorities: BTreeMap::new(),
        };
        let resolver = Resolver::new(identity, fetcher.clone(), Arc::new(clock.clone()));
        let mut parts = ClientParts::new(store.clone(), fetcher.clone(), resolver);
        parts.clock = Arc::new(clock.clone());
        let client = OAuthClient::new(config, parts);
        Self {
            fake,
            client,
            store,
            clock,
            fetcher,
        }
    }

    /// What the browser of a good server brings back.
    pub(crate) fn query(&self, login: &LoginRequest) -> String {
        let (state, issuer) = (login.state.as_str(), &self.fake.origin);
        format!("code=c&state={state}&iss={issuer}")
    }

    pub(crate) async fn finish(&self, typed: &str) -> Result<Session, ClientError> {
        let login = self.client.login(typed).await?;
        self.client.callback(&self.query(&login)).await
    }

    /// A session of Alice's.
    pub(crate) async fn session(&self) -> Session {
        self.finish("alice.test").await.unwrap()
    }

    /// The login's end is this error: nothing was ever stored, the login can't be finished again, and
    /// what was issued is revoked.
    pub(crate) async fn refused(&self, typed: &str, what: &str) -> ClientError {
        let login = self.client.login(typed).await.unwrap();
        let query = self.query(&login);
        let error = self.client.callback(&query).await.expect_err(what);
        assert_eq!(self.stored_sessions(), 0, "{what}: {error}");
        let again = self.client.callback(&query).await;
        assert!(matches!(again, Err(ClientError::UnknownState)), "{what}");
        error
    }

    /// The login doesn't even begin: nothing was stored at all.
    pub(crate) async fn refused_at_once(&self, typed: &str, what: &str) -> ClientError {
        let error = self.client.login(typed).await.expect_err(what);
        assert_eq!(self.stored_sessions(), 0, "{what}");
        assert_eq!(self.store.logins.load(Ordering::SeqCst), 0, "{what}");
        error
    }

    /// How often a session was written.
    pub(crate) fn stored_sessions(&self) -> usize {
        self.store.sessions.load(Ordering::SeqCst)
    }

    pub(crate) fn nonces(&self, nonces: Nonces) {
        self.fake.set(|script| script.nonces = nonces);
    }
}

fn asking(scope: &str) -> ClientConfig {
    ClientConfig::loopback("http://127.0.0.1/callback", scope).unwrap()
}
