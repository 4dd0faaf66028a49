//! The way itself.

use atpass_fetch::{FetchError, Fetcher, Stage};
use atpass_protocol::id::{Did, DidMethod, Handle, Issuer};
use atpass_protocol::metadata::{AuthorizationServerMetadata, ProtectedResourceMetadata};
use serde::Deserialize;
use url::Url;

use crate::document::DidDocument;
use crate::{IdentityError, Input};

/// Whom to ask.
#[derive(Clone, Debug)]
pub struct IdentityConfig {
    /// The directory of `did:plc`.
    pub directory: Url,
    /// A server that answers `com.atproto.identity.resolveHandle`.
    pub handle_resolver: Url,
}

/// Finds accounts and servers. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Resolver {
    config: IdentityConfig,
    fetcher: Fetcher,
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
}

/// An account that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiscoveredAccount {
    /// Who it is.
    pub did: Did,
    /// Its handle, where one was asked for; confirmed from both sides.
    pub handle: Option<Handle>,
    /// Its PDS.
    pub pds: Issuer,
}

#[derive(Deserialize)]
struct ResolvedHandle {
    did: Did,
}

impl Resolver {
    /// A resolver that asks these.
    pub const fn new(config: IdentityConfig, fetcher: Fetcher) -> Self {
        Self { config, fetcher }
    }

    /// Goes from what was typed to the authorization server.
    pub async fn discover(&self, input: &Input) -> Result<Discovery, IdentityError> {
        let account = match input {
            Input::Handle(handle) => self.by_handle(handle).await?,
            Input::Did(did) => self.by_did(did).await?,
            Input::Server(server) => {
                let issuer = self.issuer_at(server).await?;
                let server = self.server(&issuer).await?;
                return Ok(Discovery {
                    account: None,
                    issuer,
                    server,
                });
            }
        };
        let issuer = self.issuer_of(&account.pds).await?;
        let server = self.server(&issuer).await?;
        server
            .check_resource(&account.pds)
            .map_err(|error| IdentityError::BadServer {
                issuer: issuer.clone(),
                departures: vec![error],
            })?;
        Ok(Discovery {
            account: Some(account),
            issuer,
            server,
        })
    }

    /// Makes sure that `issuer` is the authorization server of the account that it named
    /// (clause C-SUB-02). Returns the account's PDS.
    pub async fn verify_subject(
        &self,
        did: &Did,
        issuer: &Issuer,
    ) -> Result<Issuer, IdentityError> {
        let account = self.by_did(did).await?;
        let expected = self.issuer_of(&account.pds).await?;
        if expected == *issuer {
            return Ok(account.pds);
        }
        Err(IdentityError::Subject {
            did: did.clone(),
            expected,
            got: issuer.clone(),
        })
    }

    async fn by_handle(&self, handle: &Handle) -> Result<DiscoveredAccount, IdentityError> {
        let mut url = at(
            &self.config.handle_resolver,
            "/xrpc/com.atproto.identity.resolveHandle",
        );
        url.query_pairs_mut().append_pair("handle", handle.as_str());
        let resolved: ResolvedHandle =
            self.fetcher
                .get_json(&url)
                .await
                .map_err(|error| IdentityError::Handle {
                    handle: handle.clone(),
                    error,
                })?;
        let (document, pds) = self.document(&resolved.did).await?;
        // Anybody can point a handle at anybody's DID; only the owner can claim it back.
        if document.handle().as_ref() != Some(handle) {
            return Err(IdentityError::HandleNotClaimed {
                handle: handle.clone(),
                did: resolved.did,
            });
        }
        Ok(DiscoveredAccount {
            did: resolved.did,
            handle: Some(handle.clone()),
            pds,
        })
    }

    async fn by_did(&self, did: &Did) -> Result<DiscoveredAccount, IdentityError> {
        let (_, pds) = self.document(did).await?;
        Ok(DiscoveredAccount {
            did: did.clone(),
            handle: None,
            pds,
        })
    }

    async fn document(&self, did: &Did) -> Result<(DidDocument, Issuer), IdentityError> {
        let method = did
            .method()
            .ok_or_else(|| IdentityError::Method(did.clone()))?;
        let url = match method {
            DidMethod::Plc => at(&self.config.directory, &format!("/{did}")),
            DidMethod::Web => {
                web_document(did).ok_or_else(|| IdentityError::Method(did.clone()))?
            }
        };
        let document: DidDocument =
            self.fetcher
                .get_json(&url)
                .await
                .map_err(|error| IdentityError::Document {
                    did: did.clone(),
                    error,
                })?;
        let bad = |error| IdentityError::BadDocument {
            did: did.clone(),
            error,
        };
        document.check_id(did).map_err(bad)?;
        let pds = document.pds().map_err(bad)?;
        Ok((document, pds))
    }

    async fn issuer_of(&self, resource: &Issuer) -> Result<Issuer, IdentityError> {
        let metadata: ProtectedResourceMetadata = self
            .well_known(resource, "oauth-protected-resource")
            .await
            .map_err(|error| IdentityError::Resource {
                resource: resource.clone(),
                error,
            })?;
        metadata
            .issuer(resource)
            .map_err(|error| IdentityError::BadResource {
                resource: resource.clone(),
                error,
            })
    }

    /// A server may be a PDS, which names its authorization server, or be one itself.
    async fn issuer_at(&self, server: &Issuer) -> Result<Issuer, IdentityError> {
        match self.issuer_of(server).await {
            Err(IdentityError::Resource { error, .. }) if is_not_found(&error) => {
                Ok(server.clone())
            }
            other => other,
        }
    }

    async fn server(&self, issuer: &Issuer) -> Result<AuthorizationServerMetadata, IdentityError> {
        let metadata: AuthorizationServerMetadata = self
            .well_known(issuer, "oauth-authorization-server")
            .await
            .map_err(|error| IdentityError::Server {
                issuer: issuer.clone(),
                error,
            })?;
        let departures = metadata.departures(issuer);
        if departures.is_empty() {
            Ok(metadata)
        } else {
            Err(IdentityError::BadServer {
                issuer: issuer.clone(),
                departures,
            })
        }
    }

    async fn well_known<T: serde::de::DeserializeOwned>(
        &self,
        origin: &Issuer,
        name: &str,
    ) -> Result<T, FetchError> {
        let text = origin.at(&format!("/.well-known/{name}"));
        let url = Url::parse(&text).map_err(|_| FetchError {
            url: text,
            stage: Stage::Url("not a URL"),
        })?;
        self.fetcher.get_json(&url).await
    }
}

/// The same origin, another path.
fn at(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(path);
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
