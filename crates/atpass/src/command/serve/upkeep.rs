//! What the server does by itself, again and again: it reads its keys anew, as another process may
//! have rotated them, and removes what nobody needs any more.

use std::time::Duration;

use atpass_entryway::Entryway;
use atpass_protocol::time::{Clock, SystemClock};
use atpass_provider::Provider;
use atpass_provider::store::{StoreError, Swept};
use tokio::sync::watch;

use super::metrics::Metrics;

/// Between two readings of the keys.
const RELOAD: Duration = Duration::from_secs(30);
/// Between two runs of retention.
const SWEEP: Duration = Duration::from_mins(1);
/// Rows of each kind that are removed in one act at most, so that requests get their turn.
const BATCH: u32 = 1000;

/// Reads the keys anew until the server stops.
pub(super) async fn reload_keys(provider: Provider, mut stopped: watch::Receiver<bool>) {
    let mut ticks = tokio::time::interval(RELOAD);
    loop {
        tokio::select! {
            _ = stopped.wait_for(|&stop| stop) => return,
            _ = ticks.tick() => {}
        }
        if let Err(error) = provider.refresh().await {
            tracing::warn!(%error, "the keys can't be read again; the known ones stay in use");
        }
    }
}

/// Brings sign-ups to an end that something has interrupted, and removes what nobody needs of an entryway,
/// until the server stops.
pub(super) async fn keep_entryway(entryway: Entryway, mut stopped: watch::Receiver<bool>) {
    let mut ticks = tokio::time::interval(SWEEP);
    loop {
        tokio::select! {
            _ = stopped.wait_for(|&stop| stop) => return,
            _ = ticks.tick() => {}
        }
        let finished = entryway.finish_sign_ups(SystemClock.now()).await;
        match finished {
            Ok(0) => {}
            Ok(accounts) => tracing::info!(accounts, "interrupted sign-ups were finished"),
            Err(error) => tracing::warn!(%error, "interrupted sign-ups can't be finished now"),
        }
        while !*stopped.borrow() {
            match entryway.sweep(BATCH).await {
                Ok(0) => break,
                Ok(rows) => tracing::debug!(rows, "retention removed rows of the entryway"),
                Err(error) => {
                    tracing::warn!(%error, "retention failed and will be tried again");
                    break;
                }
            }
        }
    }
}

/// Removes what nobody needs until the server stops.
pub(super) async fn retain(
    provider: Provider,
    metrics: Metrics,
    mut stopped: watch::Receiver<bool>,
) {
    let mut ticks = tokio::time::interval(SWEEP);
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
        for (kind, rows) in [
            ("requests", swept.requests),
            ("codes", swept.codes),
            ("sessions", swept.sessions),
            ("devices", swept.devices),
            ("approvals", swept.approvals),
            ("scope_references", swept.scope_references),
            ("assertions", swept.assertions),
        ] {
            metrics.swept(kind, rows);
        }
        // Counted all the same: a series that is there from the beginning can be watched.
        if swept == Swept::default() {
            break;
        }
        tracing::debug!(?swept, "retention removed rows");
    }
    Ok(())
}
