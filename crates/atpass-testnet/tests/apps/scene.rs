//! A network, and an app at a host of its own.

use std::sync::{Arc, Mutex};

use atpass_client::axum::SignIn;
use atpass_client::{
    ClientConfig, ClientKeyset, ClientParts, MemoryStore, OAuthClient, Session, SessionStore,
};
use atpass_fetch::{FetchConfig, Fetcher};
use atpass_identity::HandleResolution;
use atpass_protocol::random::SystemRandom;
use atpass_protocol::seal::SealingKeys;
use atpass_testnet::Internet;
use axum::Router;
use axum::extract::Request;
use tower::ServiceExt;
use url::Url;

use crate::common::Lab;
use crate::library::{ALICE, browse, parts};

pub(crate) const APP: &str = "https://app.example.org";
pub(crate) const WHO: &str = "/xrpc/com.atproto.server.getSession";
/// Longer than servers remember a client's metadata and keys, seconds.
pub(crate) const UNTIL_SEEN: i64 = 601;

pub(crate) struct World {
    pub(crate) lab: Lab,
    fetcher: Fetcher,
    routes: Arc<Mutex<Router>>,
    _internet: Internet,
}

impl World {
    pub(crate) async fn start() -> Self {
        let routes: Arc<Mutex<Router>> = Arc::default();
        let shared = routes.clone();
        let site = Router::new().fallback(move |request: Request| {
            let routes = shared.lock().unwrap().clone();
            async move { routes.oneshot(request).await }
        });
        let internet = Internet::start([("app.example.org", site)]).await.unwrap();
        let fetch = FetchConfig {
            allow_http: true,
            ..internet.fetch_config()
        };
        let fetcher = Fetcher::new(fetch.clone()).unwrap();
        let lab = Lab::configured(|config| config.fetch = fetch).await;
        Self {
            lab,
            fetcher,
            routes,
            _internet: internet,
        }
    }

    /// What stands at the app's host from here on.
    pub(crate) fn serve(&self, routes: Router) {
        *self.routes.lock().unwrap() = routes;
    }

    /// What a client in this world works with.
    pub(crate) fn parts(&self, store: Arc<dyn SessionStore>) -> ClientParts {
        let server = Url::parse(self.lab.network.resource.as_str()).unwrap();
        let handles = HandleResolution::Server(server);
        parts(&self.lab, store, handles, &self.fetcher)
    }

    /// A confidential client with its routes at the app's host.
    pub(crate) fn confidential(&self, keys: ClientKeyset) -> OAuthClient {
        let config = ClientConfig::from_public_url(APP, "atproto", keys).unwrap();
        let parts = self.parts(Arc::new(MemoryStore::default()));
        let client = OAuthClient::new(config, parts);
        let sign_in = SignIn::new(client.clone(), sealing()).unwrap();
        self.serve(sign_in.add_to(Router::new()));
        client
    }

    pub(crate) async fn log_in(&self, client: &OAuthClient) -> Session {
        let login = client.login("alice.test").await.unwrap();
        let query = browse(&self.lab, &login.url, ALICE, "authorize").await;
        client.callback(&query).await.unwrap()
    }
}

pub(crate) fn sealing() -> SealingKeys {
    SealingKeys::parse(&SealingKeys::generate(&SystemRandom)).unwrap()
}

pub(crate) async fn works(session: &Session) {
    session.refresh().await.unwrap();
    assert_eq!(session.get(WHO).await.unwrap().status(), 200);
}
