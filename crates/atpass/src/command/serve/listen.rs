//! Sockets: serving on them until told to stop.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::extract::ConnectInfo;
use http::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tower::ServiceExt;

/// How long the listener of health and metrics may take for its last answers.
pub(super) const LAST_ANSWERS: Duration = Duration::from_secs(1);

/// How long a connection may take for the head of its next request, so that nobody holds connections
/// for nothing. Longer than reverse proxies keep theirs for reuse.
const HEAD_DEADLINE: Duration = Duration::from_secs(150);

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
        let serve = |listener| tokio::spawn(serve(listener, router.clone(), stop.clone()));
        self.0.into_iter().map(serve).collect()
    }
}

async fn serve(listener: TcpListener, router: Router, mut stop: watch::Receiver<bool>) {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_DEADLINE);
    builder.http2().timer(TokioTimer::new());
    let connections = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            // An error means that the sender is gone, and everything with it.
            _ = stop.wait_for(|&stop| stop) => break,
            accepted = listener.accept() => accepted,
        };
        let (connection, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                recover(&error).await;
                continue;
            }
        };
        // Answers are small and leave in one piece; waiting for more of them only delays.
        if let Err(error) = connection.set_nodelay(true) {
            tracing::debug!(%error, "a connection keeps its delay");
        }
        let router = router.clone();
        let service = tower::service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(ConnectInfo(peer));
            router.clone().oneshot(request)
        });
        let service = TowerToHyperService::new(service);
        let served = builder.serve_connection(TokioIo::new(connection), service);
        let served = connections.watch(served.into_owned());
        tokio::spawn(async move {
            if let Err(error) = served.await {
                tracing::debug!(error, "a connection ended badly");
            }
        });
    }
    drop(listener);
    connections.shutdown().await;
}

/// A client that went away is nothing. Anything else, such as too many open files, needs a moment.
async fn recover(error: &std::io::Error) {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    ) {
        return;
    }
    tracing::error!(%error, "no connection can be taken; waiting a second");
    let mut second = tokio::time::interval(Duration::from_secs(1));
    second.tick().await;
    second.tick().await;
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
