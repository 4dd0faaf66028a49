//! An account put to rest, woken up, deleted; and two questions with one answer each.

use atpass_protocol::id::Did;
use atpass_protocol::secret::Secret;
use atpass_provider::accounts::Identifier;
use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::request::{Address, Input};
use super::{Server, XrpcError};
use crate::legacy;
use crate::pds::PdsError;
use crate::service_auth;
use crate::store::{AccountRecord, EmailPurpose};

const INVITE_CODES: &str = "com.atproto.server.getAccountInviteCodes";

pub(super) fn routes() -> Router<Server> {
    Router::new()
        .route("/xrpc/com.atproto.server.activateAccount", post(activate))
        .route(
            "/xrpc/com.atproto.server.deactivateAccount",
            post(deactivate),
        )
        .route("/xrpc/com.atproto.server.deleteAccount", post(delete))
        .route(&format!("/xrpc/{INVITE_CODES}"), get(invite_codes))
        .route("/xrpc/com.atproto.temp.checkSignupQueue", get(queue))
}

async fn activate(State(server): State<Server>, headers: HeaderMap) -> Result<(), XrpcError> {
    let account = legacy::verify_access(&server, &headers).await?;
    rest(&server, &account, false).await
}

/// `deleteAfter` is a recommendation (its lexicon), and isn't followed: nothing is deleted here but on request.
#[derive(Deserialize)]
struct Deactivation {}

async fn deactivate(
    State(server): State<Server>,
    headers: HeaderMap,
    Input(Deactivation {}): Input<Deactivation>,
) -> Result<(), XrpcError> {
    let account = legacy::verify_access(&server, &headers).await?;
    rest(&server, &account, true).await
}

/// First here, then at the PDS. Both steps can be done again: where the second fails, so does the request, and
/// the same request ends it.
async fn rest(server: &Server, account: &AccountRecord, resting: bool) -> Result<(), XrpcError> {
    let entryway = &server.entryway;
    let pds = entryway.pds_of(&account.pds);
    let pds = pds.ok_or_else(|| not_behind(account))?;
    let since = match account.deactivated_at {
        _ if !resting => None,
        None => Some(entryway.now()),
        since => since,
    };
    let store = &entryway.parts().store;
    store.set_deactivated(&account.did, since).await?;
    let told = pds.set_deactivated(&account.did, resting).await;
    told.map_err(|error| in_part(&error))?;
    let event = if resting { "deactivated" } else { "activated" };
    super::audit(event, Some(&account.did));
    Ok(())
}

#[derive(Deserialize)]
struct Deletion {
    did: Did,
    password: Secret,
    token: String,
}

/// First at the PDS, then here: as long as the account is here, the same request can be sent again, and the PDS
/// deletes what is gone without a complaint. The code is put back for that.
async fn delete(
    State(server): State<Server>,
    address: Address,
    Input(input): Input<Deletion>,
) -> Result<(), XrpcError> {
    let identifier = Identifier::Did(input.did);
    let limited = server.provider.count_sign_in(&identifier, address.0).await;
    limited.map_err(XrpcError::too_many)?;
    let accounts = server.provider.accounts();
    let right = accounts
        .check_password(&identifier, &input.password)
        .await?;
    let store = &server.entryway.parts().store;
    let account = match right {
        Some(_) => store.account(&identifier).await?,
        None => None,
    };
    let account = account.ok_or_else(|| {
        XrpcError::unauthenticated("AuthenticationRequired", "Invalid did or password")
    })?;
    let (entryway, purpose) = (&server.entryway, EmailPurpose::DeleteAccount);
    entryway
        .use_code(&account.did, purpose, &input.token)
        .await?;
    let deleted = remove(&server, &account).await;
    if deleted.is_err() {
        entryway
            .put_code_back(&account.did, purpose, &input.token)
            .await;
    }
    deleted
}

async fn remove(server: &Server, account: &AccountRecord) -> Result<(), XrpcError> {
    let entryway = &server.entryway;
    match entryway.pds_of(&account.pds) {
        Some(pds) => {
            let deleted = pds.delete_account(&account.did).await;
            deleted.map_err(|error| in_part(&error))?;
        }
        // There is nobody to ask; what is here goes all the same.
        None => {
            tracing::warn!(pds = %account.pds, "a deleted account's PDS isn't behind this server");
        }
    }
    let now = entryway.now();
    let ended = entryway.parts().store.delete_account(&account.did, now);
    for session in ended.await? {
        server.provider.announce_end(session, now);
    }
    super::audit("account_deleted", Some(&account.did));
    Ok(())
}

fn not_behind(account: &AccountRecord) -> XrpcError {
    XrpcError::unavailable(&PdsError::NotOurs(account.pds.clone()))
}

/// What is done in part, and is ended by the same request.
fn in_part(error: &PdsError) -> XrpcError {
    tracing::error!(detail = %error, "request failed half-way");
    XrpcError::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "Unavailable",
        "The account's PDS couldn't be told; the same request again goes on where this one stopped.",
    )
}

/// Invite codes are the operator's; accounts have none to give away.
async fn invite_codes(
    State(server): State<Server>,
    headers: HeaderMap,
) -> Result<Json<Value>, XrpcError> {
    service_auth::verify_active(&server, &headers, INVITE_CODES).await?;
    Ok(Json(json!({ "codes": [] })))
}

/// Nobody waits in a queue.
async fn queue() -> Json<Value> {
    Json(json!({ "activated": true }))
}
