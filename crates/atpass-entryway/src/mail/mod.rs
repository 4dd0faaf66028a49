//! Letters to people: what is in them, and how they are sent.

mod code;
mod transport;

use std::fmt;

use async_trait::async_trait;

pub use transport::{MailConfig, MailConfigError, MailTransport, Post};

/// A letter to one person.
#[derive(Clone, PartialEq, Eq)]
pub struct Letter {
    /// The address.
    pub to: String,
    /// The subject.
    pub subject: String,
    /// The text, plain.
    pub text: String,
}

/// Without what it is about: a letter has a code that is worth as much as a password.
impl fmt::Debug for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Letter")
    }
}

/// Why a letter couldn't be sent. For the operator; it names no address and no code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the letter can't be sent: {0}")]
pub struct MailError(pub String);

/// Sends letters.
#[async_trait]
pub trait Mailer: Send + Sync + 'static {
    /// Sends a letter, or hands it to somebody who will.
    async fn send(&self, letter: Letter) -> Result<(), MailError>;
}
