//! The servers on one database know of each other, and say so when they are configured differently.

use std::sync::Arc;
use std::time::Duration;

use atpass_protocol::random::{self, SystemRandom};
use atpass_protocol::time::{Clock, SystemClock};
use atpass_store::{Database, NodeRecord};
use tokio::sync::watch;

use super::metrics::Metrics;

/// Between two meetings.
const MEETING: Duration = Duration::from_secs(30);

/// This server, as others see it: on this machine, at these addresses.
pub(super) fn this(addresses: &str, configuration: [u8; 32]) -> NodeRecord {
    let now = SystemClock.now();
    let machine = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    NodeRecord {
        id: random::bytes(&SystemRandom),
        name: format!("{} {addresses}", machine.trim()),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        configuration,
        started_at: now,
        seen_at: now,
    }
}

/// Meets the others until the server stops.
pub(super) async fn meet(
    store: Arc<dyn Database>,
    mut node: NodeRecord,
    metrics: Metrics,
    mut stopped: watch::Receiver<bool>,
) {
    let mut ticks = tokio::time::interval(MEETING);
    let mut told = Vec::new();
    loop {
        tokio::select! {
            _ = stopped.wait_for(|&stop| stop) => break,
            _ = ticks.tick() => {}
        }
        node.seen_at = SystemClock.now();
        match store.meet(&node).await {
            Ok(nodes) => {
                let others = nodes.iter().filter(|other| other.id != node.id);
                let different: Vec<_> = others
                    .filter(|other| other.configuration != node.configuration)
                    .collect();
                metrics.nodes(nodes.len(), different.len());
                tell(&different, &mut told);
            }
            Err(error) => tracing::debug!(%error, "the other servers can't be asked for"),
        }
    }
    if let Err(error) = store.leave(&node.id).await {
        tracing::debug!(%error, "the other servers weren't told of the stop");
    }
}

/// Of each server once.
fn tell(different: &[&NodeRecord], told: &mut Vec<[u8; 16]>) {
    for node in different {
        if !told.contains(&node.id) {
            tracing::warn!(
                node = node.name,
                version = node.version,
                "another server on this database is configured differently, so what people get depends on whom \
                 they reach: compare what `atpass config show` prints on both"
            );
        }
    }
    *told = different.iter().map(|node| node.id).collect();
}
