//! What kind of client this is.

use std::fmt;

use atpass_protocol::id::{ClientId, ClientIdError, ClientIdKind, RedirectUri, RedirectUriError};
use atpass_protocol::jose::JwkSet;
use atpass_protocol::metadata::{ApplicationType, ClientMetadata, ClientMetadataError};
use atpass_protocol::scope::{ScopeError, ScopeSet};
use url::{Host, Url};

use crate::keys::{ClientKeyset, KeysetError};
use crate::metadata::{Document, Names};

/// Where an app of a public URL has its parts, under that URL ([`ClientConfig::from_public_url`]).
pub mod paths {
    /// The metadata document: the app's `client_id`.
    pub const CLIENT_METADATA: &str = "/oauth/client-metadata.json";
    /// The public keys.
    pub const JWKS: &str = "/oauth/jwks.json";
    /// Where the browser comes back to.
    pub const CALLBACK: &str = "/oauth/callback";
    /// Where a backend signs assertions (atproto proposal 0010).
    pub const CLIENT_ASSERTION: &str = "/oauth/client-assertion";
}

/// What a client may be (atproto spec, OAuth, "Types of Clients").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientKind {
    /// On the user's own machine, for development and command lines: it publishes nothing.
    Loopback,
    /// An installed app.
    Native,
    /// A web app without a key of its own.
    WebPublic,
    /// An app that proves who it is with its own key, or lets a backend do it.
    Confidential,
}

/// A client's identity: its id, where its answers go, what it asks for, and how it proves who it is.
///
/// Every constructor and setter checks the whole of it by the rules that servers go by (clause
/// C-META-01), so that a configuration that exists is one that they accept.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    client_id: ClientId,
    application_type: ApplicationType,
    redirect_uris: Vec<RedirectUri>,
    scope: ScopeSet,
    proof: Proof,
    jwks_uri: Option<Url>,
    names: Names,
}

/// How the client proves who it is.
#[derive(Clone, Debug)]
pub(crate) enum Proof {
    /// Not at all.
    None,
    /// With keys of its own.
    Keys(ClientKeyset),
    /// By a backend that signs for it (atproto proposal 0010).
    Backend(Url),
}

/// Why a client can't be of this kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The id.
    #[error(transparent)]
    ClientId(#[from] ClientIdError),
    /// A redirect URI.
    #[error(transparent)]
    RedirectUri(#[from] RedirectUriError),
    /// What it asks for.
    #[error("scope: {0}")]
    Scope(#[from] ScopeError),
    /// A URL that isn't one, or isn't one of this app.
    #[error("{0}")]
    Url(&'static str),
    /// Servers would refuse its metadata.
    #[error("servers would refuse the app's metadata: {}", list(.0))]
    Metadata(Vec<ClientMetadataError>),
    /// The keys.
    #[error(transparent)]
    Keys(#[from] KeysetError),
    /// Something that this kind of client doesn't have.
    #[error("a loopback client publishes nothing, so it has no names, keys or backend")]
    NothingPublished,
}

fn list(errors: &[ClientMetadataError]) -> String {
    let texts: Vec<_> = errors.iter().map(ToString::to_string).collect();
    texts.join("; ")
}

impl ClientConfig {
    /// A public client on the user's own machine. Its id says all there is to say of it.
    ///
    /// `redirect_uri` is `http` on `127.0.0.1` or `[::1]`. Its port isn't part of the identity: a
    /// program that listens on a free port names it at each login
    /// ([`LoginOptions::redirect_uri`](crate::LoginOptions::redirect_uri)).
    pub fn loopback(redirect_uri: &str, scope: &str) -> Result<Self, ConfigError> {
        let redirect_uri = RedirectUri::parse(redirect_uri)?;
        let scope = ScopeSet::parse(scope)?;
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("redirect_uri", redirect_uri.as_str())
            .append_pair("scope", &scope.to_string())
            .finish();
        Ok(Self {
            client_id: ClientId::parse(&format!("http://localhost?{query}"))?,
            application_type: ApplicationType::Native,
            redirect_uris: vec![redirect_uri],
            scope,
            proof: Proof::None,
            jwks_uri: None,
            names: Names::default(),
        })
    }

    /// An installed app. `redirect_uri` has the reversed host of `client_id` as its scheme
    /// (`com.example.app:/callback`), is `https` at that host (a link that the system gives to the app),
    /// or `http` on `127.0.0.1`.
    pub fn native(client_id: &str, redirect_uri: &str, scope: &str) -> Result<Self, ConfigError> {
        Self::published(client_id, ApplicationType::Native, redirect_uri, scope)?.checked()
    }

    /// A web app without a key of its own: it runs in the browser, or on a server that can't keep
    /// a secret. Its sessions are short (two weeks).
    pub fn web_public(
        client_id: &str,
        redirect_uri: &str,
        scope: &str,
    ) -> Result<Self, ConfigError> {
        Self::published(client_id, ApplicationType::Web, redirect_uri, scope)?.checked()
    }

    /// A web app that proves who it is with its own key. The public halves stand in its metadata
    /// document, or at [`jwks_uri`](Self::jwks_uri).
    pub fn confidential(
        client_id: &str,
        redirect_uri: &str,
        scope: &str,
        keys: ClientKeyset,
    ) -> Result<Self, ConfigError> {
        let config = Self::published(client_id, ApplicationType::Web, redirect_uri, scope)?;
        Self {
            proof: Proof::Keys(keys),
            ..config
        }
        .checked()
    }

    /// The client of a web app that people reach at this origin: confidential at an `https` one, with
    /// its parts at [`paths`]; loopback on the developer's own machine (`http` at `localhost`,
    /// `127.0.0.1` or `[::1]`), where no server could fetch its metadata and the keys aren't used.
    /// Says in the log which one it chose, and [`kind`](Self::kind) says it too.
    ///
    /// The URL is configured, never taken from a request: sessions belong to one `client_id`.
    pub fn from_public_url(
        url: &str,
        scope: &str,
        keys: ClientKeyset,
    ) -> Result<Self, ConfigError> {
        let origin = Url::parse(url).map_err(|_| ConfigError::Url("the app's URL is not a URL"))?;
        if !origin.username().is_empty() || origin.password().is_some() {
            return Err(ConfigError::Url(
                "the app's URL has no user and no password",
            ));
        }
        if origin.path() != "/" || origin.query().is_some() || origin.fragment().is_some() {
            return Err(ConfigError::Url(
                "the app's URL is an origin, without path, query and fragment",
            ));
        }
        let local = match origin.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        let at = |path: &str| {
            let origin = origin.origin().ascii_serialization();
            format!("{origin}{path}")
        };
        let config = if local && origin.scheme() == "http" {
            // RFC 8252 section 8.3: the name may mean another machine, the address can't.
            let callback = at(paths::CALLBACK).replacen("//localhost", "//127.0.0.1", 1);
            Self::loopback(&callback, scope)?
        } else {
            let jwks = Url::parse(&at(paths::JWKS))
                .map_err(|_| ConfigError::Url("the app's URL is not a URL"))?;
            Self::confidential(
                &at(paths::CLIENT_METADATA),
                &at(paths::CALLBACK),
                scope,
                keys,
            )?
            .jwks_uri(jwks)?
        };
        tracing::info!(client_id = %config.client_id, "{} is a {} client", origin, config.kind());
        Ok(config)
    }

    fn published(
        client_id: &str,
        application_type: ApplicationType,
        redirect_uri: &str,
        scope: &str,
    ) -> Result<Self, ConfigError> {
        let client_id = ClientId::parse(client_id)?;
        if matches!(client_id.kind(), ClientIdKind::Loopback(_)) {
            return Err(ConfigError::Url(
                "the client_id is the https URL of the app's metadata",
            ));
        }
        Ok(Self {
            client_id,
            application_type,
            redirect_uris: vec![RedirectUri::parse(redirect_uri)?],
            scope: ScopeSet::parse(scope)?,
            proof: Proof::None,
            jwks_uri: None,
            names: Names::default(),
        })
    }

    /// One more place where answers may go. The first one is used unless a login names another.
    pub fn also_redirects_to(mut self, redirect_uri: &str) -> Result<Self, ConfigError> {
        self.redirect_uris.push(RedirectUri::parse(redirect_uri)?);
        self.checked()
    }

    /// The app's name, which servers show to people if they trust the app.
    pub fn client_name(mut self, name: impl Into<String>) -> Result<Self, ConfigError> {
        self.names.client_name = Some(name.into());
        self.checked()
    }

    /// The app's page, at the host of its id.
    pub fn client_uri(mut self, url: Url) -> Result<Self, ConfigError> {
        self.names.client_uri = Some(url);
        self.checked()
    }

    /// The app's picture.
    pub fn logo_uri(mut self, url: Url) -> Result<Self, ConfigError> {
        self.names.logo_uri = Some(url);
        self.checked()
    }

    /// The app's terms.
    pub fn tos_uri(mut self, url: Url) -> Result<Self, ConfigError> {
        self.names.tos_uri = Some(url);
        self.checked()
    }

    /// The app's privacy policy.
    pub fn policy_uri(mut self, url: Url) -> Result<Self, ConfigError> {
        self.names.policy_uri = Some(url);
        self.checked()
    }

    /// Where the public keys are, if not in the metadata document itself.
    pub fn jwks_uri(mut self, url: Url) -> Result<Self, ConfigError> {
        self.jwks_uri = Some(url);
        self.checked()
    }

    /// A backend that signs for this app (atproto proposal 0010), which thereby becomes a confidential
    /// one though it runs in places where no key is safe. `jwks_uri` is where the backend's public
    /// keys are.
    pub fn assertion_backend(mut self, url: Url, jwks_uri: Url) -> Result<Self, ConfigError> {
        self.proof = Proof::Backend(url);
        self.jwks_uri = Some(jwks_uri);
        self.checked()
    }

    /// The same with other keys.
    pub(crate) fn with_keys(mut self, keys: ClientKeyset) -> Result<Self, ConfigError> {
        self.proof = Proof::Keys(keys);
        self.checked()
    }

    /// By the rules of the servers.
    fn checked(self) -> Result<Self, ConfigError> {
        if self.kind() == ClientKind::Loopback {
            let publishes = self.names != Names::default() || self.jwks_uri.is_some();
            return match self.proof {
                Proof::None if !publishes => Ok(self),
                _ => Err(ConfigError::NothingPublished),
            };
        }
        let document = self.metadata_document().unwrap_or_default();
        if let ClientIdKind::Document(url) = self.client_id.kind() {
            ClientMetadata::from_document(&self.client_id, &url, document.as_bytes())
                .map_err(ConfigError::Metadata)?;
        }
        Ok(self)
    }

    /// What kind it is.
    pub fn kind(&self) -> ClientKind {
        match (&self.proof, self.application_type) {
            _ if matches!(self.client_id.kind(), ClientIdKind::Loopback(_)) => ClientKind::Loopback,
            (Proof::Keys(_) | Proof::Backend(_), _) => ClientKind::Confidential,
            (Proof::None, ApplicationType::Native) => ClientKind::Native,
            (Proof::None, ApplicationType::Web) => ClientKind::WebPublic,
        }
    }

    /// The client's id.
    pub const fn client_id(&self) -> &ClientId {
        &self.client_id
    }

    /// Where answers may go; the first one is the usual one.
    pub fn redirect_uris(&self) -> &[RedirectUri] {
        &self.redirect_uris
    }

    /// What it asks for.
    pub const fn scope(&self) -> &ScopeSet {
        &self.scope
    }

    /// The JSON to serve at the client's id, with status 200 and `application/json` (clause
    /// C-META-01). A loopback client has none.
    pub fn metadata_document(&self) -> Option<String> {
        if self.kind() == ClientKind::Loopback {
            return None;
        }
        let document = Document {
            client_id: &self.client_id,
            application_type: self.application_type,
            redirect_uris: &self.redirect_uris,
            scope: &self.scope,
            proof: &self.proof,
            jwks_uri: self.jwks_uri.as_ref(),
            names: &self.names,
        };
        Some(document.to_json())
    }

    /// The public keys to serve at [`jwks_uri`](Self::jwks_uri), where the client has keys of its own.
    pub fn jwks(&self) -> Option<JwkSet> {
        match &self.proof {
            Proof::Keys(keys) => Some(keys.published()),
            Proof::None | Proof::Backend(_) => None,
        }
    }

    /// Where the public keys are published, if not in the metadata document.
    pub const fn published_jwks_uri(&self) -> Option<&Url> {
        self.jwks_uri.as_ref()
    }

    pub(crate) const fn proof(&self) -> &Proof {
        &self.proof
    }
}

impl fmt::Display for ClientKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Loopback => "loopback",
            Self::Native => "native",
            Self::WebPublic => "public web",
            Self::Confidential => "confidential",
        })
    }
}
