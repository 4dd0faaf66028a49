//! A resource server of the run's own, which knows the issuer by its URL and hears of ended sessions
//! from its feed.

use std::sync::Arc;
use std::time::Duration;

use atpass_protocol::dpop::{DpopProof, NonceKeeper, QueryPolicy};
use atpass_protocol::id::{Did, Issuer};
use atpass_protocol::random::SystemRandom;
use atpass_protocol::secret::HmacKey;
use atpass_protocol::time::{Clock, SystemClock};
use atpass_replay::MemoryReplay;
use atpass_resource::{
    RemoteKeys, ResourceConfig, ResourceError, ResourceParts, ResourceServer, RevocationFeed,
    RevocationList,
};
use http::{HeaderMap, Method};
use tokio::task::JoinHandle;

use crate::cluster::AUDIENCE;
use crate::history::{Act, Millis, Outcome, Reply, What, Who};
use crate::session::Session;
use crate::wire::Wire;

const ORIGIN: &str = "https://api.example.com";
const PATH: &str = "/xrpc/com.example.anything";

/// Seconds for which no news of ended sessions are good news: as few as an outage lets pass.
const TOLERANCE: i64 = 5;
/// The time after which the access tokens of a revoked session are refused: the tolerance, and the second
/// that both ends of it are rounded by.
pub(crate) const STATED: Millis = 6_000;

pub(crate) struct Resource {
    server: ResourceServer,
    wire: Arc<Wire>,
    follower: JoinHandle<()>,
}

impl Resource {
    pub(crate) fn start(wire: Arc<Wire>) -> Self {
        let issuer = Issuer::parse(&wire.origin).unwrap();
        let list = Arc::new(RevocationList::from_elsewhere(TOLERANCE));
        let feed = RevocationFeed::new(wire.fetcher().clone(), &issuer, list.clone());
        let keys = RemoteKeys::new(wire.fetcher(), issuer.clone(), Arc::new(SystemClock));
        let config = ResourceConfig {
            origin: Issuer::parse(ORIGIN).unwrap(),
            audience: Did::parse(AUDIENCE).unwrap(),
            issuer,
            query: QueryPolicy::Ignore,
        };
        let parts = ResourceParts {
            keys: Arc::new(keys),
            nonces: NonceKeeper::new(&HmacKey::new(&[1; 32])),
            replay: Arc::new(MemoryReplay::default()),
            revoked: list,
            clock: Arc::new(SystemClock),
        };
        let follower = tokio::spawn(async move {
            feed.follow(&SystemClock, Duration::from_secs(1)).await;
        });
        Self {
            server: ResourceServer::new(config, parts),
            wire,
            follower,
        }
    }

    /// A call with the session's newest access token.
    pub(crate) async fn call(&self, session: &Session) {
        let nonce = self.server.next_nonce();
        let proof = DpopProof {
            htm: "GET",
            htu: &format!("{ORIGIN}{PATH}"),
            nonce: nonce.as_deref(),
            access_token: Some(&session.access),
            iat: SystemClock.now(),
        };
        let proof = proof.sign(&session.device.key, &SystemRandom).unwrap();
        let mut headers = HeaderMap::new();
        let authorization = format!("DPoP {}", session.access);
        headers.insert("authorization", authorization.parse().unwrap());
        headers.insert("dpop", proof.parse().unwrap());
        let witness = &self.wire.witness;
        let sent = witness.now();
        let verified = self.server.verify(&Method::GET, PATH, None, &headers).await;
        let mut reply = Reply::default();
        match verified {
            Ok(caller) => {
                reply.status = 200;
                reply.sub = Some(caller.did().to_string());
            }
            Err(ResourceError::Unavailable(_) | ResourceError::KeyNotSeenYet) => {
                reply.status = 503;
            }
            Err(error) => {
                reply.status = 401;
                reply.error = error.to_string();
            }
        }
        witness.write(Act {
            id: witness.number(),
            sent,
            told: witness.now(),
            who: Who::Owner,
            account: Some(session.account.did.clone()),
            what: What::Call {
                session: session.name.clone(),
            },
            proof: None,
            assertion: None,
            outcome: Outcome::Told(reply),
        });
    }
}

impl Drop for Resource {
    fn drop(&mut self) {
        self.follower.abort();
    }
}
