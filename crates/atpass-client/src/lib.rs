#![doc = include_str!("../docs/guide.md")]

#[cfg(any(feature = "atrium", feature = "jacquard"))]
mod agents;
mod answers;
#[cfg(feature = "atrium")]
pub mod atrium;
mod authentication;
#[cfg(feature = "axum")]
pub mod axum;
mod callback;
mod challenges;
mod client;
mod config;
mod error;
mod granted;
#[cfg(feature = "jacquard")]
pub mod jacquard;
mod keys;
mod login;
#[cfg(feature = "loopback")]
mod loopback;
mod metadata;
mod origins;
#[cfg(any(feature = "axum", feature = "loopback"))]
mod page;
mod pause;
mod proofs;
mod refresh;
mod session;
pub mod store;

pub use {atpass_fetch as fetch, atpass_identity as identity, atpass_protocol as protocol};

pub use client::{ClientParts, Dropping, OAuthClient};
pub use config::{ClientConfig, ClientKind, ConfigError, paths};
pub use error::{ClientError, Endpoint, Stage};
pub use keys::{ClientKeyset, KeyState, KeysetError};
pub use login::{LoginOptions, LoginRequest};
#[cfg(feature = "loopback")]
pub use loopback::{LOOPBACK_REDIRECT_URI, LoopbackError, LoopbackListener};
pub use proofs::Transport;
pub use session::Session;
pub use store::{MemoryStore, SessionKey, SessionStore};
