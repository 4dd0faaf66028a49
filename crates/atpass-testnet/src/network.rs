//! The network as a whole.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use async_trait::async_trait;
use atpass_fetch::{FetchConfig, Fetcher};
use atpass_identity::{HandleResolution, IdentityConfig, Resolver};
use atpass_protocol::dpop::{NonceKeeper, QueryPolicy};
use atpass_protocol::id::{ClientId, Did, Issuer};
use atpass_protocol::jose::JwkSet;
use atpass_protocol::random::{self, Random, SystemRandom};
use atpass_protocol::secret::{HmacKey, Secret};
use atpass_protocol::time::{Clock, SystemClock, UnixTime};
use atpass_protocol::token::SessionId;
use atpass_provider::accounts::{Accounts, Identifier};
use atpass_provider::password::Passwords;
use atpass_provider::sign_up::SignUp;
use atpass_provider::store::{StoreError, Swept};
use atpass_provider::{
    Lifetimes, Parts, Provider, ProviderConfig, ResolvedPermissionSets, SessionEnded,
};
use atpass_replay::{MemoryReplay, RateLimits, Replay};
use atpass_resource::{
    IssuerKeys, KeysUnavailable, ResourceConfig, ResourceParts, ResourceServer, RevocationList,
};
use atpass_store::{NewAccount, SqliteStore, StoredAccounts};
use axum::Router;
use http::StatusCode;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use url::Url;

use crate::accounts::{AUDIENCE, DevAccount, dev_accounts};
use crate::distance::Distance;
use crate::faults::{Faults, FaultyStore};
use crate::layers::{dated, logged};
use crate::listen::{Loopback, Ports};
use crate::request_log::RequestLog;
use crate::weather::Weather;
use crate::{app, directory, pds};

/// Makes who makes new accounts, given the accounts that there are.
pub type MakeSignUp = Box<dyn Fn(&StoredAccounts) -> Arc<dyn SignUp> + Send + Sync>;

/// What a network is started with.
pub struct NetworkConfig {
    /// The folder of its database. Made if it isn't there.
    pub data: PathBuf,
    /// Its ports.
    pub ports: Ports,
    /// How long things live at its authorization server.
    pub lifetimes: Lifetimes,
    /// The time, for all parts.
    pub clock: Arc<dyn Clock>,
    /// Randomness, for all parts.
    pub random: Arc<dyn Random>,
    /// What its authorization server may fetch: client metadata.
    pub fetch: FetchConfig,
    /// Clients that it shows by name.
    pub trusted_clients: Vec<ClientId>,
    /// Clients, or hosts of clients, that it refuses.
    pub blocked_clients: Vec<String>,
    /// Whether its authorization server takes `space:` scopes.
    pub experimental_spaces: bool,
    /// Whether its resource server counts as an official PDS: then its tokens are as such a PDS takes them,
    /// and its own calls fail.
    pub official_pds: bool,
    /// The directory that knows who publishes permission sets, where it isn't the network's own.
    pub permission_set_directory: Option<Url>,
    /// Accounts that publish permission sets, by group, about which DNS isn't asked.
    pub lexicon_authorities: BTreeMap<String, Did>,
    /// Makes new accounts among those of the network, if it takes any.
    pub sign_up: Option<MakeSignUp>,
    /// Which acts of the store are to fail.
    pub faults: Faults,
    /// A bad network before its token endpoint, if any.
    pub weather: Option<Weather>,
    /// Where requests are written down, if anywhere.
    pub requests: Option<RequestLog>,
    /// How far away its servers are, where requests are written down.
    pub distance: Distance,
}

impl NetworkConfig {
    /// A network in this folder, on free ports, with the system's time and randomness.
    pub fn new(data: impl Into<PathBuf>) -> Self {
        Self {
            data: data.into(),
            ports: Ports::Free,
            lifetimes: Lifetimes::default(),
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
            fetch: FetchConfig::default(),
            trusted_clients: Vec::new(),
            blocked_clients: Vec::new(),
            experimental_spaces: false,
            official_pds: false,
            permission_set_directory: None,
            lexicon_authorities: BTreeMap::new(),
            sign_up: None,
            faults: Faults::default(),
            weather: None,
            requests: None,
            distance: Distance::default(),
        }
    }
}

/// A running network. Dropping it stops it at once, [`Network::stop`] in order.
pub struct Network {
    /// The authorization server.
    pub issuer: Issuer,
    /// The resource server, at the same origin.
    pub resource: Issuer,
    /// The directory of DIDs.
    pub directory: Issuer,
    /// The sample app.
    pub app: Issuer,
    /// Who can sign in.
    pub accounts: Vec<DevAccount>,
    store: SqliteStore,
    provider: Provider,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

/// Seconds between two retention runs.
const SWEEP_INTERVAL: Duration = Duration::from_secs(30);
/// Rows of each kind that are removed in one act at most.
const SWEEP_BATCH: u32 = 1000;
/// How long requests under way may take once the network is to stop.
const DRAIN: Duration = Duration::from_secs(5);

impl Network {
    /// Starts everything, and returns when all of it answers.
    pub async fn start(config: NetworkConfig) -> anyhow::Result<Self> {
        let data = &config.data;
        std::fs::create_dir_all(data)
            .with_context(|| format!("make the folder {}", data.display()))?;
        let server = Loopback::bind(config.ports.nth(0)?).await?;
        let directory_server = Loopback::bind(config.ports.nth(1)?).await?;
        let app_server = Loopback::bind(config.ports.nth(2)?).await?;
        let issuer = Issuer::parse(&format!("http://localhost:{}", server.port()))?;
        let directory = Issuer::parse(&format!("http://localhost:{}", directory_server.port()))?;
        // Loopback clients are redirected to the address, never to the name (RFC 8252 section 8.3).
        let app = Issuer::parse(&format!("http://127.0.0.1:{}", app_server.port()))?;

        let accounts = dev_accounts()?;
        let store = SqliteStore::open(&data.join("atpass.sqlite")).context("open the database")?;
        let (provider, resource) =
            open_servers(&config, (&issuer, &directory), &store, &accounts).await?;
        let methods = pds::router(
            resource,
            accounts.clone(),
            config.clock.clone(),
            config.random.clone(),
        );
        let routes = atpass_provider::router(provider.clone())
            .merge(methods)
            .fallback(|| async { (StatusCode::NOT_FOUND, "There is nothing here.\n") });
        let sample = app::router(app::AppConfig {
            origin: app.clone(),
            server: issuer.clone(),
            directory: directory.clone(),
            accounts: accounts.clone(),
            clock: config.clock.clone(),
            random: config.random.clone(),
        })?;

        let (stop, stopped) = watch::channel(false);
        let logged = |router: Router, origin: &Issuer| match &config.requests {
            Some(log) => logged(router, origin, log, &config.distance),
            None => router,
        };
        let mut routes = dated(routes, &config.clock);
        if let Some(weather) = &config.weather {
            routes = weather.over(routes);
        }
        let mut tasks = server.serve(&logged(routes, &issuer), &stopped);
        tasks.extend(directory_server.serve(
            &logged(
                directory::router(accounts.clone(), issuer.clone()),
                &directory,
            ),
            &stopped,
        ));
        tasks.extend(app_server.serve(&sample, &stopped));
        tasks.push(tokio::spawn(sweep(provider.clone(), stopped)));
        Ok(Self {
            resource: issuer.clone(),
            issuer,
            directory,
            app,
            accounts,
            store,
            provider,
            stop,
            tasks,
        })
    }

    /// Reads again what another process may have changed, as the network does by itself twice a
    /// minute.
    pub async fn refresh(&self) -> Result<(), StoreError> {
        self.provider.refresh().await
    }

    /// One retention run of at most `batch` rows of each kind, as the network makes them by itself.
    pub async fn sweep(&self, batch: u32) -> Result<Swept, StoreError> {
        self.provider.sweep(batch).await
    }

    /// The database, for tests that look behind the curtain.
    pub const fn store(&self) -> &SqliteStore {
        &self.store
    }

    /// Takes no new requests, finishes those under way, and closes the database.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        let drained = async {
            for task in self.tasks {
                // A task that panicked has ended as well.
                let _ = task.await;
            }
        };
        if tokio::time::timeout(DRAIN, drained).await.is_err() {
            tracing::warn!("some requests were still under way and were cut off");
        }
    }
}

/// The authorization server and the resource server, on one origin: they share the nonces, and
/// the one tells the other of sessions that end.
async fn open_servers(
    config: &NetworkConfig,
    (issuer, directory): (&Issuer, &Issuer),
    store: &SqliteStore,
    accounts: &[DevAccount],
) -> anyhow::Result<(Provider, ResourceServer)> {
    let passwords = Passwords::new(config.random.clone())?;
    let known = StoredAccounts::new(Arc::new(store.clone()), passwords);
    add_missing(&known, accounts, config.clock.now()).await?;
    let replay: Arc<dyn Replay> = Arc::new(MemoryReplay::default());
    let nonces = NonceKeeper::new(&HmacKey::new(&random::bytes(&*config.random)));
    let revoked = Arc::new(RevocationList::default());
    let official_pdses = if config.official_pds {
        vec![Did::parse(AUDIENCE)?]
    } else {
        Vec::new()
    };
    let provider = Provider::open(
        ProviderConfig {
            issuer: issuer.clone(),
            lifetimes: config.lifetimes,
            protected_resources: vec![issuer.clone()],
            official_pdses,
            trusted_clients: config.trusted_clients.clone(),
            blocked_clients: config.blocked_clients.clone(),
            experimental_spaces: config.experimental_spaces,
            development: true,
        },
        Parts {
            store: Arc::new(FaultyStore {
                store: store.clone(),
                faults: config.faults.clone(),
            }),
            sign_up: config.sign_up.as_ref().map(|make| make(&known)),
            accounts: Arc::new(known),
            fetcher: Fetcher::new(config.fetch.clone())?,
            permission_sets: Arc::new(permission_sets(config, directory, store)?),
            replay: replay.clone(),
            nonces: nonces.clone(),
            limits: RateLimits::memory(config.clock.clone()),
            clock: config.clock.clone(),
            random: config.random.clone(),
            on_session_ended: Arc::new(Revoker {
                revoked: revoked.clone(),
                clock: config.clock.clone(),
            }),
        },
    )
    .await
    .context("open the authorization server")?;
    let resource = ResourceServer::new(
        ResourceConfig {
            origin: issuer.clone(),
            audience: Did::parse(AUDIENCE)?,
            issuer: issuer.clone(),
            query: QueryPolicy::Ignore,
        },
        ResourceParts {
            keys: Arc::new(ProviderKeys(provider.clone())),
            nonces,
            replay,
            revoked,
            clock: config.clock.clone(),
        },
    );
    Ok((provider, resource))
}

/// Permission sets of accounts in the network's own directory, or of a `did:web`.
fn permission_sets(
    config: &NetworkConfig,
    directory: &Issuer,
    store: &SqliteStore,
) -> anyhow::Result<ResolvedPermissionSets> {
    // The network's own directory is on this machine.
    let own = config.permission_set_directory.is_none();
    let fetch = FetchConfig {
        allow_http: own || config.fetch.allow_http,
        allow_loopback: own || config.fetch.allow_loopback,
        ..config.fetch.clone()
    };
    let directory = match &config.permission_set_directory {
        Some(directory) => directory.clone(),
        None => Url::parse(directory.as_str())?,
    };
    let identity = IdentityConfig {
        directory,
        handles: HandleResolution::Network,
        allow_test_handles: true,
        lexicon_authorities: config.lexicon_authorities.clone(),
    };
    let resolver = Resolver::new(identity, Fetcher::new(fetch)?, config.clock.clone());
    Ok(ResolvedPermissionSets::new(
        resolver,
        Arc::new(store.clone()),
        &config.lifetimes,
    ))
}

/// Adds the accounts that the database doesn't have yet.
async fn add_missing(
    known: &StoredAccounts,
    accounts: &[DevAccount],
    now: UnixTime,
) -> anyhow::Result<()> {
    for account in accounts {
        if known
            .find(&Identifier::Did(account.did.clone()))
            .await?
            .is_none()
        {
            known
                .add(
                    NewAccount {
                        did: account.did.clone(),
                        handle: account.handle.clone(),
                        email: Some(format!("{}@example.com", account.handle)),
                        audience: Did::parse(AUDIENCE)?,
                        password: Secret::new(account.password),
                    },
                    now,
                )
                .await
                .with_context(|| format!("add the account {}", account.handle))?;
        }
    }
    Ok(())
}

/// The keys of an authorization server in the same process.
struct ProviderKeys(Provider);

#[async_trait]
impl IssuerKeys for ProviderKeys {
    async fn keys(&self) -> Result<Arc<JwkSet>, KeysUnavailable> {
        Ok(self.0.jwks())
    }
}

/// Tells the resource server of sessions that end.
struct Revoker {
    revoked: Arc<RevocationList>,
    clock: Arc<dyn Clock>,
}

impl SessionEnded for Revoker {
    fn session_ended(&self, session: SessionId, tokens_until: UnixTime) {
        self.revoked
            .end_session(session, tokens_until, self.clock.now());
    }
}

/// Removes what nobody needs, until the network stops.
async fn sweep(provider: Provider, mut stopped: watch::Receiver<bool>) {
    let mut ticks = tokio::time::interval(SWEEP_INTERVAL);
    loop {
        tokio::select! {
            _ = stopped.wait_for(|&stop| stop) => return,
            _ = ticks.tick() => {}
        }
        if let Err(error) = provider.refresh().await {
            tracing::warn!(%error, "the keys can't be read again; the known ones stay in use");
        }
        if let Err(error) = sweep_all(&provider).await {
            tracing::warn!(%error, "retention failed and will be tried again");
        }
    }
}

/// Batch after batch, so that requests under way get their turn in between, until nothing is left.
async fn sweep_all(provider: &Provider) -> Result<(), StoreError> {
    while provider.sweep(SWEEP_BATCH).await? != Swept::default() {}
    Ok(())
}
