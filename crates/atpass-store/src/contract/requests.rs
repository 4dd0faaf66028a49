//! Requests, and the codes that they become.

use std::sync::Arc;

use atpass_protocol::pkce::CodeChallenge;
use atpass_protocol::request::State;
use atpass_provider::store::{AlreadyUsed, ApproveOutcome, CodeRecord, ConsumeOutcome, Store};

use super::{NOW, code, did, request, session};

pub(super) async fn requests(store: &dyn Store) {
    let record = request(1);
    store.push_request(&record, None).await.unwrap();
    assert_eq!(store.request(&[1; 32], NOW).await.unwrap(), Some(record));
    assert_eq!(store.request(&[2; 32], NOW).await.unwrap(), None);
    assert_eq!(
        store.request(&[1; 32], NOW.plus(300)).await.unwrap(),
        None,
        "it expires"
    );
    assert!(
        store.push_request(&request(1), None).await.is_err(),
        "an id is used once"
    );
    assert!(store.close_request(&[1; 32], NOW).await.unwrap());
    assert!(
        !store.close_request(&[1; 32], NOW).await.unwrap(),
        "it closes once"
    );
    assert_eq!(store.request(&[1; 32], NOW).await.unwrap(), None);
}

pub(super) async fn approval(store: &dyn Store) {
    let asked = |n: u8, state: &str, challenge: u8| {
        let mut record = request(n);
        record.request.state = State::parse(state).unwrap();
        record.request.code_challenge = CodeChallenge::from_bytes([challenge; 32]);
        record
    };
    let record = CodeRecord {
        state: asked(10, "a", 10).state_digest(),
        ..code(10)
    };
    assert_eq!(
        store.approve(&[10; 32], &record).await.unwrap(),
        ApproveOutcome::RequestGone
    );
    let pushed = store.push_request(&asked(10, "a", 10), None).await.unwrap();
    assert_eq!(pushed, None, "what failed left nothing");
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
    for (n, state, challenge, used) in [
        (11, "b", 10, Some(AlreadyUsed::Challenge)),
        (12, "a", 99, Some(AlreadyUsed::State)),
        (13, "a", 10, Some(AlreadyUsed::Challenge)),
        (14, "b", 99, None),
    ] {
        let pushed = store.push_request(&asked(n, state, challenge), None).await;
        assert_eq!(pushed.unwrap(), used, "{n}");
        let kept = store.request(&[n; 32], NOW).await.unwrap();
        assert_eq!(kept.is_some(), used.is_none(), "{n}");
    }

    store.push_request(&request(11), None).await.unwrap();
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

pub(super) async fn exchange(store: &Arc<dyn Store>) {
    store.push_request(&request(20), None).await.unwrap();
    store.approve(&[20; 32], &code(20)).await.unwrap();
    let late = store
        .consume_code(&[20; 32], &session(20, 1), None, NOW.plus(60))
        .await
        .unwrap();
    assert_eq!(late, ConsumeOutcome::Gone, "a code expires");
    assert_eq!(
        store
            .consume_code(&[21; 32], &session(20, 1), None, NOW)
            .await
            .unwrap(),
        ConsumeOutcome::Gone
    );

    let callers = (0..64).map(|n| {
        let store = store.clone();
        tokio::spawn(async move {
            store
                .consume_code(&[20; 32], &session(2000 + n, 1), None, NOW)
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
            other => panic!("the code is there: {other:?}"),
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
