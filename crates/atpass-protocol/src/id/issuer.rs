//! The issuer: the origin that names an authorization server (RFC 8414 section 2).

use serde::Deserialize;
use url::Url;

use super::string_identifier;

/// An issuer identifier: scheme, host and (where it isn't the default) port; nothing else, and
/// no slash at the end. Also used for the origin of a resource server.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct Issuer(Box<str>);

/// Why a text is no issuer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IssuerError {
    /// Not a URL.
    #[error("an issuer is a URL such as https://auth.example.com")]
    Url,
    /// Neither https, nor http on this machine for development.
    #[error("an issuer must be https (http only on localhost or 127.0.0.1, for development)")]
    Scheme,
    /// Has a path, query, fragment, credentials, default port, slash at the end, or capitals.
    #[error(
        "an issuer is an origin only: no path, query, fragment, credentials, default port or slash at the end"
    )]
    NotAnOrigin,
}

impl Issuer {
    /// Reads an issuer. `http` is well-formed for a host on this machine only; whether it is
    /// *acceptable* is the caller's policy, see [`Issuer::is_https`].
    pub fn parse(text: &str) -> Result<Self, IssuerError> {
        // A name has 253 characters at most.
        if text.len() > 270 {
            return Err(IssuerError::Url);
        }
        let url = Url::parse(text).map_err(|_| IssuerError::Url)?;
        let local = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        match url.scheme() {
            "https" => {}
            "http" if local => {}
            _ => return Err(IssuerError::Scheme),
        }
        // The origin's own spelling is the only one: this refuses all that the text has beyond it.
        if url.origin().ascii_serialization() == text {
            Ok(Self(text.into()))
        } else {
            Err(IssuerError::NotAnOrigin)
        }
    }

    /// The origin that `url` lies at.
    pub fn of(url: &Url) -> Result<Self, IssuerError> {
        Self::parse(&url.origin().ascii_serialization())
    }

    /// Whether it is reached over TLS, as all but development servers are.
    pub fn is_https(&self) -> bool {
        self.0.starts_with("https://")
    }

    /// Host and, where it isn't the default, port: what a person recognises.
    pub fn host(&self) -> &str {
        self.0.split_once("://").map_or(&self.0, |(_, host)| host)
    }

    /// The URL of `path` (with its leading slash) at this origin.
    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }
}

string_identifier!(Issuer, IssuerError);

#[cfg(test)]
mod tests {
    use super::*;

    /// Clause AS-META-02.
    #[test]
    fn an_issuer_is_an_origin_and_nothing_else() {
        for good in [
            "https://a.example",
            "https://a.example:8443",
            "http://localhost:2583",
            "http://127.0.0.1:1",
        ] {
            assert_eq!(Issuer::parse(good).unwrap().as_str(), good);
        }
        for bad in [
            "",
            "a.example",
            "https://a.example/",
            "https://a.example/x",
            "https://a.example?x",
            "https://a.example#x",
            "https://u@a.example",
            "https://a.example:443",
            "https://A.example",
            "http://a.example",
            "ftp://a.example",
            "http://localhost:80",
            "http://localhost.evil.example",
            "https://",
        ] {
            assert!(Issuer::parse(bad).is_err(), "{bad}");
        }
    }
}
