//! Sessions of apps that know no OAuth.

use atpass_protocol::id::{Did, Handle};
use atpass_protocol::secret::Secret;
use atpass_protocol::token::SessionId;
use atpass_provider::accounts::Identifier;
use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use http::HeaderMap;
use serde::{Deserialize, Serialize};

use super::request::{Address, Input};
use super::{Server, XrpcError, audit};
use crate::legacy::{self, GRACE, SESSION_LIFE, Tokens};
use crate::password::check_password;
use crate::service_auth;
use crate::store::{AccountRecord, AppPasswordRecord, LegacyRotation, LegacySessionRecord};

const GET: &str = "com.atproto.server.getSession";

pub(super) fn routes() -> Router<Server> {
    Router::new()
        .route("/xrpc/com.atproto.server.createSession", post(create))
        .route("/xrpc/com.atproto.server.refreshSession", post(refresh))
        .route("/xrpc/com.atproto.server.deleteSession", post(delete))
        .route(&format!("/xrpc/{GET}"), get(show))
}

/// What an app is told of an account.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Person {
    did: Did,
    handle: Handle,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    email_confirmed: bool,
    email_auth_factor: bool,
    active: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
}

impl From<AccountRecord> for Person {
    fn from(account: AccountRecord) -> Self {
        let status = match (account.active, account.deactivated_at) {
            (false, _) => Some("takendown"),
            (true, Some(_)) => Some("deactivated"),
            (true, None) => None,
        };
        Self {
            did: account.did,
            handle: account.handle,
            email: account.email,
            email_confirmed: account.email_confirmed_at.is_some(),
            email_auth_factor: false,
            active: status.is_none(),
            status,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Session {
    access_jwt: String,
    refresh_jwt: String,
    #[serde(flatten)]
    person: Person,
}

impl Session {
    fn new(Tokens { access, refresh }: Tokens, account: AccountRecord) -> Self {
        Self {
            access_jwt: access,
            refresh_jwt: refresh,
            person: account.into(),
        }
    }
}

#[derive(Deserialize)]
struct SignIn {
    identifier: String,
    password: Secret,
}

async fn create(
    State(server): State<Server>,
    address: Address,
    Input(input): Input<SignIn>,
) -> Result<Json<Session>, XrpcError> {
    let identifier = Identifier::from_person(&input.identifier).ok_or_else(wrong)?;
    let limited = server.provider.count_sign_in(&identifier, address.0).await;
    limited.map_err(XrpcError::too_many)?;
    let found = sign_in(&server, &identifier, &input.password).await?;
    let Some((account, app_password)) = found else {
        return Err(failed());
    };
    if !account.active {
        return Err(XrpcError::taken_down());
    }
    let parts = server.entryway.parts();
    let now = server.entryway.now();
    let checked = match &app_password {
        Some(password) => password.hash.clone(),
        None => account.password_hash.clone(),
    };
    let session = LegacySessionRecord {
        id: SessionId::generate(&*parts.random),
        did: account.did.clone(),
        app_password: app_password.map(|password| (password.name, password.privileged)),
        generation: 0,
        rotated_at: now,
        expires_at: now.plus(SESSION_LIFE),
    };
    let tokens = legacy::issue(&server, &account, &session)?;
    // A password that was changed while it was being checked is none.
    if !parts.store.begin_legacy_session(&session, &checked).await? {
        return Err(failed());
    }
    audit("legacy_session_begun", Some(&account.did));
    Ok(Json(Session::new(tokens, account)))
}

fn failed() -> XrpcError {
    audit("sign_in_failed", None);
    wrong()
}

/// The account, and the app password if it was one. Where there is no such account it takes as long as with a
/// wrong password.
async fn sign_in(
    server: &Server,
    identifier: &Identifier,
    password: &Secret,
) -> Result<Option<(AccountRecord, Option<AppPasswordRecord>)>, XrpcError> {
    let store = &server.entryway.parts().store;
    let account = store.account(identifier).await?;
    if is_app_password(password.expose()) {
        let did = account.as_ref().map(|account| &account.did);
        let found = app_password(server, did, password).await?;
        if let (Some(account), Some(found)) = (&account, found) {
            return Ok(Some((account.clone(), Some(found))));
        }
    }
    let passwords = &server.entryway.parts().passwords;
    let account = check_password(&**store, passwords, identifier, password).await?;
    Ok(account.map(|account| (account, None)))
}

async fn app_password(
    server: &Server,
    did: Option<&Did>,
    password: &Secret,
) -> Result<Option<AppPasswordRecord>, XrpcError> {
    let parts = server.entryway.parts();
    // Nobody's, but hashed as well.
    let did = did.unwrap_or(&server.entryway.config().did);
    let hash = parts.passwords.app_password_hash(did, password.clone());
    let hash = Secret::new(hash.await?);
    let known = parts.store.app_passwords(did).await?;
    let mut known = known.into_iter();
    Ok(known.find(|known| Secret::new(known.hash.as_str()) == hash))
}

/// Whether it has the form of an app password, by which hashing it is saved for most others.
fn is_app_password(text: &str) -> bool {
    text.len() == 19
        && text.bytes().zip(1..).all(|(byte, place)| {
            if place % 5 == 0 {
                byte == b'-'
            } else {
                byte.is_ascii_alphanumeric()
            }
        })
}

async fn refresh(
    State(server): State<Server>,
    headers: HeaderMap,
) -> Result<Json<Session>, XrpcError> {
    let token = legacy::read_refresh(&server, &headers)?.in_time()?;
    let store = &server.entryway.parts().store;
    let account = store.account(&Identifier::Did(token.did)).await?;
    let account = account.ok_or_else(legacy::expired)?;
    if !account.active {
        return Err(XrpcError::taken_down());
    }
    let now = server.entryway.now();
    let until = now.plus(SESSION_LIFE);
    let rotation = store.rotate_legacy_session(token.session, token.generation, now, GRACE, until);
    match rotation.await? {
        LegacyRotation::GoesOn(session) if session.did == account.did => {
            let tokens = legacy::issue(&server, &account, &session)?;
            Ok(Json(Session::new(tokens, account)))
        }
        LegacyRotation::GoesOn(_) | LegacyRotation::Over => Err(legacy::expired()),
    }
}

/// Ends the session, by a refresh token of any age.
async fn delete(State(server): State<Server>, headers: HeaderMap) -> Result<(), XrpcError> {
    let token = legacy::read_refresh(&server, &headers)?;
    let store = &server.entryway.parts().store;
    store.end_legacy_session(token.session).await?;
    audit("legacy_session_ended", Some(&token.did));
    Ok(())
}

async fn show(State(server): State<Server>, headers: HeaderMap) -> Result<Json<Person>, XrpcError> {
    let account = service_auth::verify_active(&server, &headers, GET).await?;
    Ok(Json(account.into()))
}

/// Nobody learns whether there is such an account.
fn wrong() -> XrpcError {
    let message = "Invalid identifier or password";
    XrpcError::unauthenticated("AuthenticationRequired", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_of_app_passwords() {
        for (text, is) in [
            ("abcd-efgh-2345-z7z7", true),
            ("abcd-efgh-2345-z7z", false),
            ("abcd-efgh-2345-z7z77", false),
            ("abcdeefgh-2345-z7z7", false),
            ("----e-efgh-2345-z7z", false),
            ("abcd-efgh-2345-z7zé", false),
            ("", false),
        ] {
            assert_eq!(is_app_password(text), is, "{text}");
        }
    }
}
