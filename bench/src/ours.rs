//! atpass: the proof alone, and a whole request.

use std::sync::Arc;

use atpass_protocol::dpop::{self, Expected, NonceKeeper, QueryPolicy};
use atpass_protocol::jose::{JwkSet, PublishedKey};
use atpass_protocol::scope::Repo;
use atpass_protocol::time::{Clock, SystemClock};
use atpass_resource::{ResourceConfig, ResourceParts, ResourceServer, RevocationList};
use futures::FutureExt;

use crate::scene::{COLLECTION, Case, KID, METHOD, Scene, URL};
use crate::{Input, Verifier};

/// The proof alone, without memory of what was seen.
pub(crate) struct Proof(NonceKeeper);

impl Proof {
    pub(crate) fn new(scene: &Scene) -> Self {
        Self(scene.nonces())
    }
}

impl Verifier for Proof {
    fn name(&self) -> &'static str {
        "atpass: the proof alone"
    }

    fn verify(&mut self, case: &Case) -> bool {
        let expected = Expected {
            method: METHOD,
            url: URL,
            query: QueryPolicy::Refuse,
            access_token: Some(&case.token),
        };
        let headers = [Some(case.proof.as_str())].into_iter();
        dpop::verify(headers, &expected, &self.0, SystemClock.now()).is_ok()
    }
}

/// All that a resource server does before it lets a request through: the token with its key, times
/// and session, the proof with its nonce, binding and replay, and the permission.
pub(crate) struct Request {
    server: ResourceServer,
    input: Input,
}

impl Request {
    pub(crate) fn new(scene: &Scene, input: Input) -> Self {
        let config = ResourceConfig {
            origin: scene.origin.clone(),
            audience: scene.audience.clone(),
            issuer: scene.issuer.clone(),
            query: QueryPolicy::Refuse,
        };
        let keys = JwkSet {
            keys: vec![PublishedKey::new(KID, scene.key.public().clone())],
        };
        let parts = ResourceParts {
            keys: Arc::new(Arc::new(keys)),
            nonces: scene.nonces.clone(),
            replay: scene.replay.clone(),
            revoked: Arc::new(RevocationList::default()),
            clock: Arc::new(SystemClock),
        };
        let server = ResourceServer::new(config, parts);
        Self { server, input }
    }
}

impl Verifier for Request {
    fn name(&self) -> &'static str {
        match self.input {
            Input::NewTokens => "atpass: the request, a new token",
            Input::HeldTokens | Input::RskyNonces => "atpass: the request, a held token",
        }
    }

    fn input(&self) -> Input {
        self.input
    }

    fn verify(&mut self, case: &Case) -> bool {
        // With everything in memory there is nothing to wait for.
        let verified = self.server.verify_request(&case.request).now_or_never();
        let Some(Ok(caller)) = verified else {
            return false;
        };
        caller.require(Repo::create(COLLECTION)).is_ok()
    }
}
