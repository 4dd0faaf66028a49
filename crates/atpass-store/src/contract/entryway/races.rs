//! Many callers at once: who wins, and that nobody else does.

use std::collections::HashSet;
use std::sync::Arc;

use atpass_entryway::store::{EmailPurpose, EntrywayStore, LegacyRotation, Taken};
use atpass_protocol::token::SessionId;

use super::{CALLERS, DAY, GRACE, NOW, at_once, did, handle, made, new, session};

pub(super) async fn one_winner_of_a_handle(store: &Arc<dyn EntrywayStore>) {
    for n in 0..CALLERS {
        made(&**store, &format!("racer{n}")).await;
    }
    let wanted = handle("wanted");
    let answers = at_once(|n| {
        let (store, wanted) = (store.clone(), wanted.clone());
        async move {
            if n % 2 == 0 {
                let racer = did(&format!("racer{n}"));
                store.set_handle(&racer, &wanted).await.unwrap()
            } else {
                let mut record = new(&format!("newcomer{n}"), None);
                record.account.handle = wanted;
                store.begin_sign_up(&record).await.unwrap()
            }
        }
    });
    let answers = answers.await;
    let won = answers.iter().filter(|answer| answer.is_ok()).count();
    assert_eq!(won, 1);
    let lost = answers
        .iter()
        .filter(|answer| **answer == Err(Taken::Handle));
    assert_eq!(lost.count(), usize::from(CALLERS) - 1);
}

pub(super) async fn as_many_winners_as_an_invite_has_uses(store: &Arc<dyn EntrywayStore>) {
    store.add_invite("for three", 3, NOW).await.unwrap();
    let answers = at_once(|n| {
        let store = store.clone();
        async move {
            let record = new(&format!("guest{n}"), Some("for three"));
            store.begin_sign_up(&record).await.unwrap()
        }
    });
    let answers = answers.await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 3);
    let lost = answers
        .iter()
        .filter(|answer| **answer == Err(Taken::Invite));
    assert_eq!(lost.count(), usize::from(CALLERS) - 3);
}

pub(super) async fn one_winner_of_a_code(store: &Arc<dyn EntrywayStore>) {
    made(&**store, "lena").await;
    let (lena, purpose) = (did("lena"), EmailPurpose::ResetPassword);
    let put = store
        .put_email_code(&lena, purpose, &[8; 32], NOW.plus(600))
        .await;
    put.unwrap();
    let answers = at_once(|n| {
        let (store, lena) = (store.clone(), lena.clone());
        async move {
            let named = (n % 2 == 0).then_some(&lena);
            let used = store.use_email_code(named, purpose, &[8; 32], NOW).await;
            used.unwrap()
        }
    });
    let winners: Vec<_> = answers.await.into_iter().flatten().collect();
    assert_eq!(winners, [lena]);
}

pub(super) async fn one_next_generation(store: &Arc<dyn EntrywayStore>) {
    made(&**store, "marta").await;
    let record = session(70, "marta", None);
    let begun = store.begin_legacy_session(&record, "hash of marta").await;
    assert_eq!(begun, Ok(true));
    let rotate = |presented: u32, after: i64| {
        let store = store.clone();
        async move {
            let now = NOW.plus(after);
            let id = SessionId::from_i64(70);
            let rotation = store
                .rotate_legacy_session(id, presented, now, GRACE, now.plus(DAY))
                .await;
            match rotation.unwrap() {
                LegacyRotation::GoesOn(session) => Some(session.generation),
                LegacyRotation::Over => None,
            }
        }
    };
    // The same token many times: one rotates, the others get what it made.
    let generations: HashSet<_> = at_once(|_| rotate(0, 10)).await.into_iter().collect();
    assert_eq!(generations, [Some(1)].into());
    assert_eq!(rotate(1, 20).await, Some(2));
    // One that is two behind ends it, and for good.
    let generations: HashSet<_> = at_once(|_| rotate(0, 30)).await.into_iter().collect();
    assert_eq!(generations, [None].into());
    assert_eq!(rotate(2, 30).await, None);
}
