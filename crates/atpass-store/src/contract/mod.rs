//! What every backend must do: the laws of [`Store`], as a test to run against an empty one; and those of
//! [`EntrywayStore`](atpass_entryway::store::EntrywayStore).
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test suite reports by panicking"
)]

mod assertions;
mod entryway;
mod kept;
mod linear;
mod requests;
mod sessions;

use std::sync::Arc;

use atpass_protocol::id::{ClientId, Did, RedirectUri};
use atpass_protocol::jose::{ClientKey, Jkt};
use atpass_protocol::pkce::CodeChallenge;
use atpass_protocol::request::{Form, PushedAuthorizationRequest};
use atpass_protocol::scope::ScopeSet;
use atpass_protocol::time::UnixTime;
use atpass_protocol::token::SessionId;
use atpass_provider::store::{
    ApproveOutcome, CodeRecord, ConsumeOutcome, RequestRecord, SessionRecord, Store,
};

pub use entryway::check_entryway_store_contract;

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
const DAY: i64 = 24 * 60 * 60;

/// Runs all laws against an empty store. Panics with the place of the one that doesn't hold.
pub async fn check_store_contract(store: Arc<dyn Store>) {
    requests::requests(&*store).await;
    requests::approval(&*store).await;
    requests::exchange(&store).await;
    sessions::rotation(&store).await;
    sessions::ending(&*store).await;
    assertions::check(&store).await;
    kept::devices(&*store).await;
    kept::keys(&store).await;
    kept::scopes(&*store).await;
    kept::retention(&*store).await;
    linear::check_store(&store).await;
}

fn request(n: u8) -> RequestRecord {
    let form = "client_id=http://localhost&response_type=code&redirect_uri=http://127.0.0.1/&scope=atproto&state=s\
        &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256&login_hint=alice.test";
    let form = Form::parse(form.as_bytes()).unwrap();
    RequestRecord {
        id: [n; 32],
        request: PushedAuthorizationRequest::from_form(&form).unwrap(),
        jkt: Jkt::from_bytes([n; 32]),
        client_key: client_key(n),
        created_at: NOW,
        expires_at: NOW.plus(300),
    }
}

/// Odd ones are confidential clients'.
fn client_key(n: u8) -> Option<ClientKey> {
    (n % 2 == 1).then(|| ClientKey {
        kid: format!("key {n}"),
        alg: "ES256".into(),
        jkt: Jkt::from_bytes([n; 32]),
    })
}

fn code(n: u8) -> CodeRecord {
    CodeRecord {
        id: [n; 32],
        client_id: ClientId::parse("http://localhost").unwrap(),
        redirect_uri: RedirectUri::parse("http://127.0.0.1/").unwrap(),
        challenge: CodeChallenge::from_bytes([n; 32]),
        state: [n; 32],
        jkt: Jkt::from_bytes([n; 32]),
        client_key: client_key(n),
        did: did(1),
        scope: ScopeSet::parse("atproto transition:generic").unwrap(),
        created_at: NOW,
        expires_at: NOW.plus(60),
        session: None,
    }
}

fn did(n: u8) -> Did {
    Did::parse(&format!(
        "did:plc:{}",
        char::from(b'a' + n).to_string().repeat(24)
    ))
    .unwrap()
}

fn session(id: i64, account: u8) -> SessionRecord {
    SessionRecord {
        id: SessionId::from_i64(id),
        did: did(account),
        client_id: ClientId::parse("http://localhost").unwrap(),
        jkt: Jkt::from_bytes([1; 32]),
        client_key: client_key(1),
        scope: ScopeSet::parse("atproto").unwrap(),
        generation: 0,
        rotated_at: NOW,
        created_at: NOW,
        expires_at: NOW.plus(14 * DAY),
        refresh_expires_at: NOW.plus(14 * DAY),
        ended: None,
    }
}

/// Makes a session in the only way there is: from a code.
async fn begin(store: &dyn Store, n: u8, session: &SessionRecord) {
    store.push_request(&request(n), None).await.unwrap();
    assert_eq!(
        store.approve(&[n; 32], &code(n)).await.unwrap(),
        ApproveOutcome::Issued
    );
    assert_eq!(
        store
            .consume_code(&[n; 32], session, None, NOW)
            .await
            .unwrap(),
        ConsumeOutcome::Consumed
    );
}
