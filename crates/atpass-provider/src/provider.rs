//! The authorization server as a value: its configuration, its parts, its keys.

use std::fmt;
use std::sync::Arc;

use atpass_fetch::Fetcher;
use atpass_protocol::dpop::{self, Expected, NonceKeeper, QueryPolicy, VerifiedProof};
use atpass_protocol::id::{ClientId, Did, Issuer};
use atpass_protocol::jose::JwkSet;
use atpass_protocol::metadata::AuthorizationServerMetadata;
use atpass_protocol::random::{self, Random};
use atpass_protocol::request::Prompt;
use atpass_protocol::revocation::EndedCursor;
use atpass_protocol::secret::HmacKey;
use atpass_protocol::time::{Clock, UnixTime};
use atpass_protocol::token::SessionId;
use atpass_replay::{Proofs, RateLimits, Replay};

use crate::accounts::Accounts;
use crate::clients::ClientRegistry;
use crate::endpoint::ended;
use crate::error::EndpointError;
use crate::keys::SigningKeys;
use crate::lifetimes::{LifetimeError, Lifetimes};
use crate::limits::{SignInLimits, SignUpLimits};
use crate::official_pds::OfficialPdses;
use crate::pages::Language;
use crate::permission_sets::PermissionSets;
use crate::refresh::RefreshTokens;
use crate::sign_up::SignUp;
use crate::store::{EndReason, Store, StoreError};

/// What an authorization server is configured with.
#[derive(Clone, Debug)]
pub struct ProviderConfig {
    /// Its public origin. Never derived from a request.
    pub issuer: Issuer,
    /// How long things live.
    pub lifetimes: Lifetimes,
    /// The resources that it gives tokens for, where they are known beforehand (RFC 9728
    /// section 4); empty leaves them out of the metadata.
    pub protected_resources: Vec<Issuer>,
    /// The DIDs of unmodified official PDSes that have this server as their entryway: their tokens are
    /// signed with ES256K, and live 900 seconds at most.
    pub official_pdses: Vec<Did>,
    /// Clients that are shown by the name and picture that they give themselves.
    pub trusted_clients: Vec<ClientId>,
    /// Clients that are refused: client ids, or hosts of client ids.
    pub blocked_clients: Vec<String>,
    /// Whether `space:` scopes (proposal 0016, a draft) are taken.
    pub experimental_spaces: bool,
    /// Whether the pages say that this is a development server.
    pub development: bool,
}

impl ProviderConfig {
    /// A server at this origin, with everything else as it is by default.
    pub fn new(issuer: Issuer) -> Self {
        Self {
            issuer,
            lifetimes: Lifetimes::default(),
            protected_resources: Vec::new(),
            official_pdses: Vec::new(),
            trusted_clients: Vec::new(),
            blocked_clients: Vec::new(),
            experimental_spaces: false,
            development: false,
        }
    }
}

/// The parts that an authorization server works with.
pub struct Parts {
    /// What it remembers.
    pub store: Arc<dyn Store>,
    /// Who may sign in.
    pub accounts: Arc<dyn Accounts>,
    /// Makes new accounts, where the server takes them.
    pub sign_up: Option<Arc<dyn SignUp>>,
    /// Fetches client metadata.
    pub fetcher: Fetcher,
    /// Where permission sets come from.
    pub permission_sets: Arc<dyn PermissionSets>,
    /// Which DPoP proofs were seen.
    pub replay: Arc<dyn Replay>,
    /// DPoP nonces; shared with a resource server at the same origin, so that clients, which
    /// keep one nonce for each origin, needn't be sent back and forth.
    pub nonces: NonceKeeper,
    /// Where attempts to sign in, and to make accounts, are counted.
    pub limits: RateLimits,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// Is told of each session that ends before its time.
    pub on_session_ended: Arc<dyn SessionEnded>,
}

/// Hears of sessions that ended, so that a resource server in the same process refuses their
/// access tokens at once.
pub trait SessionEnded: Send + Sync + 'static {
    /// The session is over; the last of its access tokens would have expired at `tokens_until`.
    fn session_ended(&self, session: SessionId, tokens_until: UnixTime);
}

/// Why an authorization server can't start.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A lifetime is out of bounds.
    #[error(transparent)]
    Lifetime(#[from] LifetimeError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// An authorization server. Cheap to clone.
#[derive(Clone)]
pub struct Provider(Arc<Inner>);

struct Inner {
    config: ProviderConfig,
    parts: Parts,
    proofs: Proofs,
    keys: SigningKeys,
    official_pdses: OfficialPdses,
    refresh_tokens: RefreshTokens,
    csrf: HmacKey,
    clients: ClientRegistry,
    limits: SignInLimits,
    sign_up_limits: SignUpLimits,
    metadata: AuthorizationServerMetadata,
}

impl Provider {
    /// Opens the server: checks its configuration, reads or makes its keys and secrets, and tells
    /// the listener of sessions that ended while their tokens are still unexpired.
    pub async fn open(config: ProviderConfig, parts: Parts) -> Result<Self, OpenError> {
        config.lifetimes.check()?;
        let now = parts.clock.now();
        let keys = SigningKeys::open(&*parts.store, now).await?;
        let official_pdses = OfficialPdses::open(
            &config.official_pdses,
            &config.lifetimes,
            &*parts.store,
            &*parts.random,
        )
        .await?;
        let candidate = random::bytes::<32>(&*parts.random);
        let master = HmacKey::new(&parts.store.secret("master", &candidate).await?);
        let mut metadata = AuthorizationServerMetadata::new(&config.issuer);
        metadata.ui_locales_supported = Language::tags();
        if taking_accounts(parts.sign_up.as_ref()).is_some() {
            let create = Prompt::Create.as_str().to_owned();
            metadata.prompt_values_supported.push(create);
        }
        if !config.protected_resources.is_empty() {
            let resources = config.protected_resources.iter().map(ToString::to_string);
            metadata.protected_resources = Some(resources.collect());
        }
        let provider = Self(Arc::new(Inner {
            limits: SignInLimits::new(&parts.limits),
            sign_up_limits: SignUpLimits::new(&parts.limits),
            proofs: Proofs::new(parts.nonces.clone(), parts.replay.clone()),
            keys,
            official_pdses,
            refresh_tokens: RefreshTokens::new(&master),
            csrf: master.derive("csrf"),
            clients: ClientRegistry::new(parts.fetcher.clone(), &config),
            metadata,
            config,
            parts,
        }));
        provider.announce_ended().await?;
        Ok(provider)
    }

    /// Its public keys as they are now, for a resource server in the same process.
    pub fn jwks(&self) -> Arc<JwkSet> {
        self.0.keys.published(self.now())
    }

    /// What it publishes of itself.
    pub fn metadata(&self) -> &AuthorizationServerMetadata {
        &self.0.metadata
    }

    /// Its configuration.
    pub fn config(&self) -> &ProviderConfig {
        &self.0.config
    }

    /// Reads the signing keys again, and tells the listener of sessions that another process ended: to
    /// be called every half minute or so.
    pub async fn refresh(&self) -> Result<(), StoreError> {
        self.0.keys.reload(self.store()).await?;
        self.announce_ended().await
    }

    /// Tells the listener of sessions that ended while their tokens are still unexpired.
    async fn announce_ended(&self) -> Result<(), StoreError> {
        let now = self.now();
        let mut after = EndedCursor::before(now.plus(-self.config().lifetimes.access_token));
        loop {
            let page = ended::after(self, after, now).await?;
            for session in page.ended {
                let listener = &self.0.parts.on_session_ended;
                listener.session_ended(session.sid, session.until);
            }
            if !page.more {
                return Ok(());
            }
            after = page.next;
        }
    }

    /// Removes what nobody needs any more, at most `batch` rows of each kind.
    pub async fn sweep(&self, batch: u32) -> Result<crate::store::Swept, StoreError> {
        self.store().sweep(self.now(), batch).await
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.0.parts.clock
    }

    pub(crate) fn now(&self) -> UnixTime {
        self.0.parts.clock.now()
    }

    pub(crate) fn store(&self) -> &dyn Store {
        &*self.0.parts.store
    }

    /// Who may sign in.
    pub fn accounts(&self) -> &dyn Accounts {
        &*self.0.parts.accounts
    }

    /// Who makes new accounts, where they are taken at present.
    pub(crate) fn sign_up(&self) -> Option<&Arc<dyn SignUp>> {
        taking_accounts(self.0.parts.sign_up.as_ref())
    }

    pub(crate) fn random(&self) -> &dyn Random {
        &*self.0.parts.random
    }

    pub(crate) fn keys(&self) -> &SigningKeys {
        &self.0.keys
    }

    pub(crate) fn official_pdses(&self) -> &OfficialPdses {
        &self.0.official_pdses
    }

    pub(crate) fn refresh_tokens(&self) -> &RefreshTokens {
        &self.0.refresh_tokens
    }

    pub(crate) fn csrf_key(&self) -> &HmacKey {
        &self.0.csrf
    }

    pub(crate) fn clients(&self) -> &ClientRegistry {
        &self.0.clients
    }

    pub(crate) fn permission_sets(&self) -> &dyn PermissionSets {
        &*self.0.parts.permission_sets
    }

    pub(crate) fn limits(&self) -> &SignInLimits {
        &self.0.limits
    }

    pub(crate) fn sign_up_limits(&self) -> &SignUpLimits {
        &self.0.sign_up_limits
    }

    /// The nonce for the next proof; `None` while the memory of proofs hasn't been reached yet.
    pub(crate) fn next_nonce(&self) -> Option<String> {
        self.0.proofs.next_nonce(self.now())
    }

    /// Verifies the proof of a POST to one of the endpoints, then records it.
    pub(crate) async fn verify_proof(
        &self,
        proofs: &[Option<String>],
        path: &str,
        now: UnixTime,
    ) -> Result<VerifiedProof, EndpointError> {
        let url = self.config().issuer.at(path);
        let expected = Expected {
            method: "POST",
            url: &url,
            query: QueryPolicy::Refuse,
            access_token: None,
        };
        let verify = |nonces: &NonceKeeper| {
            let headers = proofs.iter().map(Option::as_deref);
            dpop::verify(headers, &expected, nonces, now)
        };
        let checked = self.0.proofs.check(verify).await?;
        Ok(self.0.proofs.record(checked, now).await?)
    }

    /// Ends a session, and tells the listener. Returns whether it was live until now.
    pub(crate) async fn end_session(
        &self,
        session: SessionId,
        reason: EndReason,
        now: UnixTime,
    ) -> Result<bool, StoreError> {
        let ended = self.store().end_session(session, reason, now).await?;
        self.announce_end(session, now);
        Ok(ended)
    }

    /// Tells the listener of a session that the store has ended.
    pub fn announce_end(&self, session: SessionId, now: UnixTime) {
        let until = now.plus(self.config().lifetimes.access_token);
        self.0.parts.on_session_ended.session_ended(session, until);
    }
}

/// Who makes new accounts, if there is a domain for their handles.
fn taking_accounts(sign_up: Option<&Arc<dyn SignUp>>) -> Option<&Arc<dyn SignUp>> {
    sign_up.filter(|sign_up| !sign_up.domains().is_empty())
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider")
            .field("config", &self.0.config)
            .finish_non_exhaustive()
    }
}
