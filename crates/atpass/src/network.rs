//! The options of every command that looks something up.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use atpass_fetch::{DnsServer, FetchConfig, Fetcher};
use atpass_identity::{HandleResolution, IdentityConfig, Resolver};
use atpass_protocol::id::Did;
use atpass_protocol::time::SystemClock;
use clap::Args;
use url::{Host, Url};

/// The directory of `did:plc` that the whole network uses.
pub(crate) const PUBLIC_DIRECTORY: &str = "https://plc.directory";

/// Where things are looked up, and what is allowed on the way.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Network")]
pub(crate) struct NetworkArgs {
    /// Directory of did:plc
    #[arg(
        long,
        env = "ATPASS_DIRECTORY",
        value_name = "URL",
        default_value = PUBLIC_DIRECTORY
    )]
    pub(crate) directory: Url,
    /// Resolve handles by asking this server, in place of DNS and HTTPS
    #[arg(long, env = "ATPASS_HANDLE_RESOLVER", value_name = "URL")]
    pub(crate) handle_resolver: Option<Url>,
    #[command(flatten)]
    pub(crate) fetch: FetchArgs,
}

/// How anything is fetched.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Network")]
pub(crate) struct FetchArgs {
    /// DNS server to ask: an address, with a port if it isn't 53, or the https URL of a DNS-over-HTTPS
    /// server
    #[arg(long, env = "ATPASS_DNS", value_name = "HOST:PORT|URL")]
    pub(crate) dns: Option<String>,
    /// Root certificate to trust besides the system's, PEM; may be repeated
    #[arg(
        long = "root-cert",
        env = "ATPASS_ROOT_CERT",
        value_name = "FILE",
        value_delimiter = ','
    )]
    pub(crate) root_certs: Vec<PathBuf>,
    /// Allow plain http to this machine (development only)
    #[arg(long, env = "ATPASS_ALLOW_HTTP")]
    pub(crate) allow_http: bool,
    /// Allow this machine's own addresses, and handles under .test (development only)
    #[arg(long, env = "ATPASS_ALLOW_LOOPBACK")]
    pub(crate) allow_loopback: bool,
    /// Port of https URLs that name none, for a network on one machine (development only)
    #[arg(long, env = "ATPASS_HTTPS_PORT", value_name = "PORT")]
    pub(crate) https_port: Option<u16>,
}

impl FetchArgs {
    /// The configuration that these options describe.
    pub(crate) async fn config(&self) -> anyhow::Result<FetchConfig> {
        let dns = match &self.dns {
            Some(text) => dns_server(text)
                .await
                .with_context(|| format!("the DNS server {text}"))?,
            None => DnsServer::System,
        };
        let read = |path: &PathBuf| read_certificate(path);
        Ok(FetchConfig {
            allow_http: self.allow_http,
            allow_loopback: self.allow_loopback,
            dns,
            https_port: self.https_port,
            root_certificates: self.root_certs.iter().map(read).collect::<Result<_, _>>()?,
            ..FetchConfig::default()
        })
    }
}

impl NetworkArgs {
    /// The fetcher that these options describe.
    pub(crate) async fn fetcher(&self) -> anyhow::Result<Fetcher> {
        Ok(Fetcher::new(self.fetch.config().await?)?)
    }

    /// The resolver that these options describe.
    pub(crate) fn resolver(&self, fetcher: Fetcher) -> Resolver {
        self.resolver_with(fetcher, BTreeMap::new())
    }

    /// The same, where these accounts publish lexicons, by group.
    pub(crate) fn resolver_with(
        &self,
        fetcher: Fetcher,
        lexicon_authorities: BTreeMap<String, Did>,
    ) -> Resolver {
        let handles = match &self.handle_resolver {
            Some(server) => HandleResolution::Server(server.clone()),
            None => HandleResolution::Network,
        };
        let config = IdentityConfig {
            directory: self.directory.clone(),
            handles,
            allow_test_handles: self.fetch.allow_loopback,
            lexicon_authorities,
        };
        Resolver::new(config, fetcher, Arc::new(SystemClock))
    }
}

/// A file of root certificates.
pub(crate) fn read_certificate(path: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("read the root certificate {}", path.display()))
}

/// Reads `192.0.2.1`, `192.0.2.1:5353`, `[2001:db8::1]:53`, `localhost:5353` or
/// `https://dns.example.com/dns-query`. A name is looked up once, by the system.
async fn dns_server(text: &str) -> anyhow::Result<DnsServer> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(DnsServer::Plain(SocketAddr::new(address, 53)));
    }
    if !text.starts_with("https://") {
        return Ok(DnsServer::Plain(first_address(text).await?));
    }
    let url = Url::parse(text).context("not a URL")?;
    let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
        bail!("the URL has no host");
    };
    let (name, address) = match host {
        Host::Ipv4(address) => (address.to_string(), SocketAddr::new(address.into(), port)),
        Host::Ipv6(address) => (address.to_string(), SocketAddr::new(address.into(), port)),
        Host::Domain(name) => (
            name.to_owned(),
            first_address(&format!("{name}:{port}")).await?,
        ),
    };
    Ok(DnsServer::Https {
        address,
        name,
        path: Some(url.path().to_owned()).filter(|path| path != "/"),
    })
}

async fn first_address(host_and_port: &str) -> anyhow::Result<SocketAddr> {
    let mut found = tokio::net::lookup_host(host_and_port)
        .await
        .context("expected an address and a port, such as 192.0.2.1:53")?;
    found.next().context("the name has no address")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn dns_servers() {
        let plain = |text: &str| DnsServer::Plain(text.parse().unwrap());
        for (text, expected) in [
            ("192.0.2.1", plain("192.0.2.1:53")),
            ("192.0.2.1:5353", plain("192.0.2.1:5353")),
            ("2001:db8::1", plain("[2001:db8::1]:53")),
            ("[2001:db8::1]:5353", plain("[2001:db8::1]:5353")),
            (
                "https://192.0.2.1/dns-query",
                DnsServer::Https {
                    address: "192.0.2.1:443".parse().unwrap(),
                    name: "192.0.2.1".into(),
                    path: Some("/dns-query".into()),
                },
            ),
        ] {
            assert_eq!(dns_server(text).await.unwrap(), expected, "{text}");
        }
        assert!(dns_server("nonsense").await.is_err());
        assert!(dns_server("https://").await.is_err());
    }
}
