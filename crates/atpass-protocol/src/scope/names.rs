//! Names of collections and methods, or all of them.

use std::collections::BTreeSet;

use super::ScopeError;
use crate::id::Nsid;

/// Some names, or `*`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Names {
    /// All that there are and will be.
    All,
    /// These. Never empty.
    These(BTreeSet<Nsid>),
}

impl Names {
    /// One name.
    pub fn one(name: Nsid) -> Self {
        Self::These(BTreeSet::from([name]))
    }

    pub(super) fn read(values: &[String], field: &'static str) -> Result<Self, ScopeError> {
        let mut names = BTreeSet::new();
        let mut all = false;
        for value in values {
            if value == "*" {
                all = true;
            } else {
                let expected = "an NSID such as app.example.post, or *; there is no app.example.*";
                let name = Nsid::parse(value).map_err(|_| ScopeError::value(field, expected))?;
                names.insert(name);
            }
        }
        Ok(if all { Self::All } else { Self::These(names) })
    }

    /// Whether all of the other are among them.
    pub fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::All, _) => true,
            (Self::These(_), Self::All) => false,
            (Self::These(these), Self::These(others)) => others.is_subset(these),
        }
    }

    /// The names as they are written.
    pub(super) fn texts(&self) -> impl ExactSizeIterator<Item = &str> {
        let texts: Vec<&str> = match self {
            Self::All => vec!["*"],
            Self::These(names) => names.iter().map(Nsid::as_str).collect(),
        };
        texts.into_iter()
    }
}
