//! An authorization server over https, as several processes behind one name that share a database.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use atpass_fetch::{FetchConfig, Fetcher};
use atpass_protocol::dpop::NonceKeeper;
use atpass_protocol::id::{Did, Handle, Issuer};
use atpass_protocol::random::SystemRandom;
use atpass_protocol::secret::{HmacKey, Secret};
use atpass_protocol::time::{Clock, SystemClock, UnixTime};
use atpass_protocol::token::SessionId;
use atpass_provider::password::Passwords;
use atpass_provider::{NoPermissionSets, Parts, Provider, ProviderConfig, SessionEnded};
use atpass_replay::{MemoryReplay, RateLimits};
use atpass_store::{NewAccount, SqliteStore, StoredAccounts};
use atpass_testnet::{Internet, ManualClock};
use axum::Router;
use axum::extract::Request;
use axum::response::IntoResponse;
use tempfile::TempDir;
use tower::ServiceExt;

use crate::common::App;

pub(crate) const ORIGIN: &str = "https://auth.example.com";

/// Who can sign in: handle, password, and the PDS.
pub(crate) const ACCOUNTS: [(&str, &str, &str); 2] = [
    ("alice.test", "wonderland", "did:web:one.example.com"),
    ("bob.test", "workshop", "did:web:two.example.com"),
];

/// The nodes, which take turns. They stop when this is dropped.
pub(crate) struct Nodes {
    pub(crate) clock: ManualClock,
    _internet: Internet,
    fetcher: Fetcher,
    _folder: TempDir,
}

impl Nodes {
    pub(crate) async fn start(count: usize) -> Self {
        Self::start_with(count, FetchConfig::default()).await
    }

    /// With what the nodes may fetch.
    pub(crate) async fn start_with(count: usize, fetch: FetchConfig) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = ManualClock::at(SystemClock.now());
        let mut nodes = Vec::new();
        let proofs = Arc::new(MemoryReplay::default());
        for _ in 0..count {
            nodes.push(node(folder.path(), proofs.clone(), &clock, &fetch).await);
        }
        let turn = Arc::new(AtomicUsize::new(0));
        let site = Router::new().fallback(move |request: Request| {
            let node = nodes[turn.fetch_add(1, Ordering::Relaxed) % nodes.len()].clone();
            async move { node.oneshot(request).await.into_response() }
        });
        let internet = Internet::start([("auth.example.com", site)]).await.unwrap();
        let fetcher = Fetcher::new(FetchConfig {
            per_host: 1024,
            ..internet.fetch_config()
        });
        Self {
            clock,
            _internet: internet,
            fetcher: fetcher.unwrap(),
            _folder: folder,
        }
    }

    pub(crate) fn app(&self) -> App {
        App::new(ORIGIN, self.fetcher.clone(), self.clock.now())
    }
}

/// One process. It has nothing in common with the others but the database, the memory of proofs and the key
/// of the nonces.
async fn node(
    folder: &Path,
    proofs: Arc<MemoryReplay>,
    clock: &ManualClock,
    fetch: &FetchConfig,
) -> Router {
    let store = SqliteStore::open(&folder.join("atpass.sqlite")).unwrap();
    let random = Arc::new(SystemRandom);
    let accounts = StoredAccounts::new(
        Arc::new(store.clone()),
        Passwords::new(random.clone()).unwrap(),
    );
    for (number, (handle, password, audience)) in ACCOUNTS.into_iter().enumerate() {
        let account = NewAccount {
            did: did(number),
            handle: Handle::parse(handle).unwrap(),
            email: None,
            audience: Did::parse(audience).unwrap(),
            password: Secret::new(password),
        };
        // Another node may have added it.
        drop(accounts.add(account, clock.now()).await);
    }
    let config = ProviderConfig::new(Issuer::parse(ORIGIN).unwrap());
    let parts = Parts {
        store: Arc::new(store.clone()),
        accounts: Arc::new(accounts),
        fetcher: Fetcher::new(fetch.clone()).unwrap(),
        sign_up: None,
        permission_sets: Arc::new(NoPermissionSets),
        replay: proofs,
        nonces: NonceKeeper::new(&HmacKey::new(&[1; 32])),
        limits: RateLimits::memory(Arc::new(clock.clone())),
        clock: Arc::new(clock.clone()),
        random,
        on_session_ended: Arc::new(Nobody),
    };
    atpass_provider::router(Provider::open(config, parts).await.unwrap())
}

/// The DID of one of the accounts.
pub(crate) fn did(number: usize) -> Did {
    let letter = ["a", "b"][number];
    Did::parse(&format!("did:plc:{}", letter.repeat(24))).unwrap()
}

/// No resource server listens.
struct Nobody;

impl SessionEnded for Nobody {
    fn session_ended(&self, _: SessionId, _: UnixTime) {}
}
