//! A group of lexicons and the account that publishes it: all good by default, then bent.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use atpass_fetch::{DnsServer, Fetcher};
use atpass_identity::{HandleResolution, IdentityConfig, LexiconError, LexiconSchema, Resolver};
use atpass_protocol::id::{Did, Nsid};
use atpass_protocol::time::UnixTime;
use atpass_testnet::repository::{Repository, RepositoryKey, signed};
use atpass_testnet::{Internet, ManualClock};
use axum::Router;
use axum::extract::RawQuery;
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde_json::{Value, json};
use url::Url;

pub(crate) const DID: &str = "did:plc:ewvi7nxzyoun6zhxrhs64oiz";
pub(crate) const OTHER_DID: &str = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";
pub(crate) const NSID: &str = "com.example.feed.authFull";
pub(crate) const PATH: &str = "com.atproto.lexicon.schema/com.example.feed.authFull";
pub(crate) const NAME: &str = "_lexicon.feed.example.com";
const CAR: &str = "application/vnd.ipld.car";
/// The deadline of one request in these tests.
const DEADLINE: Duration = Duration::from_millis(400);

/// What a host answers.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(HeaderName, String)>,
    /// `None`: it never answers.
    pub(crate) body: Option<Vec<u8>>,
}

impl Reply {
    pub(crate) fn new(kind: &str, body: Vec<u8>) -> Self {
        Self {
            status: 200,
            headers: vec![(header::CONTENT_TYPE, kind.to_owned())],
            body: Some(body),
        }
    }

    pub(crate) fn json(value: &Value) -> Self {
        Self::new("application/json", value.to_string().into())
    }

    pub(crate) fn car(archive: Vec<u8>) -> Self {
        Self::new(CAR, archive)
    }

    pub(crate) fn status(status: u16) -> Self {
        let error = json!({ "error": "RecordNotFound", "message": "no" });
        Self {
            status,
            ..Self::json(&error)
        }
    }

    pub(crate) fn header(mut self, name: HeaderName, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub(crate) fn silent() -> Self {
        Self {
            body: None,
            ..Self::status(200)
        }
    }

    async fn answer(self) -> Response {
        let Some(body) = self.body else {
            return std::future::pending().await;
        };
        let mut response = body.into_response();
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap();
        response.headers_mut().remove(header::CONTENT_TYPE);
        for (name, value) in self.headers {
            let value = HeaderValue::from_str(&value).unwrap();
            response.headers_mut().append(name, value);
        }
        response
    }
}

/// A publisher of lexicons, with its key.
pub(crate) struct Publisher {
    pub(crate) repository: Repository,
    pub(crate) key: RepositoryKey,
}

impl Publisher {
    /// An account with the lexicon, and with enough other records for a tree of several layers.
    pub(crate) fn new(key: RepositoryKey) -> Self {
        let mut repository = Repository::new(Did::parse(DID).unwrap());
        for n in 0..200 {
            let post = json!({ "$type": "com.example.feed.post", "n": n });
            let path = format!("com.example.feed.post/3l7h2ig3fq{n:03}");
            repository.put(&path, &post).unwrap();
        }
        repository.put(PATH, &lexicon(NSID)).unwrap();
        Self { repository, key }
    }

    pub(crate) fn p256() -> Self {
        Self::new(RepositoryKey::p256().unwrap())
    }

    pub(crate) fn with_record(mut self, record: &Value) -> Self {
        self.repository.put(PATH, record).unwrap();
        self
    }

    pub(crate) fn proof(&self) -> Vec<u8> {
        self.repository.proof(PATH, &self.key).unwrap()
    }

    /// All blocks of the proof: the commit, the nodes, and the record as the last one.
    pub(crate) fn blocks(&self) -> Vec<Vec<u8>> {
        let tree = self.repository.tree().unwrap();
        let commit = self.repository.commit(&tree.root);
        let mut blocks = vec![signed(&commit, &self.key).unwrap()];
        blocks.extend(tree.nodes);
        blocks.push(self.repository.records[PATH].clone());
        blocks
    }

    pub(crate) fn document(&self) -> Value {
        document(&self.key.multibase().unwrap())
    }
}

/// A permission set.
pub(crate) fn lexicon(id: &str) -> Value {
    json!({
        "$type": "com.atproto.lexicon.schema",
        "lexicon": 1,
        "id": id,
        "defs": { "main": {
            "type": "permission-set",
            "title": "The whole feed",
            "permissions": [
                { "type": "permission", "resource": "repo", "collection": ["com.example.feed.post"] },
            ],
        } },
    })
}

/// A DID document with this key.
pub(crate) fn document(key: &str) -> Value {
    json!({
        "id": DID,
        "verificationMethod": [{
            "id": format!("{DID}#atproto"),
            "type": "Multikey",
            "controller": DID,
            "publicKeyMultibase": key,
        }],
        "service": [{
            "id": "#atproto_pds",
            "type": "AtprotoPersonalDataServer",
            "serviceEndpoint": "https://pds.example.com",
        }],
    })
}

/// What the world says. It may change while it runs.
#[derive(Clone, Debug)]
pub(crate) struct Scene {
    /// TXT records; none: no such name.
    pub(crate) texts: Vec<String>,
    pub(crate) document: Reply,
    /// What the PDS says to whatever record is asked for.
    pub(crate) record: Reply,
    /// The same for another PDS.
    pub(crate) other_record: Reply,
    /// Groups about which DNS isn't asked.
    pub(crate) authorities: BTreeMap<String, Did>,
    pub(crate) deadline: Duration,
    /// The DNS server, where it isn't the scene's own.
    pub(crate) dns: Option<SocketAddr>,
}

impl Scene {
    pub(crate) fn of(publisher: &Publisher) -> Self {
        Self {
            texts: vec![format!("did={DID}")],
            document: Reply::json(&publisher.document()),
            record: Reply::car(publisher.proof()),
            other_record: Reply::status(404),
            authorities: BTreeMap::new(),
            deadline: DEADLINE,
            dns: None,
        }
    }

    pub(crate) async fn start(self) -> Stage {
        self.start_with_host("web.example.com").await
    }

    /// Starts with another host, whose DID document is the same.
    pub(crate) async fn start_with_host(self, web: &str) -> Stage {
        let now = Arc::new(Mutex::new(self.clone()));
        let queries = Arc::new(Mutex::new(Vec::new()));
        let serve = |part: fn(&Scene) -> &Reply| {
            let (now, queries) = (now.clone(), queries.clone());
            Router::new().fallback(move |RawQuery(query): RawQuery| {
                queries.lock().unwrap().extend(query);
                let reply = part(&now.lock().unwrap()).clone();
                reply.answer()
            })
        };
        let internet = Internet::start([
            ("plc.example.net", serve(|scene| &scene.document)),
            (web, serve(|scene| &scene.document)),
            ("pds.example.com", serve(|scene| &scene.record)),
            ("new-pds.example.com", serve(|scene| &scene.other_record)),
        ])
        .await
        .unwrap();
        if !self.texts.is_empty() {
            let texts: Vec<&str> = self.texts.iter().map(String::as_str).collect();
            internet.names.add_texts(NAME, &texts);
        }
        let clock = ManualClock::at(UnixTime::from_secs(1_800_000_000));
        let mut config = internet.fetch_config();
        config.total_timeout = self.deadline;
        if let Some(address) = self.dns {
            config.dns = DnsServer::Plain(address);
        }
        let identity = IdentityConfig {
            directory: Url::parse("https://plc.example.net").unwrap(),
            handles: HandleResolution::Network,
            allow_test_handles: false,
            lexicon_authorities: self.authorities,
        };
        let fetcher = Fetcher::new(config).unwrap();
        let resolver = Resolver::new(identity, fetcher, Arc::new(clock.clone()));
        Stage {
            internet,
            clock,
            resolver,
            now,
            queries,
        }
    }
}

/// A running scene.
pub(crate) struct Stage {
    pub(crate) internet: Internet,
    pub(crate) clock: ManualClock,
    pub(crate) resolver: Resolver,
    pub(crate) now: Arc<Mutex<Scene>>,
    queries: Arc<Mutex<Vec<String>>>,
}

impl Stage {
    pub(crate) async fn resolve(&self) -> Result<LexiconSchema, LexiconError> {
        self.resolver.lexicon(&nsid()).await
    }

    /// Bends the world while it runs.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Scene)) {
        change(&mut self.now.lock().unwrap());
    }

    /// The requests, without the method and `https://`.
    pub(crate) fn asked(&self) -> Vec<String> {
        let asked = self.internet.asked();
        asked
            .iter()
            .map(|line| line.trim_start_matches("GET https://").to_owned())
            .collect()
    }

    /// How often a PDS was asked for a record.
    pub(crate) fn fetched(&self) -> usize {
        let asked = self.asked();
        asked.iter().filter(|line| line.contains("/xrpc/")).count()
    }

    /// The queries of the requests.
    pub(crate) fn queries(&self) -> Vec<String> {
        self.queries.lock().unwrap().clone()
    }
}

pub(crate) fn nsid() -> Nsid {
    Nsid::parse(NSID).unwrap()
}
