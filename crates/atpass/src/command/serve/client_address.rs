//! Who a request comes from. Behind a proxy that is trusted, it is whom the proxy names; anybody
//! else's `X-Forwarded-For` is hearsay.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::{ConnectInfo, Request};
use http::{HeaderMap, HeaderName};
use ipnet::IpNet;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The proxies that are trusted.
#[derive(Clone)]
pub(super) struct ClientAddress(Arc<Inner>);

struct Inner {
    trusted: Vec<IpNet>,
    warned: AtomicBool,
}

impl ClientAddress {
    pub(super) fn new(trusted: Vec<IpNet>) -> Self {
        Self(Arc::new(Inner {
            trusted,
            warned: AtomicBool::new(false),
        }))
    }

    /// Replaces the address of the connection with that of the client, for everything behind.
    pub(super) fn put(&self, mut request: Request) -> Request {
        let connection = request.extensions().get::<ConnectInfo<SocketAddr>>();
        if let Some(&ConnectInfo(peer)) = connection {
            let client = self.of(peer, request.headers());
            request.extensions_mut().insert(ConnectInfo(client));
        }
        request
    }

    /// The last address of the chain that no trusted proxy has. What stands before it was written
    /// by a stranger.
    fn of(&self, peer: SocketAddr, headers: &HeaderMap) -> SocketAddr {
        let mut client = SocketAddr::new(peer.ip().to_canonical(), peer.port());
        let chain: Vec<&str> = headers
            .get_all(FORWARDED_FOR)
            .iter()
            .flat_map(|value| value.to_str().unwrap_or_default().split(','))
            .collect();
        if !chain.is_empty() && !self.trusts(client.ip()) {
            self.warn_once(client.ip());
        }
        for hop in chain.into_iter().rev() {
            let Some(named) = read(hop.trim()).filter(|_| self.trusts(client.ip())) else {
                break;
            };
            client = named;
        }
        client
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.0
            .trusted
            .iter()
            .any(|network| network.contains(&address))
    }

    fn warn_once(&self, peer: IpAddr) {
        if !self.0.warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                %peer,
                "X-Forwarded-For isn't believed from here: if this is your proxy, add it to trusted under [proxy]; until then everybody behind it shares one limit on sign-in attempts"
            );
        }
    }
}

/// An address, with a port or without.
fn read(hop: &str) -> Option<SocketAddr> {
    let bare = hop
        .strip_prefix('[')
        .and_then(|hop| hop.strip_suffix(']'))
        .unwrap_or(hop);
    let (address, port) = match bare.parse::<IpAddr>() {
        Ok(address) => (address, 0),
        Err(_) => hop
            .parse::<SocketAddr>()
            .map(|hop| (hop.ip(), hop.port()))
            .ok()?,
    };
    Some(SocketAddr::new(address.to_canonical(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, headers: &[&str]) -> String {
        let trusted = ["10.0.0.0/8", "127.0.0.1/32", "fd00::/8"];
        let clients =
            ClientAddress::new(trusted.iter().map(|text| text.parse().unwrap()).collect());
        let mut map = HeaderMap::new();
        for value in headers {
            map.append(FORWARDED_FOR, value.parse().unwrap());
        }
        clients.of(peer.parse().unwrap(), &map).ip().to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        for (peer, headers, expected) in [
            ("203.0.113.9:1", &[][..], "203.0.113.9"),
            ("203.0.113.9:1", &["198.51.100.1"], "203.0.113.9"),
            ("127.0.0.1:1", &[], "127.0.0.1"),
            ("127.0.0.1:1", &["198.51.100.1"], "198.51.100.1"),
            // A client can put whatever it likes in front.
            ("127.0.0.1:1", &["192.0.2.66, 198.51.100.1"], "198.51.100.1"),
            (
                "127.0.0.1:1",
                &["192.0.2.66", "198.51.100.1"],
                "198.51.100.1",
            ),
            (
                "10.1.2.3:1",
                &["198.51.100.1, 10.9.9.9, 10.8.8.8"],
                "198.51.100.1",
            ),
            ("10.1.2.3:1", &["10.9.9.9"], "10.9.9.9"),
            ("127.0.0.1:1", &["198.51.100.1:4711"], "198.51.100.1"),
            ("127.0.0.1:1", &["[2001:db8::1]:4711"], "2001:db8::1"),
            ("127.0.0.1:1", &["[2001:db8::1]"], "2001:db8::1"),
            ("127.0.0.1:1", &["2001:db8::1"], "2001:db8::1"),
            // A listener on [::] sees addresses of IPv4 like this.
            (
                "[::ffff:127.0.0.1]:1",
                &["::ffff:198.51.100.1"],
                "198.51.100.1",
            ),
            // Nonsense ends the chain at whoever passed it on.
            (
                "10.1.2.3:1",
                &["198.51.100.1, unknown, 10.9.9.9"],
                "10.9.9.9",
            ),
            ("10.1.2.3:1", &[""], "10.1.2.3"),
        ] {
            assert_eq!(client(peer, headers), expected, "{peer} {headers:?}");
        }
    }
}
