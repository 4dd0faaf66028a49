//! Removes what nobody needs any more, every minute.

use std::time::Duration;

use atpass_provider::Provider;
use atpass_provider::store::{StoreError, Swept};
use tokio::sync::watch;

use super::metrics::Metrics;

const INTERVAL: Duration = Duration::from_mins(1);
/// Rows of each kind that are removed in one act at most, so that requests get their turn.
const BATCH: u32 = 1000;

/// Runs until the server stops.
pub(super) async fn run(provider: Provider, metrics: Metrics, mut stopped: watch::Receiver<bool>) {
    let mut ticks = tokio::time::interval(INTERVAL);
    loop {
        tokio::select! {
            _ = stopped.wait_for(|&stop| stop) => return,
            _ = ticks.tick() => {}
        }
        if let Err(error) = sweep(&provider, &metrics, &stopped).await {
            tracing::warn!(%error, "retention failed and will be tried again");
        }
    }
}

async fn sweep(
    provider: &Provider,
    metrics: &Metrics,
    stopped: &watch::Receiver<bool>,
) -> Result<(), StoreError> {
    while !*stopped.borrow() {
        let swept = provider.sweep(BATCH).await?;
        if swept == Swept::default() {
            break;
        }
        for (kind, rows) in [
            ("requests", swept.requests),
            ("codes", swept.codes),
            ("sessions", swept.sessions),
            ("devices", swept.devices),
            ("approvals", swept.approvals),
            ("assertions", swept.assertions),
        ] {
            metrics.swept(kind, rows);
        }
        tracing::debug!(?swept, "retention removed rows");
    }
    Ok(())
}
