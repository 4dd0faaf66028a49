//! Log in, hold a session, refresh it, call with it, log out.
//!
//! An [`OAuthClient`] is made once and cloned freely. [`OAuthClient::login`] gives the URL to send
//! the browser to; [`OAuthClient::callback`] takes what the browser brings back and gives a
//! [`Session`]. A session adds token and proof to each request, and refreshes itself.
//!
//! ```no_run
//! # async fn example(client: atpass_client::OAuthClient) -> Result<(), atpass_client::ClientError> {
//! let login = client.login("alice.example.com").await?;
//! println!("open {}", login.url);
//! // ... the browser comes back to the redirect URI with a query:
//! let session = client.callback("state=...&iss=...&code=...").await?;
//! let me = session.get("/xrpc/com.atproto.server.getSession").await?;
//! println!("{}", String::from_utf8_lossy(me.body()));
//! session.logout().await?;
//! # Ok(())
//! # }
//! ```
//!
//! What the client insists on: pushed requests with PKCE and DPoP; state, verifier and key new for
//! each login; the answer's `iss`; the account that was asked for, or else the account's own
//! authorization server; `atproto` in the granted scope, and nothing that wasn't asked for; tokens of type
//! DPoP. A login that fails one of these leaves nothing behind.

mod answers;
mod authentication;
#[cfg(feature = "axum")]
pub mod axum;
mod callback;
mod client;
mod config;
mod error;
mod granted;
mod keys;
mod login;
#[cfg(feature = "loopback")]
mod loopback;
mod metadata;
mod origins;
mod pause;
mod proofs;
mod refresh;
mod session;
pub mod store;

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
