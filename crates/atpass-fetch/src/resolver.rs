//! Name resolution with the address filter in it: the addresses that pass are the ones that are
//! connected to, so that no second look-up can answer differently.

use std::net::SocketAddr;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::address::is_public;

/// The system's resolver, filtered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FilteringResolver {
    pub(crate) allow_loopback: bool,
}

/// The name has an address that isn't public. Found again in the error chain.
#[derive(Debug, thiserror::Error)]
#[error("the host's address is not a public one")]
pub(crate) struct NotPublic;

/// The name couldn't be resolved. Found again in the error chain.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct NotResolved(pub(crate) String);

impl Resolve for FilteringResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_loopback = self.allow_loopback;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0))
                .await
                .map_err(|error| NotResolved(error.to_string()))?;
            let addresses: Vec<SocketAddr> = found.collect();
            if addresses.is_empty() {
                return Err(NotResolved("no address".into()).into());
            }
            // One private address among public ones is a trick, not a configuration.
            let allowed = |address: &SocketAddr| {
                is_public(address.ip()) || (allow_loopback && address.ip().is_loopback())
            };
            if !addresses.iter().all(allowed) {
                return Err(NotPublic.into());
            }
            let addresses: Addrs = Box::new(addresses.into_iter());
            Ok(addresses)
        })
    }
}
