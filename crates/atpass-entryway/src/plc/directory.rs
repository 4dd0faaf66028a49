//! What is asked of the directory.

use atpass_fetch::{FetchError, Stage};
use atpass_protocol::id::{Did, DidMethod};
use atpass_protocol::jose::K256Key;
use atpass_protocol::text::shown;
use bytes::Bytes;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde_json::Value;
use url::Url;

use super::{Contents, LastOperation, PlcError, SignedOperation};
use crate::Entryway;

/// What is to follow the last operation of a DID, and the key that may sign it.
#[derive(Debug)]
pub(crate) struct Next<'a> {
    last: LastOperation,
    key: &'a K256Key,
}

impl Next<'_> {
    /// What is true now.
    pub(crate) const fn contents(&self) -> &Contents {
        &self.last.contents
    }

    /// Signs the operation that makes `contents` true from now on.
    pub(crate) fn sign(self, contents: Contents) -> Result<SignedOperation, PlcError> {
        contents.sign(Some(self.last.cid), self.key)
    }
}

impl Entryway {
    /// Prepares what is to follow the last operation of a DID. Where another server has the rotation keys now,
    /// that is learnt here, before anything is changed.
    pub(crate) fn after(&self, last: LastOperation, did: &Did) -> Result<Next<'_>, PlcError> {
        let mut keys = self.parts().plc_keys.iter();
        let key = keys.find(|key| last.contents.rotation_keys.contains(&key.did_key()));
        let key = key.ok_or_else(|| PlcError::NoRotationKey(did.clone()))?;
        Ok(Next { last, key })
    }

    /// The last operation of a DID.
    pub(crate) async fn last_operation(&self, did: &Did) -> Result<LastOperation, PlcError> {
        let url = self.at_directory(did, "/log/last")?;
        let answer = self.parts().fetcher.get(&url, "application/json").await?;
        match answer.status() {
            StatusCode::OK => {
                let operation: Value = serde_json::from_slice(answer.body())
                    .map_err(|error| PlcError::Malformed(shown(&error.to_string())))?;
                LastOperation::read(did, &operation)
            }
            StatusCode::NOT_FOUND => Err(PlcError::Unknown(did.clone())),
            StatusCode::GONE => Err(PlcError::Tombstoned(did.clone())),
            status => Err(PlcError::Failed(status.as_u16())),
        }
    }

    /// Hands an operation in.
    pub(crate) async fn submit(
        &self,
        did: &Did,
        operation: &SignedOperation,
    ) -> Result<(), PlcError> {
        let url = self.at_directory(did, "")?;
        let request = http::Request::post(url.as_str())
            .header(CONTENT_TYPE, "application/json")
            .body(Bytes::from(operation.to_json()?.to_string()))
            .map_err(|_| FetchError {
                url: url.to_string(),
                stage: Stage::Url("not a URL"),
            })?;
        let answer = self.parts().fetcher.fetch(request).await?;
        let status = answer.status();
        let retry = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS];
        if status.is_success() {
            Ok(())
        } else if status.is_client_error() && !retry.contains(&status) {
            let message = serde_json::from_slice::<Value>(answer.body());
            let message = message.ok().and_then(|body| {
                let text = body.get("message").and_then(Value::as_str);
                text.map(shown)
            });
            Err(PlcError::Refused {
                status: status.as_u16(),
                message: message.unwrap_or_else(|| "it doesn't say why".into()),
            })
        } else {
            Err(PlcError::Failed(status.as_u16()))
        }
    }

    fn at_directory(&self, did: &Did, path: &str) -> Result<Url, PlcError> {
        if did.method() != Some(DidMethod::Plc) {
            return Err(PlcError::Method(did.clone()));
        }
        let mut url = self.parts().directory.clone();
        url.set_path(&format!("{}/{did}{path}", url.path().trim_end_matches('/')));
        url.set_query(None);
        Ok(url)
    }
}
