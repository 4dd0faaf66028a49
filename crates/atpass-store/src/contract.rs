//! What every backend must do: the laws of [`Store`], as a test to run against an empty one; and those of
//! [`EntrywayStore`](atpass_entryway::store::EntrywayStore).
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test suite reports by panicking"
)]

mod entryway;

use std::sync::Arc;

use atpass_protocol::id::{ClientId, Did, RedirectUri};
use atpass_protocol::jose::{ClientKey, Jkt};
use atpass_protocol::pkce::CodeChallenge;
use atpass_protocol::request::{Form, PushedAuthorizationRequest};
use atpass_protocol::revocation::EndedCursor;
use atpass_protocol::scope::ScopeSet;
use atpass_protocol::time::UnixTime;
use atpass_protocol::token::SessionId;
use atpass_provider::refresh::RefreshDecision;
use atpass_provider::store::{
    AlreadyUsed, ApproveOutcome, CodeRecord, ConsumeOutcome, DeviceSignIn, EndReason,
    RequestRecord, Rotation, SessionRecord, SigningKeyRecord, Store,
};

pub use entryway::check_entryway_store_contract;

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
const DAY: i64 = 24 * 60 * 60;

/// Runs all laws against an empty store. Panics with the place of the one that doesn't hold.
pub async fn check_store_contract(store: Arc<dyn Store>) {
    requests(&*store).await;
    approval(&*store).await;
    exchange(&store).await;
    rotation(&store).await;
    ending(&*store).await;
    devices(&*store).await;
    keys(&store).await;
    scopes(&*store).await;
    retention(&*store).await;
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
    store.push_request(&request(n)).await.unwrap();
    assert_eq!(
        store.approve(&[n; 32], &code(n)).await.unwrap(),
        ApproveOutcome::Issued
    );
    assert_eq!(
        store.consume_code(&[n; 32], session, NOW).await.unwrap(),
        ConsumeOutcome::Consumed
    );
}

async fn requests(store: &dyn Store) {
    let record = request(1);
    store.push_request(&record).await.unwrap();
    assert_eq!(store.request(&[1; 32], NOW).await.unwrap(), Some(record));
    assert_eq!(store.request(&[2; 32], NOW).await.unwrap(), None);
    assert_eq!(
        store.request(&[1; 32], NOW.plus(300)).await.unwrap(),
        None,
        "it expires"
    );
    assert!(
        store.push_request(&request(1)).await.is_err(),
        "an id is used once"
    );
    assert!(store.close_request(&[1; 32], NOW).await.unwrap());
    assert!(
        !store.close_request(&[1; 32], NOW).await.unwrap(),
        "it closes once"
    );
    assert_eq!(store.request(&[1; 32], NOW).await.unwrap(), None);
}

async fn approval(store: &dyn Store) {
    let record = code(10);
    let used = async |state: u8, challenge: u8| {
        let challenge = CodeChallenge::from_bytes([challenge; 32]);
        store
            .already_used(&record.client_id, &[state; 32], &challenge)
            .await
            .unwrap()
    };
    assert_eq!(
        store.approve(&[10; 32], &record).await.unwrap(),
        ApproveOutcome::RequestGone
    );
    assert_eq!(used(10, 10).await, None, "what failed left nothing");
    store.push_request(&request(10)).await.unwrap();
    assert_eq!(
        store.approve(&[10; 32], &record).await.unwrap(),
        ApproveOutcome::Issued
    );
    assert_eq!(
        store.request(&[10; 32], NOW).await.unwrap(),
        None,
        "approval uses the request up"
    );
    assert_eq!(store.code(&[10; 32]).await.unwrap(), Some(record.clone()));
    assert_eq!(used(99, 10).await, Some(AlreadyUsed::Challenge));
    assert_eq!(used(10, 99).await, Some(AlreadyUsed::State));
    assert_eq!(used(99, 99).await, None);

    store.push_request(&request(11)).await.unwrap();
    let same_challenge = CodeRecord {
        id: [11; 32],
        ..record
    };
    assert_eq!(
        store.approve(&[11; 32], &same_challenge).await.unwrap(),
        ApproveOutcome::ChallengeUsed
    );
    assert!(
        store.request(&[11; 32], NOW).await.unwrap().is_some(),
        "the request is still there"
    );
    let late = CodeRecord {
        created_at: NOW.plus(300),
        ..code(12)
    };
    assert_eq!(
        store.approve(&[11; 32], &late).await.unwrap(),
        ApproveOutcome::RequestGone,
        "it expires"
    );
}

async fn exchange(store: &Arc<dyn Store>) {
    store.push_request(&request(20)).await.unwrap();
    store.approve(&[20; 32], &code(20)).await.unwrap();
    let late = store
        .consume_code(&[20; 32], &session(20, 1), NOW.plus(60))
        .await
        .unwrap();
    assert_eq!(late, ConsumeOutcome::Gone, "a code expires");
    assert_eq!(
        store
            .consume_code(&[21; 32], &session(20, 1), NOW)
            .await
            .unwrap(),
        ConsumeOutcome::Gone
    );

    let callers = (0..64).map(|n| {
        let store = store.clone();
        tokio::spawn(async move {
            store
                .consume_code(&[20; 32], &session(2000 + n, 1), NOW)
                .await
        })
    });
    let mut winners = 0;
    let mut seen = None;
    for caller in callers.collect::<Vec<_>>() {
        match caller.await.unwrap().unwrap() {
            ConsumeOutcome::Consumed => winners += 1,
            ConsumeOutcome::AlreadyConsumed(session) => {
                assert_eq!(
                    *seen.get_or_insert(session),
                    session,
                    "all losers see the same session"
                );
            }
            ConsumeOutcome::Gone => panic!("the code is there"),
        }
    }
    assert_eq!(winners, 1, "of 64 callers exactly one wins");
    let winner = seen.unwrap();
    assert_eq!(
        store.code(&[20; 32]).await.unwrap().unwrap().session,
        Some(winner)
    );
    assert_eq!(
        store.session(winner).await.unwrap(),
        Some(session(winner.as_i64(), 1))
    );
    let live = store.sessions_of(&did(1), NOW).await.unwrap();
    assert_eq!(live.len(), 1, "the losers left nothing");
}

async fn rotation(store: &Arc<dyn Store>) {
    let id = SessionId::from_i64(30);
    begin(&**store, 30, &session(30, 2)).await;
    let at = move |presented, seconds| Rotation {
        session: id,
        presented,
        now: NOW.plus(seconds),
        refresh_expires_at: NOW.plus(10 * DAY),
        recovery: 60,
    };
    let callers = (0..64).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { store.rotate(&at(0, 5)).await })
    });
    let (mut rotated, mut repeated) = (0, 0);
    for caller in callers.collect::<Vec<_>>() {
        match caller.await.unwrap().unwrap() {
            RefreshDecision::Rotated { generation: 1 } => rotated += 1,
            RefreshDecision::Repeated { generation: 1 } => repeated += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((rotated, repeated), (1, 63));
    let row = store.session(id).await.unwrap().unwrap();
    assert_eq!(
        (row.generation, row.rotated_at, row.refresh_expires_at),
        (1, NOW.plus(5), NOW.plus(10 * DAY))
    );
    assert_eq!(
        store.rotate(&at(0, 65)).await.unwrap(),
        RefreshDecision::Repeated { generation: 1 }
    );
    assert_eq!(
        store.rotate(&at(1, 66)).await.unwrap(),
        RefreshDecision::Rotated { generation: 2 }
    );
    assert_eq!(
        store.rotate(&at(2, 10 * DAY)).await.unwrap(),
        RefreshDecision::Expired
    );
    assert_eq!(
        store.rotate(&at(0, 67)).await.unwrap(),
        RefreshDecision::Replayed
    );
    let row = store.session(id).await.unwrap().unwrap();
    assert_eq!(
        row.ended,
        Some((NOW.plus(67), EndReason::Replayed)),
        "in the same act"
    );
    assert_eq!(
        store.rotate(&at(2, 68)).await.unwrap(),
        RefreshDecision::Ended
    );
    let unknown = Rotation {
        session: SessionId::from_i64(31),
        ..at(0, 0)
    };
    assert_eq!(
        store.rotate(&unknown).await.unwrap(),
        RefreshDecision::Unknown
    );
}

async fn ending(store: &dyn Store) {
    let id = SessionId::from_i64(40);
    begin(store, 40, &session(40, 3)).await;
    assert_eq!(store.sessions_of(&did(3), NOW).await.unwrap().len(), 1);
    assert!(
        store
            .sessions_of(&did(3), NOW.plus(14 * DAY))
            .await
            .unwrap()
            .is_empty(),
        "expired ones aren't live"
    );
    let at = NOW.plus(1000);
    assert!(store.end_session(id, EndReason::Revoked, at).await.unwrap());
    assert!(
        !store
            .end_session(id, EndReason::Owner, at.plus(1))
            .await
            .unwrap(),
        "it ends once"
    );
    assert_eq!(
        store.session(id).await.unwrap().unwrap().ended,
        Some((at, EndReason::Revoked))
    );
    assert!(store.sessions_of(&did(3), NOW).await.unwrap().is_empty());
    assert_eq!(ended_from(store, at).await, [(id, at)]);
    assert!(ended_from(store, at.plus(1)).await.is_empty());
    let after = EndedCursor { at, session: id };
    assert!(store.ended_after(after, 10).await.unwrap().is_empty());
    assert!(ended_page(store, at, 0).await.is_empty());
}

async fn ended_from(store: &dyn Store, at: UnixTime) -> Vec<(SessionId, UnixTime)> {
    ended_page(store, at, 10).await
}

async fn ended_page(store: &dyn Store, at: UnixTime, limit: u32) -> Vec<(SessionId, UnixTime)> {
    let after = EndedCursor::before(at);
    store.ended_after(after, limit).await.unwrap()
}

async fn devices(store: &dyn Store) {
    let sign_in = |old: Option<u8>, new: u8, account: u8, seconds: i64| DeviceSignIn {
        old: old.map(|n| [n; 32]),
        new: [new; 32],
        did: did(account),
        now: NOW.plus(seconds),
        expires_at: NOW.plus(180 * DAY),
        remembered: true,
    };
    store.sign_in(&sign_in(None, 1, 1, 0)).await.unwrap();
    store.sign_in(&sign_in(Some(1), 2, 2, 5)).await.unwrap();
    assert_eq!(
        store.device(&[1; 32], NOW).await.unwrap(),
        None,
        "the old id is gone"
    );
    let device = store.device(&[2; 32], NOW).await.unwrap().unwrap();
    let accounts: Vec<_> = device
        .accounts
        .iter()
        .map(|account| (account.did.clone(), account.signed_in_at))
        .collect();
    assert_eq!(
        accounts,
        [(did(2), NOW.plus(5)), (did(1), NOW)],
        "last used first"
    );
    assert!(device.remembered);
    store.sign_in(&sign_in(Some(9), 3, 1, 0)).await.unwrap();
    assert!(
        store.device(&[3; 32], NOW).await.unwrap().is_some(),
        "an unknown old id is no obstacle"
    );
    assert_eq!(
        store.device(&[2; 32], NOW.plus(180 * DAY)).await.unwrap(),
        None,
        "it expires"
    );
    store
        .keep_device(&[2; 32], NOW.plus(200 * DAY))
        .await
        .unwrap();
    assert!(
        store
            .device(&[2; 32], NOW.plus(180 * DAY))
            .await
            .unwrap()
            .is_some()
    );
    let elsewhere = DeviceSignIn {
        old: None,
        new: [33; 32],
        did: did(2),
        now: NOW,
        expires_at: NOW.plus(DAY),
        remembered: false,
    };
    store.sign_in(&elsewhere).await.unwrap();
    store.sign_out_others(&[2; 32], &did(2)).await.unwrap();
    let here = store.device(&[2; 32], NOW).await.unwrap().unwrap();
    assert!(here.accounts.iter().any(|account| account.did == did(2)));
    let there = store.device(&[33; 32], NOW).await.unwrap().unwrap();
    assert!(there.accounts.is_empty());
    store.sign_out(&[2; 32], &did(2)).await.unwrap();
    assert_eq!(
        store
            .device(&[2; 32], NOW)
            .await
            .unwrap()
            .unwrap()
            .accounts
            .len(),
        1
    );
}

async fn keys(store: &Arc<dyn Store>) {
    let key = |kid: &str, seconds| SigningKeyRecord {
        kid: kid.to_owned(),
        pkcs8: vec![1, 2, 3].into(),
        created_at: NOW.plus(seconds),
        signs_from: NOW.plus(seconds + 600),
        retired_at: None,
    };
    store.add_signing_key(&key("old", 0)).await.unwrap();
    store.add_signing_key(&key("new", 1)).await.unwrap();
    assert!(store.add_signing_key(&key("new", 2)).await.is_err());
    let kids: Vec<_> = store
        .signing_keys()
        .await
        .unwrap()
        .into_iter()
        .map(|key| key.kid)
        .collect();
    assert_eq!(kids, ["new", "old"], "newest first");
    assert!(store.retire_signing_key("old", NOW).await.unwrap());
    assert!(!store.retire_signing_key("old", NOW.plus(9)).await.unwrap());
    assert!(!store.retire_signing_key("other", NOW).await.unwrap());
    let keys = store.signing_keys().await.unwrap();
    let times: Vec<_> = keys
        .iter()
        .map(|key| (key.signs_from, key.retired_at))
        .collect();
    assert_eq!(times, [(NOW.plus(601), None), (NOW.plus(600), Some(NOW))]);

    let callers = (0..64).map(|n| {
        let store = store.clone();
        tokio::spawn(async move { store.secret("law", &[n; 32]).await.unwrap() })
    });
    let mut agreed = None;
    for caller in callers.collect::<Vec<_>>() {
        let secret = caller.await.unwrap();
        assert_eq!(
            *agreed.get_or_insert(secret),
            secret,
            "all get the same secret"
        );
    }
    assert_ne!(
        store.secret("other", &[99; 32]).await.unwrap(),
        agreed.unwrap()
    );
}

async fn scopes(store: &dyn Store) {
    assert_eq!(store.scope("ref:a").await.unwrap(), None);
    for until in [NOW.plus(10), NOW.plus(60), NOW] {
        store.keep_scope("ref:a", "atproto a", until).await.unwrap();
    }
    let swept = store.sweep(NOW.plus(59), 10).await.unwrap();
    assert_eq!(swept.scope_references, 0, "the latest time counts");
    assert_eq!(
        store.scope("ref:a").await.unwrap().as_deref(),
        Some("atproto a")
    );
    let swept = store.sweep(NOW.plus(60), 10).await.unwrap();
    assert_eq!(swept.scope_references, 1);
    assert_eq!(store.scope("ref:a").await.unwrap(), None);
}

async fn retention(store: &dyn Store) {
    for n in 50..60 {
        store.push_request(&request(n)).await.unwrap();
    }
    let swept = store.sweep(NOW.plus(300), 4).await.unwrap();
    assert_eq!(
        (swept.requests, swept.codes, swept.sessions, swept.devices),
        (4, 0, 0, 0),
        "a batch at a time"
    );
    assert!(store.sweep(NOW.plus(300), 100).await.unwrap().requests >= 6);
    let swept = store.sweep(NOW.plus(DAY), 100).await.unwrap();
    assert!(swept.codes >= 4 && swept.sessions == 0, "{swept:?}");
    let swept = store.sweep(NOW.plus(300 * DAY), 100).await.unwrap();
    assert!(swept.sessions >= 3 && swept.devices >= 2, "{swept:?}");
    assert_eq!(
        store.sweep(NOW.plus(300 * DAY), 100).await.unwrap(),
        atpass_provider::store::Swept::default()
    );
}
