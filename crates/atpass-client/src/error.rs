//! What can go wrong, at which stage, and what to do about it.

use std::fmt;

use atpass_fetch::{FetchError, Stage as FetchStage};
use atpass_identity::{IdentityError, InputError};
use atpass_protocol::error::{OAuthError, OAuthErrorCode};
use atpass_protocol::id::{Did, Issuer};
use atpass_protocol::jose::KeyError;
use atpass_protocol::request::CallbackError;
use atpass_protocol::scope::ScopeSet;
use atpass_protocol::text::shown;

use crate::config::ConfigError;
use crate::store::StoreFailure;

/// Whom the client was talking to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// Where a login begins (RFC 9126).
    PushedAuthorizationRequest,
    /// Where codes and refresh tokens are exchanged.
    Token,
    /// Where sessions are ended (RFC 7009).
    Revocation,
    /// The app's own backend that signs for it (atproto proposal 0010).
    ClientAssertion,
    /// The account's PDS, or another server of resources.
    Resource,
}

/// How far the client had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Before anything was sent.
    Input,
    /// Finding the account and its server.
    Discovery,
    /// Beginning a login.
    Request,
    /// What the browser brought back.
    Callback,
    /// Exchanging a code, or refreshing.
    Tokens,
    /// Making sure that the session is of the right account and server.
    Account,
    /// A request to a server of resources.
    Call,
    /// Logging out.
    Logout,
    /// The session store.
    Store,
}

/// Why the client couldn't do what it was asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ClientError {
    /// What the person typed is no account and no server.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The way from the account to its server couldn't be gone.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// A server couldn't be reached, or its answer couldn't be read.
    #[error("{endpoint}: {error}")]
    Fetch {
        /// Which endpoint.
        endpoint: Endpoint,
        /// Why.
        error: FetchError,
    },
    /// A server refused.
    #[error("{endpoint} refused with {error} (status {status}): {}", description.as_deref().unwrap_or("no description"))]
    Refused {
        /// Which endpoint.
        endpoint: Endpoint,
        /// HTTP status.
        status: u16,
        /// OAuth error code.
        error: String,
        /// What the server says about it.
        description: Option<String>,
    },
    /// A server said yes with something that can't be read: a web page of some proxy, or half an answer.
    #[error("the answer of {endpoint} can't be read: {what}")]
    Unreadable {
        /// Which endpoint.
        endpoint: Endpoint,
        /// What came.
        what: String,
    },
    /// A server broke the protocol.
    #[error("{endpoint} departs from the protocol: {what}")]
    Departure {
        /// Which endpoint.
        endpoint: Endpoint,
        /// How.
        what: String,
    },
    /// The callback's parameters can't be read.
    #[error("the callback can't be read: {0}")]
    Callback(OAuthError),
    /// No login waits for this callback: it was used, it's too old, or it never began here.
    #[error("no login waits for this callback; start again")]
    UnknownState,
    /// The callback is of another server than the one that was asked (RFC 9207).
    #[error(
        "the callback names the issuer {}, and {expected} was asked",
        shown(got)
    )]
    Issuer {
        /// The server that was asked.
        expected: String,
        /// The server that the callback names.
        got: String,
    },
    /// The person or the server said no.
    #[error("the login was refused: {0}")]
    Denied(CallbackError),
    /// Another account signed in than the one that was asked for.
    #[error("{got} signed in, and {expected} was expected")]
    WrongAccount {
        /// The account asked for.
        expected: Did,
        /// The account that signed in.
        got: Did,
    },
    /// The session is over. Sign in again.
    #[error("the session is over: {0}")]
    SessionEnded(String),
    /// The account has moved to another server since. Sign in again, with the same DID.
    #[error("{did} has moved to {to}; sign in there")]
    SessionMoved {
        /// The account.
        did: Did,
        /// Its authorization server now.
        to: Issuer,
    },
    /// The key of the app with which the session began isn't among its keys any more. Put it back,
    /// or sign in again.
    #[error("the session began with the app's key {kid}, which is gone or retired")]
    KeyGone {
        /// Which key.
        kid: String,
    },
    /// The session store failed.
    #[error(transparent)]
    Store(#[from] StoreFailure),
    /// The crypto library failed.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The app's configuration doesn't allow it.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The app's own metadata doesn't declare what it wants to ask for.
    #[error("the app doesn't declare this scope: {0}")]
    Undeclared(ScopeSet),
    /// The request of the app itself can't be sent.
    #[error("the request can't be sent: {0}")]
    Request(String),
}

impl ClientError {
    /// How far the client had come.
    pub const fn stage(&self) -> Stage {
        match self {
            Self::Input(_) | Self::Undeclared(_) | Self::Config(_) => Stage::Input,
            Self::Identity(IdentityError::Subject { .. })
            | Self::WrongAccount { .. }
            | Self::SessionMoved { .. } => Stage::Account,
            Self::Identity(_) => Stage::Discovery,
            Self::Fetch { endpoint, .. }
            | Self::Refused { endpoint, .. }
            | Self::Unreadable { endpoint, .. }
            | Self::Departure { endpoint, .. } => match endpoint {
                Endpoint::PushedAuthorizationRequest | Endpoint::ClientAssertion => Stage::Request,
                Endpoint::Token => Stage::Tokens,
                Endpoint::Revocation => Stage::Logout,
                Endpoint::Resource => Stage::Call,
            },
            Self::Callback(_) | Self::UnknownState | Self::Issuer { .. } | Self::Denied(_) => {
                Stage::Callback
            }
            Self::SessionEnded(_) | Self::KeyGone { .. } | Self::Key(_) => Stage::Tokens,
            Self::Store(_) => Stage::Store,
            Self::Request(_) => Stage::Call,
        }
    }

    /// Whether the same may succeed a little later, with the session as it is.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Identity(error) => error.is_transient(),
            Self::Fetch { error, .. } => error.is_transient(),
            Self::Refused { status, error, .. } => {
                *status >= 500 || *status == 429 || is_of_a_copy(error)
            }
            // The page of a proxy, while the server behind it is away.
            Self::Unreadable { endpoint, .. } => matches!(endpoint, Endpoint::Token),
            Self::Denied(refusal) => matches!(
                refusal.code(),
                Some(OAuthErrorCode::ServerError | OAuthErrorCode::TemporarilyUnavailable)
            ),
            Self::Store(_) => true,
            Self::Input(_)
            | Self::Departure { .. }
            | Self::Callback(_)
            | Self::UnknownState
            | Self::Issuer { .. }
            | Self::WrongAccount { .. }
            | Self::SessionEnded(_)
            | Self::SessionMoved { .. }
            | Self::KeyGone { .. }
            | Self::Key(_)
            | Self::Config(_)
            | Self::Undeclared(_)
            | Self::Request(_) => false,
        }
    }

    /// Whether the person has to sign in again.
    pub fn needs_login(&self) -> bool {
        matches!(
            self,
            Self::SessionEnded(_) | Self::SessionMoved { .. } | Self::KeyGone { .. }
        ) || self.is_of_another_kind()
    }

    /// Whether the server says that this client may not have tokens (`unauthorized_client`): it knows
    /// the app as another kind of client than the one as which the session began.
    fn is_of_another_kind(&self) -> bool {
        matches!(
            self,
            Self::Refused { endpoint: Endpoint::Token, error, .. } if error == "unauthorized_client"
        )
    }

    /// Whether the server may have done what it was asked, though no answer says so.
    pub(crate) fn may_have_happened(&self) -> bool {
        match self {
            Self::Fetch { error, .. } => matches!(
                error.stage,
                FetchStage::Timeout
                    | FetchStage::Transfer(_)
                    | FetchStage::TooLarge { .. }
                    | FetchStage::Encoding(_)
            ),
            // 503 says that it hasn't.
            Self::Refused { status, .. } if *status >= 500 => *status != 503,
            // The answer to a second copy of the request, which some proxy made.
            Self::Refused { error, .. } => is_of_a_copy(error),
            Self::Unreadable { .. } => true,
            _ => false,
        }
    }

    /// A sentence for the person in front of the screen.
    pub fn user_message(&self) -> String {
        match self {
            Self::Input(error) => capitalized(&error.to_string()),
            Self::Identity(IdentityError::Handle { handle, .. }) if !self.is_transient() => {
                format!("There seems to be no account {handle}. Check the spelling.")
            }
            Self::WrongAccount { .. } => {
                "You signed in with another account than the one you asked for.".into()
            }
            Self::Denied(refusal) if refusal.code() == Some(OAuthErrorCode::AccessDenied) => {
                "You did not allow access, so you are not signed in.".into()
            }
            Self::Denied(_) if !self.is_transient() => "The server refused the sign-in.".into(),
            Self::Refused { error, .. } if error == "invalid_client" => {
                "The app could not prove who it is to the server. You can’t mend this; the app’s maker \
                 has to."
                    .into()
            }
            error if error.is_of_another_kind() => {
                "The server does not take this session any more. Please sign in again.".into()
            }
            Self::UnknownState => {
                "This sign-in was finished already or is too old. Please start again.".into()
            }
            Self::SessionEnded(_) | Self::KeyGone { .. } => {
                "Your session is over. Please sign in again.".into()
            }
            Self::SessionMoved { .. } => {
                "Your account has moved to another server. Please sign in again.".into()
            }
            Self::Store(_) => "Something went wrong on our side. Please try again.".into(),
            error if error.is_transient() => {
                "The server can’t be reached at the moment. Please try again.".into()
            }
            _ => match self.stage() {
                Stage::Call => "The server did not do what it was asked.".into(),
                _ => "Signing in failed because a server behaved in an unexpected way.".into(),
            },
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PushedAuthorizationRequest => "the pushed authorization request endpoint",
            Self::Token => "the token endpoint",
            Self::Revocation => "the revocation endpoint",
            Self::ClientAssertion => "the client assertion backend",
            Self::Resource => "the resource server",
        })
    }
}

/// Whether a server that has seen a proof or an assertion before says this.
fn is_of_a_copy(error: &str) -> bool {
    matches!(error, "invalid_dpop_proof" | "use_dpop_nonce")
}

fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        format!("{}{}.", first.to_uppercase(), letters.as_str())
    })
}
