//! Accounts that are made, taken over and changed.

use atpass_entryway::store::{
    AccountRecord, AppPasswordRecord, EntrywayStore, Imported, SignUpRecord, Taken,
};
use atpass_provider::accounts::Identifier;

use super::{NOW, account, app_password, did, find, handle, made, new, session};

pub(super) async fn sign_up(store: &dyn EntrywayStore) {
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
pub(super) async fn in_the_making(store: &dyn EntrywayStore) {
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

pub(super) async fn import(store: &dyn EntrywayStore) {
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
pub(super) async fn used_accounts_are_kept(store: &dyn EntrywayStore) {
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

pub(super) async fn addresses(store: &dyn EntrywayStore) {
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
