//! What the operator of a PDS decides about its accounts: by the password of that PDS, which passes it on.

use atpass_protocol::id::Did;
use atpass_protocol::secret::Secret;
use atpass_provider::accounts::Identifier;
use axum::Router;
use axum::extract::State;
use axum::routing::post;
use data_encoding::BASE64;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::email::{change_password, check_password, read_address, set_address};
use super::request::{Address, Input};
use super::{Server, XrpcError};
use crate::store::AccountRecord;

pub(super) fn routes() -> Router<Server> {
    Router::new()
        .route(
            "/xrpc/com.atproto.admin.updateAccountEmail",
            post(update_email),
        )
        .route(
            "/xrpc/com.atproto.admin.updateAccountPassword",
            post(update_password),
        )
}

#[derive(Deserialize)]
struct NewEmail {
    /// A handle or a DID.
    account: String,
    email: String,
}

async fn update_email(
    State(server): State<Server>,
    headers: HeaderMap,
    address: Address,
    Input(input): Input<NewEmail>,
) -> Result<(), XrpcError> {
    let identifier = match Identifier::from_person(&input.account) {
        Some(Identifier::Email(_)) | None => None,
        identifier => identifier,
    };
    let account = account_of_admin(&server, &headers, &address, identifier).await?;
    let email = read_address(&input.email)?;
    set_address(&server, &account, &email).await?;
    super::audit("email_changed_by_admin", Some(&account.did));
    Ok(())
}

#[derive(Deserialize)]
struct NewPassword {
    did: Did,
    password: Secret,
}

async fn update_password(
    State(server): State<Server>,
    headers: HeaderMap,
    address: Address,
    Input(input): Input<NewPassword>,
) -> Result<(), XrpcError> {
    let identifier = Some(Identifier::Did(input.did));
    let account = account_of_admin(&server, &headers, &address, identifier).await?;
    check_password(&input.password)?;
    let passwords = &server.entryway.parts().passwords;
    let hash = passwords.hash(input.password).await?;
    change_password(&server, &account.did, &hash).await
}

/// The account, if it is at a PDS whose admin asks. Nobody else learns whether there is one.
async fn account_of_admin(
    server: &Server,
    headers: &HeaderMap,
    address: &Address,
    identifier: Option<Identifier>,
) -> Result<AccountRecord, XrpcError> {
    let refused = || {
        let message = "the admin password of the account's PDS is required";
        XrpcError::unauthenticated("AuthenticationRequired", message)
    };
    let password = admin_password(headers).ok_or_else(refused)?;
    let limited = server.entryway.limits().admins.check(&address.key()).await;
    limited.map_err(XrpcError::too_many)?;
    let config = server.entryway.config();
    let is_admin = config
        .pdses
        .iter()
        .any(|pds| pds.admin_password == password);
    if !is_admin {
        return Err(refused());
    }
    let account = match identifier {
        Some(identifier) => {
            let store = &server.entryway.parts().store;
            store.account(&identifier).await?
        }
        None => None,
    };
    let account = account.ok_or_else(|| XrpcError::invalid("there is no such account here"))?;
    let pds = config.pds(&account.pds);
    // Secrets compare in constant time.
    if pds.is_some_and(|pds| pds.admin_password == password) {
        Ok(account)
    } else {
        Err(refused())
    }
}

/// The password of the user `admin` (RFC 7617 section 2).
fn admin_password(headers: &HeaderMap) -> Option<Secret> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    let (scheme, credentials) = value.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let bytes = Zeroizing::new(BASE64.decode(credentials.as_bytes()).ok()?);
    let text = std::str::from_utf8(&bytes).ok()?;
    text.strip_prefix("admin:").map(Secret::new)
}
