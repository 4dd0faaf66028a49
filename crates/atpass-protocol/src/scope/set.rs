//! A set of scopes, as it travels.

use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

use super::grammar::is_scope_token;
use super::{Grants, Permission, Scope, ScopeError};

/// A set of scopes that holds `atproto`, without doubles, in canonical order.
///
/// Values that mean nothing here are kept and grant nothing, so that what a newer server issues or
/// a newer app declares can be read ([`ScopeSet::parse_known`] is for those who must refuse them).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct ScopeSet(Vec<Scope>);

/// The most values in one set. More than a person reads, and than a token should carry.
pub const MOST_SCOPES: usize = 1000;

impl ScopeSet {
    /// Reads the `scope` parameter (RFC 6749 section 3.3).
    pub fn parse(text: &str) -> Result<Self, ScopeError> {
        let mut scopes = Vec::new();
        for value in text.split(' ') {
            if !is_scope_token(value) || scopes.len() == MOST_SCOPES {
                return Err(ScopeError::Syntax);
            }
            scopes.push(Scope::parse(value).unwrap_or_else(|_| Scope::Unknown(value.into())));
        }
        if !scopes.contains(&Scope::Atproto) {
            return Err(ScopeError::NoAtproto);
        }
        Ok(Self::of(scopes))
    }

    /// Reads a `scope` parameter whose values must all mean something.
    pub fn parse_known(text: &str) -> Result<Self, ScopeError> {
        let set = Self::parse(text)?;
        set.require_known()?;
        Ok(set)
    }

    /// The set of these scopes, and of `atproto`.
    pub fn of(scopes: impl IntoIterator<Item = Scope>) -> Self {
        let mut scopes: Vec<_> = scopes.into_iter().chain([Scope::Atproto]).collect();
        scopes.sort_unstable();
        scopes.dedup();
        Self(scopes)
    }

    /// Whether this value is in it, as it stands.
    pub fn contains(&self, scope: &Scope) -> bool {
        self.0.binary_search(scope).is_ok()
    }

    /// The values, in canonical order.
    pub fn iter(&self) -> std::slice::Iter<'_, Scope> {
        self.0.iter()
    }

    /// Refuses values that mean nothing here, and says why.
    fn require_known(&self) -> Result<(), ScopeError> {
        for scope in &self.0 {
            if let Scope::Unknown(text) = scope {
                Scope::parse(text)?;
            }
        }
        Ok(())
    }

    /// What it allows, ready to be asked often.
    pub fn grants(&self) -> Grants {
        self.0.iter().cloned().collect()
    }

    /// Whether all that `other` allows is allowed by this set (clause SC-ALG-01).
    pub fn covers(&self, other: &Self) -> bool {
        self.grants().covers(&other.grants())
    }

    /// Whether it allows one act. Those who ask often keep [`Self::grants`].
    pub fn allows(&self, permission: &Permission) -> bool {
        self.grants().allows(permission)
    }

    /// What `needed` allows and this set doesn't: what an app would have to ask for.
    #[must_use]
    pub fn missing(&self, needed: &Self) -> Vec<Scope> {
        needed.grants().difference(&self.grants()).into_scopes()
    }
}

impl<'s> IntoIterator for &'s ScopeSet {
    type Item = &'s Scope;
    type IntoIter = std::slice::Iter<'s, Scope>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for ScopeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, scope) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            scope.fmt(f)?;
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

impl Serialize for ScopeSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
