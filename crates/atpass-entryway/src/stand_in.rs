//! In the place of `service_auth` and `mail` until they are there: nobody is believed, nothing is sent. To be
//! dropped with them.

use crate::store::{AccountRecord, EmailPurpose};
use crate::xrpc::XrpcError;
use crate::{Entryway, xrpc};

/// Who a forwarded request is from.
pub(crate) mod service_auth {
    use super::xrpc::{Server, XrpcError};
    use atpass_protocol::id::Did;
    use http::HeaderMap;

    #[expect(clippy::unused_async, reason = "the real one looks up a key")]
    pub(crate) async fn verify(
        _server: &Server,
        _headers: &HeaderMap,
        _lxm: &'static str,
    ) -> Result<Did, XrpcError> {
        Err(XrpcError::unauthenticated("AuthMissing", "not there yet"))
    }
}

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
