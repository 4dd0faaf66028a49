//! Scopes: what an app asks for and a token allows (atproto spec, OAuth, "Authorization Scopes").
//!
//! A [`ScopeSet`] always holds `atproto`. What it allows is asked with a [`Permission`], never by
//! comparing text.

mod permission;
mod set;

pub use permission::{Permission, RepoAction};
pub use set::{Scope, ScopeError, ScopeSet};
