//! Both servers, over SQLite with full durability, with time that stands still and randomness that is the same in
//! each run.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result, ensure};
use async_trait::async_trait;
use atpass_fetch::Fetcher;
use atpass_protocol::dpop::{NonceKeeper, QueryPolicy};
use atpass_protocol::id::{Did, Handle, Issuer};
use atpass_protocol::random::{self, Random};
use atpass_protocol::secret::{HmacKey, Secret};
use atpass_protocol::time::{Clock, UnixTime};
use atpass_protocol::token::SessionId;
use atpass_provider::accounts::Account;
use atpass_provider::password::Passwords;
use atpass_provider::sign_up::{self, SignUp, SignUpError};
use atpass_provider::{NoPermissionSets, Parts, Provider, ProviderConfig, SessionEnded};
use atpass_replay::{Fresh, MemoryReplay, Proofs, RateLimits, Replay};
use atpass_resource::{ResourceConfig, ResourceParts, ResourceServer, RevocationList};
use atpass_store::{NewAccount, SqliteStore, StoredAccounts};
use atpass_testnet::{Internet, ManualClock};
use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::header::HeaderMap;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use tempfile::TempDir;
use tower::ServiceExt;

use crate::count::{Count, counted};

/// The origin of the authorization server.
pub(crate) const ISSUER: &str = "https://auth.example.com";
/// The origin of the resource server.
pub(crate) const ORIGIN: &str = "https://pds.example.com";
/// The one account.
pub(crate) const DID: &str = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";
pub(crate) const HANDLE: &str = "alice.example.com";
pub(crate) const PASSWORD: &str = "wonderland";
const AUDIENCE: &str = "did:web:pds.example.com";
/// Any time would do.
const NOW: i64 = 1_790_000_000;

/// The servers. The folder of the database goes with them.
pub(crate) struct Scene {
    routes: Router,
    pub(crate) resource: ResourceServer,
    pub(crate) nonces: NonceKeeper,
    pub(crate) clock: ManualClock,
    pub(crate) random: Arc<dyn Random>,
    proofs: Proofs,
    /// The resource server's memory of proofs.
    called: Arc<dyn Replay>,
    _folder: TempDir,
}

/// An answer, read.
pub(crate) struct Answer {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Scene {
    /// Opens the servers. Client metadata is fetched from these hosts.
    pub(crate) async fn open(internet: &Internet, sign_up: bool) -> Result<Self> {
        let folder = TempDir::with_prefix("atpass-costs-")?;
        let store = Arc::new(SqliteStore::open(&folder.path().join("atpass.sqlite"))?);
        let random: Arc<dyn Random> = Arc::new(SameRandom::default());
        let clock = ManualClock::at(UnixTime::from_secs(NOW));
        let passwords = Passwords::new(random.clone())?;
        let accounts = StoredAccounts::new(store.clone(), passwords);
        accounts.add(account()?, clock.now()).await?;
        let nonces = NonceKeeper::new(&HmacKey::new(&random::bytes(&*random)));
        let replay: Arc<dyn Replay> = Arc::new(MemoryReplay::default());
        let parts = Parts {
            store,
            accounts: Arc::new(accounts),
            sign_up: sign_up.then(|| Arc::new(Form::new()) as Arc<dyn SignUp>),
            fetcher: Fetcher::new(internet.fetch_config())?,
            permission_sets: Arc::new(NoPermissionSets),
            replay: replay.clone(),
            nonces: nonces.clone(),
            limits: RateLimits::memory(Arc::new(clock.clone())),
            clock: Arc::new(clock.clone()),
            random: random.clone(),
            on_session_ended: Arc::new(Nobody),
        };
        let issuer = Issuer::parse(ISSUER)?;
        let provider = Provider::open(ProviderConfig::new(issuer.clone()), parts).await?;
        let called: Arc<dyn Replay> = Arc::new(MemoryReplay::default());
        let config = ResourceConfig {
            origin: Issuer::parse(ORIGIN)?,
            audience: Did::parse(AUDIENCE)?,
            issuer,
            query: QueryPolicy::Refuse,
        };
        let parts = ResourceParts {
            keys: Arc::new(provider.jwks()),
            nonces: nonces.clone(),
            replay: called.clone(),
            revoked: Arc::new(RevocationList::default()),
            clock: Arc::new(clock.clone()),
        };
        Ok(Self {
            routes: atpass_provider::router(provider),
            resource: ResourceServer::new(config, parts),
            proofs: Proofs::new(nonces.clone(), replay),
            called,
            nonces,
            clock,
            random,
            _folder: folder,
        })
    }

    /// Sends a request and counts what the answer cost, which must have this status.
    pub(crate) async fn count(
        &self,
        request: Request<Body>,
        status: StatusCode,
    ) -> Result<(Answer, Count)> {
        let (answer, count) = counted(self.ask(request, status)).await;
        Ok((answer?, count))
    }

    /// Sends a request.
    pub(crate) async fn ask(&self, request: Request<Body>, status: StatusCode) -> Result<Answer> {
        let (head, body) = self.routes.clone().oneshot(request).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        ensure!(
            head.status == status,
            "{} and not {status}: {}",
            head.status,
            String::from_utf8_lossy(&body)
        );
        Ok(Answer {
            headers: head.headers,
            body,
        })
    }

    /// The nonce for a proof to the authorization server.
    pub(crate) fn nonce(&self) -> Result<String> {
        let nonce = self.proofs.next_nonce(self.clock.now());
        nonce.context("the memory of proofs is there")
    }

    /// Has both memories of proofs as full as those of a server that is asked all the time: what small tables need
    /// to grow would be counted otherwise. So full that they are far from growing again.
    pub(crate) async fn fill_memories(&self, until: UnixTime) -> Result<()> {
        for memory in [self.proofs.replay(), &*self.called] {
            let era = memory.era().context("the memory is there")?;
            for _ in 0..16 * 88 {
                let key = random::bytes(&*self.random);
                let now = self.clock.now();
                let fresh = memory.accept_once(era, &key, until, now);
                ensure!(
                    fresh.await? == Fresh::First,
                    "random keys are all different"
                );
            }
        }
        Ok(())
    }
}

impl Answer {
    pub(crate) fn text(&self) -> Result<&str> {
        Ok(std::str::from_utf8(&self.body)?)
    }

    pub(crate) fn header(&self, name: &str) -> Result<&str> {
        let value = self.headers.get(name);
        let value = value.with_context(|| format!("no {name} in the answer"))?;
        Ok(value.to_str()?)
    }
}

fn account() -> Result<NewAccount> {
    Ok(NewAccount {
        did: Did::parse(DID)?,
        handle: Handle::parse(HANDLE)?,
        email: Some("alice@mail.example.net".to_owned()),
        audience: Did::parse(AUDIENCE)?,
        password: Secret::new(PASSWORD),
    })
}

/// The same in each run: a keyed function of a number that grows.
struct SameRandom {
    key: HmacKey,
    drawn: AtomicU64,
}

impl Default for SameRandom {
    fn default() -> Self {
        Self {
            key: HmacKey::new(&[7; 32]),
            drawn: AtomicU64::new(0),
        }
    }
}

impl Random for SameRandom {
    fn fill(&self, out: &mut [u8]) {
        for part in out.chunks_mut(32) {
            let number = self.drawn.fetch_add(1, Ordering::Relaxed);
            let drawn = self.key.sign(&[&number.to_be_bytes()]);
            for (to, from) in part.iter_mut().zip(drawn) {
                *to = from;
            }
        }
    }
}

/// There is no resource server to be told of sessions that end.
struct Nobody;

impl SessionEnded for Nobody {
    fn session_ended(&self, _: SessionId, _: UnixTime) {}
}

/// Shows the form for new accounts, and makes none.
struct Form {
    domains: [String; 1],
}

impl Form {
    fn new() -> Self {
        Self {
            domains: ["example.com".to_owned()],
        }
    }
}

#[async_trait]
impl SignUp for Form {
    fn domains(&self) -> &[String] {
        &self.domains
    }

    fn needs_invite(&self) -> bool {
        false
    }

    async fn sign_up(&self, _: sign_up::NewAccount, _: UnixTime) -> Result<Account, SignUpError> {
        Err(SignUpError::Unavailable("nobody is at home".to_owned()))
    }
}
