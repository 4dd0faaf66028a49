//! From a handle to a DID (atproto spec, Handle, "Handle Resolution").

use atpass_fetch::{DnsError, FetchError, Fetcher};
use atpass_protocol::id::{Did, Handle};
use serde::Deserialize;
use url::Url;

use crate::observer::{Step, Watch};

/// How handles are resolved.
#[derive(Clone, Debug)]
pub enum HandleResolution {
    /// By DNS and HTTPS, side by side.
    Network,
    /// By a server that answers `com.atproto.identity.resolveHandle`.
    Server(Url),
}

/// The top-level domains under which no handle can be (atproto spec, Handle, "Additional
/// Non-Syntax Restrictions").
const DISALLOWED: [&str; 8] = [
    "alt",
    "arpa",
    "example",
    "internal",
    "invalid",
    "local",
    "localhost",
    "onion",
];

/// Why a handle has no DID.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HandleFailure {
    /// Its top-level domain is never public.
    #[error("no handle can be under .{0}")]
    Disallowed(String),
    /// Neither way led to a DID.
    #[error("DNS: {dns}; HTTPS: {https}")]
    Network {
        /// What DNS said.
        dns: DnsFailure,
        /// What the host itself said.
        https: HttpsFailure,
    },
    /// The resolving server doesn't know it, or can't be asked.
    #[error(transparent)]
    Server(FetchError),
}

/// Why DNS gave no DID.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DnsFailure {
    /// No answer, or none of this kind.
    #[error(transparent)]
    Dns(DnsError),
    /// More than one record claims to name the DID.
    #[error("{0} TXT records at _atproto name a DID; there must be exactly one")]
    Ambiguous(usize),
    /// The record's DID isn't one.
    #[error("the TXT record at _atproto names no valid DID")]
    Invalid,
}

/// Why the host gave no DID.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpsFailure {
    /// It can't be asked.
    #[error(transparent)]
    Fetch(FetchError),
    /// What it says is no DID.
    #[error("/.well-known/atproto-did holds no valid DID")]
    Invalid,
}

impl HandleFailure {
    /// Whether the same may succeed a little later.
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Disallowed(_) => false,
            Self::Server(error) => error.is_transient(),
            Self::Network { dns, https } => {
                let dns = matches!(dns, DnsFailure::Dns(DnsError::Failed(_)));
                let https = matches!(https, HttpsFailure::Fetch(error) if error.is_transient());
                dns || https
            }
        }
    }
}

/// A handle's DID, and whether the two ways disagree on it.
pub(crate) struct ResolvedHandle {
    pub(crate) did: Did,
    /// What the host itself says, where it differs from DNS and both were asked.
    pub(crate) conflict: Option<Did>,
}

/// Refuses handles that can't be anybody's.
pub(crate) fn check_allowed(handle: &Handle, allow_test: bool) -> Result<(), HandleFailure> {
    let top = handle.as_str().rsplit('.').next().unwrap_or_default();
    if DISALLOWED.contains(&top) || (top == "test" && !allow_test) {
        return Err(HandleFailure::Disallowed(top.to_owned()));
    }
    Ok(())
}

/// Asks DNS and the host at the same time. DNS counts where it answers (clause ID-HDL-04); then
/// the host is waited for only if `both`.
pub(crate) async fn by_network(
    fetcher: &Fetcher,
    handle: &Handle,
    both: bool,
    watch: &Watch,
) -> Result<ResolvedHandle, HandleFailure> {
    let dns = watch.step(
        Step::HandleDns,
        format!("TXT _atproto.{handle}"),
        by_dns(fetcher, handle),
    );
    let https = watch.step(
        Step::HandleHttps,
        format!("https://{handle}/.well-known/atproto-did"),
        by_https(fetcher, handle),
    );
    let mut https = std::pin::pin!(https);
    let mut dns = std::pin::pin!(dns);
    let mut host_said = None;
    let dns_said = loop {
        tokio::select! {
            biased;
            said = &mut dns => break said,
            said = &mut https, if host_said.is_none() => host_said = Some(said),
        }
    };
    if let Ok(did) = &dns_said
        && !both
    {
        return Ok(ResolvedHandle {
            did: did.clone(),
            conflict: None,
        });
    }
    let host_said = match host_said {
        Some(said) => said,
        None => https.await,
    };
    match (dns_said, host_said) {
        (Ok(did), host) => Ok(ResolvedHandle {
            conflict: host.ok().filter(|other| *other != did),
            did,
        }),
        (Err(_), Ok(did)) => Ok(ResolvedHandle {
            did,
            conflict: None,
        }),
        (Err(dns), Err(https)) => Err(HandleFailure::Network { dns, https }),
    }
}

async fn by_dns(fetcher: &Fetcher, handle: &Handle) -> Result<Did, DnsFailure> {
    let texts = fetcher
        .texts(&format!("_atproto.{handle}"))
        .await
        .map_err(DnsFailure::Dns)?;
    let claims: Vec<&str> = texts
        .iter()
        .filter_map(|text| text.strip_prefix("did="))
        .collect();
    match claims.as_slice() {
        [] => Err(DnsFailure::Dns(DnsError::NotFound)),
        [did] => Did::parse(did).map_err(|_| DnsFailure::Invalid),
        several => Err(DnsFailure::Ambiguous(several.len())),
    }
}

async fn by_https(fetcher: &Fetcher, handle: &Handle) -> Result<Did, HttpsFailure> {
    let url = format!("https://{handle}/.well-known/atproto-did");
    let url = Url::parse(&url).map_err(|_| HttpsFailure::Invalid)?;
    let text = fetcher.get_text(&url).await.map_err(HttpsFailure::Fetch)?;
    Did::parse(text.trim()).map_err(|_| HttpsFailure::Invalid)
}

#[derive(Deserialize)]
struct Answer {
    did: Did,
}

/// Asks a server.
pub(crate) async fn by_server(
    fetcher: &Fetcher,
    server: &Url,
    handle: &Handle,
    watch: &Watch,
) -> Result<ResolvedHandle, HandleFailure> {
    let mut url = server.clone();
    url.set_path("/xrpc/com.atproto.identity.resolveHandle");
    url.set_query(None);
    url.query_pairs_mut().append_pair("handle", handle.as_str());
    let ask = async {
        let answer: Answer = fetcher.get_json(&url).await?;
        Ok(answer.did)
    };
    let did = watch.step(Step::HandleServer, url.to_string(), ask).await;
    did.map(|did| ResolvedHandle {
        did,
        conflict: None,
    })
    .map_err(HandleFailure::Server)
}
