//! A handle's change, in steps of which each can be done again.
//!
//! First everything is looked up that may speak against it, while nothing is changed. Then
//!
//! 1. the store takes the name, so that of two who want it one is refused before anything claims it;
//! 2. the directory is given the operation, which the PDS looks for;
//! 3. the PDS is told, and tells the network.
//!
//! Each does nothing where it is done already. So a request that failed half-way is simply sent again, and ends
//! right wherever it had stopped: until then the handle resolves to the account, and the account doesn't claim it
//! (after 1), or the network has yet to hear of it (after 2). Only where the directory or the PDS certainly refuses
//! does it go back to the handle before.

use atpass_identity::{Freshness, IdentityError, Input};
use atpass_protocol::id::{Did, DidMethod, Handle};
use atpass_provider::accounts::Identifier;
use atpass_provider::store::StoreError;

use crate::handles::NotGiven;
use crate::pds::PdsError;
use crate::plc::{PlcError, SignedOperation};
use crate::store::Taken;
use crate::{Entryway, PdsConfig};

/// Why a handle wasn't changed, or not everywhere.
#[derive(Debug, thiserror::Error)]
pub enum ChangeHandleError {
    /// There is no such account, or it may not act.
    #[error("there is no such account here")]
    NoAccount,
    /// This server doesn't give the handle.
    #[error(transparent)]
    NotGiven(#[from] NotGiven),
    /// Another account has it.
    #[error("another account has this handle")]
    Taken,
    /// It is a domain of the person's own that doesn't name the account.
    #[error("{0} doesn't resolve to this account")]
    NotResolved(Handle),
    /// It doesn't resolve at present.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The DID's document is the owner's, and doesn't claim the handle.
    #[error("the DID document doesn't name this handle")]
    NotClaimed,
    /// The directory can't be asked, or doesn't take the operation.
    #[error(transparent)]
    Plc(#[from] PlcError),
    /// The PDS couldn't be told. All else is done.
    #[error(transparent)]
    Pds(#[from] PdsError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Entryway {
    /// Gives an account another handle: one below a domain of this server, or a domain of its owner's own that
    /// resolves to it already.
    pub async fn change_handle(&self, did: &Did, handle: &Handle) -> Result<(), ChangeHandleError> {
        let store = &self.parts().store;
        let account = store.account(&Identifier::Did(did.clone())).await?;
        let account = account.filter(|account| account.active);
        let account = account.ok_or(ChangeHandleError::NoAccount)?;
        let pds = self.pds_of(&account.pds);
        let pds = pds.ok_or(ChangeHandleError::NoAccount)?;

        if !self.config().gives(handle) {
            self.check_resolves(handle, did).await?;
        } else if account.handle != *handle {
            // An account may keep a name that new ones can't have. The other PDSes' names are for theirs.
            let domain = self.config().may_give(handle)?;
            let is_of = |pds: &PdsConfig| pds.handle_domains.iter().any(|of| of == domain);
            if !self.config().pds(&account.pds).is_some_and(is_of) {
                return Err(NotGiven::Domain.into());
            }
        }
        let operation = self.handle_operation(did, handle).await?;

        match store.set_handle(did, handle).await? {
            Ok(()) => {}
            Err(Taken::Did | Taken::Handle | Taken::Email | Taken::Invite) => {
                return Err(ChangeHandleError::Taken);
            }
        }
        if let Some(operation) = operation
            && let Err(error) = self.submit(did, &operation).await
        {
            if error.is_certain() {
                self.go_back(did, &account.handle).await;
            }
            return Err(error.into());
        }
        if let Err(error) = pds.update_handle(did, handle).await {
            if matches!(error, PdsError::Refused { .. }) {
                self.undo(did, &account.handle).await;
            }
            return Err(error.into());
        }
        // The document that is kept of this account has the old handle. If it can't be had now, it goes by
        // itself in ten minutes.
        let resolver = &self.parts().resolver;
        let _ = resolver.document(did, Freshness::Anew).await;
        Ok(())
    }

    /// Makes sure that a domain names this account (atproto spec, Handle, "Handle Resolution").
    async fn check_resolves(&self, handle: &Handle, did: &Did) -> Result<(), ChangeHandleError> {
        let input = Input::Handle(handle.clone());
        let found = self.parts().resolver.account(&input, Freshness::Anew).await;
        let found = match found {
            Ok(account) => account.map(|account| account.did),
            // The account is about to claim it.
            Err(IdentityError::HandleNotClaimed { did, .. }) => Some(did),
            Err(error) => return Err(error.into()),
        };
        if found.as_ref() == Some(did) {
            Ok(())
        } else {
            Err(ChangeHandleError::NotResolved(handle.clone()))
        }
    }

    /// The operation by which the account claims the handle; `None` where it does so already.
    async fn handle_operation(
        &self,
        did: &Did,
        handle: &Handle,
    ) -> Result<Option<SignedOperation>, ChangeHandleError> {
        if did.method() == Some(DidMethod::Plc) {
            let last = self.last_operation(did).await?;
            if last.contents.handle().as_ref() == Some(handle) {
                return Ok(None);
            }
            let next = self.after(last, did)?;
            let contents = next.contents().clone().with_handle(handle);
            return Ok(Some(next.sign(contents)?));
        }
        // Nobody but its owner can change the document of a did:web.
        let resolver = &self.parts().resolver;
        let document = resolver.document(did, Freshness::Anew).await?;
        if document.handle() == Some(handle) {
            Ok(None)
        } else {
            Err(ChangeHandleError::NotClaimed)
        }
    }

    /// The PDS doesn't take the handle, whatever is tried: the directory gets the one before again, and so does
    /// the store.
    async fn undo(&self, did: &Did, before: &Handle) {
        let submitted = match self.handle_operation(did, before).await {
            Ok(Some(operation)) => self.submit(did, &operation).await.map_err(Into::into),
            Ok(None) => Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = submitted {
            return tracing::error!(%did, %before, %error, "the handle couldn't be put back");
        }
        self.go_back(did, before).await;
    }

    /// Gives the account the handle again that the directory has: another request may have changed it in the
    /// meantime. What the directory has is the owner's to choose, so that it counts only where it is the one
    /// `before`, or one that this server would give.
    async fn go_back(&self, did: &Did, before: &Handle) {
        let last = self.last_operation(did).await;
        let there = last.ok().and_then(|last| last.contents.handle());
        let there = there.filter(|there| self.config().may_give(there).is_ok());
        let handle = there.as_ref().unwrap_or(before);
        let result = self.parts().store.set_handle(did, handle).await;
        if !matches!(result, Ok(Ok(()))) {
            tracing::error!(%did, %handle, ?result, "the handle couldn't be put back");
        }
    }
}
