//! What can be configured, as plain values. The documentation of each key is the comment here.
//!
//! There is no secret among them: keys live in the database, passwords in files of their own.

use atpass_store::PostgresConfig;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Configuration of `atpass serve`.
///
/// One TOML file; every key can also be set by an environment variable, which then counts.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(crate) struct Settings {
    /// The server's public origin, such as `https://auth.example.com`. Required. Apps and people
    /// reach the server there; it is never derived from a request. Plain http is for this machine
    /// only, and needs `network.allow_http`.
    pub(crate) issuer: Option<String>,
    /// Addresses and ports to listen on, plain HTTP: TLS is the business of the reverse proxy in
    /// front.
    pub(crate) listen: Vec<String>,
    /// Folder of the database, `atpass.sqlite`, unless `database.url` names another one. A relative one is
    /// taken from the folder of this file.
    pub(crate) data: String,
    /// Origins of the resource servers that get this server's tokens, where they are known. They
    /// are published in the server's metadata.
    pub(crate) protected_resources: Vec<String>,
    /// Whether scopes of permissioned data (`space:`, proposal 0016) are taken. A draft, that may
    /// change or go.
    pub(crate) experimental_spaces: bool,
    /// Seconds that requests under way may still take once the server was told to stop.
    pub(crate) drain_seconds: i64,
    pub(crate) database: Database,
    pub(crate) valkey: Valkey,
    pub(crate) lifetimes: Lifetimes,
    pub(crate) network: Network,
    pub(crate) clients: Clients,
    pub(crate) entryway: Entryway,
    /// The unmodified official PDSes behind this server, one section each (docs/entryway.md). With one or
    /// more of them this server is an entryway: it has their accounts, signs the access tokens that they
    /// take, and answers what they forward. Each PDS is started with the variables that `atpass entryway
    /// environment` prints. These keys have no variables.
    pub(crate) pds: Vec<Pds>,
    pub(crate) mail: Mail,
    pub(crate) proxy: Proxy,
    pub(crate) observe: Observe,
    pub(crate) log: Log,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            issuer: None,
            listen: vec!["127.0.0.1:2583".into()],
            data: "/var/lib/atpass".into(),
            protected_resources: Vec::new(),
            experimental_spaces: false,
            drain_seconds: 30,
            database: Database::default(),
            valkey: Valkey::default(),
            lifetimes: Lifetimes::default(),
            network: Network::default(),
            clients: Clients::default(),
            entryway: Entryway::default(),
            pds: Vec::new(),
            mail: Mail::default(),
            proxy: Proxy::default(),
            observe: Observe::default(),
            log: Log::default(),
        }
    }
}

/// A database that several servers share (docs/operations.md).
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(crate) struct Database {
    /// A PostgreSQL database, `postgres://user@host:5432/name`, in place of SQLite in `data`. The connection is
    /// encrypted and the server's certificate checked, unless it is this machine or the URL says
    /// `?sslmode=disable`.
    pub(crate) url: Option<String>,
    /// File with the password for it. A relative one is taken from the folder of this file.
    pub(crate) password_file: Option<String>,
    /// Files with certificates that are trusted for it beside the system's.
    pub(crate) root_certs: Vec<String>,
    /// Connections that each server holds at most: 2 to 200.
    pub(crate) connections: i64,
    /// Files with the master keys under which keys and secrets in PostgreSQL are sealed, the newest first;
    /// `atpass key master FILE` makes one. The first seals, all of them open. All servers have the same.
    pub(crate) master_keys: Vec<String>,
}

impl Default for Database {
    fn default() -> Self {
        Self {
            url: None,
            password_file: None,
            root_certs: Vec::new(),
            connections: i64::try_from(PostgresConfig::CONNECTIONS).unwrap_or(12),
            master_keys: Vec::new(),
        }
    }
}

/// A Valkey or Redis server that several servers share: what was used once, and how often somebody tried.
/// Without it each server counts attempts by itself, and proofs are remembered in the database where that is
/// shared.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(crate) struct Valkey {
    /// Its address: `redis://user@host:6379/0`, `rediss://` with TLS, or `unix:///path`.
    pub(crate) url: Option<String>,
    /// File with the password for it. A relative one is taken from the folder of this file.
    pub(crate) password_file: Option<String>,
    /// What happens while it can't be reached. `refuse`: requests that need it are answered with 503.
    /// `remember-here`: each server goes on with a memory of its own and raises an alarm; a proof that
    /// somebody has caught may then count once on each server. Required with `valkey.url`.
    pub(crate) when_down: Option<WhenDown>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub(crate) enum WhenDown {
    Refuse,
    RememberHere,
}

/// How long things live, in seconds. What the protocol forbids is refused.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(crate) struct Lifetimes {
    /// Seconds of an access token: 30 to 1800.
    pub(crate) access_token: i64,
    /// Seconds of a pushed authorization request, until it is approved: 30 to 3600.
    pub(crate) authorization_request: i64,
    /// Seconds of an authorization code: 10 to 600.
    pub(crate) code: i64,
    /// Seconds of a public client's session and of its refresh tokens: at most 14 days.
    pub(crate) public_session: i64,
    /// Seconds of a confidential client's session: at most ten years.
    pub(crate) confidential_session: i64,
    /// Seconds of a confidential client's refresh token that isn't used: at most 180 days.
    pub(crate) confidential_refresh: i64,
    /// Seconds after a refresh for which its answer can be had again, if it was lost: 0 to 300.
    pub(crate) refresh_recovery: i64,
    /// Seconds without use after which a remembered browser is forgotten: an hour to 400 days.
    pub(crate) remembered_device: i64,
    /// Seconds after which a browser that isn't to be remembered is forgotten, should it never be
    /// closed: ten minutes to a day.
    pub(crate) unremembered_device: i64,
    /// Seconds after which a permission set is resolved anew: at least those of an access token, at
    /// most a day.
    pub(crate) permission_set_stale: i64,
    /// Seconds after which no session begins with a permission set that can't be resolved anew: at
    /// most 365 days. Sessions that go on keep what it held.
    pub(crate) permission_set_expiry: i64,
}

impl Default for Lifetimes {
    fn default() -> Self {
        let atpass_provider::Lifetimes {
            access_token,
            authorization_request,
            code,
            public_session,
            confidential_session,
            confidential_refresh,
            refresh_recovery,
            remembered_device,
            unremembered_device,
            permission_set_stale,
            permission_set_expiry,
        } = atpass_provider::Lifetimes::default();
        Self {
            access_token,
            authorization_request,
            code,
            public_session,
            confidential_session,
            confidential_refresh,
            refresh_recovery,
            remembered_device,
            unremembered_device,
            permission_set_stale,
            permission_set_expiry,
        }
    }
}

/// What the server looks up, and what is allowed on the way. The same as the network options of
/// the other commands.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(crate) struct Network {
    /// URL of the directory of `did:plc`.
    #[schemars(extend("x-env" = "ATPASS_DIRECTORY"))]
    pub(crate) directory: String,
    /// URL of a server that resolves handles, asked in place of DNS and HTTPS.
    #[schemars(extend("x-env" = "ATPASS_HANDLE_RESOLVER"))]
    pub(crate) handle_resolver: Option<String>,
    /// DNS server to ask in place of the system's: an address, with a port if it isn't 53, or the
    /// https URL of a DNS-over-HTTPS server.
    #[schemars(extend("x-env" = "ATPASS_DNS"))]
    pub(crate) dns: Option<String>,
    /// Files of root certificates to trust besides the system's, PEM. A relative one is taken from
    /// the folder of this file.
    #[schemars(extend("x-env" = "ATPASS_ROOT_CERT"))]
    pub(crate) root_certs: Vec<String>,
    /// Development only: allow plain http to this machine, and an issuer there.
    #[schemars(extend("x-env" = "ATPASS_ALLOW_HTTP"))]
    pub(crate) allow_http: bool,
    /// Development only: allow this machine's own addresses, and handles under `.test`.
    #[schemars(extend("x-env" = "ATPASS_ALLOW_LOOPBACK"))]
    pub(crate) allow_loopback: bool,
    /// Development only: the port of https URLs that name none, for a network on one machine.
    #[schemars(extend("x-env" = "ATPASS_HTTPS_PORT"))]
    pub(crate) https_port: Option<u16>,
}

impl Default for Network {
    fn default() -> Self {
        Self {
            directory: crate::network::PUBLIC_DIRECTORY.into(),
            handle_resolver: None,
            dns: None,
            root_certs: Vec::new(),
            allow_http: false,
            allow_loopback: false,
            https_port: None,
        }
    }
}

/// The apps that people sign in to.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(crate) struct Clients {
    /// Client ids of apps that are shown by the name and picture that they give themselves. All
    /// others are shown by their client id.
    pub(crate) trusted: Vec<String>,
    /// Client ids, or hosts of client ids, that are refused. `localhost` stands for all apps on
    /// people's own machines.
    pub(crate) blocked: Vec<String>,
}

/// This server before official PDSes (`[[pds]]`).
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(crate) struct Entryway {
    /// The entryway's own DID. Without it, the `did:web` of the issuer's host, for which the document is
    /// served.
    pub(crate) did: Option<String>,
    /// Who may make an account on the pages: nobody, who has an invite code (`atpass account invite`), or
    /// everybody.
    pub(crate) sign_up: SignUp,
    /// Files with rotation keys of accounts' DIDs, each 64 hexadecimal digits (secp256k1), such as the
    /// `PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX` of PDSes whose accounts were imported. New accounts get
    /// the first. Without any, one is made and kept in the database. A relative one is taken from the folder
    /// of this file.
    pub(crate) plc_keys: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum SignUp {
    #[default]
    Closed,
    Invite,
    Open,
}

/// An official PDS behind this server.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(crate) struct Pds {
    /// Its public origin, such as `https://pds.example.com`. Required.
    pub(crate) origin: String,
    /// Its DID. Without it, the `did:web` of its host, as it is with official PDSes.
    pub(crate) did: Option<String>,
    /// The domains of its new accounts' handles, such as `pds.example.com` for `alice.pds.example.com`.
    /// Several PDSes may share one.
    pub(crate) handle_domains: Vec<String>,
    /// File with its `PDS_ADMIN_PASSWORD`. Required: the PDS is told of new handles, and of accounts that
    /// are put to rest or deleted. A relative one is taken from the folder of this file.
    pub(crate) admin_password_file: String,
    /// Whether new accounts go there.
    pub(crate) new_accounts: bool,
}

impl Default for Pds {
    fn default() -> Self {
        Self {
            origin: String::new(),
            did: None,
            handle_domains: Vec::new(),
            admin_password_file: String::new(),
            new_accounts: true,
        }
    }
}

/// Letters to people: codes to confirm an address, to choose a new password, to delete an account. Without
/// them an entryway's accounts can't do these things by themselves.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(crate) struct Mail {
    /// The sender, such as `Example <noreply@example.com>`. Required to send any.
    pub(crate) from: Option<String>,
    /// The mail server: `smtps://mail.example.com` (TLS from the beginning), or
    /// `smtp://mail.example.com:587` (STARTTLS, which must succeed).
    pub(crate) smtp: Option<String>,
    /// As whom to log in at the mail server.
    pub(crate) smtp_user: Option<String>,
    /// File with the password for it. A relative one is taken from the folder of this file.
    pub(crate) smtp_password_file: Option<String>,
    /// Development only: a folder to write the letters to, in place of a mail server.
    pub(crate) folder: Option<String>,
}

/// The reverse proxy in front.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(crate) struct Proxy {
    /// Networks of the reverse proxies, such as `127.0.0.1/32` or `10.0.0.0/8`. `X-Forwarded-For`
    /// is believed from these only; the address in it counts for the limits on sign-in attempts.
    pub(crate) trusted: Vec<String>,
}

/// Health and metrics.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(crate) struct Observe {
    /// Addresses and ports for `/health/live`, `/health/ready` and `/metrics`. Keep them from the
    /// public. An empty list turns them off.
    pub(crate) listen: Vec<String>,
}

impl Default for Observe {
    fn default() -> Self {
        Self {
            listen: vec!["127.0.0.1:9464".into()],
        }
    }
}

/// Logs, on standard error.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(crate) struct Log {
    /// One line of text, or one JSON object, for each event.
    pub(crate) format: LogFormat,
    /// The least important events that are written. One line for each request is `info`; the audit
    /// trail is always written. The variable `ATPASS_LOG` takes finer filters, such as
    /// `info,atpass_store=debug`, and counts before this.
    pub(crate) level: LogLevel,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum LogFormat {
    #[default]
    Text,
    Json,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum LogLevel {
    Error,
    Warn,
    #[default]
    Info,
    Debug,
    Trace,
}

impl LogLevel {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}
