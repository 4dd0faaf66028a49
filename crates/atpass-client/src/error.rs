//! What can go wrong, and what to do about it.

use atpass_fetch::FetchError;
use atpass_identity::{IdentityError, InputError};
use atpass_protocol::error::OAuthError;
use atpass_protocol::id::Did;
use atpass_protocol::jose::KeyError;
use atpass_protocol::request::CallbackError;
use atpass_protocol::scope::ScopeSet;

use crate::store::StoreFailure;

/// Why the client couldn't do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// What the person typed is no account and no server.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The way from the account to its server couldn't be gone.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// A server couldn't be reached.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// A server refused.
    #[error("{endpoint} refused with {error} (status {status}): {}", description.as_deref().unwrap_or("no description"))]
    Refused {
        /// Which endpoint.
        endpoint: &'static str,
        /// HTTP status.
        status: u16,
        /// OAuth error code.
        error: String,
        /// What the server says about it.
        description: Option<String>,
    },
    /// A server broke the protocol.
    #[error("{endpoint} departs from the protocol: {what}")]
    Departure {
        /// Which endpoint.
        endpoint: &'static str,
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
    #[error("the callback names the issuer {got}, and {expected} was asked")]
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
    /// The session store failed.
    #[error(transparent)]
    Store(#[from] StoreFailure),
    /// The crypto library failed.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The app's own metadata doesn't declare what it wants to ask for.
    #[error("the app doesn't declare this scope: {0}")]
    Undeclared(ScopeSet),
    /// The request of the app itself can't be sent.
    #[error("the request can't be sent: {0}")]
    Request(String),
}

impl ClientError {
    /// Whether the same may succeed a little later, with the session as it is.
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Identity(error) => error.is_transient(),
            Self::Fetch(error) => error.is_transient(),
            Self::Refused { status, .. } => *status >= 500 || *status == 429,
            Self::Store(_) => true,
            Self::Input(_)
            | Self::Departure { .. }
            | Self::Callback(_)
            | Self::UnknownState
            | Self::Issuer { .. }
            | Self::Denied(_)
            | Self::WrongAccount { .. }
            | Self::SessionEnded(_)
            | Self::Key(_)
            | Self::Undeclared(_)
            | Self::Request(_) => false,
        }
    }

    /// Whether the person has to sign in again.
    pub const fn needs_login(&self) -> bool {
        matches!(self, Self::SessionEnded(_))
    }

    /// A sentence for the person in front of the screen.
    pub fn user_message(&self) -> String {
        match self {
            Self::Input(error) => capitalized(&error.to_string()),
            Self::Identity(IdentityError::Handle { handle, .. }) => {
                format!("There seems to be no account {handle}. Check the spelling.")
            }
            Self::WrongAccount { .. } => {
                "You signed in with another account than the one you asked for.".into()
            }
            Self::Denied(_) => "You did not allow access, so you are not signed in.".into(),
            Self::UnknownState => {
                "This sign-in was finished already or is too old. Please start again.".into()
            }
            Self::SessionEnded(_) => "Your session is over. Please sign in again.".into(),
            error if error.is_transient() => {
                "The server can’t be reached at the moment. Please try again.".into()
            }
            _ => "Signing in failed because a server behaved in an unexpected way.".into(),
        }
    }
}

fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        format!("{}{}.", first.to_uppercase(), letters.as_str())
    })
}
