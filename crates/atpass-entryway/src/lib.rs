//! One authorization server before many unmodified PDSes.
//!
//! A PDS that delegates to an entryway trusts its access tokens
//! ([`atpass_provider::ProviderConfig::official_pdses`]) and forwards to it whatever is about accounts. An
//! [`Entryway`] has the accounts, makes new ones ([`atpass_provider::sign_up::SignUp`]), and answers what is
//! forwarded ([`router`]).
//!
//! | File | holds |
//! | --- | --- |
//! | `config` | the PDSes behind it, and how new accounts come |
//! | `store` | what a backend implements |
//! | `pds` | what it asks of a PDS |
//! | `plc` | operations of `did:plc`, and their directory |
//! | `handles` | which handles it gives |
//! | `password` | whether a password is an account's own |
//! | `change_handle` | a handle's change, in steps that can be repeated |
//! | `sign_up` | an account's making, in steps that survive a crash |
//! | `service_auth` | who a forwarded request is from |
//! | `legacy` | sessions of apps that know no OAuth |
//! | `mail` | letters to people |
//! | `xrpc/*` | the methods that are forwarded, by subject |

mod change_handle;
mod config;
mod handles;
mod legacy;
mod limits;
pub mod mail;
mod password;
pub mod pds;
pub mod plc;
mod service_auth;
mod sign_up;
pub mod store;
mod xrpc;

use std::fmt;
use std::sync::Arc;

use atpass_fetch::Fetcher;
use atpass_identity::Resolver;
use atpass_protocol::jose::K256Key;
use atpass_protocol::random::Random;
use atpass_protocol::time::{Clock, UnixTime};
use atpass_provider::password::Passwords;
use atpass_provider::store::StoreError;
use atpass_replay::RateLimits;
use url::Url;

pub use change_handle::ChangeHandleError;
pub use config::{EntrywayConfig, PdsConfig, SignUpPolicy};
pub use handles::NotGiven;
use limits::Limits;
use mail::Mailer;
pub use password::check_password;
use store::EntrywayStore;
pub use xrpc::router;

/// Under which name the store keeps the rotation key of new accounts' DIDs where the operator has given none
/// ([`atpass_provider::kept_k256_key`]).
pub const PLC_KEY: &str = "plc-rotation";

/// The parts that an entryway works with.
pub struct Parts {
    /// What it remembers.
    pub store: Arc<dyn EntrywayStore>,
    /// Hashes passwords.
    pub passwords: Passwords,
    /// Reaches PDSes and the directory.
    pub fetcher: Fetcher,
    /// Finds an account's document: its key, by which forwarded requests are signed.
    pub resolver: Resolver,
    /// The directory of `did:plc`.
    pub directory: Url,
    /// The rotation keys of accounts' DIDs. New accounts get the first, of which each PDS is told the public
    /// half (`PDS_ENTRYWAY_PLC_ROTATION_KEY`); the others are those of accounts that came from elsewhere.
    /// Never empty.
    pub plc_keys: Vec<K256Key>,
    /// Sends letters. Without one nobody can confirm an address, or choose a new password by themselves.
    pub mailer: Option<Arc<dyn Mailer>>,
    /// Where attempts are counted.
    pub limits: RateLimits,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
}

/// An entryway. Cheap to clone.
#[derive(Clone)]
pub struct Entryway(Arc<Inner>);

struct Inner {
    config: EntrywayConfig,
    /// The domains of new accounts' handles.
    domains: Vec<String>,
    limits: Limits,
    parts: Parts,
}

impl Entryway {
    /// With its configuration and its parts.
    pub fn new(config: EntrywayConfig, parts: Parts) -> Self {
        let domains = config.domains_of_new_accounts();
        Self(Arc::new(Inner {
            config,
            domains,
            limits: Limits::new(&parts.limits),
            parts,
        }))
    }

    /// Its configuration.
    pub fn config(&self) -> &EntrywayConfig {
        &self.0.config
    }

    /// Removes what nobody needs any more, at most `batch` rows of each kind. Returns how many.
    pub async fn sweep(&self, batch: u32) -> Result<usize, StoreError> {
        self.0.parts.store.sweep_entryway(self.now(), batch).await
    }

    pub(crate) fn parts(&self) -> &Parts {
        &self.0.parts
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.0.limits
    }

    pub(crate) fn now(&self) -> UnixTime {
        self.0.parts.clock.now()
    }
}

impl fmt::Debug for Entryway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entryway")
            .field("config", &self.0.config)
            .finish_non_exhaustive()
    }
}
