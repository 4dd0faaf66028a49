//! One scope value.

use std::fmt;

use super::grammar::{Fields, is_scope_token, resource_of};
use super::{
    AccountScope, BlobScope, IdentityScope, IncludeScope, RepoScope, RpcScope, ScopeError,
    SpaceScope,
};

/// One scope value. Values in canonical order: `atproto` first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// `atproto`: the profile itself; each session has it.
    Atproto,
    /// `transition:generic`: as wide as an app password.
    TransitionGeneric,
    /// `transition:chat.bsky`: direct messages; nothing without `transition:generic`.
    TransitionChat,
    /// `transition:email`: the account's e-mail address.
    TransitionEmail,
    /// `account:…`: the account's own affairs.
    Account(AccountScope),
    /// `identity:…`: handle and DID document.
    Identity(IdentityScope),
    /// `repo:…`: changing records.
    Repo(RepoScope),
    /// `rpc:…`: calling services.
    Rpc(RpcScope),
    /// `blob:…`: uploading media.
    Blob(BlobScope),
    /// `include:…`: a permission set.
    Include(IncludeScope),
    /// `space:…`: permissioned data (experimental).
    Space(SpaceScope),
    /// A value that means nothing here, and grants nothing.
    Unknown(Box<str>),
}

impl Scope {
    /// The values without fields.
    pub const PLAIN: [Self; 4] = [
        Self::Atproto,
        Self::TransitionGeneric,
        Self::TransitionChat,
        Self::TransitionEmail,
    ];

    /// Reads a value that must mean something.
    pub fn parse(text: &str) -> Result<Self, ScopeError> {
        if !is_scope_token(text) {
            return Err(ScopeError::Syntax);
        }
        if let Some(plain) = Self::PLAIN
            .into_iter()
            .find(|plain| plain.plain() == Some(text))
        {
            return Ok(plain);
        }
        let (resource, rest) = resource_of(text);
        let read = match resource {
            "account" => Fields::parse(rest)
                .and_then(AccountScope::read)
                .map(Self::Account),
            "identity" => Fields::parse(rest)
                .and_then(IdentityScope::read)
                .map(Self::Identity),
            "repo" => Fields::parse(rest)
                .and_then(RepoScope::read)
                .map(Self::Repo),
            "rpc" => Fields::parse(rest).and_then(RpcScope::read).map(Self::Rpc),
            "blob" => Fields::parse(rest)
                .and_then(BlobScope::read)
                .map(Self::Blob),
            "include" => Fields::parse(rest)
                .and_then(IncludeScope::read)
                .map(Self::Include),
            "space" => Fields::parse(rest)
                .and_then(SpaceScope::read)
                .map(Self::Space),
            _ => Err(ScopeError::Unknown("it".to_owned())),
        };
        read.map_err(|reason| reason.within(text))
    }

    /// The text of a value without fields.
    const fn plain(&self) -> Option<&'static str> {
        match self {
            Self::Atproto => Some("atproto"),
            Self::TransitionGeneric => Some("transition:generic"),
            Self::TransitionChat => Some("transition:chat.bsky"),
            Self::TransitionEmail => Some("transition:email"),
            _ => None,
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Atproto
            | Self::TransitionGeneric
            | Self::TransitionChat
            | Self::TransitionEmail => f.write_str(self.plain().unwrap_or_default()),
            Self::Account(scope) => scope.fmt(f),
            Self::Identity(scope) => scope.fmt(f),
            Self::Repo(scope) => scope.fmt(f),
            Self::Rpc(scope) => scope.fmt(f),
            Self::Blob(scope) => scope.fmt(f),
            Self::Include(scope) => scope.fmt(f),
            Self::Space(scope) => scope.fmt(f),
            Self::Unknown(text) => f.write_str(text),
        }
    }
}

macro_rules! from {
    ($($kind:ident($scope:ident)),*) => {
        $(impl From<$scope> for Scope {
            fn from(scope: $scope) -> Self {
                Self::$kind(scope)
            }
        })*
    };
}
from!(
    Account(AccountScope),
    Identity(IdentityScope),
    Repo(RepoScope),
    Rpc(RpcScope),
    Blob(BlobScope),
    Include(IncludeScope),
    Space(SpaceScope)
);
