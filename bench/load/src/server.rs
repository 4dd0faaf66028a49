//! The authorization server and a resource server in this process, over a store with its parts as `atpass serve`
//! has them.

use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use atpass_fetch::Fetcher;
use atpass_protocol::dpop::{NonceKeeper, QueryPolicy};
use atpass_protocol::id::{Did, Issuer};
use atpass_protocol::jose::PrivateKey;
use atpass_protocol::random::{self, SystemRandom};
use atpass_protocol::secret::HmacKey;
use atpass_protocol::time::{Clock, SystemClock, UnixTime};
use atpass_protocol::token::SessionId;
use atpass_provider::password::Passwords;
use atpass_provider::refresh::RefreshTokens;
use atpass_provider::{NoPermissionSets, Parts, Provider, ProviderConfig, SessionEnded};
use atpass_replay::{MemoryReplay, Proofs, RateLimits};
use atpass_resource::{ResourceConfig, ResourceParts, ResourceServer, RevocationList};
use atpass_store::{Database, StoredAccounts};
use atpass_testnet::Internet;

use crate::drive::Target;
use crate::population::AUDIENCE;
use crate::stored::Stored;

/// The origin of the authorization server.
pub(crate) const ISSUER: &str = "https://auth.example.com";
/// The origin of the resource server.
const ORIGIN: &str = "https://pds.example.com";

/// Both servers.
pub(crate) struct Server {
    pub(crate) target: Target,
    pub(crate) resource: ResourceServer,
    /// The authorization server's nonces.
    proofs: Proofs,
    pub(crate) tokens: RefreshTokens,
    /// The key that signs access tokens, and its name.
    pub(crate) signing: (String, PrivateKey),
}

/// Tells the resource server, as where both are in one process.
struct Revoker(Arc<RevocationList>);

impl SessionEnded for Revoker {
    fn session_ended(&self, session: SessionId, tokens_until: UnixTime) {
        self.0.end_session(session, tokens_until, SystemClock.now());
    }
}

impl Server {
    pub(crate) async fn open(stored: &Stored, internet: &Internet) -> Result<Self> {
        let (store, replay) = stored.open().await?;
        let nonces = NonceKeeper::new(&HmacKey::new(&random::bytes(&SystemRandom)));
        let revoked = Arc::new(RevocationList::default());
        let passwords = Passwords::new(Arc::new(SystemRandom))?;
        let parts = Parts {
            store: store.clone(),
            accounts: Arc::new(StoredAccounts::new(store.clone(), passwords)),
            sign_up: None,
            fetcher: Fetcher::new(internet.fetch_config())?,
            permission_sets: Arc::new(NoPermissionSets),
            replay: replay.clone(),
            nonces: nonces.clone(),
            limits: RateLimits::memory(Arc::new(SystemClock)),
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
            on_session_ended: Arc::new(Revoker(revoked.clone())),
        };
        let provider = Provider::open(ProviderConfig::new(issuer()?), parts)
            .await
            .map_err(|error| anyhow!(error))?;
        let config = ResourceConfig {
            origin: Issuer::parse(ORIGIN)?,
            audience: Did::parse(AUDIENCE)?,
            issuer: issuer()?,
            query: QueryPolicy::Refuse,
        };
        let parts = ResourceParts {
            keys: Arc::new(provider.jwks()),
            nonces: nonces.clone(),
            replay: Arc::new(MemoryReplay::default()),
            revoked,
            clock: Arc::new(SystemClock),
        };
        let keys = store.signing_keys().await?;
        let key = keys.first().context("a signing key")?;
        Ok(Self {
            target: Target::Routes(atpass_provider::router(provider)),
            resource: ResourceServer::new(config, parts),
            proofs: Proofs::new(nonces, replay),
            tokens: refresh_tokens(&*store).await?,
            signing: (key.kid.clone(), PrivateKey::from_pkcs8(&key.pkcs8)?),
        })
    }

    /// The nonce for a proof to the authorization server.
    pub(crate) fn nonce(&self) -> Result<String> {
        let nonce = self.proofs.next_nonce(SystemClock.now());
        nonce.context("the memory of proofs is there")
    }
}

pub(crate) fn issuer() -> Result<Issuer> {
    Ok(Issuer::parse(ISSUER)?)
}

/// As the servers on this database make them.
pub async fn refresh_tokens(store: &dyn Database) -> Result<RefreshTokens> {
    let candidate = random::bytes(&SystemRandom);
    let master = store.secret("master", &candidate).await?;
    Ok(RefreshTokens::new(&HmacKey::new(&master)))
}
