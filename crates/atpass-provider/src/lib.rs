//! The authorization server: endpoints, pages, sessions, devices, accounts.
//!
//! A [`Provider`] is opened with its configuration and its parts (a [`store::Store`],
//! [`accounts::Accounts`], a clock, randomness); [`router`] serves it. Reading order:
//!
//! | File | holds |
//! | --- | --- |
//! | `routes` | HTTP in and out: the only file that knows the web framework |
//! | `clients/*` | who an app is by its own metadata, and how it proves it |
//! | `endpoint/par`, `endpoint/token`, `endpoint/revoke` | what apps call |
//! | `pages/*` | what people see, in the order in which they see it |
//! | `official_pds` | access tokens that unmodified official PDSes take |
//! | `refresh` | what a refresh token is, and the rule that decides on one |
//! | `store`, `accounts`, `sign_up` | what a backend, or a PDS that embeds this crate, implements |

/// What a backend implements to keep permission sets.
pub mod lexicons {
    pub use atpass_identity::{KeptLexicon, LexiconStore, LexiconStoreError};
}

pub mod accounts;
pub mod keys;
pub mod password;
pub mod refresh;
pub mod sign_up;
pub mod store;

mod audit;
mod clients;
mod endpoint;
mod error;
mod grant;
mod lifetimes;
mod limits;
mod official_hash;
mod official_pds;
mod ordered;
mod pages;
mod permission_sets;
mod provider;
mod routes;

pub use clients::{ClientProblem, FoundClient, fetch_client};
pub use lifetimes::{LifetimeError, Lifetimes};
pub use official_pds::{OFFICIAL_PDS_KEY, kept_k256_key};
pub use permission_sets::{
    NoPermissionSets, PermissionSetProblem, PermissionSets, ResolvedPermissionSets,
};
pub use provider::{OpenError, Parts, Provider, ProviderConfig, SessionEnded};
pub use routes::router;
