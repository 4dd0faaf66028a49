//! Client identifiers: a URL at which the client's metadata lies, or the loopback form.

use serde::Deserialize;
use url::{Host, Url};

use super::{RedirectUri, string_identifier};

/// A client identifier, kept exactly as it was written (it is compared by text).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct ClientId(Box<str>);

/// The two kinds of client identifiers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientIdKind {
    /// An https URL; its metadata document is fetched from there.
    Document(Url),
    /// `http://localhost`: a client on the user's own machine, with virtual metadata.
    Loopback(LoopbackClientId),
}

/// What a loopback client id says in its query (atproto spec, OAuth, "Localhost Client
/// Development").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoopbackClientId {
    /// Declared redirect URIs; `http://127.0.0.1/` and `http://[::1]/` where none is given.
    pub redirect_uris: Vec<RedirectUri>,
    /// Declared scope; `atproto` where none is given.
    pub scope: String,
}

/// Why a client id was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientIdError {
    /// Not a URL, or longer than 2048 bytes.
    #[error("client_id must be a URL of at most 2048 characters")]
    Url,
    /// Neither https nor the loopback form.
    #[error("client_id must be an https URL, or http://localhost for development")]
    Scheme,
    /// An address, a single label or a name that can't be public.
    #[error("the host of client_id must be a public domain name")]
    Host,
    /// A port in an https client id.
    #[error("client_id must not have a port")]
    Port,
    /// User name or password.
    #[error("client_id must not have credentials")]
    Credentials,
    /// A fragment.
    #[error("client_id must not have a fragment")]
    Fragment,
    /// No path but `/`, or one that ends in a slash.
    #[error(
        "client_id must have a path, such as /client-metadata.json, that does not end in a slash"
    )]
    Path,
    /// Not equal to its normalized form.
    #[error("client_id must be written in its normalized form (lower-case host, no dot segments)")]
    NotNormalized,
    /// A loopback id with a port, a path or 127.0.0.1 in place of localhost.
    #[error(
        "a loopback client_id is http://localhost without port or path; the port belongs in redirect_uri"
    )]
    LoopbackForm,
    /// A loopback id with another parameter, a second scope, or one that can't be read.
    #[error(
        "a loopback client_id takes one scope and any number of redirect_uri, http on 127.0.0.1 or [::1]; nothing else"
    )]
    LoopbackQuery,
}

impl ClientId {
    /// Reads a client id and all it says.
    pub fn parse(text: &str) -> Result<Self, ClientIdError> {
        Self::parse_kind(text).map(|_| Self(text.into()))
    }

    /// What kind of client it names.
    pub fn kind(&self) -> ClientIdKind {
        Self::parse_kind(&self.0).unwrap_or_else(|_| {
            // Not reachable: the text passed when this value was made. The default loopback
            // client is the one with the fewest rights.
            ClientIdKind::Loopback(LoopbackClientId {
                redirect_uris: Vec::new(),
                scope: String::new(),
            })
        })
    }

    fn parse_kind(text: &str) -> Result<ClientIdKind, ClientIdError> {
        if text.len() > 2048 {
            return Err(ClientIdError::Url);
        }
        let url = Url::parse(text).map_err(|_| ClientIdError::Url)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(ClientIdError::Credentials);
        }
        if url.fragment().is_some() {
            return Err(ClientIdError::Fragment);
        }
        match url.scheme() {
            "http" => parse_loopback(text, &url).map(ClientIdKind::Loopback),
            "https" => check_document_url(text, &url).map(|()| ClientIdKind::Document(url)),
            _ => Err(ClientIdError::Scheme),
        }
    }
}

string_identifier!(ClientId, ClientIdError);

fn check_document_url(text: &str, url: &Url) -> Result<(), ClientIdError> {
    const NEVER_PUBLIC: [&str; 9] = [
        "local",
        "test",
        "localhost",
        "invalid",
        "example",
        "arpa",
        "internal",
        "alt",
        "onion",
    ];
    let Some(Host::Domain(host)) = url.host() else {
        return Err(ClientIdError::Host);
    };
    let top = host.rsplit('.').next().unwrap_or_default();
    if !host.contains('.') || host.ends_with('.') || NEVER_PUBLIC.contains(&top) {
        return Err(ClientIdError::Host);
    }
    if url.port().is_some() {
        return Err(ClientIdError::Port);
    }
    if url.path() == "/" || url.path().ends_with('/') {
        return Err(ClientIdError::Path);
    }
    // A default port, capitals in the host and dot segments all vanish in the normalized form.
    if url.as_str() == text {
        Ok(())
    } else {
        Err(ClientIdError::NotNormalized)
    }
}

fn parse_loopback(text: &str, url: &Url) -> Result<LoopbackClientId, ClientIdError> {
    let rest = text
        .strip_prefix("http://localhost")
        .ok_or(match url.host() {
            Some(Host::Domain("localhost") | Host::Ipv4(_) | Host::Ipv6(_)) => {
                ClientIdError::LoopbackForm
            }
            _ => ClientIdError::Scheme,
        })?;
    let query = match rest.strip_prefix('/').unwrap_or(rest) {
        "" => "",
        rest => rest.strip_prefix('?').ok_or(ClientIdError::LoopbackForm)?,
    };
    let mut redirect_uris = Vec::new();
    let mut scope = None;
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match name.as_ref() {
            "redirect_uri" => {
                let uri = RedirectUri::parse(&value).map_err(|_| ClientIdError::LoopbackQuery)?;
                if !uri.is_loopback() || !value.starts_with("http:") {
                    return Err(ClientIdError::LoopbackQuery);
                }
                redirect_uris.push(uri);
            }
            "scope" if scope.is_none() => scope = Some(value.into_owned()),
            _ => return Err(ClientIdError::LoopbackQuery),
        }
    }
    if redirect_uris.is_empty() {
        redirect_uris = ["http://127.0.0.1/", "http://[::1]/"]
            .into_iter()
            .filter_map(|uri| RedirectUri::parse(uri).ok())
            .collect();
    }
    let scope = scope.unwrap_or_else(|| "atproto".to_owned());
    Ok(LoopbackClientId {
        redirect_uris,
        scope,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Clause AS-CLI-01.
    #[test]
    fn document_urls() {
        for good in [
            "https://app.example.com/client-metadata.json",
            "https://app.example.com/m?x=1",
        ] {
            assert!(matches!(
                ClientId::parse(good).unwrap().kind(),
                ClientIdKind::Document(_)
            ));
        }
        for (bad, why) in [
            ("not a url", ClientIdError::Url),
            ("ftp://app.example.com/x", ClientIdError::Scheme),
            ("http://app.example.com/x", ClientIdError::Scheme),
            ("https://app/x", ClientIdError::Host),
            ("https://10.0.0.1/x", ClientIdError::Host),
            ("https://[::1]/x", ClientIdError::Host),
            ("https://app.local/x", ClientIdError::Host),
            ("https://app.example.com:8443/x", ClientIdError::Port),
            ("https://u@app.example.com/x", ClientIdError::Credentials),
            ("https://app.example.com/x#y", ClientIdError::Fragment),
            ("https://app.example.com", ClientIdError::Path),
            ("https://app.example.com/", ClientIdError::Path),
            ("https://app.example.com/x/", ClientIdError::Path),
            (
                "https://app.example.com/x/../y",
                ClientIdError::NotNormalized,
            ),
            ("https://APP.example.com/x", ClientIdError::NotNormalized),
            (
                "https://app.example.com:443/x",
                ClientIdError::NotNormalized,
            ),
        ] {
            assert_eq!(ClientId::parse(bad), Err(why), "{bad}");
        }
    }

    /// Clause AS-CLI-14.
    #[test]
    fn loopback_ids() {
        for default in [
            "http://localhost",
            "http://localhost/",
            "http://localhost?scope=atproto",
        ] {
            let ClientIdKind::Loopback(client) = ClientId::parse(default).unwrap().kind() else {
                panic!("{default}")
            };
            assert_eq!(client.scope, "atproto");
            assert_eq!(client.redirect_uris.len(), 2);
        }
        for (bad, why) in [
            ("http://localhost:3000", ClientIdError::LoopbackForm),
            ("http://127.0.0.1", ClientIdError::LoopbackForm),
            ("http://localhost/app", ClientIdError::LoopbackForm),
            (
                "http://localhost.evil.example/",
                ClientIdError::LoopbackForm,
            ),
            (
                "http://localhost?client_name=x",
                ClientIdError::LoopbackQuery,
            ),
            (
                "http://localhost?scope=a&scope=b",
                ClientIdError::LoopbackQuery,
            ),
            (
                "http://localhost?redirect_uri=https://evil.example/",
                ClientIdError::LoopbackQuery,
            ),
            (
                "http://localhost?redirect_uri=http://localhost/",
                ClientIdError::LoopbackQuery,
            ),
            ("http://localhost#x", ClientIdError::Fragment),
        ] {
            assert_eq!(ClientId::parse(bad), Err(why), "{bad}");
        }
    }
}
