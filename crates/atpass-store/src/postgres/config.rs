//! How to reach a server.

use std::sync::Arc;
use std::time::Duration;

use atpass_protocol::seal::SealingKeys;
use atpass_protocol::secret::Secret;
use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use rustls::ClientConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::{Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::pool::Connections;

/// How long a connection may take to come about, and how long an act may wait for one.
const PATIENCE: Duration = Duration::from_secs(5);
/// After how long without a sign of life the other side is asked for one, and counts as gone.
const SILENCE: Duration = Duration::from_secs(10);
/// What the server holds itself to, unless the URL says otherwise: so none waits for longer than the caller.
const LIMITS: &str =
    "-c statement_timeout=8s -c lock_timeout=5s -c idle_in_transaction_session_timeout=20s";

/// Where a database is, and how to use it.
#[derive(Clone)]
pub struct PostgresConfig {
    config: Config,
    connections: usize,
    roots: Vec<CertificateDer<'static>>,
    pub(super) master: SealingKeys,
}

/// Why a database can't be used as configured. Never repeats the URL, which may hold a password.
#[derive(Debug, thiserror::Error)]
pub enum PostgresConfigError {
    /// It isn't a URL of PostgreSQL.
    #[error("expected a URL like postgres://user:password@host/database: {0}")]
    Url(String),
    /// The certificates that are trusted can't be read.
    #[error("certificates for PostgreSQL: {0}")]
    Tls(String),
}

impl PostgresConfig {
    /// Connections that are held at most, where nothing else is said.
    pub const CONNECTIONS: usize = 12;

    /// A database by its URL, `postgres://user:password@host:5432/database`. Keys and secrets in it are sealed
    /// under `master`.
    ///
    /// `sslmode` in it is `disable`, `prefer` or `require`, and without it `require`, but `prefer` for this
    /// machine. The server's certificate is always checked.
    pub fn new(url: &str, master: SealingKeys) -> Result<Self, PostgresConfigError> {
        let mut config: Config = url.parse().map_err(|error: tokio_postgres::Error| {
            let why = std::error::Error::source(&error);
            PostgresConfigError::Url(why.map_or_else(|| error.to_string(), ToString::to_string))
        })?;
        if !url.contains("sslmode=") {
            let mode = if is_here(&config) {
                SslMode::Prefer
            } else {
                SslMode::Require
            };
            config.ssl_mode(mode);
        }
        if config.get_options().is_none() {
            config.options(LIMITS);
        }
        if config.get_application_name().is_none() {
            config.application_name("atpass");
        }
        config
            .connect_timeout(PATIENCE)
            .tcp_user_timeout(SILENCE)
            .keepalives_idle(SILENCE);
        Ok(Self {
            config,
            connections: Self::CONNECTIONS,
            roots: Vec::new(),
            master,
        })
    }

    /// With so many connections at most.
    #[must_use]
    pub fn with_connections(mut self, connections: usize) -> Self {
        self.connections = connections.max(1);
        self
    }

    /// With a password that isn't in the URL.
    #[must_use]
    pub fn with_password(mut self, password: &Secret) -> Self {
        self.config.password(password.expose());
        self
    }

    /// Trusts these certificates (PEM) beside the system's roots.
    pub fn trust(&mut self, pem: &[u8]) -> Result<(), PostgresConfigError> {
        let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        let certificates =
            certificates.map_err(|error| PostgresConfigError::Tls(error.to_string()))?;
        if certificates.is_empty() {
            return Err(PostgresConfigError::Tls("there is none in the file".into()));
        }
        self.roots.extend(certificates);
        Ok(())
    }

    /// Host, port and database, for people.
    pub fn place(&self) -> String {
        let host = match self.config.get_hosts().first() {
            Some(Host::Tcp(host)) => host.clone(),
            Some(Host::Unix(folder)) => folder.display().to_string(),
            None => "localhost".into(),
        };
        let port = self.config.get_ports().first().copied().unwrap_or(5432);
        let name = self.config.get_dbname().or(self.config.get_user());
        format!("{host}:{port}/{}", name.unwrap_or_default())
    }

    /// A pool that connects when it is used.
    pub(super) fn connections(&self) -> Result<Connections, PostgresConfigError> {
        let recycling = ManagerConfig {
            recycling_method: RecyclingMethod::Fast,
        };
        let manager = if self.config.get_ssl_mode() == SslMode::Disable {
            Manager::from_config(self.config.clone(), NoTls, recycling)
        } else {
            let tls = self.tls().map_err(PostgresConfigError::Tls)?;
            Manager::from_config(self.config.clone(), tls, recycling)
        };
        Pool::builder(manager)
            .max_size(self.connections)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(PATIENCE))
            .create_timeout(Some(PATIENCE))
            .recycle_timeout(Some(PATIENCE))
            .build()
            .map(Connections)
            .map_err(|error| PostgresConfigError::Tls(error.to_string()))
    }

    fn tls(&self) -> Result<MakeRustlsConnect, String> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier = rustls_platform_verifier::Verifier::new_with_extra_roots(
            self.roots.iter().cloned(),
            provider.clone(),
        );
        let verifier = Arc::new(verifier.map_err(|error| error.to_string())?);
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        Ok(MakeRustlsConnect::new(config))
    }
}

impl std::fmt::Debug for PostgresConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PostgresConfig")
            .field("place", &self.place())
            .field("connections", &self.connections)
            .finish_non_exhaustive()
    }
}

/// Whether the server is on this machine: nobody listens in between.
fn is_here(config: &Config) -> bool {
    config.get_hosts().iter().all(|host| match host {
        Host::Unix(_) => true,
        Host::Tcp(host) => {
            let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
            host == "localhost" || address.is_ok_and(|address| address.is_loopback())
        }
    })
}
