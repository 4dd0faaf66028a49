//! A resource server that knows the authorization server by its URL only.

use std::sync::Arc;

use atpass_fetch::{FetchConfig, Fetcher};
use atpass_protocol::dpop::{NonceKeeper, QueryPolicy};
use atpass_protocol::id::{Did, Issuer};
use atpass_protocol::secret::HmacKey;
use atpass_replay::MemoryReplay;
use atpass_resource::{RemoteKeys, ResourceConfig, ResourceParts, ResourceServer, RevocationList};
use atpass_testnet::{ManualClock, RequestLog};

use crate::common::Lab;

pub(crate) struct Elsewhere {
    pub(crate) server: ResourceServer,
    pub(crate) keys: RemoteKeys,
    pub(crate) clock: ManualClock,
    log: RequestLog,
}

impl Elsewhere {
    /// At this origin. `log` is that of the lab.
    pub(crate) fn start(lab: &Lab, origin: Issuer, log: RequestLog) -> Self {
        let issuer = &lab.network.issuer;
        let fetcher = Fetcher::new(FetchConfig::development()).unwrap();
        let clock = Arc::new(lab.clock.clone());
        let keys = RemoteKeys::new(&fetcher, issuer.clone(), clock.clone());
        let config = ResourceConfig {
            origin,
            audience: Did::parse("did:web:localhost").unwrap(),
            issuer: issuer.clone(),
            query: QueryPolicy::Ignore,
        };
        let parts = ResourceParts {
            keys: Arc::new(keys.clone()),
            nonces: NonceKeeper::new(&HmacKey::new(&[1; 32])),
            replay: Arc::new(MemoryReplay::default()),
            revoked: Arc::new(RevocationList::default()),
            clock,
        };
        Self {
            server: ResourceServer::new(config, parts),
            keys,
            clock: lab.clock.clone(),
            log,
        }
    }

    /// How often it asked for keys.
    pub(crate) fn fetches(&self) -> usize {
        let requests = self.log.requests();
        let keys = requests
            .iter()
            .filter(|request| request.url.ends_with("/oauth/jwks"));
        keys.count()
    }
}
