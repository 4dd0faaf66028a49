//! Client assertions: each counts for one act, whichever that is (clause AS-AUTHN-05).

use std::sync::Arc;

use atpass_provider::refresh::RefreshDecision;
use atpass_provider::store::{AlreadyUsed, AssertionUse, ConsumeOutcome, Rotation, Store};

use super::{DAY, NOW, begin, code, request, session};

pub(super) async fn check(store: &Arc<dyn Store>) {
    once_until_its_time(&**store).await;
    what_comes_with_a_used_one_changes_nothing(&**store).await;
    of_many_acts_with_one_only_one_happens(store).await;
}

const fn assertion(n: u8) -> AssertionUse {
    AssertionUse {
        key: [n; 32],
        until: NOW.plus(90),
    }
}

async fn once_until_its_time(store: &dyn Store) {
    for (number, seconds, first) in [
        (1, 0, true),
        (1, 0, false),
        (1, 89, false),
        (2, 89, true),
        (1, 90, true),
    ] {
        let answer = store
            .use_assertion(&assertion(number), NOW.plus(seconds))
            .await;
        assert_eq!(answer.unwrap(), first, "{number} after {seconds} s");
    }
}

async fn what_comes_with_a_used_one_changes_nothing(store: &dyn Store) {
    let used = assertion(3);
    let pushed = store.push_request(&request(80), Some(&used)).await;
    assert_eq!(pushed.unwrap(), None, "it allows one act");
    let pushed = store.push_request(&request(81), Some(&used)).await;
    assert_eq!(pushed.unwrap(), Some(AlreadyUsed::Assertion));
    assert_eq!(store.request(&[81; 32], NOW).await.unwrap(), None);

    store.approve(&[80; 32], &code(80)).await.unwrap();
    let begun = session(80, 8);
    let exchange = |assertion| {
        let begun = begun.clone();
        async move {
            let outcome = store.consume_code(&[80; 32], &begun, Some(&assertion), NOW);
            outcome.await.unwrap()
        }
    };
    assert_eq!(exchange(used).await, ConsumeOutcome::AssertionUsed);
    assert_eq!(store.session(begun.id).await.unwrap(), None);
    assert_eq!(exchange(assertion(4)).await, ConsumeOutcome::Consumed);

    let rotate = async |presented, assertion| {
        let rotation = Rotation {
            session: begun.id,
            presented,
            now: NOW,
            refresh_expires_at: NOW.plus(DAY),
            recovery: 0,
            assertion: Some(assertion),
        };
        store.rotate(&rotation).await.unwrap()
    };
    let rotated = |generation| RefreshDecision::Rotated { generation };
    assert_eq!(rotate(0, used).await, RefreshDecision::AssertionUsed);
    let unchanged = store.session(begun.id).await.unwrap();
    assert_eq!(unchanged, Some(begun.clone()));
    assert_eq!(rotate(0, assertion(5)).await, rotated(1));
    assert_eq!(rotate(1, assertion(6)).await, rotated(2));
    // A copy of an older request doesn't end the session; an older token with a new assertion does.
    assert_eq!(
        rotate(0, assertion(5)).await,
        RefreshDecision::AssertionUsed
    );
    let unchanged = store.session(begun.id).await.unwrap().unwrap();
    assert_eq!((unchanged.generation, unchanged.ended), (2, None));
    assert_eq!(rotate(0, assertion(7)).await, RefreshDecision::Replayed);
    let over = store.session(begun.id).await.unwrap().unwrap();
    assert!(over.ended.is_some(), "in the same act");
    assert_eq!(
        rotate(0, assertion(7)).await,
        RefreshDecision::AssertionUsed
    );
}

async fn of_many_acts_with_one_only_one_happens(store: &Arc<dyn Store>) {
    let begun = session(90, 9);
    begin(&**store, 90, &begun).await;
    let callers = (0..64).map(|n| {
        let (store, session) = (store.clone(), begun.id);
        tokio::spawn(async move {
            if n % 2 == 0 {
                let record = request(100 + n);
                let pushed = store.push_request(&record, Some(&assertion(8))).await;
                return pushed.unwrap().is_none();
            }
            let rotation = Rotation {
                session,
                presented: 0,
                now: NOW,
                refresh_expires_at: NOW.plus(DAY),
                recovery: 60,
                assertion: Some(assertion(8)),
            };
            store.rotate(&rotation).await.unwrap() != RefreshDecision::AssertionUsed
        })
    });
    let mut happened = 0;
    for caller in callers.collect::<Vec<_>>() {
        happened += usize::from(caller.await.unwrap());
    }
    assert_eq!(happened, 1);
}
