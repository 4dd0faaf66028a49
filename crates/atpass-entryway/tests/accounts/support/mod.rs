//! An entryway before two PDSes and a directory, all on this machine.

mod directory;
mod pds;
mod store;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use atpass_entryway::store::EntrywayStore;
use atpass_entryway::{Entryway, EntrywayConfig, Parts, PdsConfig, SignUpPolicy};
use atpass_fetch::{FetchConfig, Fetcher};
use atpass_identity::{HandleResolution, IdentityConfig, Resolver};
use atpass_protocol::id::{Did, Handle, Issuer};
use atpass_protocol::jose::K256Key;
use atpass_protocol::random::SystemRandom;
use atpass_protocol::secret::Secret;
use atpass_protocol::time::{SystemClock, UnixTime};
use atpass_provider::accounts::{Account, Identifier};
use atpass_provider::password::Passwords;
use atpass_provider::sign_up::{NewAccount, SignUp, SignUpError};
use atpass_replay::RateLimits;
use axum::Router;

pub(crate) use directory::{Directory, DirectoryMood};
pub(crate) use pds::{FakePds, PdsMood};
pub(crate) use store::MemoryStore;

pub(crate) const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
/// When nobody waits for a sign-up of [`NOW`] any more.
pub(crate) const LATER: UnixTime = NOW.plus(180);
pub(crate) const ADMIN_PASSWORD: &str = "mycelium";

/// All of it.
pub(crate) struct World {
    pub(crate) entryway: Entryway,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) directory: Arc<Directory>,
    pub(crate) directory_url: String,
    pub(crate) pdses: Vec<Arc<FakePds>>,
}

impl World {
    pub(crate) async fn open() -> Self {
        Self::with_policy(SignUpPolicy::Open).await
    }

    pub(crate) async fn with_policy(sign_up: SignUpPolicy) -> Self {
        let rotation_key = K256Key::from_bytes(&[0x11; 32]).unwrap();
        let directory = Arc::new(Directory::default());
        let directory_url = listen(directory.router()).await;
        let mut pdses = Vec::new();
        let mut configs = Vec::new();
        for name in ["amanita", "boletus"] {
            let pds = Arc::new(FakePds::new(rotation_key.did_key(), directory.clone()));
            let origin = Issuer::parse(&listen(pds.router()).await).unwrap();
            pds.is_at(origin.clone());
            configs.push(PdsConfig {
                origin,
                did: Did::parse(&format!("did:web:{name}.garden.net")).unwrap(),
                handle_domains: vec!["garden.net".into()],
                admin_password: Secret::new(ADMIN_PASSWORD),
                takes_new_accounts: true,
            });
            pdses.push(pds);
        }
        let fetcher = Fetcher::new(FetchConfig {
            total_timeout: Duration::from_millis(700),
            ..FetchConfig::development()
        });
        let fetcher = fetcher.unwrap();
        let identity = IdentityConfig {
            directory: directory_url.parse().unwrap(),
            handles: HandleResolution::Server(directory_url.parse().unwrap()),
            allow_test_handles: true,
            lexicon_authorities: [].into(),
        };
        let store = Arc::new(MemoryStore::default());
        let parts = Parts {
            store: store.clone() as Arc<dyn EntrywayStore>,
            passwords: passwords(),
            resolver: Resolver::new(identity, fetcher.clone(), Arc::new(SystemClock)),
            fetcher,
            directory: directory_url.parse().unwrap(),
            plc_keys: vec![rotation_key, K256Key::from_bytes(&[0x33; 32]).unwrap()],
            mailer: None,
            limits: RateLimits::memory(Arc::new(SystemClock)),
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
        };
        let config = EntrywayConfig {
            did: Did::parse("did:web:entry.garden.net").unwrap(),
            origin: Issuer::parse("https://entry.garden.net").unwrap(),
            pdses: configs,
            sign_up,
        };
        Self {
            entryway: Entryway::new(config, parts),
            store,
            directory,
            directory_url,
            pdses,
        }
    }

    pub(crate) async fn sign_up(&self, handle: &str) -> Result<Account, SignUpError> {
        self.entryway.sign_up(person(handle), NOW).await
    }

    pub(crate) async fn find(&self, handle: &str) -> Option<Did> {
        let identifier = Identifier::Handle(Handle::parse(handle).unwrap());
        let account = self.store.account(&identifier).await.unwrap();
        account.map(|account| account.did)
    }

    pub(crate) fn set_moods(&self, mood: PdsMood) {
        self.pdses.iter().for_each(|pds| pds.set_mood(mood));
    }
}

/// The decoy takes its time: once is enough.
fn passwords() -> Passwords {
    static PASSWORDS: OnceLock<Passwords> = OnceLock::new();
    let make = || Passwords::new(Arc::new(SystemRandom)).unwrap();
    PASSWORDS.get_or_init(make).clone()
}

pub(crate) fn person(handle: &str) -> NewAccount {
    NewAccount {
        handle: Handle::parse(handle).unwrap(),
        email: format!("{}@example.com", handle.replace('.', "-")),
        password: Secret::new("correct horse battery"),
        invite: None,
    }
}

/// Serves on a port of the system's choice; returns the origin.
async fn listen(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    origin
}
