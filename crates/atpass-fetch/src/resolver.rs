//! Addresses for connections, with the filter in it: the addresses that pass are the ones that are
//! connected to, so that no second look-up can answer differently.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::address::is_public;
use crate::dns::{Dns, DnsError};

/// DNS, filtered.
#[derive(Clone, Debug)]
pub(crate) struct FilteringResolver {
    pub(crate) dns: Dns,
    pub(crate) allow_loopback: bool,
    /// The port of https URLs that name none, where it isn't 443.
    pub(crate) https_port: Option<u16>,
}

/// The name has an address that isn't public. Found again in the error chain.
#[derive(Debug, thiserror::Error)]
#[error("the host's address is not a public one")]
pub(crate) struct NotPublic;

/// The name couldn't be resolved. Found again in the error chain.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct NotResolved(pub(crate) DnsError);

impl FilteringResolver {
    async fn addresses(
        &self,
        host: &str,
    ) -> Result<Vec<IpAddr>, Box<dyn std::error::Error + Send + Sync>> {
        // RFC 6761 section 6.3: these names never leave the machine.
        let found = if is_local_name(host) {
            vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]
        } else {
            self.dns.addresses(host).await.map_err(NotResolved)?
        };
        // One private address among public ones is a trick, not a configuration.
        let allowed = |address: &IpAddr| {
            is_public(*address) || (self.allow_loopback && address.is_loopback())
        };
        if found.iter().all(allowed) {
            Ok(found)
        } else {
            Err(NotPublic.into())
        }
    }
}

impl Resolve for FilteringResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let resolver = self.clone();
        Box::pin(async move {
            let found = resolver.addresses(name.as_str()).await?;
            // Port 0 stands for the scheme's own; a port in the URL counts before either.
            let port = resolver.https_port.unwrap_or_default();
            let found = found
                .into_iter()
                .map(move |address| SocketAddr::new(address, port));
            let found: Addrs = Box::new(found);
            Ok(found)
        })
    }
}

/// Whether a name means this machine.
pub(crate) fn is_local_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    name == "localhost" || name.ends_with(".localhost")
}
