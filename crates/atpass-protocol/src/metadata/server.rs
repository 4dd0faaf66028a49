//! Authorization server metadata (RFC 8414), with what the atproto profile demands of it.

use serde::{Deserialize, Serialize};

use crate::id::Issuer;
use crate::jose::ES256;
use crate::request::DISPLAY_VALUES;
use crate::scope::Scope;
use crate::text::shown;

/// What an authorization server says of itself, at `/.well-known/oauth-authorization-server`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationServerMetadata {
    /// Its origin.
    pub issuer: String,
    /// Where the browser is sent.
    pub authorization_endpoint: String,
    /// Where codes and refresh tokens are exchanged.
    pub token_endpoint: String,
    /// Where requests are pushed (RFC 9126).
    pub pushed_authorization_request_endpoint: String,
    /// Where tokens are revoked (RFC 7009).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revocation_endpoint: Option<String>,
    /// Its public keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// Holds `atproto`.
    #[serde(default)]
    pub scopes_supported: Vec<String>,
    /// Holds `code`.
    #[serde(default)]
    pub response_types_supported: Vec<String>,
    /// How the answer may come back to the client.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub response_modes_supported: Vec<String>,
    /// Holds `authorization_code` and `refresh_token`.
    #[serde(default)]
    pub grant_types_supported: Vec<String>,
    /// Holds `S256`.
    #[serde(default)]
    pub code_challenge_methods_supported: Vec<String>,
    /// Holds `none` and `private_key_jwt`.
    #[serde(default)]
    pub token_endpoint_auth_methods_supported: Vec<String>,
    /// Holds `ES256`, never `none`.
    #[serde(default)]
    pub token_endpoint_auth_signing_alg_values_supported: Vec<String>,
    /// Holds `ES256`.
    #[serde(default)]
    pub dpop_signing_alg_values_supported: Vec<String>,
    /// Values of `prompt` that do what they say (`OpenID Connect`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prompt_values_supported: Vec<String>,
    /// Languages of the pages.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ui_locales_supported: Vec<String>,
    /// Values of `display` that are taken (`OpenID Connect`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub display_values_supported: Vec<String>,
    /// Always true (RFC 9207).
    #[serde(default)]
    pub authorization_response_iss_parameter_supported: bool,
    /// Always true (RFC 9126).
    #[serde(default)]
    pub require_pushed_authorization_requests: bool,
    /// Absent or true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub require_request_uri_registration: Option<bool>,
    /// Whether `request` objects (RFC 9101) are taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_parameter_supported: Option<bool>,
    /// Always true.
    #[serde(default)]
    pub client_id_metadata_document_supported: bool,
    /// The resources that this server gives tokens for (RFC 9728 section 4).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protected_resources: Option<Vec<String>>,
}

/// A member that is a list.
#[derive(Clone, Copy)]
struct List {
    member: &'static str,
    of: fn(&AuthorizationServerMetadata) -> &[String],
}

macro_rules! list {
    ($member:ident) => {
        List {
            member: stringify!($member),
            of: |metadata| &metadata.$member,
        }
    };
}

/// What the lists must hold.
const REQUIRED: [(List, &[&str]); 7] = [
    (list!(response_types_supported), &["code"]),
    (
        list!(grant_types_supported),
        &["authorization_code", "refresh_token"],
    ),
    (list!(code_challenge_methods_supported), &["S256"]),
    (
        list!(token_endpoint_auth_methods_supported),
        &["none", "private_key_jwt"],
    ),
    (
        list!(token_endpoint_auth_signing_alg_values_supported),
        &[ES256],
    ),
    (list!(dpop_signing_alg_values_supported), &[ES256]),
    (list!(scopes_supported), &["atproto"]),
];
/// Algorithms with which whoever verifies could sign as well, and the one that signs nothing.
const NOT_ASYMMETRIC: [&str; 4] = ["none", "HS256", "HS384", "HS512"];
/// What the lists must not hold.
const FORBIDDEN: [(List, &[&str]); 3] = [
    (list!(code_challenge_methods_supported), &["plain"]),
    (
        list!(token_endpoint_auth_signing_alg_values_supported),
        &NOT_ASYMMETRIC,
    ),
    (list!(dpop_signing_alg_values_supported), &NOT_ASYMMETRIC),
];
/// What [`AuthorizationServerMetadata::trim`] leaves of a list.
const MOST_ITEMS: usize = 64;
const LONGEST_ITEM: usize = 300;

/// Whether a text is a URL in the one spelling that everybody reads alike, without credentials and
/// fragment.
fn is_plain_url(text: &str) -> bool {
    text.len() <= 2048
        && url::Url::parse(text).is_ok_and(|url| {
            url.as_str() == text
                && url.fragment().is_none()
                && url.username().is_empty()
                && url.password().is_none()
        })
}

/// A departure from the profile.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServerMetadataError {
    /// RFC 8414 section 3.3.
    #[error("issuer is {got}, but the document lies at {expected}")]
    Issuer {
        /// The origin that was asked.
        expected: Issuer,
        /// What the document says.
        got: String,
    },
    /// An endpoint is at another origin, or not a URL.
    #[error("{member} is not a URL of the issuer")]
    Endpoint {
        /// The member's name.
        member: &'static str,
    },
    /// A list lacks a value that the profile demands.
    #[error("{member} lacks {value}")]
    Lacks {
        /// The member's name.
        member: &'static str,
        /// What must be in it.
        value: &'static str,
    },
    /// A list holds a value that the profile forbids.
    #[error("{member} must not hold {value}")]
    Forbidden {
        /// The member's name.
        member: &'static str,
        /// What must not be in it.
        value: &'static str,
    },
    /// A flag must be true.
    #[error("{member} must be true")]
    Flag {
        /// The member's name.
        member: &'static str,
    },
    /// The list of resources, where there is one, must hold the one asked about.
    #[error("protected_resources does not list {0}")]
    Resource(Issuer),
}

impl AuthorizationServerMetadata {
    /// What a server of this workspace publishes.
    pub fn new(issuer: &Issuer) -> Self {
        let list = |values: &[&str]| values.iter().map(|&value| value.to_owned()).collect();
        Self {
            issuer: issuer.to_string(),
            authorization_endpoint: issuer.at("/oauth/authorize"),
            token_endpoint: issuer.at("/oauth/token"),
            pushed_authorization_request_endpoint: issuer.at("/oauth/par"),
            revocation_endpoint: Some(issuer.at("/oauth/revoke")),
            jwks_uri: Some(issuer.at("/oauth/jwks")),
            scopes_supported: Scope::PLAIN.iter().map(ToString::to_string).collect(),
            response_types_supported: list(&["code"]),
            response_modes_supported: list(&["query", "fragment", "form_post"]),
            grant_types_supported: list(&["authorization_code", "refresh_token"]),
            code_challenge_methods_supported: list(&["S256"]),
            token_endpoint_auth_methods_supported: list(&["none", "private_key_jwt"]),
            token_endpoint_auth_signing_alg_values_supported: list(&[ES256]),
            dpop_signing_alg_values_supported: list(&[ES256]),
            prompt_values_supported: list(&["none", "login", "consent", "select_account"]),
            // Whoever makes the pages knows their languages.
            ui_locales_supported: Vec::new(),
            display_values_supported: list(&DISPLAY_VALUES),
            authorization_response_iss_parameter_supported: true,
            require_pushed_authorization_requests: true,
            require_request_uri_registration: Some(true),
            request_parameter_supported: Some(false),
            client_id_metadata_document_supported: true,
            protected_resources: None,
        }
    }

    /// Every departure from the profile (clauses AS-META-02 to AS-META-08); none if it is empty.
    pub fn departures(&self, issuer: &Issuer) -> Vec<ServerMetadataError> {
        use ServerMetadataError::{Endpoint, Flag, Forbidden, Lacks};
        let mut found = Vec::new();
        if self.issuer != issuer.as_str() {
            found.push(ServerMetadataError::Issuer {
                expected: issuer.clone(),
                got: shown(&self.issuer),
            });
        }
        found.extend(
            self.foreign_endpoints(issuer)
                .map(|member| Endpoint { member }),
        );
        let holds = |list: List, value: &str| (list.of)(self).iter().any(|item| item == value);
        for (list, values) in REQUIRED {
            let missing = values.iter().filter(|value| !holds(list, value));
            let member = list.member;
            found.extend(missing.map(|&value| Lacks { member, value }));
        }
        for (list, values) in FORBIDDEN {
            let held = values.iter().filter(|value| holds(list, value));
            let member = list.member;
            found.extend(held.map(|&value| Forbidden { member, value }));
        }
        let flags = [
            (
                "authorization_response_iss_parameter_supported",
                self.authorization_response_iss_parameter_supported,
            ),
            (
                "require_pushed_authorization_requests",
                self.require_pushed_authorization_requests,
            ),
            (
                "client_id_metadata_document_supported",
                self.client_id_metadata_document_supported,
            ),
            (
                "require_request_uri_registration",
                self.require_request_uri_registration != Some(false),
            ),
        ];
        found.extend(
            flags
                .into_iter()
                .filter(|(_, set)| !set)
                .map(|(member, _)| Flag { member }),
        );
        found
    }

    /// The names of the endpoints that don't lie at the issuer's origin.
    fn foreign_endpoints(&self, issuer: &Issuer) -> impl Iterator<Item = &'static str> {
        let endpoints = [
            ("authorization_endpoint", Some(&self.authorization_endpoint)),
            ("token_endpoint", Some(&self.token_endpoint)),
            (
                "pushed_authorization_request_endpoint",
                Some(&self.pushed_authorization_request_endpoint),
            ),
            ("revocation_endpoint", self.revocation_endpoint.as_ref()),
        ];
        let foreign = endpoints.into_iter().filter_map(move |(member, text)| {
            let text = text?;
            let at_issuer = is_plain_url(text)
                && text
                    .strip_prefix(issuer.as_str())
                    .is_some_and(|path| path.starts_with('/'));
            (!at_issuer).then_some(member)
        });
        let keys = self.jwks_uri.as_ref();
        let keys = keys.filter(|text| !(is_plain_url(text) && text.starts_with("http")));
        foreign.chain(keys.map(|_| "jwks_uri"))
    }

    /// Cuts lists down to a size that makes sense: what is kept of a stranger must be small.
    pub fn trim(&mut self) {
        let lists = [
            &mut self.scopes_supported,
            &mut self.response_types_supported,
            &mut self.response_modes_supported,
            &mut self.grant_types_supported,
            &mut self.code_challenge_methods_supported,
            &mut self.token_endpoint_auth_methods_supported,
            &mut self.token_endpoint_auth_signing_alg_values_supported,
            &mut self.dpop_signing_alg_values_supported,
            &mut self.prompt_values_supported,
            &mut self.ui_locales_supported,
            &mut self.display_values_supported,
        ];
        for list in lists.into_iter().chain(&mut self.protected_resources) {
            list.retain(|item| item.len() <= LONGEST_ITEM);
            list.truncate(MOST_ITEMS);
            list.shrink_to_fit();
        }
    }

    /// Whether it may give tokens for `resource` (RFC 9728 section 4).
    pub fn check_resource(&self, resource: &Issuer) -> Result<(), ServerMetadataError> {
        match &self.protected_resources {
            Some(list) if !list.iter().any(|item| item == resource.as_str()) => {
                Err(ServerMetadataError::Resource(resource.clone()))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Clauses AS-META-02 to AS-META-08: what we publish has no departure from the profile.
    #[test]
    fn our_own_document_fits_the_profile() {
        let issuer = Issuer::parse("https://auth.example.com").unwrap();
        let json = serde_json::to_string(&AuthorizationServerMetadata::new(&issuer)).unwrap();
        let read: AuthorizationServerMetadata = serde_json::from_str(&json).unwrap();
        assert_eq!(read.departures(&issuer), []);
    }

    /// Clause ID-DISC-02: each departure is named.
    #[test]
    fn departures_are_named() {
        let issuer = Issuer::parse("https://auth.example.com").unwrap();
        let mut metadata = AuthorizationServerMetadata::new(&issuer);
        metadata.issuer = "https://evil.example".into();
        metadata.token_endpoint = "https://evil.example/oauth/token".into();
        metadata.scopes_supported.clear();
        metadata.require_pushed_authorization_requests = false;
        metadata
            .token_endpoint_auth_signing_alg_values_supported
            .push("none".into());
        assert_eq!(metadata.departures(&issuer).len(), 5);
    }
}
