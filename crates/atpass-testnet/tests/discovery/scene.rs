//! Hosts and names as a test wants them: all good by default, then bent.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use atpass_fetch::{FetchConfig, Fetcher};
use atpass_identity::{
    Discovery, Freshness, HandleResolution, IdentityConfig, IdentityError, Input, Resolver,
};
use atpass_protocol::id::Issuer;
use atpass_protocol::metadata::{AuthorizationServerMetadata, ProtectedResourceMetadata};
use atpass_protocol::time::UnixTime;
use atpass_testnet::{Internet, ManualClock};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::response::Response;
use futures::StreamExt;
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde_json::{Value, json};
use url::Url;

pub(crate) const HANDLE: &str = "alice.example.com";
pub(crate) const DIRECTORY: &str = "https://plc.example.net";
pub(crate) const PDS: &str = "https://pds.example.com";
pub(crate) const ISSUER: &str = "https://auth.example.org";
pub(crate) const DID: &str = "did:plc:ewvi7nxzyoun6zhxrhs64oiz";
pub(crate) const OTHER_DID: &str = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";
pub(crate) const WEB_DID: &str = "did:web:web.example.com";

/// The deadline of one request in these tests.
pub(crate) const DEADLINE: Duration = Duration::from_millis(400);
/// A test that takes longer than this hangs.
const HANGS: Duration = Duration::from_secs(20);

/// What a host answers at one path.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(HeaderName, String)>,
    pub(crate) body: Content,
}

#[derive(Clone, Debug)]
pub(crate) enum Content {
    Whole(Bytes),
    /// Piece after piece without end.
    Endless,
    /// A beginning, and then nothing more.
    Stuck,
    /// No answer at all.
    Silent,
}

impl Reply {
    pub(crate) fn json(value: &Value) -> Self {
        Self::text("application/json", value.to_string())
    }

    pub(crate) fn text(kind: &str, body: impl Into<Bytes>) -> Self {
        Self {
            status: 200,
            headers: vec![(header::CONTENT_TYPE, kind.to_owned())],
            body: Content::Whole(body.into()),
        }
    }

    pub(crate) fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    pub(crate) fn header(mut self, name: HeaderName, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub(crate) fn body(mut self, body: Content) -> Self {
        self.body = body;
        self
    }

    async fn answer(self) -> Response {
        let body = match self.body {
            Content::Whole(bytes) => Body::from(bytes),
            Content::Endless => {
                let piece = Bytes::from_static(&[b' '; 8192]);
                Body::from_stream(futures::stream::repeat_with(move || {
                    Ok::<_, Infallible>(piece.clone())
                }))
            }
            Content::Stuck => {
                let start = futures::stream::once(async { Ok::<_, Infallible>("{") });
                Body::from_stream(start.chain(futures::stream::pending()))
            }
            Content::Silent => std::future::pending().await,
        };
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap();
        for (name, value) in self.headers {
            let value = HeaderValue::from_str(&value).unwrap();
            response.headers_mut().append(name, value);
        }
        response
    }
}

/// What the world says.
#[derive(Clone, Debug)]
pub(crate) struct Scene {
    /// TXT records of `_atproto.` and the handle; none: no such name.
    pub(crate) texts: Vec<String>,
    /// What the handle's own host says.
    pub(crate) well_known: Option<Reply>,
    pub(crate) document: Reply,
    pub(crate) web_document: Reply,
    pub(crate) resource: Reply,
    pub(crate) server: Reply,
    /// What the server's host says when it is asked as a resource.
    pub(crate) server_as_resource: Option<Reply>,
    pub(crate) allow_test_handles: bool,
}

impl Default for Scene {
    fn default() -> Self {
        Self {
            texts: vec![format!("did={DID}")],
            well_known: None,
            document: Reply::json(&document()),
            web_document: Reply::json(&with(document(), "/id", WEB_DID)),
            resource: Reply::json(&resource()),
            server: Reply::json(&server()),
            server_as_resource: None,
            allow_test_handles: false,
        }
    }
}

/// A good DID document.
pub(crate) fn document() -> Value {
    json!({
        "@context": ["https://www.w3.org/ns/did/v1"],
        "id": DID,
        "alsoKnownAs": [format!("at://{HANDLE}")],
        "service": [service(PDS)],
    })
}

pub(crate) fn service(endpoint: &str) -> Value {
    json!({
        "id": "#atproto_pds",
        "type": "AtprotoPersonalDataServer",
        "serviceEndpoint": endpoint,
    })
}

/// Good metadata of the PDS.
pub(crate) fn resource() -> Value {
    let (pds, issuer) = (Issuer::parse(PDS).unwrap(), Issuer::parse(ISSUER).unwrap());
    serde_json::to_value(ProtectedResourceMetadata::new(&pds, &issuer)).unwrap()
}

/// Good metadata of the authorization server.
pub(crate) fn server() -> Value {
    let issuer = Issuer::parse(ISSUER).unwrap();
    serde_json::to_value(AuthorizationServerMetadata::new(&issuer)).unwrap()
}

/// The same with another value at a JSON pointer, which may be a new member.
pub(crate) fn with(mut value: Value, pointer: &str, new: impl Into<Value>) -> Value {
    let (parent, member) = pointer.rsplit_once('/').unwrap();
    let parent = value.pointer_mut(parent).unwrap();
    match parent {
        Value::Array(items) => items[member.parse::<usize>().unwrap()] = new.into(),
        other => other[member] = new.into(),
    }
    value
}

/// The same without one member.
pub(crate) fn without(mut value: Value, member: &str) -> Value {
    value.as_object_mut().unwrap().remove(member).unwrap();
    value
}

fn serve(routes: &[(&str, Option<&Reply>)]) -> Router {
    let mut router = Router::new();
    for (path, reply) in routes {
        if let Some(reply) = *reply {
            let reply = reply.clone();
            router = router.route(path, axum::routing::get(move || reply.clone().answer()));
        }
    }
    router
}

const RESOURCE_PATH: &str = "/.well-known/oauth-protected-resource";
const SERVER_PATH: &str = "/.well-known/oauth-authorization-server";

/// A running scene.
pub(crate) struct Stage {
    pub(crate) internet: Internet,
    pub(crate) clock: ManualClock,
    pub(crate) resolver: Resolver,
}

impl Scene {
    pub(crate) async fn start(&self) -> Stage {
        self.start_with(|_, _| {}).await
    }

    /// Starts with another configuration of the door.
    pub(crate) async fn start_with(
        &self,
        change: impl FnOnce(&Internet, &mut FetchConfig),
    ) -> Stage {
        let handle_host = serve(&[("/.well-known/atproto-did", self.well_known.as_ref())]);
        let directory = serve(&[(&format!("/{DID}"), Some(&self.document))]);
        let web = serve(&[("/.well-known/did.json", Some(&self.web_document))]);
        let pds = serve(&[(RESOURCE_PATH, Some(&self.resource))]);
        let server = serve(&[
            (SERVER_PATH, Some(&self.server)),
            (RESOURCE_PATH, self.server_as_resource.as_ref()),
        ]);
        let hosts = [
            ("plc.example.net", directory),
            ("web.example.com", web),
            ("pds.example.com", pds),
            ("auth.example.org", server),
            (HANDLE, handle_host),
        ];
        let internet = Internet::start(hosts).await.unwrap();
        if !self.texts.is_empty() {
            let texts: Vec<&str> = self.texts.iter().map(String::as_str).collect();
            internet
                .names
                .add_texts(&format!("_atproto.{HANDLE}"), &texts);
        }
        let clock = ManualClock::at(UnixTime::from_secs(1_800_000_000));
        let mut config = internet.fetch_config();
        config.total_timeout = DEADLINE;
        change(&internet, &mut config);
        let identity = IdentityConfig {
            directory: Url::parse(DIRECTORY).unwrap(),
            handles: HandleResolution::Network,
            allow_test_handles: self.allow_test_handles,
            lexicon_authorities: BTreeMap::new(),
        };
        let fetcher = Fetcher::new(config).unwrap();
        let resolver = Resolver::new(identity, fetcher, Arc::new(clock.clone()));
        Stage {
            internet,
            clock,
            resolver,
        }
    }
}

impl Stage {
    pub(crate) async fn discover(&self, typed: &str) -> Result<Discovery, IdentityError> {
        let input = Input::parse(typed).unwrap();
        let work = self.resolver.discover(&input, Freshness::Recent);
        let result = tokio::time::timeout(HANGS, work).await;
        result.unwrap_or_else(|_| panic!("{typed}: every way ends by its own deadlines"))
    }

    /// The requests, without the method and `https://`.
    pub(crate) fn asked(&self) -> Vec<String> {
        let asked = self.internet.asked();
        asked
            .iter()
            .map(|line| line.trim_start_matches("GET https://").to_owned())
            .collect()
    }
}
