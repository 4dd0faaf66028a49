//! The server's parts, from its configuration.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use atpass_protocol::dpop::NonceKeeper;
use atpass_protocol::random::{self, SystemRandom};
use atpass_protocol::secret::HmacKey;
use atpass_protocol::time::{SystemClock, UnixTime};
use atpass_protocol::token::SessionId;
use atpass_provider::password::Passwords;
use atpass_provider::{Parts, Provider, ProviderConfig, ResolvedPermissionSets, SessionEnded};
use atpass_store::{SqliteAccounts, SqliteReplay, SqliteStore};

use crate::config::{Config, Loaded};
use crate::database;

/// Opens the database, which must be there and up to date, and the server on it.
pub(super) async fn open(
    config: &Config,
    loaded: &Loaded,
) -> anyhow::Result<(Provider, SqliteStore)> {
    let store = database::open(&config.database, loaded.file.as_deref())?;
    warn_if_readable(&config.database);
    let passwords = Passwords::new(Arc::new(SystemRandom))?;
    // New at each start, because the memory of proofs is: see `NonceKeeper::new`.
    let nonces = NonceKeeper::new(&HmacKey::new(&random::bytes(&SystemRandom)));
    let fetcher = config.network.fetcher().await?;
    let parts = Parts {
        store: Arc::new(store.clone()),
        accounts: Arc::new(SqliteAccounts::new(store.clone(), passwords)),
        sign_up: None,
        permission_sets: Arc::new(ResolvedPermissionSets::new(
            config.network.resolver(fetcher.clone()),
            Arc::new(store.clone()),
            &config.lifetimes,
        )),
        fetcher,
        replay: Arc::new(SqliteReplay::new(store.clone())),
        nonces,
        clock: Arc::new(SystemClock),
        random: Arc::new(SystemRandom),
        on_session_ended: Arc::new(NobodyElse),
    };
    let provider = Provider::open(provider_config(config), parts)
        .await
        .map_err(|error| anyhow!(error))
        .context("open the authorization server")?;
    Ok((provider, store))
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
        protected_resources: config.protected_resources.clone(),
        official_pdses: Vec::new(),
        trusted_clients: config.trusted_clients.clone(),
        blocked_clients: config.blocked_clients.clone(),
        experimental_spaces: config.experimental_spaces,
        development: config.network.fetch.allow_http || config.network.fetch.allow_loopback,
    }
}

/// No resource server runs in this process: tokens of a session that ended live out their time.
struct NobodyElse;

impl SessionEnded for NobodyElse {
    fn session_ended(&self, _: SessionId, _: UnixTime) {}
}
