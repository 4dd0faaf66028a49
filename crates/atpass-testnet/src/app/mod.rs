//! x
use crate::accounts::DevAccount;
use atpass_protocol::{id::Issuer, random::Random, time::Clock};
use std::sync::Arc;
pub(crate) struct AppConfig {
    pub(crate) origin: Issuer,
    pub(crate) server: Issuer,
    pub(crate) directory: Issuer,
    pub(crate) accounts: Vec<DevAccount>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
}
pub(crate) fn router(_c: AppConfig) -> anyhow::Result<axum::Router> {
    Ok(axum::Router::new())
}
