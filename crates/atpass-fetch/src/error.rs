//! Why something couldn't be fetched: the stage at which it failed, and what to do.

use std::fmt;

/// A failed fetch.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{url}: {stage}")]
pub struct FetchError {
    /// What was asked for: origin and path, without a query, which may hold secrets.
    pub url: String,
    /// Where it failed.
    pub stage: Stage,
}

/// Where a fetch failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The URL isn't one that may be fetched.
    Url(&'static str),
    /// The host name has no address.
    Dns(String),
    /// The host name's address isn't public.
    AddressNotPublic,
    /// No connection: refused or unreachable.
    Connect(String),
    /// No secure connection: the certificate isn't good for this host, or no common ground.
    Tls(String),
    /// No answer in time.
    Timeout,
    /// Too many requests to this host at once.
    Busy,
    /// The connection broke.
    Transfer(String),
    /// A redirect, which is never followed.
    Redirect(String),
    /// Another status than 200.
    Status {
        /// The status code.
        status: u16,
        /// The answer was a web page: a bot filter, or no API at this address.
        html: bool,
    },
    /// Another content type.
    ContentType {
        /// What came.
        got: String,
        /// What was asked for.
        expected: String,
    },
    /// The body is compressed, though nothing compressed was asked for.
    Encoding(String),
    /// More bytes than allowed.
    TooLarge {
        /// The limit, bytes.
        limit: usize,
    },
    /// Not the JSON that was expected.
    Json(String),
}

impl Stage {
    /// A word for the stage, for programs.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Url(_) => "url",
            Self::Dns(_) => "dns",
            Self::AddressNotPublic => "address",
            Self::Connect(_) => "connect",
            Self::Tls(_) => "tls",
            Self::Timeout => "timeout",
            Self::Busy => "busy",
            Self::Transfer(_) => "transfer",
            Self::Redirect(_) => "redirect",
            Self::Status { .. } => "status",
            Self::ContentType { .. } => "content_type",
            Self::Encoding(_) => "content_encoding",
            Self::TooLarge { .. } => "too_large",
            Self::Json(_) => "json",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(why) => f.write_str(why),
            Self::Dns(why) => write!(f, "the host name can't be resolved ({why})"),
            Self::AddressNotPublic => f.write_str("the host's address is not a public one"),
            Self::Connect(why) => write!(f, "no connection ({why})"),
            Self::Tls(why) => write!(f, "no secure connection ({why})"),
            Self::Timeout => f.write_str("no answer in time"),
            Self::Busy => f.write_str("too many requests to this host are under way"),
            Self::Transfer(why) => write!(f, "the connection broke ({why})"),
            Self::Redirect(to) => write!(
                f,
                "it redirects to {to}; redirects are not followed, serve it at this URL itself"
            ),
            Self::Status { status, html: true } => write!(
                f,
                "status {status} with a web page (perhaps a bot filter in front of the API)"
            ),
            Self::Status {
                status,
                html: false,
            } => write!(f, "status {status} where 200 was expected"),
            Self::ContentType { got, expected } => {
                write!(f, "content type {got} where {expected} was expected")
            }
            Self::Encoding(got) => write!(
                f,
                "the answer is compressed ({got}) though that was not asked for"
            ),
            Self::TooLarge { limit } => write!(f, "the answer is longer than {limit} bytes"),
            Self::Json(why) => write!(f, "not the JSON that was expected ({why})"),
        }
    }
}

impl FetchError {
    /// Whether the same request may succeed a little later.
    pub const fn is_transient(&self) -> bool {
        match self.stage {
            Stage::Dns(_)
            | Stage::Connect(_)
            | Stage::Timeout
            | Stage::Busy
            | Stage::Transfer(_) => true,
            Stage::Status { status, .. } => status >= 500 || status == 429,
            Stage::Url(_)
            | Stage::AddressNotPublic
            | Stage::Tls(_)
            | Stage::Encoding(_)
            | Stage::Redirect(_)
            | Stage::ContentType { .. }
            | Stage::TooLarge { .. }
            | Stage::Json(_) => false,
        }
    }
}
