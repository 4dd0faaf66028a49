//! Health and metrics, on a listener of their own: `/health/live` as long as the process runs,
//! `/health/ready` while it should be sent requests, `/metrics`.

use std::path::PathBuf;
use std::time::Duration;

use atpass_store::SqliteStore;
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
    store: SqliteStore,
    stopped: watch::Receiver<bool>,
}

impl Health {
    pub(super) const fn new(store: SqliteStore, stopped: watch::Receiver<bool>) -> Self {
        Self { store, stopped }
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
pub(super) fn router(health: Health, metrics: Metrics, database: PathBuf) -> Router {
    let text = move || {
        let (main, log) = SqliteStore::file_sizes(&database);
        metrics.database(main, log);
        let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        let answer = match metrics.text() {
            Ok(text) => ([(CONTENT_TYPE, kind)], text).into_response(),
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        };
        std::future::ready(answer)
    };
    Router::new()
        .route("/health/live", get(|| async { "live\n" }))
        .route("/health/ready", get(ready))
        .with_state(health)
        .route("/metrics", get(text))
}

async fn ready(State(health): State<Health>) -> Response {
    match health.check().await {
        Ok(()) => "ready\n".into_response(),
        Err(why) => (
            StatusCode::SERVICE_UNAVAILABLE,
            format!("not ready: {why}\n"),
        )
            .into_response(),
    }
}
