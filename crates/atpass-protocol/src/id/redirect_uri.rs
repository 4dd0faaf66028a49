//! Redirect URIs: where the browser goes back to, and how a request matches a declared one.

use serde::Deserialize;
use url::{Host, Position, Url};

use super::string_identifier;

/// A redirect URI, kept exactly as it was written: matching is by text.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct RedirectUri(Box<str>);

/// Why a redirect URI was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RedirectUriError {
    /// Not an absolute URL, or longer than 2048 bytes.
    #[error("redirect_uri must be an absolute URL of at most 2048 characters")]
    Url,
    /// RFC 6749 section 3.1.2.
    #[error("redirect_uri must not have a fragment")]
    Fragment,
    /// User name or password in the URL.
    #[error("redirect_uri must not have credentials")]
    Credentials,
    /// RFC 8252 section 8.3.
    #[error(
        "redirect_uri must use 127.0.0.1 or [::1] in place of localhost (RFC 8252 section 8.3)"
    )]
    Localhost,
    /// Plain http to another machine.
    #[error("redirect_uri must be https; http is for 127.0.0.1 and [::1] only")]
    PlainHttp,
    /// Another spelling of an address, capitals in the host, or the scheme's own port.
    #[error(
        "redirect_uri must be written in its normalized form (lower-case host, no default port)"
    )]
    NotNormalized,
    /// A scheme that can't be a redirect, such as `javascript:` or `data:`.
    #[error(
        "a custom scheme in redirect_uri is a reversed domain name with one slash: com.example.app:/callback"
    )]
    Scheme,
}

impl RedirectUri {
    /// Reads a redirect URI: `https`, `http` on a loopback address, or a reversed-domain scheme
    /// (`com.example.app:/callback`). Whether the client declared it is [`Self::matches`]; which
    /// of these a client may declare is up to its metadata.
    pub fn parse(text: &str) -> Result<Self, RedirectUriError> {
        if text.len() > 2048 {
            return Err(RedirectUriError::Url);
        }
        let url = Url::parse(text).map_err(|_| RedirectUriError::Url)?;
        if url.fragment().is_some() {
            return Err(RedirectUriError::Fragment);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(RedirectUriError::Credentials);
        }
        match url.scheme() {
            "https" if is_localhost(&url) => Err(RedirectUriError::Localhost),
            "https" => normalized(text, &url),
            "http" if is_loopback_address(&url) => normalized(text, &url),
            "http" if is_localhost(&url) => Err(RedirectUriError::Localhost),
            "http" => Err(RedirectUriError::PlainHttp),
            scheme => {
                let path = text
                    .strip_prefix(scheme)
                    .and_then(|rest| rest.strip_prefix(":/"));
                match path {
                    Some(path) if scheme.contains('.') && !path.starts_with('/') => {
                        Ok(Self(text.into()))
                    }
                    _ => Err(RedirectUriError::Scheme),
                }
            }
        }
    }

    /// Whether it points at a loopback address.
    pub fn is_loopback(&self) -> bool {
        self.url().is_some_and(|url| is_loopback_address(&url))
    }

    /// Whether a request with this URI is covered by the `declared` one: the same text, or for
    /// loopback addresses the same but for the port (RFC 8252 section 7.3).
    pub fn matches(&self, declared: &Self) -> bool {
        if self == declared {
            return true;
        }
        let (Some(mut requested), Some(mut declared)) = (self.url(), declared.url()) else {
            return false;
        };
        if !is_loopback_address(&requested) || !is_loopback_address(&declared) {
            return false;
        }
        requested.set_port(None).is_ok() && declared.set_port(None).is_ok() && requested == declared
    }

    /// The origin (or `scheme:`) that the browser is sent to, for a `form-action` policy.
    pub fn policy_source(&self) -> String {
        match self.url() {
            Some(url) if url.has_host() => url.origin().ascii_serialization(),
            Some(url) => format!("{}:", url.scheme()),
            None => String::from("'none'"),
        }
    }

    /// What a person is told about where the browser goes next: the host, or the scheme.
    pub fn destination(&self) -> String {
        match self.url() {
            Some(url) => match (url.host_str(), url.port()) {
                (Some(host), Some(port)) => format!("{host}:{port}"),
                (Some(host), None) => host.to_owned(),
                (None, _) => format!("{}:", url.scheme()),
            },
            None => String::new(),
        }
    }

    /// As a URL to add the answer's parameters to.
    pub fn url(&self) -> Option<Url> {
        Url::parse(&self.0).ok()
    }
}

/// Takes a URL whose scheme, host and port stand in the text as they are understood: `127.1` becomes
/// 127.0.0.1 while parsing, and a default port vanishes.
fn normalized(text: &str, url: &Url) -> Result<RedirectUri, RedirectUriError> {
    let rest = text.strip_prefix(&url[..Position::AfterHost]);
    match rest {
        Some(rest) if url.port().is_some() || !rest.starts_with(':') => {
            Ok(RedirectUri(text.into()))
        }
        _ => Err(RedirectUriError::NotNormalized),
    }
}

fn is_loopback_address(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address == std::net::Ipv4Addr::LOCALHOST,
        Some(Host::Ipv6(address)) => address == std::net::Ipv6Addr::LOCALHOST,
        Some(Host::Domain(_)) | None => false,
    }
}

fn is_localhost(url: &Url) -> bool {
    url.host_str().is_some_and(|host| {
        host == "localhost" || host.ends_with(".localhost") || host == "localhost."
    })
}

string_identifier!(RedirectUri, RedirectUriError);

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(text: &str) -> RedirectUri {
        RedirectUri::parse(text).unwrap()
    }

    /// Clauses AS-CLI-10, AS-CLI-11, AS-CLI-13.
    #[test]
    fn shapes() {
        for good in [
            "https://app.example/cb?x=1",
            "http://127.0.0.1/",
            "http://[::1]:8080/cb",
            "com.example.app:/cb",
        ] {
            assert_eq!(uri(good).as_str(), good);
        }
        for (bad, why) in [
            ("/cb", RedirectUriError::Url),
            ("https://app.example/#x", RedirectUriError::Fragment),
            ("https://u:p@app.example/", RedirectUriError::Credentials),
            ("http://localhost:3000/cb", RedirectUriError::Localhost),
            ("https://localhost/cb", RedirectUriError::Localhost),
            ("http://app.example/cb", RedirectUriError::PlainHttp),
            (
                "https://app.example:443/cb",
                RedirectUriError::NotNormalized,
            ),
            ("https://App.example/cb", RedirectUriError::NotNormalized),
            ("http://127.0.0.1:80/cb", RedirectUriError::NotNormalized),
            ("http://127.1/cb", RedirectUriError::NotNormalized),
            ("http://0x7f000001/cb", RedirectUriError::NotNormalized),
            ("http://169.254.169.254/", RedirectUriError::PlainHttp),
            ("javascript:alert(1)", RedirectUriError::Scheme),
            ("data:text/html,x", RedirectUriError::Scheme),
            ("myapp:/cb", RedirectUriError::Scheme),
            ("com.example.app://cb", RedirectUriError::Scheme),
            ("com.example.app:cb", RedirectUriError::Scheme),
        ] {
            assert_eq!(RedirectUri::parse(bad), Err(why), "{bad}");
        }
    }

    /// Clause AS-CLI-15.
    #[test]
    fn matching_is_exact_but_for_a_loopback_port() {
        let declared = uri("http://127.0.0.1/cb?x=1");
        assert!(uri("http://127.0.0.1:4567/cb?x=1").matches(&declared));
        for other in [
            "http://127.0.0.1/",
            "http://127.0.0.1/cb",
            "http://127.0.0.1/cb?x=1&y=2",
            "http://127.0.0.1/CB?x=1",
            "http://127.0.0.1/cb/?x=1",
            "http://[::1]/cb?x=1",
            "https://127.0.0.1/cb?x=1",
        ] {
            assert!(!uri(other).matches(&declared), "{other}");
        }
        let web = uri("https://a.example/cb");
        for other in [
            "https://a.example:8443/cb",
            "https://a.example/cb/",
            "https://a.example.evil.example/cb",
        ] {
            assert!(!uri(other).matches(&web), "{other}");
        }
    }
}
