//! What can go wrong at an endpoint: the peer's fault, told in the standards' words, or ours.

use atpass_protocol::dpop::DpopError;
use atpass_protocol::error::OAuthError;
use atpass_protocol::jose::KeyError;
use atpass_replay::{ProofError, ReplayUnavailable};

use crate::store::StoreError;

/// Why an endpoint didn't do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EndpointError {
    /// The request was wrong. The peer is told.
    #[error(transparent)]
    OAuth(#[from] OAuthError),
    /// A part of ours failed. The peer is told to try again, the operator what it was. Nothing
    /// changed.
    #[error("unavailable: {0}")]
    Unavailable(String),
}

impl From<DpopError> for EndpointError {
    fn from(error: DpopError) -> Self {
        Self::OAuth(error.into())
    }
}

impl From<StoreError> for EndpointError {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<ProofError> for EndpointError {
    fn from(error: ProofError) -> Self {
        match error {
            ProofError::Refused(error) => error.into(),
            ProofError::Unavailable(error) => error.into(),
        }
    }
}

impl From<ReplayUnavailable> for EndpointError {
    fn from(error: ReplayUnavailable) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<KeyError> for EndpointError {
    fn from(error: KeyError) -> Self {
        Self::Unavailable(format!("signing key: {error}"))
    }
}
