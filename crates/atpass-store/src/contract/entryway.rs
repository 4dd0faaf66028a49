//! The laws of [`EntrywayStore`].

use std::collections::HashSet;
use std::sync::Arc;

use atpass_entryway::store::{
    AccountRecord, AppPasswordRecord, EmailPurpose, EntrywayStore, Imported, LegacyRotation,
    LegacySessionRecord, SignUpRecord, Taken,
};
use atpass_protocol::id::{Did, Handle};
use atpass_protocol::token::SessionId;
use atpass_provider::accounts::Identifier;

use super::{DAY, NOW};

/// Callers at once.
const CALLERS: u8 = 64;
const GRACE: i64 = 60;

/// Runs all laws of an entryway's memory against an empty store. Panics with the place of the one that doesn't
/// hold.
pub async fn check_entryway_store_contract(store: Arc<dyn EntrywayStore>) {
    sign_up(&*store).await;
    in_the_making(&*store).await;
    import(&*store).await;
    used_accounts_are_kept(&*store).await;
    addresses(&*store).await;
    codes(&*store).await;
    app_passwords(&*store).await;
    legacy_sessions(&*store).await;
    legacy_rotation(&*store).await;
    sweeping(&*store).await;
    one_winner_of_a_handle(&store).await;
    as_many_winners_as_an_invite_has_uses(&store).await;
    one_winner_of_a_code(&store).await;
    one_next_generation(&store).await;
}

fn did(name: &str) -> Did {
    Did::parse(&format!("did:web:{name}.example.com")).unwrap()
}

fn handle(name: &str) -> Handle {
    Handle::parse(&format!("{name}.test")).unwrap()
}

fn account(name: &str) -> AccountRecord {
    AccountRecord {
        did: did(name),
        handle: handle(name),
        email: Some(format!("{name}@example.com")),
        email_confirmed_at: None,
        password_hash: format!("hash of {name}"),
        pds: did("pds"),
        created_at: NOW,
        active: true,
        deactivated_at: None,
        sessions_ended_at: None,
    }
}

fn new(name: &str, invite: Option<&str>) -> SignUpRecord {
    SignUpRecord {
        account: account(name),
        operation: "{}".into(),
        invite: invite.map(Into::into),
    }
}

/// An account that is there.
async fn made(store: &dyn EntrywayStore, name: &str) -> AccountRecord {
    assert_eq!(store.begin_sign_up(&new(name, None)).await, Ok(Ok(())));
    assert_eq!(store.finish_sign_up(&did(name)).await, Ok(true));
    account(name)
}

async fn find(store: &dyn EntrywayStore, name: &str) -> Option<AccountRecord> {
    store.account(&Identifier::Did(did(name))).await.unwrap()
}

fn app_password(name: &str, password: &str) -> AppPasswordRecord {
    AppPasswordRecord {
        did: did(name),
        name: password.into(),
        hash: format!("hash of {password}"),
        created_at: NOW,
        privileged: false,
    }
}

fn session(id: i64, name: &str, app_password: Option<&str>) -> LegacySessionRecord {
    LegacySessionRecord {
        id: SessionId::from_i64(id),
        did: did(name),
        app_password: app_password.map(|name| (name.into(), false)),
        generation: 0,
        rotated_at: NOW,
        expires_at: NOW.plus(DAY),
    }
}

async fn is_live(store: &dyn EntrywayStore, id: i64) -> bool {
    let rotation = store
        .rotate_legacy_session(
            SessionId::from_i64(id),
            0,
            NOW,
            i64::from(u32::MAX),
            NOW.plus(DAY),
        )
        .await;
    matches!(rotation.unwrap(), LegacyRotation::GoesOn(_))
}

/// The answers of many callers at once.
async fn at_once<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    call: impl Fn(u8) -> F,
) -> Vec<T> {
    let calls: Vec<_> = (0..CALLERS).map(|n| tokio::spawn(call(n))).collect();
    let mut answers = Vec::new();
    for call in calls {
        answers.push(call.await.unwrap());
    }
    answers
}

async fn sign_up(store: &dyn EntrywayStore) {
    let record = new("anna", None);
    assert_eq!(store.begin_sign_up(&record).await, Ok(Ok(())));
    assert_eq!(find(store, "anna").await, None, "it is being made");
    let unfinished = store.unfinished_sign_ups(NOW.plus(1), 10).await;
    assert_eq!(unfinished, Ok(vec![record.clone()]));
    assert_eq!(store.unfinished_sign_ups(NOW, 10).await, Ok(Vec::new()));
    for (other, taken) in [
        (account("anna"), Taken::Did),
        (
            AccountRecord {
                did: did("other"),
                ..account("anna")
            },
            Taken::Handle,
        ),
        (
            AccountRecord {
                email: Some("ANNA@example.com".into()),
                ..account("other")
            },
            Taken::Email,
        ),
    ] {
        let other = SignUpRecord {
            account: other,
            ..record.clone()
        };
        assert_eq!(store.begin_sign_up(&other).await, Ok(Err(taken)));
    }
    let no_invite = new("other", Some("no such code"));
    assert_eq!(
        store.begin_sign_up(&no_invite).await,
        Ok(Err(Taken::Invite))
    );
    let counted = store.accounts_by_pds().await;
    assert_eq!(counted, Ok(vec![(did("pds"), 1)]), "in the making too");

    store.give_up_sign_up(&did("anna")).await.unwrap();
    assert_eq!(store.finish_sign_up(&did("anna")).await, Ok(false));
    assert_eq!(made(store, "anna").await, account("anna"));
    assert_eq!(store.finish_sign_up(&did("anna")).await, Ok(false), "once");
    store.give_up_sign_up(&did("anna")).await.unwrap();
    assert_eq!(
        find(store, "anna").await,
        Some(account("anna")),
        "too late to give up"
    );

    store.add_invite("returned", 1, NOW).await.unwrap();
    let invited = new("iris", Some("returned"));
    assert_eq!(store.begin_sign_up(&invited).await, Ok(Ok(())));
    store.give_up_sign_up(&did("iris")).await.unwrap();
    assert_eq!(
        store.begin_sign_up(&invited).await,
        Ok(Ok(())),
        "the invite is free again"
    );
    assert_eq!(store.finish_sign_up(&did("iris")).await, Ok(true));
}

/// Nothing happens to an account that is being made but that it is finished or given up.
async fn in_the_making(store: &dyn EntrywayStore) {
    let record = new("bruno", None);
    assert_eq!(store.begin_sign_up(&record).await, Ok(Ok(())));
    let (did, hash) = (did("bruno"), &record.account.password_hash);
    store
        .set_handle(&did, &handle("bruno-2"))
        .await
        .unwrap()
        .unwrap();
    store
        .set_email(&did, "bruno-2@example.com", Some(NOW))
        .await
        .unwrap()
        .unwrap();
    let confirmed = store.confirm_email(&did, "bruno@example.com", NOW).await;
    assert_eq!(confirmed, Ok(false));
    let ended = store.change_password(&did, "another hash", NOW).await;
    assert_eq!(ended, Ok(Vec::new()));
    let upgraded = store.upgrade_password(&did, hash, "another hash").await;
    assert_eq!(upgraded, Ok(false));
    store.set_deactivated(&did, Some(NOW)).await.unwrap();
    let added = store
        .add_app_password(&app_password("bruno", "old app"))
        .await;
    assert_eq!(added, Ok(false));
    let begun = store
        .begin_legacy_session(&session(1, "bruno", None), hash)
        .await;
    assert_eq!(begun, Ok(false));
    assert_eq!(store.delete_account(&did, NOW).await, Ok(Vec::new()));
    let unfinished = store.unfinished_sign_ups(NOW.plus(1), 10).await;
    assert_eq!(unfinished, Ok(vec![record]));
    assert_eq!(store.finish_sign_up(&did).await, Ok(true));
    assert_eq!(find(store, "bruno").await, Some(account("bruno")));
}

async fn import(store: &dyn EntrywayStore) {
    let run = async |account: &AccountRecord, passwords: &[AppPasswordRecord]| {
        let dry = store.import_account(account, passwords, true).await;
        let real = store.import_account(account, passwords, false).await;
        assert_eq!(dry, real, "a dry run tells what will be done");
        real.unwrap()
    };
    let mut chris = account("chris");
    chris.email = Some("Chris@Example.com".into());
    let mut passwords = vec![app_password("chris", "one"), app_password("chris", "two")];
    let dry = store.import_account(&chris, &passwords, true).await;
    assert_eq!(dry, Ok(Ok(Imported::New)));
    assert_eq!(find(store, "chris").await, None);
    assert_eq!(run(&chris, &passwords).await, Ok(Imported::New));
    assert_eq!(find(store, "chris").await, Some(account("chris")));
    assert_eq!(run(&chris, &passwords).await, Ok(Imported::Same));

    // As long as it is untouched here, it follows the PDS in everything.
    let followed = async |chris: &AccountRecord, passwords: &[AppPasswordRecord], what: &str| {
        assert_eq!(run(chris, passwords).await, Ok(Imported::Updated), "{what}");
        let here = find(store, "chris").await.unwrap();
        let email = Some("chris@example.com".into());
        let wanted = AccountRecord {
            email,
            ..chris.clone()
        };
        assert_eq!(here, wanted, "{what}");
        let here = store.app_passwords(&did("chris")).await.unwrap();
        assert_eq!(here, passwords, "{what}");
        assert_eq!(run(chris, passwords).await, Ok(Imported::Same), "{what}");
    };
    for password in &mut passwords {
        password.hash.push_str(", another one");
    }
    followed(&chris, &passwords, "app passwords of the same names").await;
    passwords.pop();
    followed(&chris, &passwords, "one app password fewer").await;
    chris.password_hash = "another".into();
    followed(&chris, &passwords, "the password").await;
    chris.handle = handle("christine");
    followed(&chris, &passwords, "the handle").await;
    chris.deactivated_at = Some(NOW);
    followed(&chris, &passwords, "put to rest").await;
    chris.active = false;
    followed(&chris, &passwords, "taken down").await;

    for (other, taken) in [
        (
            AccountRecord {
                pds: did("pds-2"),
                ..chris.clone()
            },
            Taken::Did,
        ),
        (
            AccountRecord {
                handle: handle("anna"),
                ..chris.clone()
            },
            Taken::Handle,
        ),
        (
            AccountRecord {
                email: Some("Anna@example.com".into()),
                ..chris.clone()
            },
            Taken::Email,
        ),
        (
            AccountRecord {
                handle: handle("anna"),
                ..account("stranger")
            },
            Taken::Handle,
        ),
    ] {
        assert_eq!(run(&other, &[]).await, Err(taken));
    }
    let anna = account("anna");
    assert_eq!(
        run(&anna, &[]).await,
        Ok(Imported::Kept),
        "it was made here, not imported"
    );
}

/// What people did here isn't undone by the PDS's old values.
async fn used_accounts_are_kept(store: &dyn EntrywayStore) {
    for act in 0..10 {
        let name = format!("kept{act}");
        let (old, did) = (account(&name), did(&name));
        let passwords = [app_password(&name, "one")];
        let imported = store.import_account(&old, &passwords, false).await;
        assert_eq!(imported, Ok(Ok(Imported::New)));
        match act {
            0 => {
                let handle = handle("another-name");
                store.set_handle(&did, &handle).await.unwrap().unwrap();
            }
            1 => {
                let email = "another@example.com";
                store.set_email(&did, email, None).await.unwrap().unwrap();
            }
            2 => {
                let email = format!("{name}@example.com");
                assert_eq!(store.confirm_email(&did, &email, NOW).await, Ok(true));
            }
            3 => {
                store.change_password(&did, "new", NOW).await.unwrap();
            }
            4 => {
                let upgraded = store
                    .upgrade_password(&did, &old.password_hash, "new")
                    .await;
                assert_eq!(upgraded, Ok(true));
            }
            5 => store.set_deactivated(&did, Some(NOW)).await.unwrap(),
            6 => store.revoke_app_password(&did, "one").await.unwrap(),
            7 => {
                let added = store.add_app_password(&app_password(&name, "two")).await;
                assert_eq!(added, Ok(true));
            }
            8 => {
                let session = session(100, &name, Some("one"));
                let begun = store.begin_legacy_session(&session, "hash of one").await;
                assert_eq!(begun, Ok(true));
            }
            // Back again to what it was: it is its owner's word now.
            _ => {
                store.set_deactivated(&did, Some(NOW)).await.unwrap();
                store.set_deactivated(&did, None).await.unwrap();
            }
        }
        let here = find(store, &name).await;
        let here_passwords = store.app_passwords(&did).await;
        let newer = AccountRecord {
            deactivated_at: Some(NOW.plus(1)),
            ..old
        };
        for dry_run in [true, false] {
            let imported = store.import_account(&newer, &passwords, dry_run).await;
            assert_eq!(imported, Ok(Ok(Imported::Kept)), "{act}");
        }
        assert_eq!(find(store, &name).await, here, "{act}");
        assert_eq!(store.app_passwords(&did).await, here_passwords, "{act}");
    }
}

async fn addresses(store: &dyn EntrywayStore) {
    made(store, "dora").await;
    let dora = did("dora");
    let set = store
        .set_email(&dora, "Dora@Elsewhere.example.com", None)
        .await;
    assert_eq!(set, Ok(Ok(())));
    for typed in ["dora@elsewhere.example.com", "DORA@elsewhere.example.com"] {
        let found = store.account(&Identifier::Email(typed.into())).await;
        assert_eq!(found.unwrap().unwrap().did, dora, "{typed}");
    }
    let set = store
        .set_email(&did("anna"), "DORA@ELSEWHERE.example.com", None)
        .await;
    assert_eq!(set, Ok(Err(Taken::Email)));
    let old = store.confirm_email(&dora, "dora@example.com", NOW).await;
    assert_eq!(old, Ok(false), "the address was changed meanwhile");
    let confirmed = store
        .confirm_email(&dora, "DORA@elsewhere.example.com", NOW)
        .await;
    assert_eq!(confirmed, Ok(true));
    let here = find(store, "dora").await.unwrap();
    assert_eq!(here.email_confirmed_at, Some(NOW));
    let taken = store.set_handle(&dora, &handle("anna")).await;
    assert_eq!(taken, Ok(Err(Taken::Handle)));
}

async fn codes(store: &dyn EntrywayStore) {
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

async fn app_passwords(store: &dyn EntrywayStore) {
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
async fn legacy_sessions(store: &dyn EntrywayStore) {
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

async fn legacy_rotation(store: &dyn EntrywayStore) {
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

async fn sweeping(store: &dyn EntrywayStore) {
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

async fn one_winner_of_a_handle(store: &Arc<dyn EntrywayStore>) {
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

async fn as_many_winners_as_an_invite_has_uses(store: &Arc<dyn EntrywayStore>) {
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

async fn one_winner_of_a_code(store: &Arc<dyn EntrywayStore>) {
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

async fn one_next_generation(store: &Arc<dyn EntrywayStore>) {
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
