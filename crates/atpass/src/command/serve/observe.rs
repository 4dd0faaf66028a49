//! Health and metrics, on a listener of their own: `/health/live` as long as the process runs,
//! `/health/ready` while it should be sent requests, `/metrics`.

use std::sync::Arc;
use std::time::Duration;

use atpass_replay::Valkey;
use atpass_store::Database;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use tokio::sync::watch;

use super::metrics::Metrics;

/// How long the database may take to answer before the server counts as not ready.
const PATIENCE: Duration = Duration::from_secs(2);

/// Whether the server should be sent requests.
#[derive(Clone)]
pub(super) struct Health {
    store: Arc<dyn Database>,
    valkey: Option<Valkey>,
    stopped: watch::Receiver<bool>,
}

impl Health {
    pub(super) const fn new(
        store: Arc<dyn Database>,
        valkey: Option<Valkey>,
        stopped: watch::Receiver<bool>,
    ) -> Self {
        Self {
            store,
            valkey,
            stopped,
        }
    }

    async fn check(&self) -> Result<(), String> {
        if *self.stopped.borrow() {
            return Err("stopping".into());
        }
        match tokio::time::timeout(PATIENCE, self.store.ping()).await {
            Ok(answer) => answer.map_err(|error| error.to_string()),
            Err(_) => Err("the database doesn't answer".into()),
        }
    }
}

/// The routes.
pub(super) fn router(health: Health, metrics: Metrics) -> Router {
    Router::new()
        .route("/health/live", get(|| async { "live\n" }))
        .route("/health/ready", get(ready))
        .route("/metrics", get(text))
        .with_state((health, metrics))
}

/// The figures; those of the database only while it answers.
async fn text(State((health, metrics)): State<(Health, Metrics)>) -> Response {
    if let Ok(Ok((main, log))) = tokio::time::timeout(PATIENCE, health.store.size()).await {
        metrics.database(main, log);
    }
    metrics.valkey(!health.valkey.as_ref().is_some_and(Valkey::is_down));
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    match metrics.text() {
        Ok(text) => ([(CONTENT_TYPE, kind)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn ready(State((health, _)): State<(Health, Metrics)>) -> Response {
    match health.check().await {
        Ok(()) => "ready\n".into_response(),
        Err(why) => (
            StatusCode::SERVICE_UNAVAILABLE,
            format!("not ready: {why}\n"),
        )
            .into_response(),
    }
}
