//! An entryway with its provider before one PDS, all on this machine.

mod network;
mod store;

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use atpass_entryway::mail::{Letter, MailError, Mailer};
use atpass_entryway::store::{AccountRecord, EntrywayStore};
use atpass_entryway::{Entryway, EntrywayConfig, Parts, PdsConfig, SignUpPolicy};
use atpass_fetch::{FetchConfig, Fetcher};
use atpass_identity::{HandleResolution, IdentityConfig, Resolver};
use atpass_protocol::dpop::NonceKeeper;
use atpass_protocol::id::{Did, Handle, Issuer};
use atpass_protocol::jose::K256Key;
use atpass_protocol::random::SystemRandom;
use atpass_protocol::secret::{HmacKey, Secret};
use atpass_protocol::time::{Clock, UnixTime};
use atpass_protocol::token::SessionId;
use atpass_provider::password::Passwords;
use atpass_provider::{
    NoPermissionSets, Parts as ProviderParts, Provider, ProviderConfig, SessionEnded,
};
use atpass_replay::{MemoryReplay, RateLimits};
use atpass_store::SqliteStore;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, Request};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tower::ServiceExt;

pub(crate) use network::Network;
pub(crate) use store::{MemoryAccounts, MemoryStore};

pub(crate) const NOW: i64 = 1_800_000_000;
pub(crate) const ADMIN_PASSWORD: &str = "mycelium";
pub(crate) const PASSWORD: &str = "correct horse battery";
pub(crate) const ENTRY: &str = "did:web:entry.garden.net";
pub(crate) const PDS: &str = "did:web:pds.garden.net";

pub(crate) fn alice() -> Did {
    Did::parse("did:plc:aaaaaaaaaaaaaaaaaaaaaaaa").unwrap()
}

pub(crate) fn bob() -> Did {
    Did::parse("did:plc:bbbbbbbbbbbbbbbbbbbbbbbb").unwrap()
}

/// All of it.
pub(crate) struct World {
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) network: Arc<Network>,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) letters: Arc<Letters>,
    pub(crate) ended: Arc<Ended>,
    /// Alice's.
    pub(crate) key: K256Key,
    pub(crate) provider: Provider,
    router: Router,
    _folder: tempfile::TempDir,
}

pub(crate) struct TestClock(AtomicI64);

impl Clock for TestClock {
    fn now(&self) -> UnixTime {
        UnixTime::from_secs(self.0.load(Ordering::Relaxed))
    }
}

impl TestClock {
    pub(crate) fn pass(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::Relaxed);
    }
}

#[derive(Default)]
pub(crate) struct Letters {
    sent: Mutex<Vec<Letter>>,
    came: Notify,
}

#[async_trait]
impl Mailer for Letters {
    async fn send(&self, letter: Letter) -> Result<(), MailError> {
        self.sent.lock().unwrap().push(letter);
        self.came.notify_one();
        Ok(())
    }
}

impl Letters {
    pub(crate) fn count(&self) -> usize {
        self.sent.lock().unwrap().len()
    }

    pub(crate) fn last(&self) -> Letter {
        self.sent.lock().unwrap().last().unwrap().clone()
    }

    /// The code in the last letter.
    pub(crate) fn code(&self) -> String {
        let text = self.last().text;
        let mut lines = text.lines().filter_map(|line| line.strip_prefix("    "));
        lines.next().unwrap().into()
    }

    /// Waits for a letter that is sent after the answer.
    pub(crate) async fn next(&self) {
        let came = tokio::time::timeout(Duration::from_secs(10), self.came.notified());
        came.await.unwrap();
    }
}

#[derive(Default)]
pub(crate) struct Ended(Mutex<Vec<SessionId>>);

impl SessionEnded for Ended {
    fn session_ended(&self, session: SessionId, _: UnixTime) {
        self.0.lock().unwrap().push(session);
    }
}

impl Ended {
    pub(crate) fn all(&self) -> Vec<SessionId> {
        self.0.lock().unwrap().clone()
    }
}

/// An answer: status, and body as JSON.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
    pub(crate) headers: HeaderMap,
}

impl Answer {
    /// Status, and the error's name.
    pub(crate) fn error(&self) -> (u16, &str) {
        (self.status, self.body["error"].as_str().unwrap_or_default())
    }

    pub(crate) fn good(self) -> Value {
        assert_eq!(self.status, 200, "{}", self.body);
        self.body
    }

    pub(crate) fn text(&self, name: &str) -> String {
        self.body[name].as_str().unwrap().into()
    }
}

impl World {
    pub(crate) async fn open() -> Self {
        Self::with(true).await
    }

    pub(crate) async fn with(mail: bool) -> Self {
        let network = Arc::new(Network::default());
        let url = network.listen().await;
        let fetcher = Fetcher::new(FetchConfig {
            total_timeout: Duration::from_millis(700),
            ..FetchConfig::development()
        });
        let fetcher = fetcher.unwrap();
        let clock = Arc::new(TestClock(AtomicI64::new(NOW)));
        let identity = IdentityConfig {
            directory: url.parse().unwrap(),
            handles: HandleResolution::Server(url.parse().unwrap()),
            allow_test_handles: true,
            lexicon_authorities: [].into(),
        };
        let (passwords, hash) = passwords().await;
        let store = Arc::new(MemoryStore::default());
        for (did, name) in [(alice(), "alice"), (bob(), "bob")] {
            store.inner().accounts.push(AccountRecord {
                did,
                handle: Handle::parse(&format!("{name}.garden.net")).unwrap(),
                email: Some(format!("{name}@example.com")),
                email_confirmed_at: None,
                password_hash: hash.clone(),
                pds: Did::parse(PDS).unwrap(),
                created_at: clock.now(),
                active: true,
                deactivated_at: None,
                sessions_ended_at: None,
            });
        }
        let letters = Arc::new(Letters::default());
        let parts = Parts {
            store: store.clone() as Arc<dyn EntrywayStore>,
            passwords: passwords.clone(),
            resolver: Resolver::new(identity, fetcher.clone(), clock.clone()),
            fetcher: fetcher.clone(),
            directory: url.parse().unwrap(),
            plc_keys: vec![K256Key::from_bytes(&[0x11; 32]).unwrap()],
            mailer: mail.then(|| letters.clone() as Arc<dyn Mailer>),
            limits: RateLimits::memory(clock.clone()),
            clock: clock.clone(),
            random: Arc::new(SystemRandom),
        };
        let pds = |name: &str, password: &str| PdsConfig {
            origin: Issuer::parse(&url).unwrap(),
            did: Did::parse(name).unwrap(),
            handle_domains: vec!["garden.net".into()],
            admin_password: Secret::new(password),
            takes_new_accounts: true,
        };
        let config = EntrywayConfig {
            did: Did::parse(ENTRY).unwrap(),
            origin: Issuer::parse("https://entry.garden.net").unwrap(),
            pdses: vec![
                pds(PDS, ADMIN_PASSWORD),
                pds("did:web:other.garden.net", "truffle"),
            ],
            sign_up: SignUpPolicy::Closed,
        };
        let folder = tempfile::tempdir().unwrap();
        let ended = Arc::new(Ended::default());
        let provider_parts = ProviderParts {
            store: Arc::new(SqliteStore::open(&folder.path().join("db")).unwrap()),
            accounts: Arc::new(MemoryAccounts {
                store: store.clone(),
                passwords,
            }),
            sign_up: None,
            fetcher,
            permission_sets: Arc::new(NoPermissionSets),
            replay: Arc::new(MemoryReplay::default()),
            nonces: NonceKeeper::new(&HmacKey::new(&[7; 32])),
            limits: RateLimits::memory(clock.clone()),
            clock: clock.clone(),
            random: Arc::new(SystemRandom),
            on_session_ended: ended.clone(),
        };
        let provider_config = ProviderConfig::new(config.origin.clone());
        let provider = Provider::open(provider_config, provider_parts)
            .await
            .unwrap();
        let entryway = Entryway::new(config, parts);
        let key = K256Key::from_bytes(&[0x44; 32]).unwrap();
        network.put(&alice(), &multibase(&key));
        Self {
            router: atpass_entryway::router(entryway, provider.clone()),
            store,
            network,
            clock,
            letters,
            ended,
            key,
            provider,
            _folder: folder,
        }
    }

    pub(crate) fn now(&self) -> i64 {
        self.clock.now().as_secs()
    }

    /// A token of Alice's PDS for a method.
    pub(crate) fn token(&self, method: &str) -> String {
        let header = json!({ "typ": "JWT", "alg": "ES256K" });
        let token = self.key.sign_compact(&header, &self.claims(method));
        token.unwrap()
    }

    /// What such a token says.
    pub(crate) fn claims(&self, method: &str) -> Value {
        json!({
            "iat": self.now(),
            "iss": alice(),
            "aud": ENTRY,
            "exp": self.now() + 60,
            "lxm": method,
            "jti": "0123456789abcdef",
        })
    }

    /// As Alice's PDS asks, in Alice's name.
    pub(crate) async fn forwarded(&self, method: &str, input: Option<Value>) -> Answer {
        let token = format!("Bearer {}", self.token(method));
        self.post(method, Some(&token), input).await
    }

    pub(crate) async fn query(&self, method: &str) -> Answer {
        let token = format!("Bearer {}", self.token(method));
        let request = Request::get(format!("/xrpc/{method}")).header(AUTHORIZATION, token);
        self.send(request.body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn post(
        &self,
        method: &str,
        authorization: Option<&str>,
        input: Option<Value>,
    ) -> Answer {
        let mut request = Request::post(format!("/xrpc/{method}"));
        if let Some(authorization) = authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let body = match input {
            Some(input) => {
                request = request.header(CONTENT_TYPE, "application/json");
                Body::from(input.to_string())
            }
            None => Body::empty(),
        };
        self.send(request.body(body).unwrap()).await
    }

    pub(crate) async fn send(&self, mut request: Request<Body>) -> Answer {
        let client = std::net::SocketAddr::from(([203, 0, 113, 9], 4711));
        request.extensions_mut().insert(ConnectInfo(client));
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = answer.into_parts();
        assert_eq!(parts.headers["cache-control"], "no-store");
        let body = to_bytes(body, 100_000).await.unwrap();
        Answer {
            status: parts.status.as_u16(),
            body: if body.is_empty() {
                Value::Null
            } else {
                serde_json::from_slice(&body).unwrap()
            },
            headers: parts.headers,
        }
    }

    /// Signs in as an old app.
    pub(crate) async fn sign_in(&self, identifier: &str, password: &str) -> Answer {
        let input = json!({ "identifier": identifier, "password": password });
        let method = "com.atproto.server.createSession";
        self.post(method, None, Some(input)).await
    }

    pub(crate) async fn refresh(&self, token: &str) -> Answer {
        let method = "com.atproto.server.refreshSession";
        self.post(method, Some(&format!("Bearer {token}")), None)
            .await
    }
}

pub(crate) fn multibase(key: &K256Key) -> String {
    let text = key.did_key();
    text.strip_prefix("did:key:").unwrap().into()
}

/// Hashing takes its time: once is enough.
async fn passwords() -> (Passwords, String) {
    static PASSWORDS: OnceLock<Passwords> = OnceLock::new();
    static HASH: tokio::sync::OnceCell<String> = tokio::sync::OnceCell::const_new();
    let make = || Passwords::new(Arc::new(SystemRandom)).unwrap();
    let passwords = PASSWORDS.get_or_init(make).clone();
    let hash = async || passwords.hash(Secret::new(PASSWORD)).await.unwrap();
    let hash = HASH.get_or_init(hash).await.clone();
    (passwords, hash)
}
