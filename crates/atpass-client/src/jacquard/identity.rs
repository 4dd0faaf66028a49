//! Accounts, as jacquard's agents look for them, found with the client's own resolver: its requests go
//! through the client's door.

use ::jacquard::BosStr;
use ::jacquard::ToSmolStr;
use ::jacquard::identity::resolver::{
    DidDocResponse, IdentityError as AgentError, IdentityErrorKind, IdentityResolver,
    ResolverOptions,
};
use ::jacquard::types::string::{AtStrError, Did, Handle};
use atpass_identity::{DiscoveredAccount, Freshness, IdentityError, Input};
use http::StatusCode;
use serde_json::json;

use super::JacquardSession;

impl JacquardSession {
    async fn account(&self, name: &str) -> Result<DiscoveredAccount, AgentError> {
        let unknown = || AgentError::new(IdentityErrorKind::HandleResolutionExhausted, None);
        let input = Input::parse(name).map_err(|_| unknown())?;
        let resolver = self.session.client().resolver();
        let account = resolver.account(&input, Freshness::Recent).await;
        account.map_err(agent_error)?.ok_or_else(unknown)
    }
}

impl IdentityResolver for JacquardSession {
    fn options(&self) -> &ResolverOptions {
        &self.shared.resolver
    }

    async fn resolve_handle<S: BosStr + Sync>(
        &self,
        handle: &Handle<S>,
    ) -> Result<Did, AgentError> {
        let account = self.account(handle.as_str()).await?;
        Did::new_owned(account.did.as_str()).map_err(|error| invalid(&error))
    }

    async fn resolve_did_doc<S: BosStr + Sync>(
        &self,
        asked: &Did<S>,
    ) -> Result<DidDocResponse, AgentError> {
        let account = self.account(asked.as_str()).await?;
        let document = json!({
            "id": account.did,
            "service": [{
                "id": "#atproto_pds",
                "type": "AtprotoPersonalDataServer",
                "serviceEndpoint": account.pds,
            }],
        });
        Ok(DidDocResponse {
            buffer: document.to_string().into(),
            status: StatusCode::OK,
            requested: Some(Did::new_owned(asked.as_str()).map_err(|error| invalid(&error))?),
        })
    }
}

/// A DID that is one for us, and none for jacquard.
fn invalid(error: &AtStrError) -> AgentError {
    AgentError::invalid_doc(error.to_smolstr())
}

/// Our error as one of jacquard's, which has it as its source.
fn agent_error(error: IdentityError) -> AgentError {
    let what = error.to_smolstr();
    let kind = match &error {
        error if error.is_transient() => IdentityErrorKind::Transport(what),
        IdentityError::Handle { .. } | IdentityError::HandleNotClaimed { .. } => {
            IdentityErrorKind::HandleResolutionExhausted
        }
        IdentityError::Method(did) => IdentityErrorKind::UnsupportedDidMethod(did.to_smolstr()),
        IdentityError::BadDocument { .. } => IdentityErrorKind::InvalidDoc(what),
        _ => IdentityErrorKind::Transport(what),
    };
    AgentError::new(kind, Some(Box::new(error)))
}
