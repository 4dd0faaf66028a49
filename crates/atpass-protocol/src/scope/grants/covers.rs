//! Whether one set of grants is within another.

use super::{Audiences, CHAT, Grants};
use crate::id::Nsid;
use crate::scope::{IncludeScope, MimePattern, SpaceScope};

impl Grants {
    /// Whether all that `other` allows is allowed by these (clause SC-ALG-01). The transitional
    /// scopes for posts and chat are covered by themselves alone.
    pub fn covers(&self, other: &Self) -> bool {
        (self.generic || !other.generic)
            && (self.chat || !other.chat)
            && self.repo_of_all().covers(other.repo_all)
            && other
                .repo
                .iter()
                .all(|(name, actions)| self.repo_of(name).covers(*actions))
            && other
                .rpc_all
                .iter()
                .all(|service| self.allows_call(None, service.as_str()))
            && other
                .rpc
                .iter()
                .all(|(lxm, audiences)| self.covers_calls(lxm, audiences))
            && other.blob.iter().all(|pattern| self.covers_blob(pattern))
            && (!other.email || self.covers_email())
            && other
                .account
                .iter()
                .all(|(attribute, action)| self.account_of(*attribute) >= Some(*action))
            && self.identity >= other.identity
            && other
                .include
                .iter()
                .all(|include| self.covers_include(include))
            && other.space.iter().all(|space| self.covers_space(space))
    }

    fn covers_calls(&self, lxm: &Nsid, audiences: &Audiences) -> bool {
        (!audiences.any || self.allows_everywhere(lxm))
            && audiences
                .services
                .iter()
                .all(|service| self.allows_call(Some(lxm), service.as_str()))
    }

    pub(super) fn covers_email(&self) -> bool {
        use crate::scope::{AccountAction::Read, AccountAttribute::Email};
        self.account_of(Email) >= Some(Read)
    }

    pub(super) fn covers_blob(&self, pattern: &MimePattern) -> bool {
        self.generic || self.blob.iter().any(|known| known.covers(pattern))
    }

    /// The same set, for the same service or for none. Or everything that the set could ever hold:
    /// records and calls of its own group.
    pub(super) fn covers_include(&self, include: &IncludeScope) -> bool {
        let same = |known: &IncludeScope| {
            known.nsid == include.nsid
                && (include.audience.is_none() || known.audience == include.audience)
        };
        let group = format!("{}.", include.group());
        let may_chat = group.starts_with(CHAT) || CHAT.starts_with(&group);
        self.include.iter().any(same) || (self.generic && (self.chat || !may_chat))
    }

    pub(super) fn covers_space(&self, space: &SpaceScope) -> bool {
        self.space.iter().any(|known| known.covers(space))
    }
}
