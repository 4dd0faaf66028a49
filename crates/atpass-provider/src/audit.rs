//! The audit trail: what happened to accounts and sessions, as structured log events under the
//! target `atpass::audit`. No secrets, and no addresses of people.

use std::fmt;

use atpass_protocol::id::{ClientId, Did};
use atpass_protocol::token::SessionId;

/// Something worth remembering.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Event<'a> {
    /// A password was right.
    SignedIn { did: &'a Did },
    /// A password was wrong, or the account unknown. Which of them isn't told.
    SignInFailed,
    /// A sign-in was refused for too many attempts.
    SignInLimited,
    /// An account was made on the pages.
    SignedUp { did: &'a Did },
    /// A new account was refused for too many attempts.
    SignUpLimited,
    /// A person agreed.
    Approved {
        did: &'a Did,
        client_id: &'a ClientId,
    },
    /// A person didn't agree.
    Denied { client_id: &'a ClientId },
    /// A session began.
    Issued {
        did: &'a Did,
        client_id: &'a ClientId,
        session: SessionId,
    },
    /// A session's refresh token was exchanged.
    Refreshed { session: SessionId, generation: u32 },
    /// A lost answer was made again.
    Recovered { session: SessionId, generation: u32 },
    /// An old refresh token came back, and the session ended.
    Replayed { session: SessionId },
    /// A code came back, and its session ended.
    CodeReused { session: SessionId },
    /// A refresh with another client or key than the session's. Nothing changed.
    WrongHolder { session: SessionId },
    /// The client took the key away that a session was bound to, and the session ended.
    ClientKeyGone { session: SessionId },
    /// The app ended its session.
    Revoked { session: SessionId },
    /// The account's owner ended a session.
    EndedByOwner { session: SessionId },
    /// An account was signed out of a browser, or of all but one.
    SignedOut { did: &'a Did },
    /// A session ended because its account isn't active.
    AccountInactive { session: SessionId },
}

impl Event<'_> {
    const fn name(self) -> &'static str {
        match self {
            Self::SignedIn { .. } => "signed_in",
            Self::SignInFailed => "sign_in_failed",
            Self::SignInLimited => "sign_in_limited",
            Self::SignedUp { .. } => "signed_up",
            Self::SignUpLimited => "sign_up_limited",
            Self::Approved { .. } => "approved",
            Self::Denied { .. } => "denied",
            Self::Issued { .. } => "issued",
            Self::Refreshed { .. } => "refreshed",
            Self::Recovered { .. } => "recovered",
            Self::Replayed { .. } => "replayed",
            Self::CodeReused { .. } => "code_reused",
            Self::WrongHolder { .. } => "wrong_holder",
            Self::ClientKeyGone { .. } => "client_key_gone",
            Self::Revoked { .. } => "revoked",
            Self::EndedByOwner { .. } => "ended_by_owner",
            Self::SignedOut { .. } => "signed_out",
            Self::AccountInactive { .. } => "account_inactive",
        }
    }
}

impl fmt::Display for Event<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::SignInFailed | Self::SignInLimited | Self::SignUpLimited => Ok(()),
            Self::SignedIn { did } | Self::SignedUp { did } | Self::SignedOut { did } => {
                write!(f, "did={did}")
            }
            Self::Approved { did, client_id } => write!(f, "did={did} client_id={client_id}"),
            Self::Denied { client_id } => write!(f, "client_id={client_id}"),
            Self::Issued {
                did,
                client_id,
                session,
            } => {
                write!(f, "did={did} client_id={client_id} session={session}")
            }
            Self::Refreshed {
                session,
                generation,
            }
            | Self::Recovered {
                session,
                generation,
            } => {
                write!(f, "session={session} generation={generation}")
            }
            Self::Replayed { session }
            | Self::CodeReused { session }
            | Self::WrongHolder { session }
            | Self::ClientKeyGone { session }
            | Self::Revoked { session }
            | Self::EndedByOwner { session }
            | Self::AccountInactive { session } => write!(f, "session={session}"),
        }
    }
}

/// Writes the event.
pub(crate) fn record(event: Event<'_>) {
    tracing::info!(target: "atpass::audit", event = event.name(), "{event}");
}
