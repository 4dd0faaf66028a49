//! An agent of `jacquard` over a session.
//!
//! ```no_run
//! use atpass_client::jacquard::JacquardSession;
//! use jacquard::client::Agent;
//! use jacquard::common::xrpc::{XrpcClient, atproto::GetSession};
//!
//! # async fn example(session: atpass_client::Session) -> Result<(), Box<dyn std::error::Error>> {
//! let agent = Agent::new(JacquardSession::new(session));
//! let me = agent.send(GetSession).await?.into_output()?;
//! println!("{}", me.handle.as_str());
//! # Ok(())
//! # }
//! ```
//!
//! Token, proof and nonce come from the session, which refreshes itself. What the agent adds
//! (`CallOptions`) is sent with them. Accounts are found with the client's own resolver, so
//! `jacquard::client::AgentSessionExt` works; the documents that it gets name account, handle and PDS,
//! and no keys.
//!
//! | error of jacquard | means |
//! | --- | --- |
//! | `Http` | the server refused: status, and the body as `HttpError` in its source; a scope too small, too |
//! | `Auth` of another kind | the server refused the token, although it was refreshed (401) |
//! | `Auth(RefreshFailed)` | the session is over: the person has to sign in again |
//! | `Transport`, `Storage`, `InvalidRequest`, … | no answer |
//!
//! [`session_error`] has the session's own reason. Jacquard's streams and subscriptions don't run over a
//! session.

mod identity;

use std::fmt;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use ::jacquard::client::{AgentKind, AgentSession};
use ::jacquard::common::AuthorizationToken;
use ::jacquard::common::deps::fluent_uri::Uri;
use ::jacquard::common::error::{
    AuthError, ClientError as AgentError, ClientErrorKind, XrpcResult,
};
use ::jacquard::common::http_client::HttpClient;
use ::jacquard::common::xrpc::{
    CallOptions, XrpcClient, XrpcRequest, XrpcResponse, build_http_request, normalize_base_uri,
    process_response,
};
use ::jacquard::identity::resolver::ResolverOptions;
use ::jacquard::types::string::Did;
use ::jacquard::{SmolStr, ToSmolStr};
use http::{Request, Response};
use serde::Serialize;

use crate::agents;
use crate::{ClientError, Session};

/// A session as jacquard's agents want one, with the options that they set. Cheap to clone; clones
/// share the options.
///
/// They may send it to another server than the account's PDS (`set_base_uri`): then it goes without
/// token and proof.
#[derive(Clone)]
pub struct JacquardSession {
    session: Session,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    options: RwLock<CallOptions>,
    /// Another server than the account's PDS.
    endpoint: RwLock<Option<Uri<String>>>,
    resolver: ResolverOptions,
}

impl JacquardSession {
    /// Over this session. Its clones go on, and share its tokens.
    pub fn new(session: Session) -> Self {
        Self {
            session,
            shared: Arc::default(),
        }
    }

    /// The session, to look at or to end.
    pub const fn session(&self) -> &Session {
        &self.session
    }

    /// The PDS, or the server that was set in its place.
    fn base(&self) -> Uri<String> {
        let other = read(&self.shared.endpoint);
        other.unwrap_or_else(|| uri(self.session.pds().as_str()))
    }
}

/// A PDS's address. One that is a URL and no URI (RFC 3986) becomes a host that doesn't exist (RFC 2606).
fn uri(pds: &str) -> Uri<String> {
    #[expect(clippy::expect_used, reason = "a literal, and a test reads it")]
    static NOWHERE: LazyLock<Uri<&str>> =
        LazyLock::new(|| Uri::parse("https://no-uri.invalid").expect("a URI"));
    let uri = Uri::parse(pds).map(|uri| uri.to_owned());
    uri.unwrap_or_else(|_| NOWHERE.to_owned())
}

impl From<Session> for JacquardSession {
    fn from(session: Session) -> Self {
        Self::new(session)
    }
}

/// The session's own error, where there was no answer: [`ClientError::needs_login`] and
/// [`ClientError::is_transient`] say what to do.
pub fn session_error(error: &AgentError) -> Option<&ClientError> {
    error.source_err()?.downcast_ref()
}

/// The session's error as one of jacquard's, which has it as its source.
fn agent_error(error: ClientError) -> AgentError {
    let kind = match &error {
        error if error.needs_login() => ClientErrorKind::Auth(AuthError::RefreshFailed),
        ClientError::Key(_) => ClientErrorKind::Auth(AuthError::DpopProofFailed),
        ClientError::Store(_) => ClientErrorKind::Storage,
        ClientError::Identity(_) => ClientErrorKind::IdentityResolution,
        ClientError::Request(what) => ClientErrorKind::InvalidRequest(what.into()),
        _ => ClientErrorKind::Transport,
    };
    AgentError::new(kind, Some(Box::new(error)))
}

impl HttpClient for JacquardSession {
    type Error = ClientError;

    async fn send_http(&self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, ClientError> {
        agents::send(&self.session, request).await
    }
}

impl XrpcClient for JacquardSession {
    async fn base_uri(&self) -> Uri<String> {
        self.base()
    }

    async fn set_base_uri(&self, uri: Uri<String>) {
        write(&self.shared.endpoint, Some(normalize_base_uri(uri)));
    }

    async fn opts(&self) -> CallOptions {
        read(&self.shared.options)
    }

    async fn set_opts(&self, opts: CallOptions) {
        write(&self.shared.options, opts);
    }

    async fn send<R>(&self, request: R) -> XrpcResult<XrpcResponse<R>>
    where
        R: XrpcRequest + Send + Sync + Serialize,
        <R as XrpcRequest>::Response: Send + Sync,
    {
        let opts = read(&self.shared.options);
        self.send_with_opts(request, opts).await
    }

    async fn send_with_opts<R>(&self, request: R, opts: CallOptions) -> XrpcResult<XrpcResponse<R>>
    where
        R: XrpcRequest + Send + Sync + Serialize,
        <R as XrpcRequest>::Response: Send + Sync,
    {
        let request = build_http_request(&self.base().borrow(), &request, &opts)?;
        let answer = self.send_http(request).await;
        process_response(answer.map_err(|error| agent_error(error).for_nsid(R::NSID))?)
    }
}

impl AgentSession for JacquardSession {
    fn session_kind(&self) -> AgentKind {
        AgentKind::OAuth
    }

    /// The account, and the session's key: with it, [`crate::OAuthClient::restore`] finds it again.
    async fn session_info(&self) -> Option<(Did, Option<SmolStr>)> {
        let did = Did::new_owned(self.session.did().as_str()).ok()?;
        Some((did, Some(self.session.key().as_str().into())))
    }

    async fn endpoint(&self) -> Uri<String> {
        self.base()
    }

    async fn set_options(&self, opts: CallOptions) {
        write(&self.shared.options, opts);
    }

    /// Refreshes now. Not needed before a request, and of no use elsewhere: the token is bound to the
    /// session's key, which stays here.
    async fn refresh(&self) -> XrpcResult<AuthorizationToken<SmolStr>> {
        self.session.refresh().await.map_err(agent_error)?;
        let token = self.session.access_token();
        Ok(AuthorizationToken::Dpop(token.expose().to_smolstr()))
    }
}

impl fmt::Debug for JacquardSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("JacquardSession")
            .field(&self.session)
            .finish()
    }
}

fn read<T: Clone>(lock: &RwLock<T>) -> T {
    lock.read().unwrap_or_else(PoisonError::into_inner).clone()
}

fn write<T>(lock: &RwLock<T>, value: T) {
    *lock.write().unwrap_or_else(PoisonError::into_inner) = value;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for pds in ["https://pds.example.com", "http://[::1]:8080"] {
            assert_eq!(uri(pds).as_str(), pds);
        }
        assert_eq!(uri("https://a{b").as_str(), "https://no-uri.invalid");
    }
}
