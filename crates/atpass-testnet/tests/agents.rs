//! Agents of `atrium-api` and `jacquard` over a session of the client library.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod common;
#[path = "common/library.rs"]
mod library;

#[path = "agents/atrium.rs"]
mod atrium;
#[path = "agents/jacquard.rs"]
mod jacquard;

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use atpass_client::{LoginOptions, MemoryStore, OAuthClient, Session, Transport};
use atpass_fetch::{FetchError, Fetcher};
use atpass_identity::HandleResolution;
use atpass_protocol::scope::ScopeSet;
use atpass_protocol::time::Clock;
use atpass_provider::store::Store;
use bytes::Bytes;
use common::Lab;
use http::{HeaderMap, Request, Response, Uri};
use library::{ALICE, browse, client_of, parts};
use url::Url;

/// A collection that the session may write to, and one that it may not.
const NOTES: &str = "app.example.note";
const LIKES: &str = "app.example.like";

/// Longer than an access token lives.
const LATER: i64 = 3600;

/// A lab, and alice's session in it. What it sends to servers of resources is written down.
struct Setting {
    lab: Lab,
    client: OAuthClient,
    session: Session,
    sent: Sent,
}

impl Setting {
    async fn new() -> Self {
        let lab = Lab::start().await;
        let server = Url::parse(lab.network.resource.as_str()).unwrap();
        let store = Arc::new(MemoryStore::default());
        let mut parts = parts(
            &lab,
            store.clone(),
            HandleResolution::Server(server),
            &lab.fetcher,
        );
        let sent = Sent {
            fetcher: lab.fetcher.clone(),
            requests: Arc::default(),
        };
        parts.transport = Arc::new(sent.clone());
        let client = client_of(parts);
        let scope = ScopeSet::parse(&format!("atproto repo:{NOTES}")).unwrap();
        let options = LoginOptions::default().scope(scope);
        let login = client.login_with("alice.test", options).await.unwrap();
        let query = browse(&lab, &login.url, ALICE, "authorize").await;
        let session = client.callback(&query).await.unwrap();
        Self {
            lab,
            client,
            session,
            sent,
        }
    }

    /// How often the session was refreshed, as the server knows it; nothing, where it is over.
    async fn refreshes(&self) -> Option<u32> {
        let (store, now) = (self.lab.network.store(), self.lab.clock.now());
        let sessions = store.sessions_of(self.session.did(), now).await.unwrap();
        sessions.first().map(|session| session.generation)
    }

    /// Ends the session behind the app's back.
    async fn end(&self) {
        let elsewhere = self.client.restore(self.session.key()).await.unwrap();
        elsewhere.unwrap().logout().await.unwrap();
        self.lab.clock.advance(LATER);
    }
}

/// Sends requests, and writes down where they went and with which headers.
#[derive(Clone)]
struct Sent {
    fetcher: Fetcher,
    requests: Arc<Mutex<Vec<(Uri, HeaderMap)>>>,
}

impl Sent {
    /// A header of the last request.
    fn last(&self, name: &str) -> Option<String> {
        let requests = self.requests.lock().unwrap();
        let value = requests.last().unwrap().1.get(name)?;
        Some(value.to_str().unwrap().to_owned())
    }
}

#[async_trait]
impl Transport for Sent {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, FetchError> {
        let seen = (request.uri().clone(), request.headers().clone());
        self.requests.lock().unwrap().push(seen);
        self.fetcher.fetch(request).await
    }
}
