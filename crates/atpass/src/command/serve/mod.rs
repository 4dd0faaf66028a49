//! `atpass serve`: the authorization server in production.
//!
//! | File | holds |
//! | --- | --- |
//! | `open` | the server's parts, from its configuration |
//! | `client_address` | who a request comes from, behind proxies |
//! | `requests` | one log line and the figures for each request |
//! | `metrics` | the figures |
//! | `observe` | health and metrics over HTTP |
//! | `listen` | sockets, and stopping in order |
//! | `nodes` | the other servers on the database |
//! | `upkeep` | what it does by itself: keys anew, retention |

mod client_address;
mod listen;
mod metrics;
mod nodes;
mod observe;
pub(crate) mod open;
mod requests;
mod upkeep;

use anyhow::Context;
use axum::Router;
use axum::middleware::from_fn_with_state;
use http::StatusCode;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tower::ServiceBuilder;

use crate::cli::Serve;
use crate::config::{Config, Loaded, LogFormat};
use crate::log;
use client_address::ClientAddress;
use listen::{Listeners, stop_within};
use metrics::Metrics;
use observe::Health;

pub(crate) async fn run(serve: &Serve, verbose: u8) -> anyhow::Result<()> {
    let loaded = Loaded::read(serve.config.config.as_deref());
    let config = loaded.check()?;
    let metrics = Metrics::default();
    log::init_server(
        config.log_format,
        config.log_level,
        verbose,
        metrics.audit_counter(),
    );
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    warn_of_exceptions(&config);

    // Before anything answers: whoever sees an answer may send the signal.
    let mut signals = Signals::listen()?;
    let open::Opened {
        provider,
        entryway,
        store,
        valkey,
    } = open::open(&config, &loaded).await?;
    let server = Listeners::bind("listen", &config.listen).await?;
    let observers = Listeners::bind("observe.listen", &config.observe).await?;

    let (stop, stopped) = watch::channel(false);
    let health = Health::new(store.clone(), valkey, stopped.clone());
    let observing = observe::router(health, metrics.clone());
    let (stop_observing, observing_stopped) = watch::channel(false);
    let observed_at = observers.addresses();
    let observers = observers.serve(&observing, &observing_stopped);

    let mut routes = atpass_provider::router(provider.clone());
    if let Some(entryway) = &entryway {
        routes = routes.merge(atpass_entryway::router(entryway.clone(), provider.clone()));
    }
    let routes = routes.fallback(|| async { (StatusCode::NOT_FOUND, "There is nothing here.\n") });
    let served_at = server.addresses();
    let mut tasks = server.serve(&observed(routes, &config, &metrics), &stopped);
    let node = nodes::this(&served_at, loaded.shared_digest());
    let meeting = nodes::meet(store, node, metrics.clone(), stopped.clone());
    tasks.push(tokio::spawn(meeting));
    let reloading = upkeep::reload_keys(provider.clone(), stopped.clone());
    tasks.push(tokio::spawn(reloading));
    if let Some(entryway) = entryway {
        let keeping = upkeep::keep_entryway(entryway, stopped.clone());
        tasks.push(tokio::spawn(keeping));
    }
    tasks.push(tokio::spawn(upkeep::retain(provider, metrics, stopped)));
    tracing::info!(
        issuer = %config.issuer,
        listen = served_at,
        observe = observed_at,
        version = env!("CARGO_PKG_VERSION"),
        "ready"
    );

    let signal = signals.first().await;
    // First of all, so that whoever reads the line finds the server not ready.
    let _ = stop.send(true);
    let seconds = config.drain.as_secs();
    tracing::info!(signal, seconds, "stopping; finishing requests under way");
    tokio::select! {
        drained = stop_within(config.drain, tasks) => {
            if !drained {
                tracing::warn!("some requests were still under way and were cut off");
            }
        }
        signal = signals.first() => tracing::warn!(signal, "told again; not waiting any longer"),
    }
    // The last to go: until here it said that the server isn't ready.
    let _ = stop_observing.send(true);
    stop_within(listen::LAST_ANSWERS, observers).await;
    tracing::info!("stopped");
    Ok(())
}

/// The routes, with each request counted and told, and with the address that it really comes from.
fn observed(routes: Router, config: &Config, metrics: &Metrics) -> Router {
    let address = ClientAddress::new(config.trusted_proxies.clone());
    // Both in one layer: each that a router has costs a request several allocations.
    let both = ServiceBuilder::new()
        .layer(from_fn_with_state(metrics.clone(), requests::observe))
        .map_request(move |request| address.put(request));
    routes.layer(both)
}

/// Tells loudly of what must not be on in production.
fn warn_of_exceptions(config: &Config) {
    let network = &config.network;
    let exceptions = [
        (
            network.fetch.allow_http,
            "allow_http",
            "plain http to this machine, and an issuer there",
        ),
        (
            network.fetch.allow_loopback,
            "allow_loopback",
            "fetching from this machine's own addresses",
        ),
        (
            network.fetch.https_port.is_some(),
            "https_port",
            "https URLs without a port to mean another one than 443",
        ),
    ];
    let on: Vec<_> = exceptions.into_iter().filter(|(on, ..)| *on).collect();
    if on.is_empty() {
        return;
    }
    if config.log_format == LogFormat::Json {
        for (_, name, meaning) in on {
            tracing::warn!("DEVELOPMENT EXCEPTION: network.{name} allows {meaning}");
        }
        return;
    }
    let red = anstyle::AnsiColor::Red.on_default().bold();
    anstream::eprintln!("{red}{:=<72}", "== DEVELOPMENT EXCEPTIONS ARE ON ");
    for (_, name, meaning) in on {
        anstream::eprintln!("  network.{name}: {meaning}");
    }
    anstream::eprintln!("  Never where people sign in for real.\n{:=<72}{red:#}", "");
}

/// The signals that stop the server.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> anyhow::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate()).context("listen for SIGTERM")?,
            interrupt: signal(SignalKind::interrupt()).context("listen for Ctrl-C")?,
        })
    }

    async fn first(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}
