//! The resource server of a development network: a few methods of `com.atproto`, to show how a
//! token is enforced. It is no PDS.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use atpass_protocol::id::{Did, Handle, Nsid};
use atpass_protocol::random::{self, Random};
use atpass_protocol::request::Form;
use atpass_protocol::scope::{Permission, Repo, Rpc};
use atpass_protocol::time::Clock;
use atpass_resource::{ResourceError, ResourceLayer, ResourceServer, VerifiedRequest};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use http::{HeaderName, Method, StatusCode, Uri, header};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tower_http::cors::{Any, CorsLayer};

use crate::accounts::DevAccount;
use crate::records::{Records, WriteError};

struct Pds {
    accounts: Vec<DevAccount>,
    records: Records,
    /// Counts the records that were given a key.
    written: AtomicU32,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

/// The resource server's routes.
pub(crate) fn router(
    server: ResourceServer,
    accounts: Vec<DevAccount>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
) -> Router {
    let metadata = server.metadata();
    let pds = Arc::new(Pds {
        accounts,
        records: Records::default(),
        written: AtomicU32::new(0),
        clock,
        random,
    });
    let guarded = Router::new()
        .route("/xrpc/com.atproto.server.getSession", get(get_session))
        .route("/xrpc/com.atproto.repo.createRecord", post(create_record))
        .route("/xrpc/com.atproto.repo.listRecords", get(list_records))
        .route("/xrpc/com.atproto.repo.deleteRecord", post(delete_record))
        .route(
            "/xrpc/com.atproto.server.getServiceAuth",
            get(get_service_auth),
        )
        .layer(ResourceLayer::new(server));
    let open = Router::new()
        .route(
            "/xrpc/com.atproto.identity.resolveHandle",
            get(resolve_handle),
        )
        .route(
            "/.well-known/oauth-protected-resource",
            get(async move || Json(metadata)),
        );
    guarded.merge(open).layer(cors()).with_state(pds)
}

fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([
            HeaderName::from_static("dpop"),
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
        ])
        .max_age(std::time::Duration::from_hours(24))
}

/// Why a method didn't do what it was asked.
enum MethodError {
    Access(ResourceError),
    Request(String),
}

impl From<ResourceError> for MethodError {
    fn from(error: ResourceError) -> Self {
        Self::Access(error)
    }
}

impl IntoResponse for MethodError {
    fn into_response(self) -> Response {
        match self {
            Self::Access(error) => error.into_response(),
            Self::Request(message) => {
                let body = json!({ "error": "InvalidRequest", "message": message });
                (StatusCode::BAD_REQUEST, Json(body)).into_response()
            }
        }
    }
}

fn bad(message: impl Into<String>) -> MethodError {
    MethodError::Request(message.into())
}

fn query(uri: &Uri) -> Result<Form, MethodError> {
    Form::parse(uri.query().unwrap_or_default().as_bytes()).map_err(|error| bad(error.description))
}

fn body<T: DeserializeOwned>(body: &Bytes) -> Result<T, MethodError> {
    serde_json::from_slice(body).map_err(|error| {
        bad(format!(
            "the body is not the JSON that was expected: {error}"
        ))
    })
}

impl Pds {
    /// Finds an account by its DID or handle.
    fn account(&self, name: &str) -> Option<&DevAccount> {
        self.accounts
            .iter()
            .find(|account| account.did.as_str() == name || account.handle.as_str() == name)
    }

    /// Makes sure that `repo` is the caller's own.
    fn own_repo(&self, caller: &VerifiedRequest, repo: &str) -> Result<Did, MethodError> {
        match self.account(repo) {
            Some(account) if account.did == *caller.did() => Ok(account.did.clone()),
            Some(_) => Err(bad("repo is not the account that is signed in")),
            None => Err(bad(format!("there is no account {repo} here"))),
        }
    }
}

async fn resolve_handle(State(pds): State<Arc<Pds>>, uri: Uri) -> Result<Json<Value>, MethodError> {
    let query = query(&uri)?;
    let handle = query
        .require("handle")
        .map_err(|error| bad(error.description))?;
    let handle = Handle::parse(handle).map_err(|error| bad(error.to_string()))?;
    let account = pds
        .account(handle.as_str())
        .ok_or_else(|| bad("Unable to resolve handle"))?;
    Ok(Json(json!({ "did": account.did })))
}

async fn get_session(
    State(pds): State<Arc<Pds>>,
    caller: VerifiedRequest,
) -> Result<Json<Value>, MethodError> {
    let account = pds
        .account(caller.did().as_str())
        .ok_or_else(|| bad("the account is gone"))?;
    let mut session = json!({ "did": account.did, "handle": account.handle, "active": true });
    if caller.grants().allows(&Permission::ACCOUNT_EMAIL)
        && let Some(session) = session.as_object_mut()
    {
        session.insert(
            "email".into(),
            json!(format!("{}@example.com", account.handle)),
        );
        session.insert("emailConfirmed".into(), json!(true));
    }
    Ok(Json(session))
}

#[derive(Deserialize)]
struct CreateRecord {
    repo: String,
    collection: Nsid,
    record: Value,
    rkey: Option<String>,
}

async fn create_record(
    State(pds): State<Arc<Pds>>,
    caller: VerifiedRequest,
    bytes: Bytes,
) -> Result<Json<Value>, MethodError> {
    let CreateRecord {
        repo,
        collection,
        record,
        rkey,
    } = body(&bytes)?;
    caller.require(Repo::create(collection.as_str()))?;
    let repo = pds.own_repo(&caller, &repo)?;
    if record.get("$type").and_then(Value::as_str) != Some(collection.as_str()) {
        return Err(bad(format!("the record's $type must be {collection}")));
    }
    let rkey = match rkey {
        None => new_record_key(&pds),
        Some(rkey) if is_record_key(&rkey) => rkey,
        Some(_) => {
            return Err(bad(
                "rkey must be 1 to 512 characters of A-Z a-z 0-9 . - _ : ~",
            ));
        }
    };
    let record = pds
        .records
        .create(&repo, &collection, &rkey, record)
        .map_err(|error| match error {
            WriteError::Exists => bad("there is a record of this rkey already"),
            WriteError::Full => bad("this development server keeps no more records"),
        })?;
    Ok(Json(json!({ "uri": record.uri, "cid": record.cid })))
}

/// A key that sorts by time, and by order within a second.
fn new_record_key(pds: &Pds) -> String {
    let number = pds.written.fetch_add(1, Ordering::Relaxed);
    format!("{:011x}{number:08x}", pds.clock.now().as_secs())
}

fn is_record_key(rkey: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b".-_:~".contains(&b);
    (1..=512).contains(&rkey.len()) && rkey.bytes().all(allowed) && rkey != "." && rkey != ".."
}

async fn list_records(
    State(pds): State<Arc<Pds>>,
    _caller: VerifiedRequest,
    uri: Uri,
) -> Result<Json<Value>, MethodError> {
    let query = query(&uri)?;
    let require = |name| query.require(name).map_err(|error| bad(error.description));
    let repo = require("repo")?;
    let account = pds
        .account(repo)
        .ok_or_else(|| bad(format!("there is no account {repo} here")))?;
    let collection = Nsid::parse(require("collection")?).map_err(|error| bad(error.to_string()))?;
    let limit = match query.get("limit") {
        None => 50,
        Some(text) => text
            .parse()
            .ok()
            .filter(|limit| (1..=100).contains(limit))
            .ok_or_else(|| bad("limit must be 1 to 100"))?,
    };
    Ok(Json(
        json!({ "records": pds.records.list(&account.did, &collection, limit) }),
    ))
}

#[derive(Deserialize)]
struct DeleteRecord {
    repo: String,
    collection: Nsid,
    rkey: String,
}

async fn delete_record(
    State(pds): State<Arc<Pds>>,
    caller: VerifiedRequest,
    bytes: Bytes,
) -> Result<Json<Value>, MethodError> {
    let DeleteRecord {
        repo,
        collection,
        rkey,
    } = body(&bytes)?;
    caller.require(Repo::delete(collection.as_str()))?;
    let repo = pds.own_repo(&caller, &repo)?;
    pds.records.delete(&repo, &collection, &rkey);
    Ok(Json(json!({})))
}

/// Seconds for which a service token is good.
const SERVICE_TOKEN_LIFETIME: i64 = 60;

async fn get_service_auth(
    State(pds): State<Arc<Pds>>,
    caller: VerifiedRequest,
    uri: Uri,
) -> Result<Json<Value>, MethodError> {
    let query = query(&uri)?;
    let require = |name| query.require(name).map_err(|error| bad(error.description));
    let aud = require("aud")?;
    let lxm = query.get("lxm");
    Did::parse(aud.split('#').next().unwrap_or_default())
        .map_err(|error| bad(error.to_string()))?;
    // Without a method the token is good for all of them.
    caller.require(lxm.map_or_else(|| Rpc::any(aud), |lxm| Rpc::call(lxm, aud)))?;
    let account = pds
        .account(caller.did().as_str())
        .ok_or_else(|| bad("the account is gone"))?;
    let now = pds.clock.now();
    let claims = json!({
        "iss": account.did,
        "aud": aud,
        "lxm": lxm,
        "iat": now,
        "exp": now.plus(SERVICE_TOKEN_LIFETIME),
        "jti": random::text::<16>(&*pds.random),
    });
    let token = account
        .key
        .sign_compact(&json!({ "typ": "JWT", "alg": "ES256" }), &claims);
    let token = token.map_err(|error| ResourceError::Unavailable(error.to_string()))?;
    Ok(Json(json!({ "token": token })))
}
