//! What a single act at a resource server needs, and short names to say it.

use std::fmt;

use super::grants::Grants;
use super::names::Names;
use super::rpc::{RpcAudience, RpcScope};
use super::{
    AccountAction, AccountAttribute, AccountScope, BlobScope, IdentityScope, MimePattern, MimeType,
    RepoAction, RepoActions, RepoScope, Scope, ScopeError,
};
use crate::id::{Nsid, ServiceRef};

/// One act that a token may or may not allow.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Permission {
    /// Changing records of one collection.
    Repo {
        /// The collection.
        collection: Nsid,
        /// What is done to it.
        action: RepoAction,
    },
    /// Calling a method of another service in the account's name, or a token to do so.
    Rpc {
        /// The method; none is a token for any method.
        lxm: Option<Nsid>,
        /// The service. A bare DID, which no scope names, is allowed by `aud=*` only.
        aud: String,
    },
    /// Uploading media.
    Blob(MimeType),
    /// Seeing or changing an affair of the account.
    Account {
        /// Which.
        attribute: AccountAttribute,
        /// How far.
        action: AccountAction,
    },
    /// Changing the identity.
    Identity(IdentityScope),
}

/// A permission, or why the names in it are none: [`Repo::create`] and the like take texts, which
/// may come from a request.
pub type Needed = Result<Permission, ScopeError>;

/// Acts on records: `Repo::create("app.example.post")`.
#[derive(Clone, Copy, Debug)]
pub enum Repo {}

impl Repo {
    /// A new record.
    pub fn create(collection: &str) -> Needed {
        Self::act(collection, RepoAction::Create)
    }

    /// A changed record.
    pub fn update(collection: &str) -> Needed {
        Self::act(collection, RepoAction::Update)
    }

    /// A record removed.
    pub fn delete(collection: &str) -> Needed {
        Self::act(collection, RepoAction::Delete)
    }

    /// Any of them.
    pub fn act(collection: &str, action: RepoAction) -> Needed {
        let collection = Nsid::parse(collection)
            .map_err(|_| ScopeError::value("collection", "an NSID such as app.example.post"))?;
        Ok(Permission::Repo { collection, action })
    }
}

/// Calls of services: `Rpc::call("app.example.getFeed", "did:web:api.example.com#svc_appview")`.
#[derive(Clone, Copy, Debug)]
pub enum Rpc {}

impl Rpc {
    /// A call of one method.
    pub fn call(lxm: &str, aud: &str) -> Needed {
        let lxm = Nsid::parse(lxm)
            .map_err(|_| ScopeError::value("lxm", "an NSID such as app.example.getFeed"))?;
        Ok(Permission::Rpc {
            lxm: Some(lxm),
            aud: aud.to_owned(),
        })
    }

    /// A token for all methods of a service.
    pub fn any(aud: &str) -> Needed {
        Ok(Permission::Rpc {
            lxm: None,
            aud: aud.to_owned(),
        })
    }
}

/// Uploads: `Blob::upload("image/png")`.
#[derive(Clone, Copy, Debug)]
pub enum Blob {}

impl Blob {
    /// An upload with this `Content-Type`.
    pub fn upload(content_type: &str) -> Needed {
        MimeType::parse(content_type).map(Permission::Blob)
    }
}

impl From<Permission> for Needed {
    fn from(permission: Permission) -> Self {
        Ok(permission)
    }
}

impl Permission {
    /// Reading the account's e-mail address.
    pub const ACCOUNT_EMAIL: Self = Self::Account {
        attribute: AccountAttribute::Email,
        action: AccountAction::Read,
    };

    /// The smallest scope that allows it; none where no scope can (a bare DID as the service).
    pub fn smallest_scope(&self) -> Option<Scope> {
        match self {
            Self::Repo { collection, action } => Some(Scope::Repo(RepoScope {
                collections: Names::one(collection.clone()),
                actions: RepoActions::from_iter([*action]),
            })),
            Self::Rpc { lxm, aud } => {
                let service = ServiceRef::parse(aud).ok();
                let audience = match (service, lxm) {
                    (Some(service), _) => RpcAudience::Service(service),
                    (None, Some(_)) => RpcAudience::Any,
                    (None, None) => return None,
                };
                Some(Scope::Rpc(RpcScope {
                    methods: lxm.clone().map_or(Names::All, Names::one),
                    audience,
                }))
            }
            Self::Blob(mime) => Some(Scope::Blob(BlobScope {
                accept: [MimePattern::One(mime.clone())].into(),
            })),
            Self::Account { attribute, action } => Some(Scope::Account(AccountScope {
                attribute: *attribute,
                action: *action,
            })),
            Self::Identity(scope) => Some(Scope::Identity(*scope)),
        }
    }

    /// Whether these grants allow it.
    pub fn is_allowed_by(&self, grants: &Grants) -> bool {
        grants.allows(self)
    }
}

impl fmt::Display for Permission {
    /// The smallest scope that would allow it, for `insufficient_scope` answers.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.smallest_scope() {
            Some(scope) => scope.fmt(f),
            None => f.write_str("transition:generic"),
        }
    }
}
