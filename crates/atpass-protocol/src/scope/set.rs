//! Scope values and sets of them.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Permission;

/// One scope value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// `atproto`: the profile itself; each session has it.
    Atproto,
    /// `transition:generic`: as wide as an app password.
    TransitionGeneric,
    /// `transition:chat.bsky`: direct messages; nothing without `transition:generic`.
    TransitionChat,
    /// `transition:email`: the account's e-mail address.
    TransitionEmail,
}

impl Scope {
    /// Every value that is known, in canonical order.
    pub const KNOWN: [Self; 4] = [
        Self::Atproto,
        Self::TransitionGeneric,
        Self::TransitionChat,
        Self::TransitionEmail,
    ];

    /// The value on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Atproto => "atproto",
            Self::TransitionGeneric => "transition:generic",
            Self::TransitionChat => "transition:chat.bsky",
            Self::TransitionEmail => "transition:email",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A set of scopes that holds `atproto`, without doubles, in canonical order.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ScopeSet(Vec<Scope>);

/// Why a scope text was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScopeError {
    /// The profile demands it.
    #[error("scope must hold atproto")]
    NoAtproto,
    /// A value that this version doesn't know.
    #[error(
        "scope {0} is not known here; known are atproto and transition:generic, transition:chat.bsky, transition:email"
    )]
    Unknown(String),
    /// Characters that RFC 6749 section 3.3 doesn't allow, or values not parted by one space.
    #[error("scope must be values of printable characters with one space between them")]
    Syntax,
}

impl ScopeSet {
    /// Reads the `scope` parameter (RFC 6749 section 3.3).
    pub fn parse(text: &str) -> Result<Self, ScopeError> {
        let allowed = |b: u8| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
        let mut scopes = Vec::new();
        for value in text.split(' ') {
            if value.is_empty() || !value.bytes().all(allowed) {
                return Err(ScopeError::Syntax);
            }
            let scope = Scope::KNOWN
                .into_iter()
                .find(|scope| scope.as_str() == value)
                .ok_or_else(|| ScopeError::Unknown(value.to_owned()))?;
            scopes.push(scope);
        }
        scopes.sort_unstable();
        scopes.dedup();
        if scopes.first() != Some(&Scope::Atproto) {
            return Err(ScopeError::NoAtproto);
        }
        Ok(Self(scopes))
    }

    /// Whether `scope` is in it.
    pub fn contains(&self, scope: Scope) -> bool {
        self.0.contains(&scope)
    }

    /// The values, in canonical order.
    pub fn iter(&self) -> impl Iterator<Item = Scope> {
        self.0.iter().copied()
    }

    /// Whether all that `other` allows is allowed by this set (clause SC-ALG-01).
    pub fn covers(&self, other: &Self) -> bool {
        other.0.iter().all(|scope| self.0.contains(scope))
    }

    /// Whether it allows one act (clauses SC-TRN-01 to SC-TRN-03).
    pub fn allows(&self, permission: &Permission) -> bool {
        let generic = self.contains(Scope::TransitionGeneric);
        match permission {
            Permission::Rpc { lxm, .. } if lxm.as_str().starts_with("chat.bsky.") => {
                generic && self.contains(Scope::TransitionChat)
            }
            Permission::Repo { .. } | Permission::Rpc { .. } => generic,
            Permission::AccountEmail => self.contains(Scope::TransitionEmail),
        }
    }
}

impl fmt::Display for ScopeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, scope) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            f.write_str(scope.as_str())?;
        }
        Ok(())
    }
}

impl TryFrom<String> for ScopeSet {
    type Error = ScopeError;
    fn try_from(text: String) -> Result<Self, ScopeError> {
        Self::parse(&text)
    }
}

impl std::str::FromStr for ScopeSet {
    type Err = ScopeError;
    fn from_str(text: &str) -> Result<Self, ScopeError> {
        Self::parse(text)
    }
}

impl From<ScopeSet> for String {
    fn from(set: ScopeSet) -> Self {
        set.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::super::RepoAction;
    use super::*;
    use crate::id::Nsid;

    fn set(text: &str) -> ScopeSet {
        ScopeSet::parse(text).unwrap()
    }

    #[test]
    fn text_is_canonical() {
        assert_eq!(
            set("transition:generic atproto atproto").to_string(),
            "atproto transition:generic"
        );
        assert_eq!(
            ScopeSet::parse("transition:generic"),
            Err(ScopeError::NoAtproto)
        );
        assert_eq!(ScopeSet::parse(""), Err(ScopeError::Syntax));
        assert_eq!(
            ScopeSet::parse("atproto  transition:email"),
            Err(ScopeError::Syntax)
        );
        assert_eq!(
            ScopeSet::parse("atproto\ttransition:email"),
            Err(ScopeError::Syntax)
        );
        assert_eq!(
            ScopeSet::parse("atproto openid"),
            Err(ScopeError::Unknown("openid".into()))
        );
    }

    /// Clauses SC-TRN-01, SC-TRN-02, SC-TRN-03.
    #[test]
    fn transitional_scopes() {
        let write = Permission::Repo {
            collection: Nsid::parse("app.example.note").unwrap(),
            action: RepoAction::Create,
        };
        let rpc = |lxm: &str| Permission::Rpc {
            lxm: Nsid::parse(lxm).unwrap(),
            aud: "did:web:api.example#svc".into(),
        };
        let generic = set("atproto transition:generic");
        assert!(generic.allows(&write) && generic.allows(&rpc("app.bsky.feed.getTimeline")));
        assert!(
            !generic.allows(&rpc("chat.bsky.convo.listConvos"))
                && !generic.allows(&Permission::AccountEmail)
        );
        assert!(!set("atproto").allows(&write));
        assert!(!set("atproto transition:chat.bsky").allows(&rpc("chat.bsky.convo.listConvos")));
        assert!(
            set("atproto transition:chat.bsky transition:generic")
                .allows(&rpc("chat.bsky.convo.listConvos"))
        );
        assert!(set("atproto transition:email").allows(&Permission::AccountEmail));
        assert!(generic.covers(&set("atproto")) && !set("atproto").covers(&generic));
    }
}
