//! Protected resource metadata (RFC 9728).

use serde::{Deserialize, Serialize};

use crate::id::Issuer;
use crate::text::shown;

/// What a resource server says of itself, at `/.well-known/oauth-protected-resource`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProtectedResourceMetadata {
    /// The resource's own origin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// The issuers that it takes tokens of; the atproto profile has exactly one.
    #[serde(default)]
    pub authorization_servers: Vec<String>,
    /// Where a token may be put.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bearer_methods_supported: Vec<String>,
    /// Scopes that it knows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes_supported: Vec<String>,
}

/// Why a document can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResourceMetadataError {
    /// RFC 9728 section 3.3.
    #[error("resource is {got}, but the document lies at {expected}")]
    Resource {
        /// The origin that was asked.
        expected: Issuer,
        /// What the document says.
        got: String,
    },
    /// The profile wants exactly one.
    #[error("authorization_servers must name exactly one server, and names {0}")]
    ServerCount(usize),
    /// Not an origin.
    #[error("authorization_servers names {0}, which is not an https origin")]
    Server(String),
}

impl ProtectedResourceMetadata {
    /// A document for this resource and its one authorization server.
    pub fn new(resource: &Issuer, issuer: &Issuer) -> Self {
        Self {
            resource: Some(resource.to_string()),
            authorization_servers: vec![issuer.to_string()],
            bearer_methods_supported: vec!["header".to_owned()],
            scopes_supported: vec![],
        }
    }

    /// The same document, which names another authorization server as well (RFC 9728 section 2).
    #[must_use]
    pub fn and(mut self, issuer: &Issuer) -> Self {
        self.authorization_servers.push(issuer.to_string());
        self
    }

    /// The authorization server that it names, after all checks (clause ID-DISC-01).
    pub fn issuer(&self, origin: &Issuer) -> Result<Issuer, ResourceMetadataError> {
        if let Some(got) = self.resource.as_ref().filter(|got| *got != origin.as_str()) {
            return Err(ResourceMetadataError::Resource {
                expected: origin.clone(),
                got: shown(got),
            });
        }
        let [server] = self.authorization_servers.as_slice() else {
            return Err(ResourceMetadataError::ServerCount(
                self.authorization_servers.len(),
            ));
        };
        Issuer::parse(server).map_err(|_| ResourceMetadataError::Server(shown(server)))
    }
}
