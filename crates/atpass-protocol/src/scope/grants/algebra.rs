//! Union, intersection, difference.

use std::collections::{BTreeMap, BTreeSet};

use super::{Audiences, Grants};
use crate::id::Nsid;
use crate::scope::AccountAttribute::{self, Email};
use crate::scope::{AccountAction, IncludeScope, MimePattern, RepoActions, SpaceScope};

impl Grants {
    /// What either allows.
    #[must_use]
    pub fn union(mut self, other: &Self) -> Self {
        self.generic |= other.generic;
        self.chat |= other.chat;
        self.email |= other.email;
        self.repo_all = self.repo_all.union(other.repo_all);
        for (name, actions) in &other.repo {
            let known = self.repo.entry(name.clone()).or_default();
            *known = known.union(*actions);
        }
        self.rpc_all.extend(other.rpc_all.iter().cloned());
        for (lxm, audiences) in &other.rpc {
            let known = self.rpc.entry(lxm.clone()).or_default();
            known.any |= audiences.any;
            known.services.extend(audiences.services.iter().cloned());
        }
        self.blob.extend(other.blob.iter().cloned());
        for (attribute, action) in &other.account {
            let known = self.account.entry(*attribute).or_insert(*action);
            *known = (*action).max(*known);
        }
        self.identity = self.identity.max(other.identity);
        self.include.extend(other.include.iter().cloned());
        self.space.extend(other.space.iter().cloned());
        self
    }

    /// What both allow. Never more; and less in one case only: all methods of one service, against
    /// `transition:generic` without chat, which no scopes can say.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let repo = names(&self.repo, &other.repo)
            .map(|name| (name, self.repo_of(name).intersection(other.repo_of(name))));
        let rpc = names(&self.rpc, &other.rpc)
            .map(|lxm| (lxm, self.calls_of(lxm).intersection(&other.calls_of(lxm))));
        let account = AccountAttribute::ALL.into_iter().filter_map(|attribute| {
            let both = self.account_of(attribute).min(other.account_of(attribute));
            Some((attribute, both?))
        });
        Self {
            generic: self.generic && other.generic,
            chat: self.chat && other.chat,
            email: self.email && other.email,
            repo_all: self.repo_of_all().intersection(other.repo_of_all()),
            repo: repo
                .map(|(name, actions)| (name.clone(), actions))
                .collect(),
            rpc_all: common(
                self,
                other,
                |grants| &grants.rpc_all,
                |grants, service| grants.allows_call(None, service.as_str()),
            ),
            rpc: rpc
                .map(|(lxm, audiences)| (lxm.clone(), audiences))
                .collect(),
            blob: common(self, other, |grants| &grants.blob, Self::covers_blob),
            account: account.collect(),
            identity: self.identity.min(other.identity),
            include: self.common_includes(other),
            space: common(self, other, |grants| &grants.space, Self::covers_space),
        }
        .without_doubles()
    }

    /// What these allow and `other` doesn't. What can't be parted, such as a `*` of which the other
    /// allows some, stays whole.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        let repo = self.repo.iter().map(|(name, actions)| {
            let left = actions.without(other.repo_of(name));
            (name.clone(), left)
        });
        let rpc = self.rpc.iter().map(|(lxm, audiences)| {
            let services = audiences.services.iter();
            let left = Audiences {
                any: audiences.any && !other.allows_everywhere(lxm),
                services: services
                    .filter(|service| !other.allows_call(Some(lxm), service.as_str()))
                    .cloned()
                    .collect(),
            };
            (lxm.clone(), left)
        });
        let account = self
            .account
            .iter()
            .filter(|(attribute, action)| other.account_of(**attribute) < Some(**action));
        Self {
            generic: self.generic && !other.generic,
            chat: self.chat && !other.chat,
            email: self.email && !other.covers_email(),
            repo_all: self.repo_all.without(other.repo_of_all()),
            repo: repo.collect(),
            rpc_all: left(&self.rpc_all, |service| {
                other.allows_call(None, service.as_str())
            }),
            rpc: rpc.collect(),
            blob: left(&self.blob, |pattern| other.covers_blob(pattern)),
            account: account
                .map(|(attribute, action)| (*attribute, *action))
                .collect(),
            identity: self.identity.filter(|_| other.identity < self.identity),
            include: left(&self.include, |include| other.covers_include(include)),
            space: left(&self.space, |space| other.covers_space(space)),
        }
        .without_doubles()
    }

    /// Services at which a method may be called, by whichever grant.
    fn calls_of(&self, lxm: &Nsid) -> Audiences {
        let named = self.rpc.get(lxm);
        let services = named.into_iter().flat_map(|named| &named.services);
        Audiences {
            any: self.allows_everywhere(lxm),
            services: services.chain(&self.rpc_all).cloned().collect(),
        }
    }

    /// Two includes of one set for different services share what the set has for all services.
    fn common_includes(&self, other: &Self) -> BTreeSet<IncludeScope> {
        let mut both = common(self, other, |grants| &grants.include, Self::covers_include);
        for include in &self.include {
            if other.include.iter().any(|known| known.nsid == include.nsid) {
                both.insert(IncludeScope {
                    nsid: include.nsid.clone(),
                    audience: None,
                });
            }
        }
        both
    }

    /// Without what is said in another place already.
    pub(super) fn without_doubles(mut self) -> Self {
        let all = self.repo_of_all();
        if self.generic {
            self.repo_all = RepoActions::NONE;
            self.blob.clear();
        }
        self.repo.retain(|_, actions| {
            *actions = actions.without(all);
            !actions.is_empty()
        });
        let generic = Self {
            generic: self.generic,
            chat: self.chat,
            ..Self::default()
        };
        self.rpc_all
            .retain(|service| !generic.allows_call(None, service.as_str()));
        let rpc_all = &self.rpc_all;
        self.rpc.retain(|lxm, audiences| {
            audiences.any &= !generic.is_transitional(Some(lxm));
            if audiences.any || generic.is_transitional(Some(lxm)) {
                audiences.services.clear();
            }
            audiences
                .services
                .retain(|service| !rpc_all.contains(service));
            !audiences.is_empty()
        });
        self.blob = maximal(&self.blob, MimePattern::covers);
        self.space = maximal(&self.space, SpaceScope::covers);
        let only = |include: &IncludeScope| Self {
            include: BTreeSet::from([include.clone()]),
            ..generic.clone()
        };
        self.include
            .retain(|include| !generic.covers_include(include));
        self.include = maximal(&self.include, |a, b| only(a).covers_include(b));
        if self.email && self.account_of(Email) == Some(AccountAction::Read) {
            self.account.remove(&Email);
        }
        self
    }
}

impl Audiences {
    fn intersection(&self, other: &Self) -> Self {
        let from = |these: &Self, others: &Self| -> BTreeSet<_> {
            let services = these.services.iter();
            let both = services.filter(|service| others.any || others.services.contains(*service));
            both.cloned().collect()
        };
        let mut services = from(self, other);
        services.extend(from(other, self));
        Self {
            any: self.any && other.any,
            services,
        }
    }
}

/// The names in either map, each once.
fn names<'m, V>(
    one: &'m BTreeMap<Nsid, V>,
    other: &'m BTreeMap<Nsid, V>,
) -> impl Iterator<Item = &'m Nsid> {
    let names: BTreeSet<_> = one.keys().chain(other.keys()).collect();
    names.into_iter()
}

/// The items of one side that the other covers, from both sides.
fn common<T: Ord + Clone>(
    one: &Grants,
    other: &Grants,
    items: impl Fn(&Grants) -> &BTreeSet<T>,
    covers: impl Fn(&Grants, &T) -> bool,
) -> BTreeSet<T> {
    let from_one = items(one).iter().filter(|item| covers(other, item));
    let from_other = items(other).iter().filter(|item| covers(one, item));
    from_one.chain(from_other).cloned().collect()
}

/// The items that aren't covered.
fn left<T: Ord + Clone>(items: &BTreeSet<T>, covered: impl Fn(&T) -> bool) -> BTreeSet<T> {
    items
        .iter()
        .filter(|item| !covered(item))
        .cloned()
        .collect()
}

/// The items that no other covers.
fn maximal<T: Ord + Clone>(items: &BTreeSet<T>, covers: impl Fn(&T, &T) -> bool) -> BTreeSet<T> {
    left(items, |item| {
        items.iter().any(|other| {
            other != item && covers(other, item) && !(covers(item, other) && other > item)
        })
    })
}
