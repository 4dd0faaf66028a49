//! The bare check of the signature: what no verification can do without.

use anyhow::{Context, Result};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ParsedPublicKey, UnparsedPublicKey};

use crate::Verifier;
use crate::scene::{Case, Scene};

/// With keys that were prepared before.
pub(crate) struct Prepared(Vec<ParsedPublicKey>);

impl Prepared {
    pub(crate) fn new(scene: &Scene) -> Result<Self> {
        let prepare = |point: Vec<u8>| {
            ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).context("a session's key")
        };
        let keys: Result<_> = scene.points()?.into_iter().map(prepare).collect();
        keys.map(Self)
    }
}

impl Verifier for Prepared {
    fn name(&self) -> &'static str {
        "bare signature, key prepared"
    }

    fn verify(&mut self, case: &Case) -> bool {
        let key = self.0.get(case.session);
        key.is_some_and(|key| {
            key.verify_sig(case.signed.as_bytes(), &case.signature)
                .is_ok()
        })
    }
}

/// With a key that is read each time, as the key in a proof must be.
pub(crate) struct Parsing;

impl Verifier for Parsing {
    fn name(&self) -> &'static str {
        "bare signature, key read each time"
    }

    fn verify(&mut self, case: &Case) -> bool {
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &case.point)
            .verify(case.signed.as_bytes(), &case.signature)
            .is_ok()
    }
}
