//! Passwords for old apps, one each.

use std::time::{Duration, UNIX_EPOCH};

use atpass_protocol::random::{self, Random};
use atpass_protocol::secret::Secret;
use atpass_protocol::time::UnixTime;
use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::request::Input;
use super::{Server, XrpcError};
use crate::service_auth;
use crate::store::AppPasswordRecord;

const CREATE: &str = "com.atproto.server.createAppPassword";
const LIST: &str = "com.atproto.server.listAppPasswords";
const REVOKE: &str = "com.atproto.server.revokeAppPassword";

/// The longest name, in characters.
const LONGEST_NAME: usize = 100;
/// How many an account may have: all are looked at when one is used.
const MOST: usize = 100;

pub(super) fn routes() -> Router<Server> {
    Router::new()
        .route(&format!("/xrpc/{CREATE}"), post(create))
        .route(&format!("/xrpc/{LIST}"), get(list))
        .route(&format!("/xrpc/{REVOKE}"), post(revoke))
}

#[derive(Deserialize)]
struct New {
    name: String,
    privileged: Option<bool>,
}

/// What is told of an app password.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    name: String,
    created_at: String,
    privileged: bool,
}

impl From<AppPasswordRecord> for Shown {
    fn from(record: AppPasswordRecord) -> Self {
        Self {
            created_at: rfc3339(record.created_at),
            name: record.name,
            privileged: record.privileged,
        }
    }
}

#[derive(Serialize)]
struct Made {
    password: Secret,
    #[serde(flatten)]
    shown: Shown,
}

async fn create(
    State(server): State<Server>,
    headers: HeaderMap,
    Input(input): Input<New>,
) -> Result<Json<Made>, XrpcError> {
    let account = service_auth::verify_settled(&server, &headers, CREATE).await?;
    // As it was written: by the same name it is taken away again.
    let name = input.name.as_str();
    if name.trim().is_empty() || name.chars().count() > LONGEST_NAME {
        return Err(XrpcError::invalid("the name has 1 to 100 characters"));
    }
    let parts = server.entryway.parts();
    if parts.store.app_passwords(&account.did).await?.len() >= MOST {
        return Err(XrpcError::invalid(
            "the account has too many app passwords; remove one first",
        ));
    }
    let password = generate(&*parts.random);
    let hash = parts
        .passwords
        .app_password_hash(&account.did, password.clone())
        .await?;
    let record = AppPasswordRecord {
        did: account.did,
        name: name.to_owned(),
        hash,
        created_at: server.entryway.now(),
        privileged: input.privileged.unwrap_or(false),
    };
    if !parts.store.add_app_password(&record).await? {
        return Err(XrpcError::invalid(
            "the account has an app password of this name already",
        ));
    }
    super::audit("app_password_made", Some(&record.did));
    Ok(Json(Made {
        password,
        shown: record.into(),
    }))
}

async fn list(State(server): State<Server>, headers: HeaderMap) -> Result<Json<Value>, XrpcError> {
    let account = service_auth::verify_active(&server, &headers, LIST).await?;
    let store = &server.entryway.parts().store;
    let known = store.app_passwords(&account.did).await?;
    let shown: Vec<_> = known.into_iter().map(Shown::from).collect();
    Ok(Json(json!({ "passwords": shown })))
}

#[derive(Deserialize)]
struct Name {
    name: String,
}

async fn revoke(
    State(server): State<Server>,
    headers: HeaderMap,
    Input(input): Input<Name>,
) -> Result<(), XrpcError> {
    let account = service_auth::verify_active(&server, &headers, REVOKE).await?;
    let store = &server.entryway.parts().store;
    store.revoke_app_password(&account.did, &input.name).await?;
    super::audit("app_password_revoked", Some(&account.did));
    Ok(())
}

/// `xxxx-xxxx-xxxx-xxxx`, as all apps know app passwords: 80 bits in letters of base32.
fn generate(random: &dyn Random) -> Secret {
    const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let bytes = random::bytes::<16>(random);
    let mut text = String::with_capacity(19);
    for (place, byte) in bytes.iter().enumerate() {
        if place > 0 && place % 4 == 0 {
            text.push('-');
        }
        let letter = LETTERS.get(usize::from(byte % 32));
        text.push(char::from(letter.copied().unwrap_or(b'a')));
    }
    Secret::new(text)
}

fn rfc3339(time: UnixTime) -> String {
    let seconds = u64::try_from(time.as_secs()).unwrap_or(0);
    let time = UNIX_EPOCH.checked_add(Duration::from_secs(seconds));
    humantime::format_rfc3339_millis(time.unwrap_or(UNIX_EPOCH)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use atpass_protocol::random::SystemRandom;

    #[test]
    fn the_form_of_new_ones() {
        let password = generate(&SystemRandom);
        let parts: Vec<_> = password.expose().split('-').collect();
        assert_eq!(parts.len(), 4);
        assert!(parts.iter().all(|part| part.len() == 4));
    }

    #[test]
    fn times() {
        let time = UnixTime::from_secs(1_800_000_000);
        assert_eq!(rfc3339(time), "2027-01-15T08:00:00.000Z");
    }
}
