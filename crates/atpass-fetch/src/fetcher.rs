//! The client itself.

use std::error::Error as _;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use atpass_protocol::text::shown;
use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE, LOCATION};
use http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;
use url::{Host, Url};

use crate::address::is_public;
use crate::dns::{Dns, DnsError, DnsServer};
use crate::error::{FetchError, Stage};
use crate::limits::HostLimits;
use crate::resolver::{FilteringResolver, NotPublic, NotResolved, is_local_name};

/// What may be fetched, and how long it may take.
#[derive(Clone, Debug)]
pub struct FetchConfig {
    /// Plain http, to this machine only. For development.
    pub allow_http: bool,
    /// Loopback addresses. For development.
    pub allow_loopback: bool,
    /// Who answers questions about names.
    pub dns: DnsServer,
    /// The port of https URLs that name none, for a network on one machine where 443 isn't free.
    pub https_port: Option<u16>,
    /// Root certificates besides the usual ones, PEM.
    pub root_certificates: Vec<Vec<u8>>,
    /// For the connection.
    pub connect_timeout: Duration,
    /// For everything, from the name look-up to the last byte.
    pub total_timeout: Duration,
    /// The longest body, bytes.
    pub max_body: usize,
    /// Requests at once for each host.
    pub per_host: usize,
    /// Requests at once in all.
    pub in_all: usize,
    /// Seconds for which a connection is kept for the next request. Of at most 64 hosts: strangers
    /// choose whom we ask.
    pub keep_alive: Duration,
}

impl Default for FetchConfig {
    fn default() -> Self {
        Self {
            allow_http: false,
            allow_loopback: false,
            dns: DnsServer::System,
            https_port: None,
            root_certificates: Vec::new(),
            connect_timeout: Duration::from_secs(5),
            total_timeout: Duration::from_secs(10),
            max_body: 512 * 1024,
            per_host: 16,
            in_all: 512,
            keep_alive: Duration::from_secs(15),
        }
    }
}

impl FetchConfig {
    /// For a network on this machine: plain http and loopback addresses are allowed.
    pub fn development() -> Self {
        Self {
            allow_http: true,
            allow_loopback: true,
            ..Self::default()
        }
    }
}

/// The most idle connections that are kept for one host.
const MOST_IDLE: usize = 4;

#[expect(
    clippy::disallowed_methods,
    reason = "the one place where a client is made"
)]
fn builder(config: &FetchConfig, dns: &Dns) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .connect_timeout(config.connect_timeout)
        .pool_idle_timeout(config.keep_alive)
        .dns_resolver(Arc::new(FilteringResolver {
            dns: dns.clone(),
            allow_loopback: config.allow_loopback,
            https_port: config.https_port,
        }))
        .user_agent(concat!("atpass/", env!("CARGO_PKG_VERSION")))
}

/// A hardened HTTP client. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Fetcher {
    /// Keeps connections for the next request.
    client: reqwest::Client,
    /// Closes each one.
    once: reqwest::Client,
    dns: Dns,
    config: Arc<FetchConfig>,
    limits: HostLimits,
}

impl Fetcher {
    /// Prepares the client. Fails when a root certificate can't be read or TLS can't be set up.
    pub fn new(config: FetchConfig) -> Result<Self, FetchError> {
        let failed = |error: reqwest::Error| FetchError {
            url: String::from("client setup"),
            stage: Stage::Connect(innermost(&error)),
        };
        let dns = Dns::new(&config.dns, &config.root_certificates);
        let build = |idle| {
            let mut builder = builder(&config, &dns).pool_max_idle_per_host(idle);
            for pem in &config.root_certificates {
                builder = builder.add_root_certificate(reqwest::Certificate::from_pem(pem)?);
            }
            builder.build()
        };
        Ok(Self {
            client: build(MOST_IDLE).map_err(failed)?,
            once: build(0).map_err(failed)?,
            dns,
            limits: HostLimits::new(config.per_host, config.in_all, config.keep_alive),
            config: Arc::new(config),
        })
    }

    /// The same client and its connections, with other limits for answers: bytes, and time in all.
    #[must_use]
    pub fn with_limits(&self, max_body: usize, total_timeout: Duration) -> Self {
        let config = FetchConfig {
            total_timeout,
            max_body,
            ..(*self.config).clone()
        };
        Self {
            config: Arc::new(config),
            ..self.clone()
        }
    }

    /// Sends a request and reads the whole answer, whatever its status.
    pub async fn fetch(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, FetchError> {
        let text = request.uri().to_string();
        let url = Url::parse(&text).map_err(|_| FetchError {
            url: without_secrets(&text),
            stage: Stage::Url("not an absolute URL"),
        })?;
        let result = match self.check(&url) {
            Ok(host) => self.send(request, &host).await,
            Err(stage) => Err(stage),
        };
        result.map_err(|stage| failure(&url, stage))
    }

    /// Gets a JSON document: status 200 exactly, `application/json`, of the expected shape.
    pub async fn get_json<T: DeserializeOwned>(&self, url: &Url) -> Result<T, FetchError> {
        let answer = self.get_document(url, &["application/json"]).await?;
        Ok(answer.into_body())
    }

    /// Gets a JSON document of one of these content types: status 200 exactly, of the expected
    /// shape. The headers come along.
    pub async fn get_document<T: DeserializeOwned>(
        &self,
        url: &Url,
        content_types: &[&str],
    ) -> Result<http::Response<T>, FetchError> {
        let failed = |stage| failure(url, stage);
        let response = self.get_bytes(url, content_types).await?;
        let (parts, body) = response.into_parts();
        // A derived reader would take an array for an object.
        let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
        if first != Some(&b'{') {
            return Err(failed(Stage::Json("not a JSON object".into())));
        }
        let json = serde_json::from_slice(&body);
        let json = json.map_err(|error| failed(Stage::Json(shown(&error.to_string()))))?;
        Ok(http::Response::from_parts(parts, json))
    }

    /// Gets the bytes of a document of one of these content types: status 200 exactly. The headers
    /// come along.
    pub async fn get_bytes(
        &self,
        url: &Url,
        content_types: &[&str],
    ) -> Result<http::Response<Bytes>, FetchError> {
        let accept = content_types.join(", ");
        let response = self.get(url, &accept).await?;
        expect_ok(&response).map_err(|stage| failure(url, stage))?;
        let got = content_type(response.headers());
        if content_types.contains(&got.as_str()) {
            return Ok(response);
        }
        let stage = Stage::ContentType {
            got: shown(&got),
            // The first is the usual one.
            expected: content_types.first().copied().unwrap_or_default().into(),
        };
        Err(failure(url, stage))
    }

    /// Gets a text: status 200 exactly, UTF-8, of whatever content type.
    pub async fn get_text(&self, url: &Url) -> Result<String, FetchError> {
        let response = self.get(url, "text/plain, */*;q=0.1").await?;
        expect_ok(&response).map_err(|stage| failure(url, stage))?;
        String::from_utf8(response.into_body().into()).map_err(|_| {
            let (got, expected) = ("text in another encoding".into(), "UTF-8".into());
            failure(url, Stage::ContentType { got, expected })
        })
    }

    /// Gets whatever is there.
    pub async fn get(&self, url: &Url, accept: &str) -> Result<http::Response<Bytes>, FetchError> {
        let request = http::Request::get(url.as_str())
            .header(ACCEPT, accept)
            .body(Bytes::new());
        self.fetch(request.map_err(|_| failure(url, Stage::Url("not a URL")))?)
            .await
    }

    /// The TXT records of a name, each with its pieces joined.
    pub async fn texts(&self, name: &str) -> Result<Vec<String>, DnsError> {
        let failed = |why: &str| DnsError::Failed(why.to_owned());
        let work = async {
            let _turn = self.limits.any().await.ok_or_else(|| failed("too busy"))?;
            self.dns.texts(name).await
        };
        tokio::time::timeout(self.config.total_timeout, work)
            .await
            .unwrap_or_else(|_| Err(failed("no answer in time")))
    }

    /// The rules for a URL. Returns host and port, by which requests are counted.
    fn check(&self, url: &Url) -> Result<String, Stage> {
        let host = url.host().ok_or(Stage::Url("the URL has no host"))?;
        let address = match &host {
            Host::Ipv4(address) => Some(IpAddr::from(*address)),
            Host::Ipv6(address) => Some(IpAddr::from(*address)),
            Host::Domain(_) => None,
        };
        let local_name = matches!(&host, Host::Domain(name) if is_local_name(name));
        let loopback = local_name || address.is_some_and(|address| address.is_loopback());
        match url.scheme() {
            "https" => {}
            "http" if self.config.allow_http && loopback => {}
            "http" => return Err(Stage::Url("plain http is not allowed; use https")),
            _ => return Err(Stage::Url("only https URLs are fetched")),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Stage::Url("the URL has credentials in it"));
        }
        let allowed = if loopback {
            self.config.allow_loopback
        } else {
            address.is_none_or(is_public)
        };
        if !allowed {
            return Err(Stage::AddressNotPublic);
        }
        Ok(format!(
            "{host}:{}",
            url.port_or_known_default().unwrap_or_default()
        ))
    }

    async fn send(
        &self,
        request: http::Request<Bytes>,
        host: &str,
    ) -> Result<http::Response<Bytes>, Stage> {
        // On the heap: it is large, and callers nest it in theirs.
        let work = Box::pin(async {
            let turn = self.limits.turn(host).await.ok_or(Stage::Busy)?;
            let client = if turn.keeps_connection {
                &self.client
            } else {
                &self.once
            };
            let request = reqwest::Request::try_from(request).map_err(|error| classify(&error))?;
            let mut response = client
                .execute(request)
                .await
                .map_err(|error| classify(&error))?;
            if let Some(encoding) = response.headers().get(CONTENT_ENCODING) {
                // Nothing compressed was asked for, so nothing is ever unpacked.
                let encoding = encoding.to_str().unwrap_or("unknown");
                return Err(Stage::Encoding(shown(encoding)));
            }
            let limit = self.config.max_body;
            let mut body = BytesMut::new();
            while let Some(chunk) = response.chunk().await.map_err(|error| classify(&error))? {
                if body.len().saturating_add(chunk.len()) > limit {
                    return Err(Stage::TooLarge { limit });
                }
                body.extend_from_slice(&chunk);
            }
            let mut answer = http::Response::new(body.freeze());
            *answer.status_mut() = response.status();
            *answer.headers_mut() = std::mem::take(response.headers_mut());
            Ok(answer)
        });
        tokio::time::timeout(self.config.total_timeout, work)
            .await
            .unwrap_or(Err(Stage::Timeout))
    }
}

fn failure(url: &Url, stage: Stage) -> FetchError {
    FetchError {
        url: without_query(url),
        stage,
    }
}

/// Status 200 exactly.
fn expect_ok(response: &http::Response<Bytes>) -> Result<(), Stage> {
    let status = response.status();
    if status.is_redirection() {
        let to = response
            .headers()
            .get(LOCATION)
            .and_then(|to| to.to_str().ok());
        return Err(Stage::Redirect(
            to.map_or_else(|| "nowhere".to_owned(), without_secrets),
        ));
    }
    if status == StatusCode::OK {
        return Ok(());
    }
    Err(Stage::Status {
        status: status.as_u16(),
        html: content_type(response.headers()) == "text/html",
    })
}

fn content_type(headers: &HeaderMap) -> String {
    let mut values = headers.get_all(CONTENT_TYPE).into_iter();
    let value = match (values.next(), values.next()) {
        (None, _) => "(none)",
        // Others may read the other one.
        (Some(_), Some(_)) => "(several)",
        (Some(value), None) => value.to_str().unwrap_or("(unreadable)"),
    };
    value
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase()
}

/// The URL without what may be secret: query, fragment and credentials.
fn without_query(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    // Fails where there can be none.
    let _ = (url.set_username(""), url.set_password(None));
    shown(url.as_str())
}

/// The same for a text that may be part of a URL only.
fn without_secrets(text: &str) -> String {
    match Url::parse(text) {
        Ok(url) => without_query(&url),
        Err(_) => shown(text.split(['?', '#']).next().unwrap_or_default()),
    }
}

/// Finds out where a request failed, from the chain of causes.
fn classify(error: &reqwest::Error) -> Stage {
    let mut cause = error.source();
    while let Some(error) = cause {
        if error.is::<NotPublic>() {
            return Stage::AddressNotPublic;
        }
        if let Some(NotResolved(why)) = error.downcast_ref() {
            return Stage::Dns(shown(&why.to_string()));
        }
        if let Some(why) = tls_error(error) {
            return Stage::Tls(shown(&why.to_string()));
        }
        cause = error.source();
    }
    if error.is_timeout() {
        Stage::Timeout
    } else if error.is_connect() {
        Stage::Connect(innermost(error))
    } else {
        Stage::Transfer(innermost(error))
    }
}

/// The TLS error in an I/O error, however often it is wrapped: an I/O error passes over what it
/// wraps when it is asked for its source.
fn tls_error<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a rustls::Error> {
    let mut wrapped = error.downcast_ref::<std::io::Error>()?.get_ref()?;
    while let Some(inner) = wrapped.downcast_ref::<std::io::Error>() {
        wrapped = inner.get_ref()?;
    }
    wrapped.downcast_ref()
}

/// The innermost cause says what happened; the outer ones repeat the URL.
fn innermost(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = error.to_string();
        cause = error.source();
    }
    shown(&text)
}
