//! Operations of `did:plc` (its specification, version 0.1), and the directory that keeps them.
//!
//! An operation says all that is true of a DID from then on, names the one before it by its CID, and is
//! signed by one of the rotation keys that the one before it lists. The first one's hash is the DID itself.

mod directory;
mod operation;
#[cfg(test)]
mod tests;

use atpass_fetch::FetchError;
use atpass_protocol::id::Did;

pub use operation::{Contents, LastOperation, Service, SignedOperation};

/// Why an operation wasn't made, or wasn't taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlcError {
    /// The directory gave no answer: whether it took the operation isn't known.
    #[error("the directory can't be reached: {0}")]
    Unreachable(#[from] FetchError),
    /// The directory has a problem of its own: whether it took the operation isn't known.
    #[error("the directory answered with status {0}")]
    Failed(u16),
    /// The directory doesn't take the operation.
    #[error("the directory refused the operation (status {status}): {message}")]
    Refused {
        /// The status.
        status: u16,
        /// What it says.
        message: String,
    },
    /// Not a DID of the directory.
    #[error("{0} is not a did:plc")]
    Method(Did),
    /// The directory has no such DID.
    #[error("the directory doesn't know {0}")]
    Unknown(Did),
    /// Its owner ended it, for good.
    #[error("{0} was tombstoned")]
    Tombstoned(Did),
    /// None of our keys may sign for it.
    #[error("none of this server's rotation keys is one of {0}")]
    NoRotationKey(Did),
    /// What the directory has can't be read, or an operation can't be written.
    #[error("the operation can't be read: {0}")]
    Malformed(String),
}

impl PlcError {
    /// Whether it is certain that nothing was changed in the directory.
    pub const fn is_certain(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Failed(_) => false,
            Self::Refused { .. }
            | Self::Method(_)
            | Self::Unknown(_)
            | Self::Tombstoned(_)
            | Self::NoRotationKey(_)
            | Self::Malformed(_) => true,
        }
    }
}
