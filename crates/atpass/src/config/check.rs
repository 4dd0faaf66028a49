//! From plain values to types. Goes on after a fault, so that all of them are told at once.

use std::fmt::Display;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use atpass_fetch::{FetchConfig, Fetcher};
use atpass_protocol::id::{ClientId, Issuer};
use atpass_provider::Lifetimes;
use ipnet::IpNet;
use url::{Host, Url};

use super::database::ValkeyPlan;
use super::entryway::EntrywayPlan;
use super::problem::{Problem, without_password};
use super::settings::{LogFormat, LogLevel, Settings};
use super::{Loaded, Values};
use crate::database::Location;
use crate::network::{FetchArgs, NetworkArgs, read_certificate};

/// A configuration that the server can run with.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) issuer: Issuer,
    pub(crate) listen: Vec<SocketAddr>,
    pub(crate) database: Location,
    /// What servers share besides the database.
    pub(crate) valkey: Option<ValkeyPlan>,
    pub(crate) protected_resources: Vec<Issuer>,
    pub(crate) experimental_spaces: bool,
    /// How long requests under way may take once the server was told to stop.
    pub(crate) drain: Duration,
    pub(crate) lifetimes: Lifetimes,
    pub(crate) network: NetworkArgs,
    pub(crate) trusted_clients: Vec<ClientId>,
    pub(crate) blocked_clients: Vec<String>,
    pub(crate) trusted_proxies: Vec<IpNet>,
    /// Where official PDSes are behind this server.
    pub(crate) entryway: Option<EntrywayPlan>,
    pub(crate) observe: Vec<SocketAddr>,
    pub(crate) log_format: LogFormat,
    pub(crate) log_level: LogLevel,
}

impl Loaded {
    /// Which database it is, or everything that is wrong with that. Needs no more of the configuration.
    pub(crate) fn location(&self) -> Result<Location, super::Problems> {
        let mut check = Check {
            values: &self.values,
            problems: self.problems.clone(),
        };
        let database = check.database(self);
        let found = database.filter(|_| check.problems.is_empty());
        found.ok_or_else(|| self.fail(check.problems))
    }

    /// The lifetimes alone, or everything that is wrong with them.
    pub(crate) fn check_lifetimes(&self) -> Result<Lifetimes, super::Problems> {
        let mut check = Check {
            values: &self.values,
            problems: self.problems.clone(),
        };
        let lifetimes = check.lifetimes(&self.settings);
        if check.problems.is_empty() {
            Ok(lifetimes)
        } else {
            Err(self.fail(check.problems))
        }
    }

    /// The configuration, or everything that is wrong with it.
    pub(crate) fn check(&self) -> Result<Config, super::Problems> {
        let mut check = Check {
            values: &self.values,
            problems: self.problems.clone(),
        };
        let settings = &self.settings;
        let issuer = check.issuer(settings);
        let network = check.network(self);
        let database = check.database(self);
        let valkey = check.valkey(self);
        let entryway = check.entryway(self, issuer.as_ref());
        let listen = check.list("listen", &settings.listen, address);
        if settings.listen.is_empty() {
            check.problem("listen", "there is no address to listen on");
        }
        let resources = &settings.protected_resources;
        let resources = check.list("protected_resources", resources, Issuer::parse);
        let drain = check.drain(settings);
        let lifetimes = check.lifetimes(settings);
        let clients = &settings.clients;
        let trusted_clients = check.list("clients.trusted", &clients.trusted, ClientId::parse);
        let blocked_clients = check.list("clients.blocked", &clients.blocked, blocked);
        let trusted_proxies = check.list("proxy.trusted", &settings.proxy.trusted, proxies);
        let observe = check.list("observe.listen", &settings.observe.listen, address);
        match (issuer, network, database) {
            (Some(issuer), Some(network), Some(database)) if check.problems.is_empty() => {
                Ok(Config {
                    issuer,
                    listen,
                    database,
                    valkey,
                    protected_resources: resources,
                    drain,
                    lifetimes,
                    network,
                    experimental_spaces: settings.experimental_spaces,
                    trusted_clients,
                    blocked_clients,
                    trusted_proxies,
                    entryway,
                    observe,
                    log_format: settings.log.format,
                    log_level: settings.log.level,
                })
            }
            _ => Err(self.fail(check.problems)),
        }
    }
}

pub(super) struct Check<'a> {
    values: &'a Values,
    problems: Vec<Problem>,
}

impl Check<'_> {
    pub(super) fn problem(&mut self, key: &str, message: impl Display) {
        self.problem_of(key, key, message);
    }

    /// A problem of a key that stands where `place` does: it is missing itself.
    pub(super) fn problem_of(&mut self, key: &str, place: &str, message: impl Display) {
        if !self.values.refused.contains(key) {
            let origin = self.values.origin(place);
            self.problems.push(Problem::new(origin, key, message));
        }
    }

    /// The value, or its problem.
    pub(super) fn read<T, E: Display>(
        &mut self,
        key: &str,
        text: &str,
        result: Result<T, E>,
    ) -> Option<T> {
        let shown = without_password(text);
        result
            .map_err(|error| self.problem(key, format!("\"{shown}\": {error}")))
            .ok()
    }

    fn list<T, E: Display>(
        &mut self,
        key: &str,
        items: &[String],
        read: impl Fn(&str) -> Result<T, E>,
    ) -> Vec<T> {
        items
            .iter()
            .filter_map(|item| self.read(key, item, read(item)))
            .collect()
    }

    fn issuer(&mut self, settings: &Settings) -> Option<Issuer> {
        let Some(text) = &settings.issuer else {
            if !self.values.refused.contains("issuer") {
                self.problem(
                    "issuer",
                    "is missing: the server's public origin, such as issuer = \"https://auth.example.com\"",
                );
            }
            return None;
        };
        let issuer = self.read("issuer", text, Issuer::parse(text))?;
        if !issuer.is_https() && !settings.network.allow_http {
            let message =
                "plain http is for development; it needs allow_http = true under [network]";
            self.problem("issuer", format!("\"{text}\": {message}"));
        }
        Some(issuer)
    }

    fn drain(&mut self, settings: &Settings) -> Duration {
        let seconds = settings.drain_seconds;
        if !(0..=3600).contains(&seconds) {
            self.problem(
                "drain_seconds",
                format!("is {seconds}; it must be between 0 and 3600"),
            );
        }
        Duration::from_secs(seconds.try_into().unwrap_or_default())
    }

    fn lifetimes(&mut self, settings: &Settings) -> Lifetimes {
        let chosen = &settings.lifetimes;
        let all = Lifetimes {
            access_token: chosen.access_token,
            authorization_request: chosen.authorization_request,
            code: chosen.code,
            public_session: chosen.public_session,
            confidential_session: chosen.confidential_session,
            confidential_refresh: chosen.confidential_refresh,
            refresh_recovery: chosen.refresh_recovery,
            remembered_device: chosen.remembered_device,
            unremembered_device: chosen.unremembered_device,
            permission_set_stale: chosen.permission_set_stale,
            permission_set_expiry: chosen.permission_set_expiry,
        };
        // Each for itself, so that the first fault doesn't hide the others; but these hang together.
        let base = Lifetimes {
            access_token: all.access_token.clamp(30, 1800),
            permission_set_stale: all.permission_set_stale.max(all.access_token),
            ..Lifetimes::default()
        };
        macro_rules! alone {
            ($($name:ident),*) => {
                [$((stringify!($name), Lifetimes { $name: all.$name, ..base })),*]
            };
        }
        let each = alone!(
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
            permission_set_expiry
        );
        for (name, alone) in each {
            if let Err(error) = alone.check() {
                self.problem(&format!("lifetimes.{name}"), error);
            }
        }
        all
    }

    fn network(&mut self, loaded: &Loaded) -> Option<NetworkArgs> {
        let chosen = &loaded.settings.network;
        let directory = self.read(
            "network.directory",
            &chosen.directory,
            outside(&chosen.directory),
        );
        let handle_resolver = chosen.handle_resolver.as_ref();
        let handle_resolver = handle_resolver
            .and_then(|text| self.read("network.handle_resolver", text, outside(text)));
        if let Some(text) = &chosen.dns {
            self.read("network.dns", text, dns(text));
        }
        let root_certs: Vec<PathBuf> = chosen
            .root_certs
            .iter()
            .map(|file| loaded.base().join(file))
            .collect();
        for file in &root_certs {
            self.read(
                "network.root_certs",
                &file.display().to_string(),
                certificate(file),
            );
        }
        Some(NetworkArgs {
            directory: directory?,
            handle_resolver,
            fetch: FetchArgs {
                dns: chosen.dns.clone(),
                root_certs,
                allow_http: chosen.allow_http,
                allow_loopback: chosen.allow_loopback,
                https_port: chosen.https_port,
            },
        })
    }
}

fn address(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse()
        .map_err(|_| "expected an address and a port, such as 127.0.0.1:2583 or [::]:2583")
}

/// A client id, or the host of one.
fn blocked(text: &str) -> Result<String, &'static str> {
    if text.contains("://") {
        let id = ClientId::parse(text).map_err(|_| "neither a client id nor a host")?;
        return Ok(id.to_string());
    }
    match Host::parse(text) {
        // Client ids have hosts in this spelling.
        Ok(Host::Domain(host)) if !text.contains(':') => Ok(host),
        _ => Err("expected a client id, or a host such as apps.example.com"),
    }
}

/// One address, or a network. Believing everybody would let everybody choose an address.
fn proxies(text: &str) -> Result<IpNet, &'static str> {
    let network = match text.parse::<IpAddr>() {
        Ok(address) => IpNet::from(address),
        Err(_) => text.parse().map_err(|_: ipnet::AddrParseError| {
            "expected an address or a network, such as 127.0.0.1 or 10.0.0.0/8"
        })?,
    };
    if network.prefix_len() == 0 {
        return Err(
            "this is everybody: any stranger could choose an address; name the proxies only",
        );
    }
    Ok(network)
}

fn outside(text: &str) -> Result<Url, &'static str> {
    let url = Url::parse(text).map_err(|_| "expected a URL")?;
    if !matches!(url.scheme(), "https" | "http") || url.host().is_none() {
        return Err("expected an https URL");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a URL with a password in it isn't supported");
    }
    Ok(url)
}

/// What can be said of a DNS server without asking for its address.
fn dns(text: &str) -> Result<(), &'static str> {
    let expected = "expected an address, with a port if it isn't 53, or an https URL";
    if text.starts_with("https://") {
        return outside(text).map(drop);
    }
    let bare = text.parse::<IpAddr>().is_ok();
    let port = text
        .rsplit_once(':')
        .and_then(|(_, port)| port.parse::<u16>().ok());
    (bare || port.is_some()).then_some(()).ok_or(expected)
}

/// That the file is there and holds certificates.
fn certificate(file: &std::path::Path) -> Result<(), String> {
    let read = || {
        let root_certificates = vec![read_certificate(file)?];
        let config = FetchConfig {
            root_certificates,
            ..FetchConfig::default()
        };
        Fetcher::new(config).context("this is no certificate in PEM")?;
        anyhow::Ok(())
    };
    read().map_err(|error| format!("{error:#}"))
}
