//! `com.atproto.identity.*`: an account's handle, and the operations of its DID.

use std::collections::BTreeMap;

use atpass_identity::IdentityError;
use atpass_protocol::id::{Did, Handle};
use atpass_provider::accounts::Identifier;
use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::request::Input;
use super::{Server, XrpcError};
use crate::handles::NotGiven;
use crate::pds::PdsError;
use crate::plc::{Contents, PlcError, Service};
use crate::store::{AccountRecord, EmailPurpose};
use crate::{ChangeHandleError, Entryway, EntrywayConfig, PdsConfig, service_auth};

const UPDATE_HANDLE: &str = "com.atproto.identity.updateHandle";
const REQUEST_SIGNATURE: &str = "com.atproto.identity.requestPlcOperationSignature";
const SIGN_OPERATION: &str = "com.atproto.identity.signPlcOperation";

pub(super) fn routes() -> Router<Server> {
    Router::new()
        .route(&format!("/xrpc/{UPDATE_HANDLE}"), post(update_handle))
        .route(
            &format!("/xrpc/{REQUEST_SIGNATURE}"),
            post(request_signature),
        )
        .route(&format!("/xrpc/{SIGN_OPERATION}"), post(sign_operation))
}

/// As a PDS sends it: the account's DID comes along, besides what the lexicon has.
#[derive(Deserialize)]
struct NewHandle {
    did: Option<Did>,
    handle: String,
}

async fn update_handle(
    State(server): State<Server>,
    headers: HeaderMap,
    Input(new): Input<NewHandle>,
) -> Result<(), XrpcError> {
    let account = service_auth::verify_settled(&server, &headers, UPDATE_HANDLE).await?;
    let did = account.did;
    let limited = server.entryway.limits().changes.check(did.as_str()).await;
    limited.map_err(XrpcError::too_many)?;
    if new.did.is_some_and(|named| named != did) {
        return Err(XrpcError::invalid("the DID is another account's"));
    }
    let handle = Handle::parse(&new.handle).map_err(|error| invalid_handle(&error))?;
    server.entryway.change_handle(&did, &handle).await?;
    Ok(())
}

async fn request_signature(
    State(server): State<Server>,
    headers: HeaderMap,
) -> Result<(), XrpcError> {
    let did = service_auth::verify(&server, &headers, REQUEST_SIGNATURE).await?;
    let store = &server.entryway.parts().store;
    let account = store.account(&Identifier::Did(did)).await?;
    let account = account.ok_or_else(no_account)?;
    if account.email.is_none() {
        return Err(XrpcError::invalid("the account has no e-mail address"));
    }
    let purpose = EmailPurpose::PlcOperation;
    server.entryway.send_code(&account, purpose).await
}

/// What is to be signed: each part that is named takes the place of what is true now.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Change {
    token: Option<String>,
    rotation_keys: Option<Vec<String>>,
    also_known_as: Option<Vec<String>>,
    verification_methods: Option<BTreeMap<String, String>>,
    services: Option<BTreeMap<String, Service>>,
}

impl Change {
    fn over(self, now: Contents) -> Contents {
        Contents {
            rotation_keys: self.rotation_keys.unwrap_or(now.rotation_keys),
            also_known_as: self.also_known_as.unwrap_or(now.also_known_as),
            verification_methods: self
                .verification_methods
                .unwrap_or(now.verification_methods),
            services: self.services.unwrap_or(now.services),
        }
    }
}

/// The operation goes back to who asked, and isn't handed to the directory: it may be for another PDS to hand it
/// in, when the account moves there.
async fn sign_operation(
    State(server): State<Server>,
    headers: HeaderMap,
    Input(change): Input<Change>,
) -> Result<Json<Value>, XrpcError> {
    let did = service_auth::verify(&server, &headers, SIGN_OPERATION).await?;
    let operation = sign(&server.entryway, &did, change).await?;
    Ok(Json(json!({ "operation": operation })))
}

async fn sign(entryway: &Entryway, did: &Did, change: Change) -> Result<Value, XrpcError> {
    let token = change.token.clone().filter(|token| !token.is_empty());
    let token = token.ok_or_else(|| {
        XrpcError::invalid("the code that was sent by e-mail is needed to sign an operation")
    })?;
    let store = &entryway.parts().store;
    let account = store.account(&Identifier::Did(did.clone())).await?;
    let account = account.ok_or_else(no_account)?;
    let last = entryway.last_operation(did).await?;
    let next = entryway.after(last, did)?;
    let contents = change.over(next.contents().clone());
    check_signable(entryway.config(), &account, &contents)?;
    // Only now: a code is good once, and not to be lost to a directory that is down.
    entryway
        .use_code(did, EmailPurpose::PlcOperation, &token)
        .await?;
    Ok(next.sign(contents)?.to_json()?)
}

/// A PDS behind this entryway takes an account from whoever brings an operation that is signed by the entryway.
/// So none is signed that has the account at another of ours, or gives it a name that is ours to give: both go
/// by other ways, with their checks. Moving elsewhere is the owner's right.
fn check_signable(
    config: &EntrywayConfig,
    account: &AccountRecord,
    contents: &Contents,
) -> Result<(), XrpcError> {
    let service = contents.services.get("atproto_pds");
    let is_there = |pds: &PdsConfig| {
        let endpoint = service.map(|service| service.endpoint.trim_end_matches('/'));
        endpoint == Some(pds.origin.as_str())
    };
    let others = |pds: &&PdsConfig| pds.did != account.pds;
    if config.pdses.iter().filter(others).any(is_there) {
        return Err(XrpcError::invalid(
            "accounts don't move to another PDS of this server by an operation",
        ));
    }
    let handles = contents.also_known_as.iter();
    let handles = handles.filter_map(|name| Handle::parse(name.strip_prefix("at://")?).ok());
    for handle in handles {
        if handle != account.handle && config.gives(&handle) {
            return Err(not_available(&format_args!(
                "{handle} can be had by a change of the handle only"
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, XrpcError> {
    serde_json::from_slice(body)
        .map_err(|error| XrpcError::invalid(format!("the body can't be read: {error}")))
}

fn no_account() -> XrpcError {
    XrpcError::invalid("there is no such account here")
}

fn invalid_handle(error: &impl std::fmt::Display) -> XrpcError {
    XrpcError::new(StatusCode::BAD_REQUEST, "InvalidHandle", error.to_string())
}

fn not_available(error: &impl std::fmt::Display) -> XrpcError {
    let message = error.to_string();
    XrpcError::new(StatusCode::BAD_REQUEST, "HandleNotAvailable", message)
}

/// What is done in part, and is ended by the same request.
fn in_part(error: &impl std::fmt::Display) -> XrpcError {
    tracing::error!(detail = %error, "request failed half-way");
    XrpcError::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "Unavailable",
        "Not all servers could be told of the handle; the same request again goes on where this one stopped.",
    )
}

impl From<PlcError> for XrpcError {
    fn from(error: PlcError) -> Self {
        match error {
            PlcError::Unreachable(_) | PlcError::Failed(_) | PlcError::Malformed(_) => {
                Self::unavailable(&error)
            }
            PlcError::Refused { .. }
            | PlcError::Method(_)
            | PlcError::Unknown(_)
            | PlcError::Tombstoned(_)
            | PlcError::NoRotationKey(_) => Self::invalid(error.to_string()),
        }
    }
}

impl From<ChangeHandleError> for XrpcError {
    fn from(error: ChangeHandleError) -> Self {
        match error {
            ChangeHandleError::NoAccount => no_account(),
            ChangeHandleError::Taken | ChangeHandleError::NotGiven(NotGiven::Reserved) => {
                not_available(&error)
            }
            ChangeHandleError::NotGiven(
                NotGiven::Domain | NotGiven::Dot | NotGiven::Short | NotGiven::Long,
            ) => invalid_handle(&error),
            ChangeHandleError::NotResolved(_) | ChangeHandleError::NotClaimed => {
                Self::invalid(error.to_string())
            }
            ChangeHandleError::Identity(error) if error.is_transient() => Self::unavailable(&error),
            ChangeHandleError::Identity(IdentityError::Handle { handle, .. }) => {
                Self::from(ChangeHandleError::NotResolved(handle))
            }
            ChangeHandleError::Identity(error) => Self::invalid(error.to_string()),
            ChangeHandleError::Plc(error) if error.is_certain() => error.into(),
            ChangeHandleError::Plc(error) => in_part(&error),
            ChangeHandleError::Pds(PdsError::Refused { message, .. }) => Self::invalid(message),
            ChangeHandleError::Pds(error) => in_part(&error),
            ChangeHandleError::Store(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_named_takes_the_place_of_what_was() {
        let key = |name: &str| format!("did:key:{name}");
        let pds = |origin: &str| {
            let (kind, endpoint) = ("AtprotoPersonalDataServer".into(), origin.into());
            [("atproto_pds".into(), Service { kind, endpoint })].into()
        };
        let now = Contents {
            rotation_keys: vec![key("old")],
            verification_methods: [("atproto".into(), key("repository"))].into(),
            also_known_as: vec!["at://alice.example.com".into()],
            services: pds("https://old.example.com"),
        };
        let change: Change = read(b"{\"token\": \"A\"}").unwrap();
        assert_eq!(change.over(now.clone()), now);
        let body = json!({
            "token": "A",
            "rotationKeys": [key("mine"), key("new")],
            "services": {
                "atproto_pds": {
                    "type": "AtprotoPersonalDataServer",
                    "endpoint": "https://new.example.com",
                },
            },
        });
        let change: Change = read(body.to_string().as_bytes()).unwrap();
        let moved = Contents {
            rotation_keys: vec![key("mine"), key("new")],
            services: pds("https://new.example.com"),
            ..now.clone()
        };
        assert_eq!(change.over(now), moved);
        for bad in [
            r#"{"rotationKeys": "x"}"#,
            r#"{"services": {"a": 1}}"#,
            "[",
            "",
        ] {
            assert!(read::<Change>(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
