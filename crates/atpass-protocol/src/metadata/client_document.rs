//! The client metadata document, read from a stranger and checked field by field (atproto spec, OAuth,
//! "Client ID Metadata Document").

use serde::Deserialize;
use serde_json::value::RawValue;
use url::{Host, Url};

use super::client::{
    ApplicationType, ClientKeySource, ClientMetadata, ClientNames, TokenEndpointAuthMethod,
};
use crate::encoding::json_object;
use crate::id::{ClientId, RedirectUri, RedirectUriError};
use crate::jose::{ClientKeys, ClientKeysError, ES256, present};
use crate::scope::{ScopeError, ScopeSet};

/// The most redirect URIs of one client.
const MOST_REDIRECT_URIS: usize = 64;

/// What is wrong with a client's metadata.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientMetadataError {
    /// Not JSON, a member of the wrong type, or one that is there twice.
    #[error("the document can't be read: {0}")]
    Json(String),
    /// A required member isn't there.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// It is another client's.
    #[error("client_id is {0}, which is not the URL of the document")]
    ClientId(String),
    /// A list lacks what the profile demands.
    #[error("{member} must hold {value}")]
    Lacks {
        /// The member's name.
        member: &'static str,
        /// What must be in it.
        value: &'static str,
    },
    /// A member has a value that isn't one of these.
    #[error("{member} is {got}; it must be {allowed}")]
    Value {
        /// The member's name.
        member: &'static str,
        /// What it is.
        got: String,
        /// What it may be.
        allowed: &'static str,
    },
    /// The scope.
    #[error("scope: {0}")]
    Scope(ScopeError),
    /// Symmetric secrets are of no use here.
    #[error("client_secret must not be there: clients have a key of their own, or none")]
    Secret,
    /// A redirect URI that can't be one.
    #[error("redirect_uris: {uri}: {error}")]
    Redirect {
        /// Which one.
        uri: String,
        /// What is wrong with it.
        error: RedirectUriError,
    },
    /// A redirect URI that this kind of client can't have.
    #[error("redirect_uris: {uri}: {rule}")]
    RedirectKind {
        /// Which one.
        uri: RedirectUri,
        /// The rule that it breaks.
        rule: &'static str,
    },
    /// Too many.
    #[error("redirect_uris has more than {MOST_REDIRECT_URIS} entries")]
    TooManyRedirects,
    /// Neither, or both.
    #[error("a client with private_key_jwt has either jwks or jwks_uri")]
    KeySource,
    /// The keys.
    #[error("jwks: {0}")]
    Keys(ClientKeysError),
    /// A URL that isn't https, or isn't one.
    #[error("{0} must be an https URL")]
    Url(&'static str),
    /// RFC 7591 section 2 and the profile.
    #[error("client_uri must be at the host of client_id")]
    ClientUriHost,
}

/// The members as they come. What isn't here chooses nothing.
#[derive(Deserialize)]
struct Document<'a> {
    client_id: Option<String>,
    application_type: Option<String>,
    grant_types: Option<Vec<String>>,
    response_types: Option<Vec<String>>,
    scope: Option<String>,
    redirect_uris: Option<Vec<String>>,
    token_endpoint_auth_method: Option<String>,
    token_endpoint_auth_signing_alg: Option<String>,
    dpop_bound_access_tokens: Option<bool>,
    #[serde(borrow)]
    jwks: Option<&'a RawValue>,
    jwks_uri: Option<String>,
    client_name: Option<String>,
    client_uri: Option<String>,
    logo_uri: Option<String>,
    tos_uri: Option<String>,
    policy_uri: Option<String>,
    #[serde(default, deserialize_with = "present")]
    client_secret: bool,
}

type Problems = Vec<ClientMetadataError>;

impl ClientMetadata {
    /// Reads the document that lies at `client_id`, and checks all of it (clauses AS-CLI-03 to
    /// AS-CLI-13). Returns every problem at once, for the developer who wrote it.
    pub fn from_document(client_id: &ClientId, url: &Url, json: &[u8]) -> Result<Self, Problems> {
        use ClientMetadataError as E;
        let document: Document<'_> =
            json_object(json).map_err(|error| vec![E::Json(error.to_string())])?;
        let mut problems = Vec::new();
        match &document.client_id {
            Some(text) if text == client_id.as_str() => {}
            Some(text) => problems.push(E::ClientId(text.clone())),
            None => problems.push(E::Missing("client_id")),
        }
        for (member, list, value) in [
            ("grant_types", &document.grant_types, "authorization_code"),
            ("response_types", &document.response_types, "code"),
        ] {
            match list {
                None => problems.push(E::Missing(member)),
                Some(list) if list.iter().any(|entry| entry == value) => {}
                Some(_) => problems.push(E::Lacks { member, value }),
            }
        }
        if document.dpop_bound_access_tokens != Some(true) {
            let got = document.dpop_bound_access_tokens;
            problems.push(E::Value {
                member: "dpop_bound_access_tokens",
                got: got.map_or_else(|| "missing".to_owned(), |value| value.to_string()),
                allowed: "true",
            });
        }
        if document.client_secret {
            problems.push(E::Secret);
        }
        let application_type = keep(&mut problems, application_type(&document));
        let scope = keep(&mut problems, scope(&document));
        let auth_method = keep(&mut problems, auth_method(&document));
        let keys = match auth_method {
            Some(TokenEndpointAuthMethod::PrivateKeyJwt) => {
                keep(&mut problems, key_source(&document)).map(Some)
            }
            _ => Some(None),
        };
        let redirect_uris = redirect_uris(&document, application_type, url, &mut problems);
        let names = names(&document, url, &mut problems);
        match (application_type, scope, auth_method, keys) {
            (Some(application_type), Some(scope), Some(auth_method), Some(keys))
                if problems.is_empty() =>
            {
                Ok(Self {
                    client_id: client_id.clone(),
                    application_type,
                    grant_types: document.grant_types.unwrap_or_default(),
                    response_types: document.response_types.unwrap_or_default(),
                    scope,
                    redirect_uris,
                    token_endpoint_auth_method: auth_method,
                    dpop_bound_access_tokens: true,
                    keys,
                    names,
                })
            }
            _ => Err(problems),
        }
    }
}

fn keep<T>(problems: &mut Problems, result: Result<T, ClientMetadataError>) -> Option<T> {
    result.map_err(|problem| problems.push(problem)).ok()
}

fn application_type(document: &Document<'_>) -> Result<ApplicationType, ClientMetadataError> {
    match document.application_type.as_deref() {
        None | Some("web") => Ok(ApplicationType::Web),
        Some("native") => Ok(ApplicationType::Native),
        Some(other) => Err(ClientMetadataError::Value {
            member: "application_type",
            got: other.to_owned(),
            allowed: "web or native",
        }),
    }
}

fn scope(document: &Document<'_>) -> Result<ScopeSet, ClientMetadataError> {
    let text = document.scope.as_deref();
    let text = text.ok_or(ClientMetadataError::Missing("scope"))?;
    ScopeSet::parse(text).map_err(ClientMetadataError::Scope)
}

fn auth_method(document: &Document<'_>) -> Result<TokenEndpointAuthMethod, ClientMetadataError> {
    match document.token_endpoint_auth_method.as_deref() {
        Some("none") => Ok(TokenEndpointAuthMethod::None),
        Some("private_key_jwt") => match document.token_endpoint_auth_signing_alg.as_deref() {
            None | Some(ES256) => Ok(TokenEndpointAuthMethod::PrivateKeyJwt),
            Some(other) => Err(ClientMetadataError::Value {
                member: "token_endpoint_auth_signing_alg",
                got: other.to_owned(),
                allowed: "ES256 here",
            }),
        },
        // RFC 7591 section 2: without this member, a client has a secret.
        got => Err(ClientMetadataError::Value {
            member: "token_endpoint_auth_method",
            got: got.unwrap_or("missing").to_owned(),
            allowed: "none or private_key_jwt",
        }),
    }
}

fn key_source(document: &Document<'_>) -> Result<ClientKeySource, ClientMetadataError> {
    match (document.jwks, &document.jwks_uri) {
        (Some(jwks), None) => ClientKeys::from_json(jwks.get().as_bytes())
            .map(ClientKeySource::Inline)
            .map_err(ClientMetadataError::Keys),
        (None, Some(uri)) => https("jwks_uri", uri).map(ClientKeySource::At),
        _ => Err(ClientMetadataError::KeySource),
    }
}

fn redirect_uris(
    document: &Document<'_>,
    kind: Option<ApplicationType>,
    client: &Url,
    problems: &mut Problems,
) -> Vec<RedirectUri> {
    use ClientMetadataError as E;
    let texts = document.redirect_uris.as_deref().unwrap_or_default();
    if texts.is_empty() {
        problems.push(E::Missing("redirect_uris"));
    }
    if texts.len() > MOST_REDIRECT_URIS {
        problems.push(E::TooManyRedirects);
        return Vec::new();
    }
    let mut uris = Vec::new();
    for text in texts {
        let uri = match RedirectUri::parse(text) {
            Ok(uri) => uri,
            Err(error) => {
                let uri = text.clone();
                problems.push(E::Redirect { uri, error });
                continue;
            }
        };
        if let Some(rule) = kind.and_then(|kind| broken_rule(kind, &uri, client)) {
            problems.push(E::RedirectKind { uri, rule });
            continue;
        }
        uris.push(uri);
    }
    uris
}

/// The rule of its client's kind that a redirect URI breaks (clauses AS-CLI-10 to AS-CLI-13).
fn broken_rule(kind: ApplicationType, uri: &RedirectUri, client: &Url) -> Option<&'static str> {
    let url = uri.url()?;
    let kept = match kind {
        ApplicationType::Web => {
            return (url.scheme() != "https").then_some(
                "a web client's are https URLs; others are for application_type native",
            );
        }
        ApplicationType::Native => kind_of_native(&url, client),
    };
    kept.err()
}

fn kind_of_native(url: &Url, client: &Url) -> Result<(), &'static str> {
    match url.scheme() {
        "https" if url.origin() == client.origin() => Ok(()),
        "https" => Err("a native client's https URL must have the origin of client_id"),
        // Only loopback addresses pass when the URI is read.
        "http" => Ok(()),
        scheme => {
            let reversed = client.host_str().map(reverse);
            if reversed.as_deref() == Some(scheme) {
                Ok(())
            } else {
                Err("a custom scheme must be the reversed host name of client_id")
            }
        }
    }
}

/// `app.example.com` as `com.example.app`.
fn reverse(host: &str) -> String {
    let labels: Vec<_> = host.rsplit('.').collect();
    labels.join(".")
}

fn names(document: &Document<'_>, client: &Url, problems: &mut Problems) -> ClientNames {
    let mut url = |member, text: &Option<String>| {
        let text = text.as_deref()?;
        keep(problems, https(member, text))
    };
    let names = ClientNames {
        client_name: document.client_name.clone(),
        client_uri: url("client_uri", &document.client_uri),
        logo_uri: url("logo_uri", &document.logo_uri),
        tos_uri: url("tos_uri", &document.tos_uri),
        policy_uri: url("policy_uri", &document.policy_uri),
    };
    let elsewhere = |uri: &Url| uri.host_str() != client.host_str();
    if names.client_uri.as_ref().is_some_and(elsewhere) {
        problems.push(ClientMetadataError::ClientUriHost);
    }
    names
}

fn https(member: &'static str, text: &str) -> Result<Url, ClientMetadataError> {
    let url = Url::parse(text).ok().filter(|url| {
        url.scheme() == "https"
            && matches!(url.host(), Some(Host::Domain(_)))
            && url.username().is_empty()
            && url.password().is_none()
            && text.len() <= 2048
    });
    url.ok_or(ClientMetadataError::Url(member))
}

#[cfg(test)]
mod tests;
