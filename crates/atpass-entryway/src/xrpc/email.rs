//! Addresses and codes: what is decided by a letter.

use atpass_protocol::id::Did;
use atpass_protocol::secret::Secret;
use atpass_provider::accounts::Identifier;
use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::request::{Address, Input};
use super::{Server, XrpcError};
use crate::service_auth;
use crate::sign_up::{is_address, is_password};
use crate::store::{AccountRecord, EmailPurpose, Taken};

const REQUEST_CONFIRMATION: &str = "com.atproto.server.requestEmailConfirmation";
const CONFIRM: &str = "com.atproto.server.confirmEmail";
const REQUEST_UPDATE: &str = "com.atproto.server.requestEmailUpdate";
const UPDATE: &str = "com.atproto.server.updateEmail";
const REQUEST_RESET: &str = "com.atproto.server.requestPasswordReset";
const RESET: &str = "com.atproto.server.resetPassword";
const REQUEST_DELETE: &str = "com.atproto.server.requestAccountDelete";

pub(super) fn routes() -> Router<Server> {
    let path = |method| format!("/xrpc/{method}");
    Router::new()
        .route(&path(REQUEST_CONFIRMATION), post(request_confirmation))
        .route(&path(CONFIRM), post(confirm))
        .route(&path(REQUEST_UPDATE), post(request_update))
        .route(&path(UPDATE), post(update))
        .route(&path(REQUEST_RESET), post(request_reset))
        .route(&path(RESET), post(reset))
        .route(&path(REQUEST_DELETE), post(request_delete))
}

async fn request_confirmation(
    State(server): State<Server>,
    headers: HeaderMap,
) -> Result<(), XrpcError> {
    let account = service_auth::verify_active(&server, &headers, REQUEST_CONFIRMATION).await?;
    let purpose = EmailPurpose::ConfirmEmail;
    server.entryway.send_code(&account, purpose).await
}

#[derive(Deserialize)]
struct Confirmation {
    email: String,
    token: String,
}

async fn confirm(
    State(server): State<Server>,
    headers: HeaderMap,
    Input(input): Input<Confirmation>,
) -> Result<(), XrpcError> {
    let account = service_auth::verify_active(&server, &headers, CONFIRM).await?;
    let email = input.email.trim().to_lowercase();
    let other = || {
        let message = "this is not the account's e-mail address";
        XrpcError::new(StatusCode::BAD_REQUEST, "InvalidEmail", message)
    };
    if account.email.as_ref() != Some(&email) {
        return Err(other());
    }
    let entryway = &server.entryway;
    entryway
        .use_code(&account.did, EmailPurpose::ConfirmEmail, &input.token)
        .await?;
    let store = &entryway.parts().store;
    let confirmed = store.confirm_email(&account.did, &email, entryway.now());
    if confirmed.await? {
        Ok(())
    } else {
        Err(other())
    }
}

/// An address that was confirmed is changed by who reads it only.
async fn request_update(
    State(server): State<Server>,
    headers: HeaderMap,
) -> Result<Json<Value>, XrpcError> {
    let account = service_auth::verify_active(&server, &headers, REQUEST_UPDATE).await?;
    let confirmed = account.email_confirmed_at.is_some();
    if confirmed {
        let purpose = EmailPurpose::UpdateEmail;
        server.entryway.send_code(&account, purpose).await?;
    }
    Ok(Json(json!({ "tokenRequired": confirmed })))
}

#[derive(Deserialize)]
struct Update {
    email: String,
    token: Option<String>,
}

async fn update(
    State(server): State<Server>,
    headers: HeaderMap,
    Input(input): Input<Update>,
) -> Result<(), XrpcError> {
    let account = service_auth::verify_settled(&server, &headers, UPDATE).await?;
    let email = read_address(&input.email)?;
    if account.email.as_ref() == Some(&email) {
        return Ok(());
    }
    let limited = server
        .entryway
        .limits()
        .changes
        .check(account.did.as_str())
        .await;
    limited.map_err(XrpcError::too_many)?;
    if account.email_confirmed_at.is_some() {
        let token = input.token.filter(|token| !token.is_empty());
        let token = token.ok_or_else(|| {
            let message = "the code that was sent to the present address is needed";
            XrpcError::new(StatusCode::BAD_REQUEST, "TokenRequired", message)
        })?;
        let (entryway, purpose) = (&server.entryway, EmailPurpose::UpdateEmail);
        entryway.use_code(&account.did, purpose, &token).await?;
        let changed = set_address(&server, &account, &email).await;
        if changed.is_err() {
            // Another address may be tried with the same code.
            entryway.put_code_back(&account.did, purpose, &token).await;
        }
        return changed;
    }
    set_address(&server, &account, &email).await
}

/// An address that a letter can be sent to, as it is kept.
pub(super) fn read_address(text: &str) -> Result<String, XrpcError> {
    let email = text.trim().to_lowercase();
    if is_address(&email) {
        Ok(email)
    } else {
        Err(XrpcError::invalid("the e-mail address can't be one"))
    }
}

/// Gives an account another address. What was sent to the one before is void.
pub(super) async fn set_address(
    server: &Server,
    account: &AccountRecord,
    email: &str,
) -> Result<(), XrpcError> {
    let store = &server.entryway.parts().store;
    match store.set_email(&account.did, email, None).await? {
        Ok(()) => Ok(()),
        Err(Taken::Did | Taken::Handle | Taken::Email | Taken::Invite) => Err(taken()),
    }
}

fn taken() -> XrpcError {
    XrpcError::invalid("This email address is already in use, please use a different email.")
}

#[derive(Deserialize)]
struct ResetRequest {
    email: String,
}

/// The answer is the same, and comes as soon, whether or not there is such an account: the rest is done after it.
async fn request_reset(
    State(server): State<Server>,
    address: Address,
    Input(input): Input<ResetRequest>,
) -> Result<(), XrpcError> {
    server.entryway.check_mailer()?;
    let email = read_address(&input.email)?;
    let limits = server.entryway.limits();
    let limited = limits.letters_from.check(&address.key()).await;
    limited.map_err(XrpcError::too_many)?;
    tokio::spawn(async move {
        // What goes wrong here is in the log, where it is for the operator.
        let result = send_reset(&server, email).await;
        if let Err(error) = result {
            tracing::info!(%error, "no code for a new password was sent");
        }
    });
    Ok(())
}

async fn send_reset(server: &Server, email: String) -> Result<(), XrpcError> {
    let store = &server.entryway.parts().store;
    let account = store.account(&Identifier::Email(email)).await?;
    match account {
        Some(account) => {
            let purpose = EmailPurpose::ResetPassword;
            server.entryway.send_code(&account, purpose).await
        }
        None => Ok(()),
    }
}

#[derive(Deserialize)]
struct Reset {
    token: String,
    password: Secret,
}

async fn reset(
    State(server): State<Server>,
    address: Address,
    Input(input): Input<Reset>,
) -> Result<(), XrpcError> {
    check_password(&input.password)?;
    let entryway = &server.entryway;
    let limited = entryway.limits().codes.check(&address.key()).await;
    limited.map_err(XrpcError::too_many)?;
    // Before the code, which is good once.
    let hash = entryway.parts().passwords.hash(input.password).await?;
    let purpose = EmailPurpose::ResetPassword;
    let did = entryway.use_anybodys_code(purpose, &input.token).await?;
    let changed = change_password(&server, &did, &hash).await;
    if changed.is_err() {
        entryway.put_code_back(&did, purpose, &input.token).await;
    }
    changed
}

/// The same for a new password here as on the sign-up page.
pub(super) fn check_password(password: &Secret) -> Result<(), XrpcError> {
    if is_password(password) {
        Ok(())
    } else {
        Err(XrpcError::invalid("a password has 8 to 256 characters"))
    }
}

/// Changes the password, which ends all sessions.
pub(super) async fn change_password(
    server: &Server,
    did: &Did,
    hash: &str,
) -> Result<(), XrpcError> {
    let (store, now) = (&server.entryway.parts().store, server.entryway.now());
    for session in store.change_password(did, hash, now).await? {
        server.provider.announce_end(session, now);
    }
    super::audit("password_changed", Some(did));
    Ok(())
}

async fn request_delete(State(server): State<Server>, headers: HeaderMap) -> Result<(), XrpcError> {
    let account = service_auth::verify_active(&server, &headers, REQUEST_DELETE).await?;
    let purpose = EmailPurpose::DeleteAccount;
    server.entryway.send_code(&account, purpose).await
}
