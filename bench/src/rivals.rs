//! Other libraries that verify a proof, called as their users call them.
//!
//! Those with a memory of proofs get a new one before each batch: the measured memory is nearly
//! empty, which is the best case for all of them.

use anyhow::Result;
use atpass_protocol::time::{Clock, SystemClock, UnixTime};
use atproto_oauth::dpop::{DpopValidationConfig, validate_dpop_jwt};
use futures::FutureExt;
use rsky_oauth::{DpopManager, DpopNonce, DpopRequest, InMemoryReplayStore};
use skyauth::dpop::{DPoPVerifier, compute_access_token_hash};

use crate::scene::{Case, METHOD, URL};
use crate::{Input, Verifier};

/// All of them. Their rows begin with the name of the crate.
pub(crate) fn all() -> Result<[Box<dyn Verifier>; 3]> {
    Ok([
        Box::new(Skyauth::default()),
        Box::new(Rsky::new()?),
        Box::new(AtprotoOauth),
    ])
}

/// `skyauth`: nonce, `ath` and replay, but no token.
#[derive(Default)]
pub(crate) struct Skyauth(DPoPVerifier);

impl Verifier for Skyauth {
    fn name(&self) -> &'static str {
        "skyauth: the proof"
    }

    fn prepare(&mut self) -> Result<()> {
        self.0 = DPoPVerifier::new();
        Ok(())
    }

    fn verify(&mut self, case: &Case) -> bool {
        let ath = compute_access_token_hash(&case.token);
        let proof = self.0.verify_proof(
            &case.proof,
            METHOD,
            URL,
            Some(&case.nonce),
            Some(&ath),
            None,
        );
        proof.is_ok()
    }
}

/// `rsky-oauth`: nonce, `ath` and replay, but no token.
pub(crate) struct Rsky(DpopManager);

fn rsky_nonces() -> Result<DpopNonce> {
    Ok(DpopNonce::new(
        [1; 32],
        rsky_oauth::dpop::DEFAULT_ROTATION_INTERVAL,
    )?)
}

fn rsky_time(time: UnixTime) -> u64 {
    u64::try_from(time.as_secs()).unwrap_or_default()
}

/// The nonce that it wants in a proof.
pub(crate) fn rsky_nonce(now: UnixTime) -> Result<String> {
    Ok(rsky_nonces()?.next(rsky_time(now)))
}

impl Rsky {
    pub(crate) fn new() -> Result<Self> {
        let memory = Box::<InMemoryReplayStore>::default();
        Ok(Self(DpopManager::new(Some(rsky_nonces()?), memory)))
    }
}

impl Verifier for Rsky {
    fn name(&self) -> &'static str {
        "rsky-oauth: the proof"
    }

    fn input(&self) -> Input {
        Input::RskyNonces
    }

    fn prepare(&mut self) -> Result<()> {
        *self = Self::new()?;
        Ok(())
    }

    fn verify(&mut self, case: &Case) -> bool {
        let request = DpopRequest {
            method: METHOD,
            uri: URL,
            dpop_headers: &[&case.proof],
            access_token: Some(&case.token),
        };
        let now = rsky_time(SystemClock.now());
        let proof = self.0.check_proof(&request, None, now).now_or_never();
        matches!(proof, Some(Ok(Some(_))))
    }
}

/// `atproto-oauth`: nonce and `ath`, but no token and no replay.
pub(crate) struct AtprotoOauth;

impl Verifier for AtprotoOauth {
    fn name(&self) -> &'static str {
        "atproto-oauth: the proof"
    }

    fn verify(&mut self, case: &Case) -> bool {
        let config = DpopValidationConfig {
            expected_nonce_values: vec![case.nonce.clone()],
            ..DpopValidationConfig::for_resource_request(METHOD, URL, &case.token)
        };
        validate_dpop_jwt(&case.proof, &config).is_ok()
    }
}
