//! The one door to the outside: a hardened HTTP client.
//!
//! Everything that leaves the process goes through a [`Fetcher`]: public addresses only, checked
//! on the address that is connected to; no redirects; no proxies from the environment; a bound on
//! time, on bytes, and on requests at once for each host. Exceptions for development are
//! configuration, off by default.

mod address;
mod dns;
mod error;
mod fetcher;
mod limits;
mod resolver;

pub use address::is_public;
pub use dns::{DnsError, DnsServer};
pub use error::{FetchError, Stage};
pub use fetcher::{FetchConfig, Fetcher};
