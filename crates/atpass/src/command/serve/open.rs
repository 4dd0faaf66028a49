//! The server's parts, from its configuration.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use atpass_entryway::mail::{Mailer, Post};
use atpass_entryway::{Entryway, PLC_KEY, Parts as EntrywayParts, PdsConfig};
use atpass_protocol::dpop::NonceKeeper;
use atpass_protocol::id::Issuer;
use atpass_protocol::jose::K256Key;
use atpass_protocol::random::{self, SystemRandom};
use atpass_protocol::secret::HmacKey;
use atpass_protocol::time::{SystemClock, UnixTime};
use atpass_protocol::token::SessionId;
use atpass_provider::password::Passwords;
use atpass_provider::sign_up::SignUp;
use atpass_provider::{
    Parts, Provider, ProviderConfig, ResolvedPermissionSets, SessionEnded, kept_k256_key,
};
use atpass_replay::{MemoryReplay, RateLimits, Replay, Valkey, ValkeyReplay, WhenDown};
use atpass_store::{Database, StoredAccounts, StoredReplay};

use crate::config::{Config, EntrywayPlan, Loaded};
use crate::database::Location;

/// A server, open.
pub(super) struct Opened {
    pub(super) provider: Provider,
    /// Where official PDSes are behind it.
    pub(super) entryway: Option<Entryway>,
    pub(super) store: Arc<dyn Database>,
    /// What servers share besides it, if they do.
    pub(super) valkey: Option<Valkey>,
}

/// Opens the database, which must be there and up to date, and the server on it.
pub(super) async fn open(config: &Config, loaded: &Loaded) -> anyhow::Result<Opened> {
    let store = config.database.open(loaded.file.as_deref()).await?;
    if let Location::Sqlite(file) = &config.database {
        warn_if_readable(file);
    }
    // A wrong master key is found out here, before anything new is sealed under it.
    store.signing_keys().await?;
    let passwords = Passwords::new(Arc::new(SystemRandom))?;
    // The memory of proofs sees to it that no nonce outlives what it remembers: all servers may share the key.
    let new = random::bytes(&SystemRandom);
    let shared = HmacKey::new(&store.secret("dpop-nonces", &new).await?);
    let nonces = NonceKeeper::new(&shared);
    let fetcher = config.network.fetcher().await?;
    let resolver = config.network.resolver(fetcher.clone());
    let accounts = StoredAccounts::new(store.clone(), passwords.clone());
    let valkey = valkey(config)?;
    let limits = match &valkey {
        Some((valkey, _)) => RateLimits::valkey(valkey.clone(), &shared, Arc::new(SystemClock)),
        None => RateLimits::memory(Arc::new(SystemClock)),
    };
    let replay = replay(config, &store, valkey.clone()).await?;
    let entryway = match &config.entryway {
        Some(plan) => {
            let parts = EntrywayParts {
                store: store.clone(),
                passwords,
                fetcher: fetcher.clone(),
                resolver: resolver.clone(),
                directory: config.network.directory.clone(),
                plc_keys: plc_keys(plan, &*store).await?,
                mailer: mailer(plan)?,
                limits: limits.clone(),
                clock: Arc::new(SystemClock),
                random: Arc::new(SystemRandom),
            };
            Some(Entryway::new(plan.config.clone(), parts))
        }
        None => None,
    };
    let sign_up = entryway.clone();
    let parts = Parts {
        store: store.clone(),
        accounts: Arc::new(accounts),
        sign_up: sign_up.map(|entryway| Arc::new(entryway) as Arc<dyn SignUp>),
        permission_sets: Arc::new(ResolvedPermissionSets::new(
            resolver,
            store.clone(),
            &config.lifetimes,
        )),
        fetcher,
        replay,
        nonces,
        limits,
        clock: Arc::new(SystemClock),
        random: Arc::new(SystemRandom),
        on_session_ended: Arc::new(NobodyElse),
    };
    let provider = Provider::open(provider_config(config), parts)
        .await
        .map_err(|error| anyhow!(error))
        .context("open the authorization server")?;
    Ok(Opened {
        provider,
        entryway,
        store,
        valkey: valkey.map(|(valkey, _)| valkey),
    })
}

/// The server that several of us share besides the database, and what to do without it.
fn valkey(config: &Config) -> anyhow::Result<Option<(Valkey, WhenDown)>> {
    let Some(plan) = &config.valkey else {
        return Ok(None);
    };
    let valkey = Valkey::open(plan.url.expose()).context("valkey.url")?;
    Ok(Some((valkey, plan.when_down)))
}

/// DPoP proofs that were used, remembered where all servers see it: in Valkey, else in a database that is shared, else in
/// this process.
async fn replay(
    config: &Config,
    store: &Arc<dyn Database>,
    valkey: Option<(Valkey, WhenDown)>,
) -> anyhow::Result<Arc<dyn Replay>> {
    Ok(match (valkey, &config.database) {
        (Some((valkey, when_down)), _) => Arc::new(ValkeyReplay::new(valkey, when_down)),
        (None, Location::Postgres(_)) => Arc::new(StoredReplay::open(store.clone()).await?),
        (None, Location::Sqlite(_)) => Arc::new(MemoryReplay::default()),
    })
}

fn mailer(plan: &EntrywayPlan) -> anyhow::Result<Option<Arc<dyn Mailer>>> {
    let Some(config) = &plan.mail else {
        tracing::warn!(
            "no [mail]: people can't confirm an address or choose a new password themselves"
        );
        return Ok(None);
    };
    let post = Post::new(config).context("prepare to send letters")?;
    Ok(Some(Arc::new(post)))
}

/// The rotation keys of accounts' DIDs: those in files, or else the database's own.
pub(crate) async fn plc_keys(
    plan: &EntrywayPlan,
    store: &dyn Database,
) -> anyhow::Result<Vec<K256Key>> {
    if !plan.plc_keys.is_empty() {
        return Ok(plan.plc_keys.clone());
    }
    Ok(vec![kept_k256_key(store, PLC_KEY, &SystemRandom).await?])
}

/// The database holds the server's keys.
fn warn_if_readable(database: &Path) {
    let others = std::fs::metadata(database).is_ok_and(|file| file.mode() & 0o077 != 0);
    if others {
        tracing::warn!(
            "other users of this machine may read {}, which holds this server's keys: chmod 600",
            database.display()
        );
    }
}

fn provider_config(config: &Config) -> ProviderConfig {
    ProviderConfig {
        issuer: config.issuer.clone(),
        lifetimes: config.lifetimes,
        protected_resources: protected_resources(config),
        official_pdses: pdses(config).map(|pds| pds.did.clone()).collect(),
        trusted_clients: config.trusted_clients.clone(),
        blocked_clients: config.blocked_clients.clone(),
        experimental_spaces: config.experimental_spaces,
        development: config.network.fetch.allow_http || config.network.fetch.allow_loopback,
    }
}

fn pdses(config: &Config) -> impl Iterator<Item = &PdsConfig> {
    let plan = config.entryway.iter();
    plan.flat_map(|plan| &plan.config.pdses)
}

/// Where some are named, the PDSes are among them: clients look for theirs there.
fn protected_resources(config: &Config) -> Vec<Issuer> {
    let mut named = config.protected_resources.clone();
    if !named.is_empty() {
        for pds in pdses(config) {
            if !named.contains(&pds.origin) {
                named.push(pds.origin.clone());
            }
        }
    }
    named
}

/// No resource server runs in this process: tokens of a session that ended live out their time.
struct NobodyElse;

impl SessionEnded for NobodyElse {
    fn session_ended(&self, _: SessionId, _: UnixTime) {}
}
