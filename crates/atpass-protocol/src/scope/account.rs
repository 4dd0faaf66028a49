//! `account` and `identity`: the account's own affairs (permission spec).

use std::fmt;

use super::ScopeError;
use super::grammar::{Fields, Writer};

/// A part of the account's hosting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AccountAttribute {
    /// The e-mail address.
    Email,
    /// The whole repository, as a file.
    Repo,
    /// Whether the account is active. The reference knows it; the specification doesn't yet.
    Status,
}

impl AccountAttribute {
    /// Every attribute.
    pub const ALL: [Self; 3] = [Self::Email, Self::Repo, Self::Status];

    /// As in the scope string.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Repo => "repo",
            Self::Status => "status",
        }
    }
}

/// How far it goes. Each includes the ones before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AccountAction {
    /// See it.
    Read,
    /// Change it, too.
    Manage,
}

impl AccountAction {
    /// As in the scope string.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Manage => "manage",
        }
    }
}

/// `account:<attr>[?action=manage]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountScope {
    /// What of the account.
    pub attribute: AccountAttribute,
    /// How far.
    pub action: AccountAction,
}

impl AccountScope {
    pub(super) fn read(mut fields: Fields) -> Result<Self, ScopeError> {
        let attribute = fields.positional_one("attr")?;
        let action = fields.one("action")?;
        fields.finish()?;
        let attribute = AccountAttribute::ALL
            .into_iter()
            .find(|known| known.as_str() == attribute)
            .ok_or_else(|| ScopeError::value("attr", "email, repo or status"))?;
        let action = match action.as_deref() {
            None | Some("read") => AccountAction::Read,
            Some("manage") => AccountAction::Manage,
            Some(_) => return Err(ScopeError::value("action", "read or manage")),
        };
        Ok(Self { attribute, action })
    }
}

impl fmt::Display for AccountScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut writer = Writer::new(f, "account")?;
        writer.positional("attr", [self.attribute.as_str()].into_iter())?;
        match self.action {
            AccountAction::Read => Ok(()),
            AccountAction::Manage => writer.named("action", &self.action.as_str()),
        }
    }
}

/// `identity:<attr>`: the handle, or all of the identity. The second includes the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IdentityScope {
    /// Change the handle.
    Handle,
    /// Change the DID document and the handle.
    All,
}

impl IdentityScope {
    pub(super) fn read(mut fields: Fields) -> Result<Self, ScopeError> {
        let attribute = fields.positional_one("attr")?;
        fields.finish()?;
        match attribute.as_str() {
            "handle" => Ok(Self::Handle),
            "*" => Ok(Self::All),
            _ => Err(ScopeError::value("attr", "handle or *")),
        }
    }

    /// As in the scope string.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Handle => "handle",
            Self::All => "*",
        }
    }
}

impl fmt::Display for IdentityScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Writer::new(f, "identity")?.positional("attr", [self.as_str()].into_iter())
    }
}
