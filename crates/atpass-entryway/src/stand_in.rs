//! In the place of `mail` until it is there: nothing is sent. To be
//! dropped with it.

use crate::Entryway;
use crate::store::{AccountRecord, EmailPurpose};
use crate::xrpc::XrpcError;

#[expect(clippy::unused_async, reason = "the real ones send and store")]
impl Entryway {
    pub(crate) async fn send_code(
        &self,
        _account: &AccountRecord,
        _purpose: EmailPurpose,
    ) -> Result<(), XrpcError> {
        Err(XrpcError::unavailable(&"there is no mail yet"))
    }

    pub(crate) async fn use_code(
        &self,
        _did: &atpass_protocol::id::Did,
        _purpose: EmailPurpose,
        _token: &str,
    ) -> Result<(), XrpcError> {
        Err(XrpcError::unavailable(&"there is no mail yet"))
    }
}
