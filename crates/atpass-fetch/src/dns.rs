//! Names: addresses and texts, from the system's DNS servers or one of the operator's choice.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use atpass_protocol::text::shown;
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig, ResolverOpts};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::{Name, RData};
use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// Who answers questions about names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum DnsServer {
    /// As the operating system is configured.
    #[default]
    System,
    /// This server, over UDP, and TCP for long answers.
    Plain(SocketAddr),
    /// This server, over HTTPS (RFC 8484).
    Https {
        /// Its address.
        address: SocketAddr,
        /// The name in its certificate.
        name: String,
        /// The path of its endpoint; `/dns-query` where none is given.
        path: Option<String>,
    },
}

/// Seconds for which one answer may take.
const TIMEOUT: Duration = Duration::from_secs(4);
/// The longest time for which an answer is kept, whatever it says: an account that moves is found
/// within it.
const LONGEST_TTL: Duration = Duration::from_mins(1);
/// The same for "no such name".
const LONGEST_NEGATIVE_TTL: Duration = Duration::from_secs(10);

/// The most TXT records that one name may have.
const MOST_TEXTS: usize = 50;
/// The most answers that are kept: each may be 64 KiB long, and strangers choose the names.
const CACHE: u64 = 32;

/// Why a name has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DnsError {
    /// There is no such name, or it has no records of this kind.
    #[error("there is no such record")]
    NotFound,
    /// No server answered, or it failed.
    #[error("{0}")]
    Failed(String),
}

/// A DNS client. Cheap to clone; clones share their cache.
#[derive(Clone)]
pub(crate) struct Dns {
    /// Where the system's configuration can't be read, that is told when a name is asked for:
    /// a network on this machine needs none.
    resolver: Result<TokioResolver, Arc<str>>,
}

impl Dns {
    pub(crate) fn new(server: &DnsServer, roots: &[Vec<u8>]) -> Self {
        let resolver = build(server, roots).map_err(|error| Arc::from(error.to_string()));
        Self { resolver }
    }

    pub(crate) async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, DnsError> {
        let found = self
            .resolver()?
            .lookup_ip(absolute(host)?)
            .await
            .map_err(|error| classify(&error))?;
        Ok(found.iter().collect())
    }

    /// The TXT records of a name, each with its pieces joined. What isn't UTF-8 becomes U+FFFD.
    pub(crate) async fn texts(&self, name: &str) -> Result<Vec<String>, DnsError> {
        let found = self
            .resolver()?
            .txt_lookup(absolute(name)?)
            .await
            .map_err(|error| classify(&error))?;
        let mut texts = Vec::new();
        for record in found.answers() {
            let RData::TXT(text) = &record.data else {
                continue;
            };
            if texts.len() == MOST_TEXTS {
                return Err(DnsError::Failed(format!(
                    "more than {MOST_TEXTS} TXT records"
                )));
            }
            texts.push(String::from_utf8_lossy(&text.txt_data.concat()).into_owned());
        }
        Ok(texts)
    }

    fn resolver(&self) -> Result<&TokioResolver, DnsError> {
        self.resolver
            .as_ref()
            .map_err(|why| DnsError::Failed(why.to_string()))
    }
}

impl fmt::Debug for Dns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Dns")
    }
}

fn build(server: &DnsServer, roots: &[Vec<u8>]) -> Result<TokioResolver, NetError> {
    let mut builder = match server {
        DnsServer::System => TokioResolver::builder_tokio()?,
        DnsServer::Plain(address) => {
            let mut connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()];
            for connection in &mut connections {
                connection.port = address.port();
            }
            only(*address, connections.into())
        }
        DnsServer::Https {
            address,
            name,
            path,
        } => {
            let path = path.as_deref().map(Arc::from);
            let mut connection = ConnectionConfig::https(name.as_str().into(), path);
            connection.port = address.port();
            let builder = only(*address, vec![connection]);
            if roots.is_empty() {
                builder
            } else {
                builder.with_tls_config(trusting(roots).map_err(|why| why.to_string())?)
            }
        }
    };
    let options: &mut ResolverOpts = builder.options_mut();
    options.cache_size = CACHE;
    options.timeout = TIMEOUT;
    options.attempts = 1;
    options.positive_max_ttl = Some(LONGEST_TTL);
    options.negative_max_ttl = Some(LONGEST_NEGATIVE_TTL);
    builder.build()
}

fn only(
    address: SocketAddr,
    connections: Vec<ConnectionConfig>,
) -> hickory_resolver::ResolverBuilder<TokioRuntimeProvider> {
    let server = NameServerConfig::new(address.ip(), true, connections);
    let config = ResolverConfig::from_name_servers(vec![server]);
    TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
}

/// TLS that trusts these roots besides the system's.
fn trusting(roots: &[Vec<u8>]) -> Result<ClientConfig, Box<dyn std::error::Error>> {
    let mut certificates = Vec::new();
    for pem in roots {
        for certificate in CertificateDer::pem_slice_iter(pem) {
            certificates.push(certificate?);
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier =
        rustls_platform_verifier::Verifier::new_with_extra_roots(certificates, provider.clone())?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    Ok(config.with_no_client_auth())
}

/// The name itself, never one in a search domain.
fn absolute(name: &str) -> Result<Name, DnsError> {
    // A name that can't be asked for has no records.
    let mut name = Name::from_ascii(name).map_err(|_| DnsError::NotFound)?;
    name.set_fqdn(true);
    Ok(name)
}

fn classify(error: &NetError) -> DnsError {
    if error.is_no_records_found() || error.is_nx_domain() {
        DnsError::NotFound
    } else {
        DnsError::Failed(shown(&error.to_string()))
    }
}
