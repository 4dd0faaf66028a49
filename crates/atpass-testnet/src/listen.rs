//! Ports of this machine, and serving on them until told to stop.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use anyhow::Context;
use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Which ports a network takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ports {
    /// This one and the two after it.
    From(u16),
    /// Whichever are free.
    Free,
}

impl Ports {
    pub(crate) fn nth(self, n: u16) -> anyhow::Result<u16> {
        match self {
            Self::Free => Ok(0),
            Self::From(first) => first
                .checked_add(n)
                .context("the last port would be over 65535"),
        }
    }
}

/// One port on both loopback addresses: a browser may take `localhost` for either.
pub(crate) struct Loopback {
    port: u16,
    v4: TcpListener,
    /// Absent on a machine without IPv6.
    v6: Option<TcpListener>,
}

impl Loopback {
    pub(crate) async fn bind(port: u16) -> anyhow::Result<Self> {
        // With port 0 the first socket finds a free one, which may be taken on the second.
        let attempts = if port == 0 { 16 } else { 1 };
        let mut failure = None;
        for _ in 0..attempts {
            let v4 = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
                .await
                .with_context(|| {
                    format!("port {port} of 127.0.0.1 can't be used; try another with --port")
                })?;
            let port = v4.local_addr()?.port();
            match TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await {
                Ok(v6) => {
                    return Ok(Self {
                        port,
                        v4,
                        v6: Some(v6),
                    });
                }
                Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
                    failure = Some(anyhow::Error::new(error).context(format!(
                        "port {port} of [::1] is taken; try another with --port"
                    )));
                }
                Err(_) => return Ok(Self { port, v4, v6: None }),
            }
        }
        Err(failure.unwrap_or_else(|| anyhow::anyhow!("no free port")))
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    /// Serves until `stop` is set, then finishes the requests under way.
    pub(crate) fn serve(
        self,
        router: &Router,
        stop: &watch::Receiver<bool>,
    ) -> Vec<JoinHandle<()>> {
        let serve = |listener: TcpListener| {
            let service = router
                .clone()
                .into_make_service_with_connect_info::<SocketAddr>();
            let mut stop = stop.clone();
            tokio::spawn(async move {
                let stopped = async move {
                    // An error means that the network was dropped.
                    let _ = stop.wait_for(|&stop| stop).await;
                };
                if let Err(error) = axum::serve(listener, service)
                    .with_graceful_shutdown(stopped)
                    .await
                {
                    tracing::error!(%error, "a listener failed");
                }
            })
        };
        [Some(self.v4), self.v6]
            .into_iter()
            .flatten()
            .map(serve)
            .collect()
    }
}
