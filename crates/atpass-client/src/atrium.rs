//! An agent of `atrium-api` over a session.
//!
//! ```no_run
//! use atpass_client::atrium::AtriumSession;
//! use atrium_api::agent::Agent;
//!
//! # async fn example(session: atpass_client::Session) -> Result<(), Box<dyn std::error::Error>> {
//! let agent = Agent::new(AtriumSession::new(session));
//! let me = agent.api.com.atproto.server.get_session().await?;
//! println!("{}", me.handle.as_str());
//! # Ok(())
//! # }
//! ```
//!
//! Token, proof and nonce come from the session, which refreshes itself. What the agent adds
//! (`atproto-proxy`, `atproto-accept-labelers`) is sent with them.
//!
//! | error of atrium | means |
//! | --- | --- |
//! | `XrpcResponse` | the server refused: status, error and message; a scope too small, too |
//! | `Authentication` | the server refused the token, although it was refreshed (401) |
//! | `HttpClient` | no answer; [`session_error`] has the reason, such as a session that is over |

use std::error::Error as StdError;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use ::atrium_api::agent::{CloneWithProxy, Configure, SessionManager};
use ::atrium_api::types::string::Did;
use ::atrium_xrpc::{Error, HttpClient, XrpcClient};
use http::header::WWW_AUTHENTICATE;
use http::{Request, Response, StatusCode};

use crate::agents;
use crate::{ClientError, Session};

/// A session as atrium's agents want one, with the headers that they set.
///
/// They may send it to another server than the account's PDS (`configure_endpoint`): then it goes
/// without token and proof.
pub struct AtriumSession {
    session: Session,
    shared: Arc<Shared>,
    /// Each of the agents of one session has its own.
    proxy: RwLock<Option<String>>,
}

/// What the agents of one session have in common.
#[derive(Default)]
struct Shared {
    /// Another server than the account's PDS.
    endpoint: RwLock<Option<String>>,
    labelers: RwLock<Option<Vec<String>>>,
}

impl AtriumSession {
    /// Over this session. Its clones go on, and share its tokens.
    pub fn new(session: Session) -> Self {
        Self {
            session,
            shared: Arc::default(),
            proxy: RwLock::default(),
        }
    }

    /// The session, to look at or to end.
    pub const fn session(&self) -> &Session {
        &self.session
    }
}

impl From<Session> for AtriumSession {
    fn from(session: Session) -> Self {
        Self::new(session)
    }
}

/// The session's own error, where there was no answer: [`ClientError::needs_login`] and
/// [`ClientError::is_transient`] say what to do.
pub fn session_error<E: fmt::Debug>(error: &Error<E>) -> Option<&ClientError> {
    match error {
        Error::HttpClient(error) => error.downcast_ref(),
        _ => None,
    }
}

impl HttpClient for AtriumSession {
    async fn send_http(
        &self,
        request: Request<Vec<u8>>,
    ) -> Result<Response<Vec<u8>>, Box<dyn StdError + Send + Sync + 'static>> {
        let mut answer = agents::send(&self.session, request).await?;
        if answer.status() != StatusCode::UNAUTHORIZED {
            // Atrium takes every answer with a challenge for a failed login, and drops its body: a
            // scope too small (403) would look like a session that is over.
            answer.headers_mut().remove(WWW_AUTHENTICATE);
        }
        Ok(answer)
    }
}

impl XrpcClient for AtriumSession {
    fn base_uri(&self) -> String {
        let other = read(&self.shared.endpoint);
        other.unwrap_or_else(|| self.session.pds().to_string())
    }

    async fn atproto_proxy_header(&self) -> Option<String> {
        read(&self.proxy)
    }

    async fn atproto_accept_labelers_header(&self) -> Option<Vec<String>> {
        read(&self.shared.labelers)
    }
}

impl SessionManager for AtriumSession {
    async fn did(&self) -> Option<Did> {
        Did::new(self.session.did().to_string()).ok()
    }
}

impl Configure for AtriumSession {
    fn configure_endpoint(&self, endpoint: String) {
        write(&self.shared.endpoint, endpoint);
    }

    fn configure_labelers_header(&self, labeler_dids: Option<Vec<(Did, bool)>>) {
        let labeler = |(did, redact): (Did, bool)| {
            let redact = if redact { ";redact" } else { "" };
            format!("{}{redact}", did.as_str())
        };
        let labelers = labeler_dids.map(|labelers| labelers.into_iter().map(labeler).collect());
        write(&self.shared.labelers, labelers);
    }

    fn configure_proxy_header(&self, did: Did, service_type: impl AsRef<str>) {
        let service = format!("{}#{}", did.as_str(), service_type.as_ref());
        write(&self.proxy, service);
    }
}

impl CloneWithProxy for AtriumSession {
    fn clone_with_proxy(&self, did: Did, service_type: impl AsRef<str>) -> Self {
        let clone = self.clone();
        clone.configure_proxy_header(did, service_type);
        clone
    }
}

impl Clone for AtriumSession {
    fn clone(&self) -> Self {
        Self {
            session: self.session.clone(),
            shared: self.shared.clone(),
            proxy: RwLock::new(read(&self.proxy)),
        }
    }
}

impl fmt::Debug for AtriumSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AtriumSession").field(&self.session).finish()
    }
}

fn read<T: Clone>(lock: &RwLock<T>) -> T {
    lock.read().unwrap_or_else(PoisonError::into_inner).clone()
}

fn write<T>(lock: &RwLock<T>, value: impl Into<T>) {
    *lock.write().unwrap_or_else(PoisonError::into_inner) = value.into();
}
