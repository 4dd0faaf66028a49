//! From a `client_id` to what lies there.

use std::fmt;

use atpass_fetch::{FetchError, Fetcher};
use atpass_protocol::id::{ClientId, ClientIdKind};
use atpass_protocol::jose::{ClientKeys, ClientKeysError};
use atpass_protocol::metadata::{ClientKeySource, ClientMetadata, ClientMetadataError};
use atpass_protocol::scope::ScopeError;
use http::HeaderMap;
use http::header::CACHE_CONTROL;
use serde_json::value::RawValue;
use url::Url;

/// What was found at a `client_id`.
#[derive(Clone, Debug)]
pub struct FoundClient {
    /// Its metadata, checked.
    pub metadata: ClientMetadata,
    /// The keys of a confidential client.
    pub keys: Option<ClientKeys>,
    /// Seconds for which its host says that the document may be kept; `None` where it doesn't say.
    pub max_age: Option<i64>,
}

/// Why a client can't be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientProblem {
    /// Its document can't be had.
    Fetch(FetchError),
    /// Its document breaks rules: all of them are here.
    Document(Vec<ClientMetadataError>),
    /// Its keys can't be had.
    FetchKeys(FetchError),
    /// Its keys, at another URL than its document, can't be used.
    Keys(ClientKeysError),
    /// The scope in a loopback `client_id`.
    LoopbackScope(ScopeError),
}

impl ClientProblem {
    /// Whether the same may succeed a little later.
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Fetch(error) | Self::FetchKeys(error) => error.is_transient(),
            Self::Document(_) | Self::Keys(_) | Self::LoopbackScope(_) => false,
        }
    }
}

impl fmt::Display for ClientProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fetch(error) => write!(f, "the client metadata can't be had: {error}"),
            Self::Document(problems) => {
                let texts: Vec<_> = problems.iter().map(ToString::to_string).collect();
                write!(f, "the client metadata is wrong: {}", texts.join("; "))
            }
            Self::FetchKeys(error) => write!(f, "the client's keys can't be had: {error}"),
            Self::Keys(error) => write!(f, "the client's keys, at its jwks_uri: {error}"),
            Self::LoopbackScope(error) => {
                write!(f, "the scope in the loopback client_id: {error}")
            }
        }
    }
}

impl std::error::Error for ClientProblem {}

/// Reads what a loopback `client_id` says, or fetches the document and the keys of another.
pub async fn fetch_client(
    fetcher: &Fetcher,
    client_id: &ClientId,
) -> Result<FoundClient, ClientProblem> {
    let url = match client_id.kind() {
        ClientIdKind::Loopback(loopback) => {
            let metadata = ClientMetadata::loopback(client_id, loopback)
                .map_err(ClientProblem::LoopbackScope)?;
            return Ok(FoundClient {
                metadata,
                keys: None,
                max_age: None,
            });
        }
        ClientIdKind::Document(url) => url,
    };
    // The text itself is read by the rules: a generic JSON value forgets members given twice.
    let answer = get(fetcher, &url).await.map_err(ClientProblem::Fetch)?;
    let json = answer.body().get().as_bytes();
    let metadata =
        ClientMetadata::from_document(client_id, &url, json).map_err(ClientProblem::Document)?;
    let mut max_age = max_age_of(answer.headers());
    let keys = match &metadata.keys {
        None => None,
        Some(ClientKeySource::Inline(keys)) => Some(keys.clone()),
        Some(ClientKeySource::At(url)) => {
            let answer = get(fetcher, url).await.map_err(ClientProblem::FetchKeys)?;
            let keys = ClientKeys::from_json(answer.body().get().as_bytes());
            // The shorter of the two counts: a key that was taken away must be noticed.
            let keys_age = max_age_of(answer.headers());
            max_age = [max_age, keys_age].into_iter().flatten().min();
            Some(keys.map_err(ClientProblem::Keys)?)
        }
    };
    Ok(FoundClient {
        metadata,
        keys,
        max_age,
    })
}

async fn get(fetcher: &Fetcher, url: &Url) -> Result<http::Response<Box<RawValue>>, FetchError> {
    let types = ["application/json", "application/jwk-set+json"];
    fetcher.get_document(url, &types).await
}

/// RFC 9111 section 5.2.2, as far as a cache of one process needs it.
fn max_age_of(headers: &HeaderMap) -> Option<i64> {
    let values = headers.get_all(CACHE_CONTROL).into_iter();
    let text: Vec<_> = values.filter_map(|value| value.to_str().ok()).collect();
    let mut age = None;
    for directive in text.iter().flat_map(|text| text.split(',')).map(str::trim) {
        let directive = directive.to_ascii_lowercase();
        if directive == "no-store" || directive == "no-cache" {
            return Some(0);
        }
        if let Some(seconds) = directive.strip_prefix("max-age=") {
            age = seconds.trim_matches('"').parse().ok();
        }
    }
    age
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn cache_headers() {
        let read = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(CACHE_CONTROL, HeaderValue::from_static(text));
            max_age_of(&headers)
        };
        assert_eq!(read("public, max-age=300"), Some(300));
        assert_eq!(read("Max-Age=\"7\""), Some(7));
        assert_eq!(read("no-store, max-age=300"), Some(0));
        assert_eq!(read("public"), None);
        assert_eq!(read("max-age=soon"), None);
        assert_eq!(max_age_of(&HeaderMap::new()), None);
    }
}
