//! What a single act at a resource server needs.

use std::fmt;

use crate::id::Nsid;

/// A change to a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RepoAction {
    /// A new record.
    Create,
    /// A changed record.
    Update,
    /// A record removed.
    Delete,
}

impl RepoAction {
    /// As in the scope string.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

/// One act that a token may or may not allow.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Permission {
    /// Changing records of one collection.
    Repo {
        /// The collection.
        collection: Nsid,
        /// What is done to it.
        action: RepoAction,
    },
    /// Calling a method of another service on the user's behalf.
    Rpc {
        /// The method.
        lxm: Nsid,
        /// The service: a DID with a fragment.
        aud: String,
    },
    /// Reading the account's e-mail address.
    AccountEmail,
}

impl fmt::Display for Permission {
    /// The smallest scope that would allow it, for `insufficient_scope` answers.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Repo { collection, action } => {
                write!(f, "repo:{collection}?action={}", action.as_str())
            }
            Self::Rpc { lxm, aud } => write!(f, "rpc:{lxm}?aud={}", aud.replace('#', "%23")),
            Self::AccountEmail => f.write_str("account:email"),
        }
    }
}
