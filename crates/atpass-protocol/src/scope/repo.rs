//! `repo`: changing records (permission spec, "`repo`").

use std::collections::BTreeSet;
use std::fmt;

use super::ScopeError;
use super::grammar::{Fields, Writer};
use super::names::Names;

/// A change to a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RepoAction {
    /// A new record.
    Create,
    /// A changed record.
    Update,
    /// A record removed.
    Delete,
}

impl RepoAction {
    /// Every action.
    pub const ALL: [Self; 3] = [Self::Create, Self::Update, Self::Delete];

    /// As in the scope string.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }

    const fn bit(self) -> u8 {
        match self {
            Self::Create => 1,
            Self::Update => 2,
            Self::Delete => 4,
        }
    }
}

/// A set of actions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RepoActions(u8);

impl RepoActions {
    /// Create, update and delete.
    pub const ALL: Self = Self(7);
    /// Nothing.
    pub const NONE: Self = Self(0);

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether the action is in it.
    pub const fn contains(self, action: RepoAction) -> bool {
        self.0 & action.bit() != 0
    }

    /// Whether all of the other are in it.
    pub const fn covers(self, other: Self) -> bool {
        other.0 & !self.0 == 0
    }

    /// The actions of both.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The actions that both have.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The actions that the other doesn't have.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The actions, in the order of the specification.
    pub fn iter(self) -> impl Iterator<Item = RepoAction> {
        RepoAction::ALL
            .into_iter()
            .filter(move |&action| self.contains(action))
    }
}

impl FromIterator<RepoAction> for RepoActions {
    fn from_iter<I: IntoIterator<Item = RepoAction>>(actions: I) -> Self {
        let bits = actions
            .into_iter()
            .fold(0, |bits, action| bits | action.bit());
        Self(bits)
    }
}

/// `repo:<collection>[?action=…]`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RepoScope {
    /// Which collections.
    pub collections: Names,
    /// What may be done to their records. Never empty.
    pub actions: RepoActions,
}

impl RepoScope {
    pub(super) fn read(mut fields: Fields) -> Result<Self, ScopeError> {
        let collections = Names::read(&fields.positional("collection")?, "collection")?;
        let actions = fields.many("action");
        fields.finish()?;
        let read = |text: &String| {
            RepoAction::ALL
                .into_iter()
                .find(|action| action.as_str() == text)
                .ok_or_else(|| ScopeError::value("action", "create, update or delete"))
        };
        let actions: BTreeSet<_> = actions.iter().map(read).collect::<Result<_, _>>()?;
        let actions = if actions.is_empty() {
            RepoActions::ALL
        } else {
            actions.into_iter().collect()
        };
        Ok(Self {
            collections,
            actions,
        })
    }
}

impl fmt::Display for RepoScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut writer = Writer::new(f, "repo")?;
        writer.positional("collection", self.collections.texts())?;
        if self.actions != RepoActions::ALL {
            for action in self.actions.iter() {
                writer.named("action", &action.as_str())?;
            }
        }
        Ok(())
    }
}
