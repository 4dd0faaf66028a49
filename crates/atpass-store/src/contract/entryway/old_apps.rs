//! Codes of letters, and what old apps have: passwords and sessions of their own.

use atpass_entryway::store::{
    AccountRecord, AppPasswordRecord, EmailPurpose, EntrywayStore, Imported, LegacyRotation,
    LegacySessionRecord, Taken,
};
use atpass_protocol::id::Did;
use atpass_protocol::token::SessionId;

use super::{DAY, GRACE, NOW, account, app_password, did, find, is_live, made, session};

pub(super) async fn codes(store: &dyn EntrywayStore) {
    use EmailPurpose::{ConfirmEmail, DeleteAccount, PlcOperation, ResetPassword, UpdateEmail};

    made(store, "emil").await;
    made(store, "frida").await;
    let (emil, frida) = (did("emil"), did("frida"));
    let put = async |did: &Did, purpose, code: u8| {
        let put = store
            .put_email_code(did, purpose, &[code; 32], NOW.plus(600))
            .await;
        put.unwrap();
    };
    let take = async |did: Option<&Did>, purpose, code: u8| {
        let taken = store.use_email_code(did, purpose, &[code; 32], NOW).await;
        taken.unwrap()
    };
    put(&emil, ConfirmEmail, 1).await;
    assert_eq!(take(Some(&frida), ConfirmEmail, 1).await, None);
    assert_eq!(take(Some(&emil), UpdateEmail, 1).await, None);
    assert_eq!(take(Some(&emil), ConfirmEmail, 2).await, None);
    let late = store
        .use_email_code(Some(&emil), ConfirmEmail, &[1; 32], NOW.plus(600))
        .await;
    assert_eq!(late, Ok(None));
    assert_eq!(take(Some(&emil), ConfirmEmail, 1).await, Some(emil.clone()));
    assert_eq!(take(Some(&emil), ConfirmEmail, 1).await, None, "once");
    put(&emil, ConfirmEmail, 1).await;
    put(&emil, ConfirmEmail, 2).await;
    assert_eq!(take(None, ConfirmEmail, 1).await, None, "replaced");
    assert_eq!(take(None, ConfirmEmail, 2).await, Some(emil.clone()));

    // Two accounts with one code: it doesn't say whose it is, and neither loses its own.
    put(&emil, ResetPassword, 3).await;
    put(&frida, ResetPassword, 3).await;
    assert_eq!(take(None, ResetPassword, 3).await, None);
    assert_eq!(
        take(Some(&emil), ResetPassword, 3).await,
        Some(emil.clone())
    );
    assert_eq!(take(None, ResetPassword, 3).await, Some(frida.clone()));

    // A new password voids a code for another one, and nothing else.
    for did in [&emil, &frida] {
        put(did, ResetPassword, 4).await;
        put(did, DeleteAccount, 4).await;
    }
    store.change_password(&emil, "new", NOW).await.unwrap();
    assert_eq!(take(Some(&emil), ResetPassword, 4).await, None);
    assert!(take(Some(&emil), DeleteAccount, 4).await.is_some());
    assert!(take(Some(&frida), ResetPassword, 4).await.is_some());

    // A new address voids what was sent to the old one.
    let all = [
        ConfirmEmail,
        UpdateEmail,
        ResetPassword,
        DeleteAccount,
        PlcOperation,
    ];
    for purpose in all {
        put(&emil, purpose, 5).await;
        put(&frida, purpose, 5).await;
    }
    let taken = store.set_email(&emil, "frida@example.com", None).await;
    assert_eq!(taken, Ok(Err(Taken::Email)));
    put(&emil, ConfirmEmail, 6).await;
    assert!(
        take(Some(&emil), ConfirmEmail, 6).await.is_some(),
        "nothing was changed"
    );
    let set = store.set_email(&emil, "emil-2@example.com", None).await;
    assert_eq!(set, Ok(Ok(())));
    for purpose in all {
        assert_eq!(take(Some(&emil), purpose, 5).await, None, "{purpose:?}");
        assert!(take(Some(&frida), purpose, 5).await.is_some());
    }

    put(&emil, ResetPassword, 7).await;
    store.delete_account(&emil, NOW).await.unwrap();
    assert_eq!(take(None, ResetPassword, 7).await, None, "it is gone");
    assert_eq!(find(store, "emil").await, None);
}

pub(super) async fn app_passwords(store: &dyn EntrywayStore) {
    made(store, "gerda").await;
    let gerda = did("gerda");
    let (mut second, first) = (
        app_password("gerda", "second"),
        app_password("gerda", "first"),
    );
    second.created_at = NOW.plus(1);
    for record in [&second, &first] {
        assert_eq!(store.add_app_password(record).await, Ok(true));
    }
    let same_name = AppPasswordRecord {
        hash: "another".into(),
        ..first.clone()
    };
    assert_eq!(store.add_app_password(&same_name).await, Ok(false));
    let nobodys = app_password("nobody", "first");
    assert_eq!(store.add_app_password(&nobodys).await, Ok(false));
    let known = store.app_passwords(&gerda).await;
    assert_eq!(known, Ok(vec![first, second.clone()]));

    let hash = "hash of gerda";
    for (id, password, hash) in [
        (20, None, hash),
        (21, Some("first"), "hash of first"),
        (22, Some("second"), "hash of second"),
    ] {
        let begun = store
            .begin_legacy_session(&session(id, "gerda", password), hash)
            .await;
        assert_eq!(begun, Ok(true));
    }
    store.revoke_app_password(&gerda, "first").await.unwrap();
    assert_eq!(store.app_passwords(&gerda).await, Ok(vec![second]));
    assert!(is_live(store, 20).await && !is_live(store, 21).await && is_live(store, 22).await);
}

/// What came between the check of a password and the session counts.
pub(super) async fn legacy_sessions(store: &dyn EntrywayStore) {
    let hanna = made(store, "hanna").await;
    let password = app_password("hanna", "app");
    assert_eq!(store.add_app_password(&password).await, Ok(true));
    let begin = async |id, name: &str, app: Option<&str>, hash: &str| {
        let begun = store
            .begin_legacy_session(&session(id, name, app), hash)
            .await;
        assert_eq!(is_live(store, id).await, begun == Ok(true));
        begun.unwrap()
    };
    let right = hanna.password_hash.as_str();
    assert!(begin(30, "hanna", None, right).await);
    assert!(begin(31, "hanna", Some("app"), "hash of app").await);
    for (app, hash) in [
        (None, "hash of app"),
        (Some("app"), right),
        (Some("other"), "hash of app"),
    ] {
        assert!(!begin(32, "hanna", app, hash).await, "{app:?} {hash}");
    }
    assert!(!begin(33, "nobody", None, right).await);
    let mut privileged = session(34, "hanna", Some("app"));
    privileged.app_password = Some(("app".into(), true));
    let begun = store.begin_legacy_session(&privileged, "hash of app").await;
    assert_eq!(begun, Ok(false), "not more than the password may");

    store
        .set_deactivated(&did("hanna"), Some(NOW))
        .await
        .unwrap();
    assert!(
        begin(35, "hanna", None, right).await,
        "one at rest may wake up"
    );
    store
        .end_legacy_session(SessionId::from_i64(35))
        .await
        .unwrap();
    assert!(!is_live(store, 35).await);

    let changed = store.change_password(&did("hanna"), "new", NOW).await;
    changed.unwrap();
    for id in [30, 31] {
        assert!(!is_live(store, id).await, "a new password ends {id}");
    }
    assert!(!begin(36, "hanna", None, right).await, "changed meanwhile");
    assert!(begin(37, "hanna", None, "new").await);
    store
        .revoke_app_password(&did("hanna"), "app")
        .await
        .unwrap();
    assert!(!begin(38, "hanna", Some("app"), "hash of app").await);
    store.delete_account(&did("hanna"), NOW).await.unwrap();
    assert!(!is_live(store, 37).await);
    assert!(!begin(39, "hanna", None, "new").await, "removed meanwhile");
    assert_eq!(store.app_passwords(&did("hanna")).await, Ok(Vec::new()));

    let disabled = AccountRecord {
        active: false,
        ..account("inactive")
    };
    let imported = store.import_account(&disabled, &[], false).await;
    assert_eq!(imported, Ok(Ok(Imported::New)));
    assert!(!begin(40, "inactive", None, &disabled.password_hash).await);
}

pub(super) async fn legacy_rotation(store: &dyn EntrywayStore) {
    made(store, "julia").await;
    let rotate = async |id: i64, presented: u32, after: i64| {
        let now = NOW.plus(after);
        let id = SessionId::from_i64(id);
        let rotation = store
            .rotate_legacy_session(id, presented, now, GRACE, now.plus(DAY))
            .await;
        match rotation.unwrap() {
            LegacyRotation::GoesOn(session) => Some(session),
            LegacyRotation::Over => None,
        }
    };
    let begin = async |id: i64| {
        let record = session(id, "julia", None);
        let begun = store.begin_legacy_session(&record, "hash of julia").await;
        assert_eq!(begun, Ok(true));
    };
    begin(50).await;
    let first = LegacySessionRecord {
        generation: 1,
        rotated_at: NOW.plus(10),
        expires_at: NOW.plus(10 + DAY),
        ..session(50, "julia", None)
    };
    assert_eq!(rotate(50, 0, 10).await.as_ref(), Some(&first));
    assert_eq!(
        rotate(50, 0, 10 + GRACE).await,
        Some(first),
        "a lost answer can be had again"
    );
    assert_eq!(rotate(50, 1, 100).await.unwrap().generation, 2);
    assert_eq!(rotate(50, 0, 100).await, None, "an older one");
    assert_eq!(rotate(50, 2, 100).await, None, "ends the session");
    begin(51).await;
    rotate(51, 0, 10).await.unwrap();
    assert_eq!(rotate(51, 0, 11 + GRACE).await, None, "too late");
    assert_eq!(rotate(51, 1, 100).await, None);
    begin(52).await;
    assert_eq!(rotate(52, 1, 10).await, None, "from the future");
    assert_eq!(rotate(52, 0, 10).await, None);
    begin(53).await;
    assert_eq!(rotate(53, 0, DAY).await, None, "it expired");
    assert_eq!(rotate(54, 0, 10).await, None, "it has never been");
}

pub(super) async fn sweeping(store: &dyn EntrywayStore) {
    made(store, "karl").await;
    // What earlier laws left behind.
    let later = NOW.plus(10 * DAY);
    while store.sweep_entryway(later, 1000).await.unwrap() > 0 {}
    for (id, days) in [(60, 1), (61, 1), (62, 3)] {
        let record = LegacySessionRecord {
            expires_at: NOW.plus(days * DAY),
            ..session(id, "karl", None)
        };
        let begun = store.begin_legacy_session(&record, "hash of karl").await;
        assert_eq!(begun, Ok(true));
    }
    let put = store
        .put_email_code(
            &did("karl"),
            EmailPurpose::ConfirmEmail,
            &[9; 32],
            NOW.plus(DAY),
        )
        .await;
    put.unwrap();
    let then = NOW.plus(2 * DAY);
    assert_eq!(store.sweep_entryway(then, 1).await, Ok(2), "one of each");
    assert_eq!(store.sweep_entryway(then, 1).await, Ok(1));
    assert_eq!(store.sweep_entryway(then, 1).await, Ok(0));
    assert!(is_live(store, 62).await);
}
