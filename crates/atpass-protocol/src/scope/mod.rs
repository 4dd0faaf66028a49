//! Scopes: what an app asks for and a token allows (atproto permission spec; OAuth, "Authorization
//! Scopes").
//!
//! | Type | is |
//! | --- | --- |
//! | [`Scope`] | one value: `repo:app.example.post?action=create` |
//! | [`ScopeSet`] | the values of a `scope` parameter; always with `atproto` |
//! | [`Grants`] | what they mean together: the algebra (covers, union, intersection, difference) |
//! | [`Permission`] | one act that needs a grant |
//! | [`PermissionSet`] | what `include:` stands for |
//!
//! Nothing is ever decided by comparing texts:
//!
//! ```
//! use atpass_protocol::scope::{Repo, ScopeSet};
//!
//! let declared = ScopeSet::parse("atproto repo:*").unwrap();
//! let requested = ScopeSet::parse("atproto repo:app.example.post?action=create").unwrap();
//! assert!(declared.covers(&requested) && !requested.covers(&declared));
//! assert!(requested.allows(&Repo::create("app.example.post").unwrap()));
//! ```

mod account;
mod blob;
mod error;
mod explain;
mod grammar;
mod grants;
mod include;
mod names;
mod permission;
mod permission_set;
mod repo;
mod rpc;
mod set;
mod space;
mod value;

pub use account::{AccountAction, AccountAttribute, AccountScope, IdentityScope};
pub use blob::{BlobScope, MimePattern, MimeType};
pub use error::ScopeError;
pub use grants::Grants;
pub use include::IncludeScope;
pub use names::Names;
pub use permission::{Blob, Needed, Permission, Repo, Rpc};
pub use permission_set::{PermissionSet, PermissionSetError};
pub use repo::{RepoAction, RepoActions, RepoScope};
pub use rpc::{RpcAudience, RpcScope};
pub use set::{MOST_SCOPES, ScopeSet};
pub use space::{SpaceAction, SpaceAuthority, SpaceManagement, SpaceScope};
pub use value::Scope;
