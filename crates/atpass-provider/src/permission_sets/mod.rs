//! What `include:` scopes stand for, when a session begins and whenever it is refreshed.

mod resolved;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use atpass_protocol::error::{OAuthError, OAuthErrorCode};
use atpass_protocol::id::Nsid;
use atpass_protocol::scope::{Grants, IncludeScope, PermissionSet, Scope, ScopeSet};
use atpass_protocol::time::UnixTime;
use futures::future::try_join_all;

use crate::error::EndpointError;

pub use resolved::ResolvedPermissionSets;

/// Where permission sets come from (clause SC-INC-05).
#[async_trait]
pub trait PermissionSets: Send + Sync + 'static {
    /// A set for a session that begins: resolved within the last day, or the last good value of the
    /// last 90 days while it can't be.
    async fn for_new_session(
        &self,
        nsid: &Nsid,
        now: UnixTime,
    ) -> Result<Arc<PermissionSet>, PermissionSetProblem>;

    /// A set for a session that goes on: the same, but the last good value counts however old.
    async fn for_existing_session(
        &self,
        nsid: &Nsid,
        now: UnixTime,
    ) -> Result<Arc<PermissionSet>, PermissionSetProblem>;

    /// A set as it is known, without asking anybody.
    async fn known(&self, nsid: &Nsid) -> Option<Arc<PermissionSet>>;
}

/// More values than this are written in the fewest.
const MANY_SCOPES: usize = 100;

/// The longest scope that a session begins with, in bytes, its permission sets expanded.
const LONGEST_SCOPE: usize = 32 * 1024;

/// The most permission sets in one request: each may be looked up somewhere else.
const MOST_SETS: usize = 20;

/// A permission set can't be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PermissionSetProblem {
    /// For the developer of the app.
    pub text: String,
    /// Whether it may work in a moment.
    pub is_transient: bool,
}

impl fmt::Display for PermissionSetProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A server that knows no permission sets.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoPermissionSets;

#[async_trait]
impl PermissionSets for NoPermissionSets {
    async fn for_new_session(
        &self,
        _: &Nsid,
        _: UnixTime,
    ) -> Result<Arc<PermissionSet>, PermissionSetProblem> {
        Err(PermissionSetProblem {
            text: "this server resolves no permission sets".to_owned(),
            is_transient: false,
        })
    }

    async fn for_existing_session(
        &self,
        nsid: &Nsid,
        now: UnixTime,
    ) -> Result<Arc<PermissionSet>, PermissionSetProblem> {
        self.for_new_session(nsid, now).await
    }

    async fn known(&self, _: &Nsid) -> Option<Arc<PermissionSet>> {
        None
    }
}

/// A scope, and the permission sets that it includes.
#[derive(Debug)]
pub(crate) struct ExpandedScope {
    /// As it was asked for.
    pub(crate) scope: ScopeSet,
    sets: BTreeMap<Nsid, Arc<PermissionSet>>,
}

impl ExpandedScope {
    /// For a session that begins. A set that can't be resolved makes the request fail.
    pub(crate) async fn for_new_session(
        sets: &dyn PermissionSets,
        scope: &ScopeSet,
        now: UnixTime,
    ) -> Result<Self, EndpointError> {
        let bad = |text: String| OAuthError::new(OAuthErrorCode::InvalidScope, text);
        if includes(scope).count() > MOST_SETS {
            let text = format!("at most {MOST_SETS} permission sets may be asked for at once");
            return Err(bad(text).into());
        }
        let find = async |include: &IncludeScope| {
            let set = sets.for_new_session(&include.nsid, now).await;
            let set =
                set.map_err(|problem| bad(format!("{include} can't be resolved: {problem}")))?;
            Ok::<_, EndpointError>((include.nsid.clone(), set))
        };
        let found = try_join_all(includes(scope).map(find)).await?;
        let expanded = Self::of(scope, found.into_iter().collect());
        let length = expanded.granted(scope).to_string().len();
        if length > LONGEST_SCOPE {
            let text = format!(
                "what it grants has {length} characters; at most {LONGEST_SCOPE} fit into a token"
            );
            return Err(bad(text).into());
        }
        Ok(expanded)
    }

    /// For a session that goes on. What was never resolved is a failure of ours: the session waits,
    /// and isn't lost (clauses AS-REF-07, AS-REF-09).
    pub(crate) async fn for_existing_session(
        sets: &dyn PermissionSets,
        scope: &ScopeSet,
        now: UnixTime,
    ) -> Result<Self, EndpointError> {
        let find = async |include: &IncludeScope| {
            let set = sets.for_existing_session(&include.nsid, now).await;
            let set = set.map_err(|problem| {
                EndpointError::Unavailable(format!("{include} can't be resolved: {problem}"))
            })?;
            Ok::<_, EndpointError>((include.nsid.clone(), set))
        };
        let found = try_join_all(includes(scope).map(find)).await?;
        Ok(Self::of(scope, found.into_iter().collect()))
    }

    /// With what is known, to be shown.
    pub(crate) async fn as_known(sets: &dyn PermissionSets, scope: &ScopeSet) -> Self {
        let mut found = BTreeMap::new();
        for include in includes(scope) {
            if let Some(set) = sets.known(&include.nsid).await {
                found.insert(include.nsid.clone(), set);
            }
        }
        Self::of(scope, found)
    }

    fn of(scope: &ScopeSet, sets: BTreeMap<Nsid, Arc<PermissionSet>>) -> Self {
        Self {
            scope: scope.clone(),
            sets,
        }
    }

    /// The set of an include, if it is known.
    pub(crate) fn set(&self, include: &IncludeScope) -> Option<&PermissionSet> {
        self.sets.get(&include.nsid).map(|set| &**set)
    }

    /// What it comes down to: the scope of an access token, which names no sets. Of a set that the
    /// client didn't declare by its name, nothing that it didn't declare otherwise: sets grow.
    pub(crate) fn granted(&self, declared: &ScopeSet) -> ScopeSet {
        if includes(&self.scope).next().is_none() && self.scope.iter().len() <= MANY_SCOPES {
            return self.scope.clone();
        }
        let declared = declared.grants();
        let covers = |scope: &Scope| declared.covers(&[scope.clone()].into_iter().collect());
        let mut scopes = Vec::new();
        for scope in &self.scope {
            match scope {
                Scope::Include(include) => {
                    let by_name = covers(scope);
                    let set = self.set(include).into_iter();
                    let held = set.flat_map(|set| set.expand(include));
                    scopes.extend(held.filter(|held| by_name || covers(held)));
                }
                other => scopes.push(other.clone()),
            }
        }
        if scopes.len() > MANY_SCOPES {
            // The same in fewer words: all of it travels with each request.
            let grants: Grants = scopes.into_iter().collect();
            scopes = grants.into_scopes();
        }
        ScopeSet::of(scopes)
    }

    /// Whether the client declared it: the sets themselves, or all that is in them (clause
    /// SC-ALG-01).
    pub(crate) fn is_within(&self, declared: &ScopeSet) -> bool {
        let grants = declared.grants();
        grants.covers(&self.scope.grants())
            || self.scope.iter().all(|scope| match scope {
                Scope::Include(include) => {
                    let alone = [scope.clone()].into_iter().collect();
                    let held = self.set(include).map(|set| set.expand(include));
                    let held = held.unwrap_or_default().into_iter().collect();
                    grants.covers(&alone) || grants.covers(&held)
                }
                other => grants.covers(&[other.clone()].into_iter().collect()),
            })
    }
}

fn includes(scope: &ScopeSet) -> impl Iterator<Item = &IncludeScope> {
    scope.iter().filter_map(|scope| match scope {
        Scope::Include(include) => Some(include),
        _ => None,
    })
}
