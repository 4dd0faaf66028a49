//! Who calls, and what they may do.

use std::sync::Arc;

use atpass_protocol::id::{ClientId, Did, Issuer};
use atpass_protocol::jose::Jkt;
use atpass_protocol::scope::{Grants, Needed, ScopeSet};
use atpass_protocol::time::UnixTime;
use atpass_protocol::token::{AccessTokenClaims, SessionId};

use crate::ResourceError;
use crate::held::VerifiedToken;

/// A request that was let through: who calls, by which app, and what they may do.
#[derive(Clone, Debug)]
pub struct VerifiedRequest(pub(crate) Arc<VerifiedToken>);

impl VerifiedRequest {
    /// The account.
    pub fn did(&self) -> &Did {
        &self.claims().sub
    }

    /// The authorization server that vouches for all of this.
    pub fn issuer(&self) -> &Issuer {
        &self.claims().iss
    }

    /// The app.
    pub fn client_id(&self) -> &ClientId {
        &self.claims().client_id
    }

    /// What was granted.
    pub fn scope(&self) -> &ScopeSet {
        &self.claims().scope
    }

    /// Thumbprint of the session's key.
    pub fn jkt(&self) -> Jkt {
        self.claims().cnf.jkt
    }

    /// The session that the token belongs to.
    pub fn session(&self) -> SessionId {
        self.claims().sid
    }

    /// All that the token says.
    pub fn claims(&self) -> &AccessTokenClaims {
        &self.0.claims
    }

    /// When the access token ends.
    pub fn expires_at(&self) -> UnixTime {
        self.claims().exp
    }

    /// What the token allows.
    pub fn grants(&self) -> &Grants {
        self.0.grants()
    }

    /// Whether the token allows this, or else the answer that says what is missing: the smallest
    /// scope, with status 403; 400 for names that can't be the object of a permission.
    ///
    /// ```
    /// # use atpass_protocol::scope::{Permission, Repo};
    /// # fn check(caller: atpass_resource::VerifiedRequest) -> Result<(), atpass_resource::ResourceError> {
    /// caller.require(Repo::create("app.example.post"))?;
    /// caller.require(Permission::ACCOUNT_EMAIL)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn require(&self, needed: impl Into<Needed>) -> Result<(), ResourceError> {
        let permission = needed.into().map_err(ResourceError::Name)?;
        if self.grants().allows(&permission) {
            Ok(())
        } else {
            Err(ResourceError::Scope(permission))
        }
    }
}
