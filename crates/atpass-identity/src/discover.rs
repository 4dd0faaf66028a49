//! The way itself.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use atpass_fetch::{FetchError, Fetcher, Stage};
use atpass_protocol::id::{Did, DidMethod, Handle, Issuer};
use atpass_protocol::metadata::{AuthorizationServerMetadata, ProtectedResourceMetadata};
use atpass_protocol::time::Clock;
use url::Url;

use crate::cache::Cache;
use crate::document::DidDocument;
use crate::handle::{self, HandleResolution};
use crate::observer::{Observer, Step, Watch};
use crate::{IdentityError, Input, SigningKey};

/// Content types of a DID document.
const DOCUMENT_TYPES: [&str; 3] = [
    "application/json",
    "application/did+json",
    "application/did+ld+json",
];

/// Whom to ask.
#[derive(Clone, Debug)]
pub struct IdentityConfig {
    /// The directory of `did:plc`.
    pub directory: Url,
    /// How handles are resolved.
    pub handles: HandleResolution,
    /// Whether handles under `.test` are allowed: in development only.
    pub allow_test_handles: bool,
    /// Accounts that publish lexicons, by group (`app.example.feed`, in lower case), for groups
    /// about which DNS isn't asked.
    pub lexicon_authorities: BTreeMap<String, Did>,
}

/// Finds accounts and servers. Cheap to clone; clones share their caches.
#[derive(Clone)]
pub struct Resolver {
    pub(crate) shared: Arc<Shared>,
    pub(crate) watch: Watch,
}

pub(crate) struct Shared {
    pub(crate) config: IdentityConfig,
    pub(crate) fetcher: Fetcher,
    clock: Arc<dyn Clock>,
    handles: Cache<Handle, (Did, Option<Did>)>,
    documents: Cache<Did, Arc<DidDocument>>,
    issuers: Cache<Issuer, Issuer>,
    servers: Cache<Issuer, Arc<Described>>,
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Discovery {
    /// The account, where the way began at one.
    pub account: Option<DiscoveredAccount>,
    /// The authorization server.
    pub issuer: Issuer,
    /// What it says of itself, checked.
    pub server: AuthorizationServerMetadata,
    /// The DPoP nonce that came with it: a client that uses it in its first proof saves a request
    /// (RFC 9449 section 8).
    pub dpop_nonce: Option<String>,
}

/// An account that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiscoveredAccount {
    /// Who it is.
    pub did: Did,
    /// Its handle, where one was asked for; confirmed from both sides.
    pub handle: Option<Handle>,
    /// Another DID that the handle's own host names, where DNS named this one and both were asked.
    pub conflict: Option<Did>,
    /// Its PDS.
    pub pds: Issuer,
}

/// Whether what a cache has may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// Answers of the last ten minutes are good.
    Recent,
    /// Everything is asked anew.
    Anew,
}

impl Resolver {
    /// A resolver that asks these.
    pub fn new(config: IdentityConfig, fetcher: Fetcher, clock: Arc<dyn Clock>) -> Self {
        let shared = Shared {
            config,
            fetcher,
            clock,
            handles: Cache::default(),
            documents: Cache::default(),
            issuers: Cache::default(),
            servers: Cache::default(),
        };
        Self {
            shared: Arc::new(shared),
            watch: Watch::default(),
        }
    }

    /// The same resolver under observation. It asks both ways for a handle to the end, to report
    /// where they disagree.
    #[must_use]
    pub fn observed_by(&self, observer: Arc<dyn Observer>) -> Self {
        Self {
            shared: self.shared.clone(),
            watch: Watch(Some(observer)),
        }
    }

    /// Finds an account, without asking for its authorization server. `None` where `input` is a server.
    pub async fn account(
        &self,
        input: &Input,
        freshness: Freshness,
    ) -> Result<Option<DiscoveredAccount>, IdentityError> {
        match input {
            Input::Handle(handle) => self.by_handle(handle, freshness).await.map(Some),
            Input::Did(did) => self.by_did(did, freshness).await.map(Some),
            Input::Server(_) => Ok(None),
        }
    }

    /// Goes from what was typed to the authorization server.
    pub async fn discover(
        &self,
        input: &Input,
        freshness: Freshness,
    ) -> Result<Discovery, IdentityError> {
        let account = match input {
            Input::Handle(handle) => self.by_handle(handle, freshness).await?,
            Input::Did(did) => self.by_did(did, freshness).await?,
            Input::Server(server) => {
                return match self.issuer_of(server, freshness).await {
                    // A server may be a PDS, which names its authorization server, or be one itself.
                    Err(IdentityError::Resource { error, .. }) if is_not_found(&error) => {
                        let described = self.server(server, freshness).await?;
                        Ok(Discovery::new(None, server.clone(), &described))
                    }
                    issuer => {
                        let issuer = issuer?;
                        let described = self.server_for(server, &issuer, freshness).await?;
                        Ok(Discovery::new(None, issuer, &described))
                    }
                };
            }
        };
        let issuer = self.issuer_of(&account.pds, freshness).await?;
        let described = self.server_for(&account.pds, &issuer, freshness).await?;
        Ok(Discovery::new(Some(account), issuer, &described))
    }

    /// The description of an authorization server that may give tokens for this resource.
    async fn server_for(
        &self,
        resource: &Issuer,
        issuer: &Issuer,
        freshness: Freshness,
    ) -> Result<Arc<Described>, IdentityError> {
        let described = self.server(issuer, freshness).await?;
        let checked = described.metadata.check_resource(resource);
        checked.map_err(|error| IdentityError::BadServer {
            issuer: issuer.clone(),
            departures: vec![error],
        })?;
        Ok(described)
    }

    /// Makes sure that `issuer` is the authorization server of the account that it named
    /// (clause C-SUB-02). Returns the account's PDS.
    pub async fn verify_subject(
        &self,
        did: &Did,
        issuer: &Issuer,
        freshness: Freshness,
    ) -> Result<Issuer, IdentityError> {
        let account = self.by_did(did, freshness).await?;
        let expected = self.issuer_of(&account.pds, freshness).await?;
        if expected == *issuer {
            self.server_for(&account.pds, issuer, freshness).await?;
            return Ok(account.pds);
        }
        Err(IdentityError::Subject {
            did: did.clone(),
            expected,
            got: issuer.clone(),
        })
    }

    async fn by_handle(
        &self,
        handle: &Handle,
        freshness: Freshness,
    ) -> Result<DiscoveredAccount, IdentityError> {
        let (did, conflict) = self.resolve_handle(handle, freshness).await?;
        let document = self.document(&did, freshness).await?;
        // Anybody can point a handle at anybody's DID; only the owner can claim it back.
        if document.handle() != Some(handle) {
            return Err(IdentityError::HandleNotClaimed {
                handle: handle.clone(),
                did,
            });
        }
        Ok(DiscoveredAccount {
            pds: pds_of(&document)?,
            handle: Some(handle.clone()),
            conflict,
            did,
        })
    }

    async fn by_did(
        &self,
        did: &Did,
        freshness: Freshness,
    ) -> Result<DiscoveredAccount, IdentityError> {
        let document = self.document(did, freshness).await?;
        Ok(DiscoveredAccount {
            did: did.clone(),
            handle: None,
            conflict: None,
            pds: pds_of(&document)?,
        })
    }

    async fn resolve_handle(
        &self,
        handle: &Handle,
        freshness: Freshness,
    ) -> Result<(Did, Option<Did>), IdentityError> {
        let Shared {
            config, fetcher, ..
        } = &*self.shared;
        let failed = |error| IdentityError::Handle {
            handle: handle.clone(),
            error,
        };
        // What costs no request needs no cache, where it would take somebody else's place.
        handle::check_allowed(handle, config.allow_test_handles).map_err(failed)?;
        let look_up = Box::pin(async {
            let resolved = async {
                match &config.handles {
                    HandleResolution::Network => {
                        let both = self.watch.0.is_some();
                        handle::by_network(fetcher, handle, both, &self.watch).await
                    }
                    HandleResolution::Server(server) => {
                        handle::by_server(fetcher, server, handle, &self.watch).await
                    }
                }
            };
            let resolved = resolved.await.map_err(failed)?;
            Ok((resolved.did, resolved.conflict))
        });
        self.cached(&self.shared.handles, handle, freshness, look_up)
            .await
    }

    /// The document of a DID.
    pub async fn document(
        &self,
        did: &Did,
        freshness: Freshness,
    ) -> Result<Arc<DidDocument>, IdentityError> {
        let unknown_method = || IdentityError::Method(did.clone());
        let url = match did.method().ok_or_else(unknown_method)? {
            DidMethod::Plc => plc_document(&self.shared.config.directory, did),
            DidMethod::Web => web_document(did).ok_or_else(unknown_method)?,
        };
        let look_up = Box::pin(async {
            let ask = async {
                let fetcher = &self.shared.fetcher;
                let answer = fetcher
                    .get_document::<DidDocument>(&url, &DOCUMENT_TYPES)
                    .await?;
                self.watch.answered(Step::Document, &answer);
                Ok(answer.into_body())
            };
            let document = self.watch.step(Step::Document, url.to_string(), ask).await;
            let document = document.map_err(|error| IdentityError::of_document(did, error))?;
            document
                .check_id(did)
                .map_err(|error| IdentityError::BadDocument {
                    did: did.clone(),
                    error,
                })?;
            Ok(Arc::new(document))
        });
        self.cached(&self.shared.documents, did, freshness, look_up)
            .await
    }

    /// The key of an account's repository, by which the account's own requests to other services are signed.
    pub async fn signing_key(
        &self,
        did: &Did,
        freshness: Freshness,
    ) -> Result<SigningKey, IdentityError> {
        let document = self.document(did, freshness).await?;
        document
            .signing_key()
            .map_err(|error| IdentityError::BadDocument {
                did: did.clone(),
                error,
            })
    }

    async fn issuer_of(
        &self,
        resource: &Issuer,
        freshness: Freshness,
    ) -> Result<Issuer, IdentityError> {
        let look_up = Box::pin(async {
            let ask = async {
                let answer = self.well_known(resource, RESOURCE).await;
                let answer: http::Response<ProtectedResourceMetadata> =
                    answer.map_err(|error| IdentityError::Resource {
                        resource: resource.clone(),
                        error,
                    })?;
                self.watch.answered(Step::ResourceMetadata, &answer);
                answer
                    .body()
                    .issuer(resource)
                    .map_err(|error| IdentityError::BadResource {
                        resource: resource.clone(),
                        error,
                    })
            };
            let asks = resource.at(RESOURCE);
            self.watch.step(Step::ResourceMetadata, asks, ask).await
        });
        self.cached(&self.shared.issuers, resource, freshness, look_up)
            .await
    }

    async fn server(
        &self,
        issuer: &Issuer,
        freshness: Freshness,
    ) -> Result<Arc<Described>, IdentityError> {
        let look_up = Box::pin(async {
            let ask = async {
                let answer = self.well_known(issuer, SERVER).await;
                let answer: http::Response<AuthorizationServerMetadata> =
                    answer.map_err(|error| IdentityError::Server {
                        issuer: issuer.clone(),
                        error,
                    })?;
                self.watch.answered(Step::ServerMetadata, &answer);
                let departures = answer.body().departures(issuer);
                if !departures.is_empty() {
                    return Err(IdentityError::BadServer {
                        issuer: issuer.clone(),
                        departures,
                    });
                }
                Ok(Described::new(answer))
            };
            let asks = issuer.at(SERVER);
            let described = self.watch.step(Step::ServerMetadata, asks, ask).await?;
            Ok(Arc::new(described))
        });
        self.cached(&self.shared.servers, issuer, freshness, look_up)
            .await
    }

    async fn cached<K: Eq + std::hash::Hash + Clone, V: Clone>(
        &self,
        cache: &Cache<K, V>,
        key: &K,
        freshness: Freshness,
        look_up: impl Future<Output = Result<V, IdentityError>>,
    ) -> Result<V, IdentityError> {
        let now = self.shared.clock.now();
        cache
            .get(key, now, freshness == Freshness::Anew, look_up)
            .await
    }

    async fn well_known<T: serde::de::DeserializeOwned>(
        &self,
        origin: &Issuer,
        path: &str,
    ) -> Result<http::Response<T>, FetchError> {
        let text = origin.at(path);
        let url = Url::parse(&text).map_err(|_| FetchError {
            url: text,
            stage: Stage::Url("not a URL"),
        })?;
        self.shared
            .fetcher
            .get_document(&url, &["application/json"])
            .await
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Resolver")
            .field(&self.shared.config)
            .finish()
    }
}

/// The longest nonce that is kept, in bytes.
const LONGEST_NONCE: usize = 256;
/// RFC 9728 section 3.
const RESOURCE: &str = "/.well-known/oauth-protected-resource";
/// RFC 8414 section 3.
const SERVER: &str = "/.well-known/oauth-authorization-server";

/// What an authorization server says of itself, and the nonce that came with it.
struct Described {
    metadata: AuthorizationServerMetadata,
    dpop_nonce: Option<String>,
}

impl Described {
    fn new(answer: http::Response<AuthorizationServerMetadata>) -> Self {
        let nonce = answer
            .headers()
            .get("dpop-nonce")
            .and_then(|nonce| nonce.to_str().ok())
            .filter(|nonce| nonce.len() <= LONGEST_NONCE);
        Self {
            dpop_nonce: nonce.map(ToOwned::to_owned),
            metadata: {
                let mut metadata = answer.into_body();
                metadata.trim();
                metadata
            },
        }
    }
}

impl fmt::Display for Described {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let endpoint = &self.metadata.pushed_authorization_request_endpoint;
        write!(f, "as the profile demands; pushes requests to {endpoint}")
    }
}

impl Discovery {
    fn new(account: Option<DiscoveredAccount>, issuer: Issuer, described: &Described) -> Self {
        Self {
            account,
            issuer,
            server: described.metadata.clone(),
            dpop_nonce: described.dpop_nonce.clone(),
        }
    }
}

fn pds_of(document: &DidDocument) -> Result<Issuer, IdentityError> {
    document.pds().map_err(|error| IdentityError::BadDocument {
        did: document.id.clone(),
        error,
    })
}

/// Where the directory keeps a document.
fn plc_document(directory: &Url, did: &Did) -> Url {
    let mut url = directory.clone();
    url.set_path(&format!("{}/{did}", directory.path().trim_end_matches('/')));
    url.set_query(None);
    url
}

/// Where a `did:web` document lies (atproto spec, DID: at the root of the host only).
fn web_document(did: &Did) -> Option<Url> {
    let host = did.as_str().strip_prefix("did:web:")?.replace("%3A", ":");
    let local = host == "localhost" || host.starts_with("localhost:");
    let scheme = if local { "http" } else { "https" };
    Url::parse(&format!("{scheme}://{host}/.well-known/did.json")).ok()
}

const fn is_not_found(error: &FetchError) -> bool {
    matches!(error.stage, Stage::Status { status: 404, .. })
}
