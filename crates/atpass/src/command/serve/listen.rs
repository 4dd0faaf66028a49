//! Sockets: serving on them until told to stop.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How long the listener of health and metrics may take for its last answers.
pub(super) const LAST_ANSWERS: Duration = Duration::from_secs(1);

/// Sockets that are bound, and not served yet.
pub(super) struct Listeners(Vec<TcpListener>);

impl Listeners {
    /// Binds all addresses of a configured key.
    pub(super) async fn bind(key: &str, addresses: &[SocketAddr]) -> anyhow::Result<Self> {
        let mut bound = Vec::new();
        for address in addresses {
            let listener = TcpListener::bind(address).await.with_context(|| {
                format!("can't listen on {address}; another address can be set with the key {key}")
            })?;
            bound.push(listener);
        }
        Ok(Self(bound))
    }

    /// The addresses, with the ports that were found where none was named.
    pub(super) fn addresses(&self) -> String {
        let addresses = self
            .0
            .iter()
            .filter_map(|listener| listener.local_addr().ok());
        addresses
            .map(|address| address.to_string())
            .collect::<Vec<_>>()
            .join(",")
    }

    /// Serves until `stop` is set. Then takes no new connections, closes the idle ones, and finishes
    /// the requests under way.
    pub(super) fn serve(
        self,
        router: &Router,
        stop: &watch::Receiver<bool>,
    ) -> Vec<JoinHandle<()>> {
        let serve = |listener: TcpListener| {
            let service = router
                .clone()
                .into_make_service_with_connect_info::<SocketAddr>();
            let mut stop = stop.clone();
            // Answers are small and leave in one piece; waiting for more of them only delays.
            let listener = listener.tap_io(|connection| {
                if let Err(error) = connection.set_nodelay(true) {
                    tracing::debug!(%error, "a connection keeps its delay");
                }
            });
            tokio::spawn(async move {
                let stopped = async move {
                    // An error means that the sender is gone, and everything with it.
                    let _ = stop.wait_for(|&stop| stop).await;
                };
                let serving = axum::serve(listener, service).with_graceful_shutdown(stopped);
                if let Err(error) = serving.await {
                    tracing::error!(%error, "a listener failed");
                }
            })
        };
        self.0.into_iter().map(serve).collect()
    }
}

/// Waits for the tasks to end. Returns whether they did in time; those that didn't are ended.
pub(super) async fn stop_within(limit: Duration, tasks: Vec<JoinHandle<()>>) -> bool {
    let aborts: Vec<_> = tasks.iter().map(JoinHandle::abort_handle).collect();
    let all = futures::future::join_all(tasks);
    let in_time = tokio::time::timeout(limit, all).await.is_ok();
    for task in aborts {
        task.abort();
    }
    in_time
}
