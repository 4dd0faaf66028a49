//! `space`: permissioned data (proposal 0016, a draft; experimental).
//!
//! An authorization server takes it only where its operator switched it on.

use std::collections::BTreeSet;
use std::fmt;

use super::ScopeError;
use super::grammar::{Fields, Writer};
use super::names::Names;
use crate::id::{Did, Nsid};

/// Whose spaces.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SpaceAuthority {
    /// Anybody's.
    Any,
    /// The account's own.
    Own,
    /// Of this account.
    Of(Did),
}

/// What may be done with the records of a space.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SpaceAction {
    /// See one's own records.
    ReadSelf,
    /// See all records; includes one's own.
    Read,
    /// A new record.
    Create,
    /// A changed record.
    Update,
    /// A record removed.
    Delete,
}

impl SpaceAction {
    const ALL: [Self; 5] = [
        Self::ReadSelf,
        Self::Read,
        Self::Create,
        Self::Update,
        Self::Delete,
    ];

    /// As in the scope string.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ReadSelf => "read_self",
            Self::Read => "read",
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

/// What may be done with a space itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SpaceManagement {
    /// Make one.
    Create,
    /// Change it.
    Update,
    /// Remove it.
    Delete,
}

impl SpaceManagement {
    const ALL: [Self; 3] = [Self::Create, Self::Update, Self::Delete];

    /// As in the scope string.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

/// `space:<type>[?authority=…][&skey=…][&collection=…][&action=…][&manage=…]`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpaceScope {
    /// The type of the space, or any.
    pub space_type: Names,
    /// Whose.
    pub authority: SpaceAuthority,
    /// Only the space of this key.
    pub skey: Option<String>,
    /// Only these collections in it.
    pub collections: Names,
    /// What may be done with records: all of it where nothing is named.
    pub actions: BTreeSet<SpaceAction>,
    /// What may be done with the space.
    pub manage: BTreeSet<SpaceManagement>,
}

impl SpaceScope {
    pub(super) fn read(mut fields: Fields) -> Result<Self, ScopeError> {
        let space_type = fields.positional_one("type")?;
        let authority = fields.one("authority")?;
        let skey = fields.one("skey")?;
        let collections = fields.many("collection");
        let actions = fields.many("action");
        let manage = fields.many("manage");
        fields.finish()?;
        let authority = match authority.as_deref() {
            None | Some("self") => SpaceAuthority::Own,
            Some("*") => SpaceAuthority::Any,
            Some(did) => {
                let did = Did::parse(did)
                    .map_err(|_| ScopeError::value("authority", "self, * or a DID"))?;
                SpaceAuthority::Of(did)
            }
        };
        let is_key = |key: &String| (1..=512).contains(&key.len());
        if !skey.as_ref().is_none_or(is_key) {
            return Err(ScopeError::value("skey", "a key of 1 to 512 characters"));
        }
        let read_action = |text: &String| {
            let known = SpaceAction::ALL.into_iter();
            let found = known.clone().find(|known| known.as_str() == text);
            let expected = "read_self, read, create, update or delete";
            found.ok_or_else(|| ScopeError::value("action", expected))
        };
        let read_manage = |text: &String| {
            let found = SpaceManagement::ALL
                .into_iter()
                .find(|known| known.as_str() == text);
            found.ok_or_else(|| ScopeError::value("manage", "create, update or delete"))
        };
        let actions: BTreeSet<_> = actions.iter().map(read_action).collect::<Result<_, _>>()?;
        let manage: BTreeSet<_> = manage.iter().map(read_manage).collect::<Result<_, _>>()?;
        Ok(Self {
            space_type: Names::read(&[space_type], "type")?,
            authority,
            skey,
            collections: if collections.is_empty() {
                Names::All
            } else {
                Names::read(&collections, "collection")?
            },
            actions: if actions.is_empty() && manage.is_empty() {
                BTreeSet::from(SpaceAction::ALL)
            } else {
                actions
            },
            manage,
        })
    }

    /// Whether all that the other allows is allowed by this one.
    pub fn covers(&self, other: &Self) -> bool {
        let whose = self.authority == SpaceAuthority::Any || self.authority == other.authority;
        let key = self.skey.is_none() || self.skey == other.skey;
        let acts = other.actions.iter().all(|action| {
            self.actions.contains(action)
                || (*action == SpaceAction::ReadSelf && self.actions.contains(&SpaceAction::Read))
        });
        whose
            && key
            && acts
            && self.space_type.covers(&other.space_type)
            && self.collections.covers(&other.collections)
            && other.manage.is_subset(&self.manage)
    }

    /// Whether it names one type of space, as it must inside a permission set.
    pub fn has_type(&self, nsid: &Nsid) -> bool {
        matches!(&self.space_type, Names::These(names) if names.contains(nsid))
    }
}

impl fmt::Display for SpaceScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut writer = Writer::new(f, "space")?;
        writer.positional("type", self.space_type.texts())?;
        match &self.authority {
            SpaceAuthority::Own => {}
            SpaceAuthority::Any => writer.named("authority", &"*")?,
            SpaceAuthority::Of(did) => writer.named("authority", did)?,
        }
        if let Some(skey) = &self.skey {
            writer.named("skey", skey)?;
        }
        if let Names::These(names) = &self.collections {
            for name in names {
                writer.named("collection", name)?;
            }
        }
        let all = self.manage.is_empty() && self.actions.len() == SpaceAction::ALL.len();
        if !all {
            for action in &self.actions {
                writer.named("action", &action.as_str())?;
            }
        }
        for act in &self.manage {
            writer.named("manage", &act.as_str())?;
        }
        Ok(())
    }
}
