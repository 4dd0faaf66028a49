//! What scopes mean together, and the algebra over it.

mod algebra;
mod covers;

use std::collections::{BTreeMap, BTreeSet};

use super::{
    AccountAction, AccountAttribute, AccountScope, BlobScope, IdentityScope, IncludeScope,
    MimePattern, Names, Permission, RepoActions, RepoScope, RpcAudience, RpcScope, Scope,
    SpaceScope,
};
use crate::id::{Nsid, ServiceRef};

/// What a set of scopes allows: sorted by what is asked, so that one act is looked up and not
/// searched for. Equal sets may differ as values; [`Grants::covers`] in both directions tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants {
    /// `transition:generic`.
    generic: bool,
    /// `transition:chat.bsky`: means nothing without generic (clause SC-TRN-02).
    chat: bool,
    /// `transition:email`.
    email: bool,
    /// On all collections.
    repo_all: RepoActions,
    repo: BTreeMap<Nsid, RepoActions>,
    /// Services of which all methods may be called.
    rpc_all: BTreeSet<ServiceRef>,
    rpc: BTreeMap<Nsid, Audiences>,
    blob: BTreeSet<MimePattern>,
    account: BTreeMap<AccountAttribute, AccountAction>,
    identity: Option<IdentityScope>,
    include: BTreeSet<IncludeScope>,
    space: BTreeSet<SpaceScope>,
}

/// Services at which a method may be called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Audiences {
    any: bool,
    services: BTreeSet<ServiceRef>,
}

impl Audiences {
    fn is_empty(&self) -> bool {
        !self.any && self.services.is_empty()
    }
}

/// Names of methods that `transition:generic` doesn't reach.
const CHAT: &str = "chat.bsky.";

impl Grants {
    /// Whether one act is allowed.
    pub fn allows(&self, permission: &Permission) -> bool {
        match permission {
            Permission::Repo { collection, action } => self.repo_of(collection).contains(*action),
            Permission::Rpc { lxm, aud } => self.allows_call(lxm.as_ref(), aud),
            Permission::Blob(mime) => {
                self.generic || self.blob.iter().any(|pattern| pattern.allows(mime))
            }
            Permission::Account { attribute, action } => {
                self.account_of(*attribute) >= Some(*action)
            }
            Permission::Identity(scope) => self.identity >= Some(*scope),
        }
    }

    /// What may be done to records of all collections.
    const fn repo_of_all(&self) -> RepoActions {
        if self.generic {
            RepoActions::ALL
        } else {
            self.repo_all
        }
    }

    /// What may be done to records of a collection.
    fn repo_of(&self, collection: &Nsid) -> RepoActions {
        let named = self.repo.get(collection).copied();
        self.repo_of_all().union(named.unwrap_or_default())
    }

    /// Whether a method may be called at whichever service by a transitional scope (clauses
    /// SC-TRN-01, SC-TRN-02). No method is all of them.
    fn is_transitional(&self, lxm: Option<&Nsid>) -> bool {
        let without_chat = lxm.is_some_and(|lxm| !lxm.as_str().starts_with(CHAT));
        self.generic && (self.chat || without_chat)
    }

    fn allows_call(&self, lxm: Option<&Nsid>, aud: &str) -> bool {
        let named = lxm.and_then(|lxm| self.rpc.get(lxm));
        self.is_transitional(lxm)
            || self.rpc_all.contains(aud)
            || named.is_some_and(|named| named.any || named.services.contains(aud))
    }

    /// Whether a method may be called at whichever service.
    fn allows_everywhere(&self, lxm: &Nsid) -> bool {
        self.is_transitional(Some(lxm)) || self.rpc.get(lxm).is_some_and(|named| named.any)
    }

    fn account_of(&self, attribute: AccountAttribute) -> Option<AccountAction> {
        let by_email = self.email && attribute == AccountAttribute::Email;
        let named = self.account.get(&attribute).copied();
        named.max(by_email.then_some(AccountAction::Read))
    }

    fn add(&mut self, scope: Scope) {
        match scope {
            Scope::Atproto | Scope::Unknown(_) => {}
            Scope::TransitionGeneric => self.generic = true,
            Scope::TransitionChat => self.chat = true,
            Scope::TransitionEmail => self.email = true,
            Scope::Account(AccountScope { attribute, action }) => {
                let known = self.account.entry(attribute).or_insert(action);
                *known = action.max(*known);
            }
            Scope::Identity(scope) => self.identity = self.identity.max(Some(scope)),
            Scope::Repo(scope) => self.add_repo(scope),
            Scope::Rpc(scope) => self.add_rpc(scope),
            Scope::Blob(scope) => self.blob.extend(scope.accept),
            Scope::Include(scope) => drop(self.include.insert(scope)),
            Scope::Space(scope) => drop(self.space.insert(scope)),
        }
    }

    fn add_repo(&mut self, scope: RepoScope) {
        match scope.collections {
            Names::All => self.repo_all = self.repo_all.union(scope.actions),
            Names::These(names) => {
                for name in names {
                    let actions = self.repo.entry(name).or_default();
                    *actions = actions.union(scope.actions);
                }
            }
        }
    }

    fn add_rpc(&mut self, scope: RpcScope) {
        match (scope.methods, scope.audience) {
            (Names::All, RpcAudience::Service(service)) => drop(self.rpc_all.insert(service)),
            // No scope says so; and if one did, it would mean nothing.
            (Names::All, RpcAudience::Any) => {}
            (Names::These(names), audience) => {
                for name in names {
                    let audiences = self.rpc.entry(name).or_default();
                    match &audience {
                        RpcAudience::Any => audiences.any = true,
                        RpcAudience::Service(service) => {
                            audiences.services.insert(service.clone());
                        }
                    }
                }
            }
        }
    }

    /// The fewest scopes that say the same, in canonical order, without `atproto`.
    pub fn into_scopes(self) -> Vec<Scope> {
        let grants = self.without_doubles();
        let mut scopes = Vec::new();
        let flags = [
            (grants.generic, Scope::TransitionGeneric),
            (grants.chat, Scope::TransitionChat),
            (grants.email, Scope::TransitionEmail),
        ];
        scopes.extend(
            flags
                .into_iter()
                .filter(|(set, _)| *set)
                .map(|(_, scope)| scope),
        );
        scopes.extend(grants.repo_scopes());
        scopes.extend(grants.rpc_scopes());
        if !grants.blob.is_empty() {
            scopes.push(Scope::Blob(BlobScope {
                accept: grants.blob,
            }));
        }
        let account = grants.account.into_iter();
        scopes.extend(account.map(|(attribute, action)| AccountScope { attribute, action }.into()));
        scopes.extend(grants.identity.map(Scope::Identity));
        scopes.extend(grants.include.into_iter().map(Scope::Include));
        scopes.extend(grants.space.into_iter().map(Scope::Space));
        scopes.sort_unstable();
        scopes
    }

    /// Collections with the same actions share a scope.
    fn repo_scopes(&self) -> impl Iterator<Item = Scope> {
        let mut by_actions: BTreeMap<RepoActions, BTreeSet<Nsid>> = BTreeMap::new();
        for (name, actions) in &self.repo {
            by_actions.entry(*actions).or_default().insert(name.clone());
        }
        let all = (!self.repo_all.is_empty()).then_some((self.repo_all, Names::All));
        let named = by_actions
            .into_iter()
            .map(|(actions, names)| (actions, Names::These(names)));
        all.into_iter().chain(named).map(|(actions, collections)| {
            Scope::Repo(RepoScope {
                collections,
                actions,
            })
        })
    }

    /// Methods for the same service share a scope.
    fn rpc_scopes(&self) -> impl Iterator<Item = Scope> {
        let mut by_audience: BTreeMap<RpcAudience, BTreeSet<Nsid>> = BTreeMap::new();
        for (name, audiences) in &self.rpc {
            let any = audiences.any.then_some(RpcAudience::Any);
            let services = audiences.services.iter().cloned().map(RpcAudience::Service);
            for audience in any.into_iter().chain(services) {
                by_audience
                    .entry(audience)
                    .or_default()
                    .insert(name.clone());
            }
        }
        let all = self.rpc_all.iter().cloned().map(RpcAudience::Service);
        let all: Vec<_> = all.map(|audience| (audience, Names::All)).collect();
        let named = by_audience
            .into_iter()
            .map(|(audience, names)| (audience, Names::These(names)));
        all.into_iter()
            .chain(named)
            .map(|(audience, methods)| Scope::Rpc(RpcScope { methods, audience }))
    }
}

impl FromIterator<Scope> for Grants {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        let mut grants = Self::default();
        for scope in scopes {
            grants.add(scope);
        }
        grants
    }
}
