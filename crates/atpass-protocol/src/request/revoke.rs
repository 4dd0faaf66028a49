//! The revocation endpoint (RFC 7009).

use super::Form;
use super::par::read_client_id;
use crate::error::OAuthError;
use crate::id::ClientId;
use crate::secret::Secret;

/// A request to end a session.
#[derive(Clone, Debug)]
pub struct RevocationRequest {
    /// Who asks.
    pub client_id: ClientId,
    /// A refresh or access token of the session. A `token_type_hint` isn't needed to tell them
    /// apart.
    pub token: Secret,
}

impl RevocationRequest {
    /// Reads the parameters.
    pub fn from_form(form: &Form) -> Result<Self, OAuthError> {
        Ok(Self {
            client_id: read_client_id(form)?,
            token: Secret::new(form.require("token")?),
        })
    }
}
