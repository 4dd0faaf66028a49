//! A session, as its app knows it.

use crate::cluster::Account;
use crate::common::{Answer, Tokens};
use crate::device::Device;
use crate::wire::session_of;

pub(crate) struct Session {
    pub(crate) device: Device,
    pub(crate) account: Account,
    /// The `sid` of its access tokens.
    pub(crate) name: String,
    pub(crate) access: String,
    /// The newest that its app was told.
    refresh: String,
}

impl Session {
    /// That of the answer to a code.
    pub(crate) fn of(device: Device, account: Account, answer: &Answer) -> Self {
        let Tokens {
            access, refresh, ..
        } = Tokens::of(answer);
        Self {
            name: session_of(&access).unwrap(),
            device,
            account,
            access,
            refresh,
        }
    }

    /// `false` where no answer could be had for too long.
    pub(crate) async fn refresh(&mut self, last: bool) -> bool {
        let named = (self.name.as_str(), last);
        let did = &self.account.did;
        let answer = self.device.refresh(&self.refresh, did, named).await;
        let Some(answer) = answer else {
            return false;
        };
        if answer.status.is_success() {
            let tokens = Tokens::of(&answer);
            self.access = tokens.access;
            self.refresh = tokens.refresh;
        }
        true
    }

    pub(crate) async fn revoke(&self) -> bool {
        self.device
            .revoke(&self.refresh, &self.name)
            .await
            .is_some()
    }
}
