//! Sessions: their refreshes and their ends.

use std::sync::Arc;

use atpass_protocol::revocation::EndedCursor;
use atpass_protocol::time::UnixTime;
use atpass_protocol::token::SessionId;
use atpass_provider::refresh::RefreshDecision;
use atpass_provider::store::{EndReason, Rotation, Store};

use super::{DAY, NOW, begin, did, session};

pub(super) async fn rotation(store: &Arc<dyn Store>) {
    let id = SessionId::from_i64(30);
    begin(&**store, 30, &session(30, 2)).await;
    let at = move |presented, seconds| Rotation {
        session: id,
        presented,
        now: NOW.plus(seconds),
        refresh_expires_at: NOW.plus(10 * DAY),
        recovery: 60,
        assertion: None,
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

pub(super) async fn ending(store: &dyn Store) {
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
