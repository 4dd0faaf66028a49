//! The laws of a database, on each kind of it.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

#[path = "support/database.rs"]
mod database;

use std::sync::Arc;

use atpass_entryway::store::{
    AccountRecord, EmailPurpose, Imported, LegacySessionRecord, SignUpRecord,
};
use atpass_protocol::id::{ClientId, Did, Handle, Nsid};
use atpass_protocol::random::SystemRandom;
use atpass_protocol::secret::Secret;
use atpass_protocol::time::UnixTime;
use atpass_protocol::token::SessionId;
use atpass_provider::accounts::{Accounts, Identifier};
use atpass_provider::lexicons::KeptLexicon;
use atpass_provider::password::Passwords;
use atpass_provider::store::{AssertionUse, DeviceSignIn, SigningKeyRecord};
use atpass_replay::{Fresh, Replay};
use atpass_store::contract::{check_entryway_store_contract, check_store_contract};
use atpass_store::{
    AccountError, Database, NewAccount, PostgresStore, SessionFilter, SqliteStore, StoredAccounts,
    StoredReplay, Voided,
};

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

/// Each law as a test on SQLite and one on PostgreSQL.
macro_rules! on_both {
    ($($law:ident,)*) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $law() {
                let folder = tempfile::tempdir().unwrap();
                let store = super::SqliteStore::open(&folder.path().join("db")).unwrap();
                super::$law(std::sync::Arc::new(store)).await;
            })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $law() {
                let (config, _) = super::database::new().await;
                let store = super::PostgresStore::migrate(&config).await.unwrap();
                super::$law(std::sync::Arc::new(store)).await;
            })*
        }
    };
}

on_both! {
    accounts,
    accounts_in_the_making_are_nobodys_to_change,
    what_the_operator_does_counts_for_old_apps,
    a_hash_of_a_pds_is_upgraded_once,
    what_could_be_used_up_is_void,
    proofs_count_once,
    contract,
    entryway_contract,
    operators_find_and_end_sessions,
    of_many_servers_one_makes_the_first_key,
    permission_sets_are_kept,
}

async fn contract(store: Arc<dyn Database>) {
    check_store_contract(store).await;
}

async fn entryway_contract(store: Arc<dyn Database>) {
    check_entryway_store_contract(store).await;
}

fn alice() -> NewAccount {
    NewAccount {
        did: Did::parse("did:plc:ewvi7nxzyoun6zhxrhs64oiz").unwrap(),
        handle: Handle::parse("alice.test").unwrap(),
        email: Some("Alice@Example.com".into()),
        audience: Did::parse("did:web:pds.example.com").unwrap(),
        password: Secret::new("wonderland"),
    }
}

fn sign_up() -> SignUpRecord {
    let NewAccount {
        did,
        handle,
        email,
        audience,
        ..
    } = alice();
    SignUpRecord {
        account: AccountRecord {
            did,
            handle,
            email: email.map(|email| email.to_lowercase()),
            email_confirmed_at: None,
            password_hash: "a hash".into(),
            pds: audience,
            created_at: NOW,
            active: true,
            deactivated_at: None,
            sessions_ended_at: None,
        },
        operation: "{}".into(),
        invite: None,
    }
}

async fn accounts(store: Arc<dyn Database>) {
    let accounts = StoredAccounts::new(
        store.clone(),
        Passwords::new(Arc::new(SystemRandom)).unwrap(),
    );
    accounts.add(alice(), NOW).await.unwrap();
    assert!(matches!(
        accounts.add(alice(), NOW).await,
        Err(AccountError::DidTaken)
    ));
    let kept = store.account(&Identifier::Did(alice().did)).await.unwrap();
    assert_eq!(kept.unwrap().created_at, NOW);
    let other = Did::parse("did:plc:aaaaaaaaaaaaaaaaaaaaaaaa").unwrap();
    let same_handle = NewAccount {
        did: other.clone(),
        ..alice()
    };
    assert!(matches!(
        accounts.add(same_handle, NOW).await,
        Err(AccountError::HandleTaken)
    ));
    let same_email = NewAccount {
        did: other.clone(),
        handle: Handle::parse("bob.test").unwrap(),
        ..alice()
    };
    assert!(matches!(
        accounts.add(same_email, NOW).await,
        Err(AccountError::EmailTaken)
    ));

    let check = async |who: &str, password: &str| {
        let who = Identifier::from_person(who).unwrap();
        accounts
            .check_password(&who, &Secret::new(password))
            .await
            .unwrap()
            .is_some()
    };
    for who in [
        "alice.test",
        "alice@example.com",
        "did:plc:ewvi7nxzyoun6zhxrhs64oiz",
    ] {
        assert!(
            check(who, "wonderland").await && !check(who, "Wonderland").await,
            "{who}"
        );
    }
    assert!(!check("nobody.test", "wonderland").await);

    let sign_in = DeviceSignIn {
        old: None,
        new: [1; 32],
        did: alice().did,
        now: NOW,
        expires_at: NOW.plus(100),
        remembered: false,
    };
    store.sign_in(&sign_in).await.unwrap();
    accounts
        .set_password(&alice().did, Secret::new("looking-glass"), NOW)
        .await
        .unwrap();
    assert!(check("alice.test", "looking-glass").await && !check("alice.test", "wonderland").await);
    assert!(
        store
            .device(&[1; 32], NOW)
            .await
            .unwrap()
            .unwrap()
            .accounts
            .is_empty(),
        "signed out everywhere"
    );
    accounts.set_active(&alice().did, false, NOW).await.unwrap();
    let account = accounts
        .find(&Identifier::Did(alice().did))
        .await
        .unwrap()
        .unwrap();
    assert!(!account.active);
    assert!(matches!(
        accounts.set_active(&other, true, NOW).await,
        Err(AccountError::Unknown)
    ));
}

/// What the operator does to an account that is only being made does nothing.
async fn accounts_in_the_making_are_nobodys_to_change(store: Arc<dyn Database>) {
    let passwords = Passwords::new(Arc::new(SystemRandom)).unwrap();
    let accounts = StoredAccounts::new(store.clone(), passwords);
    let begun = store.begin_sign_up(&sign_up()).await.unwrap();
    assert_eq!(begun, Ok(()));
    let did = alice().did;
    let unknown = |error: AccountError| matches!(error, AccountError::Unknown);
    let password = || Secret::new("looking-glass");
    let set = accounts.set_password(&did, password(), NOW).await;
    assert!(unknown(set.unwrap_err()));
    let replaced = accounts.replace_password(&did, password()).await;
    assert!(unknown(replaced.unwrap_err()));
    let disabled = accounts.set_active(&did, false, NOW).await;
    assert!(unknown(disabled.unwrap_err()));
    let removed = accounts.remove(&did, NOW).await;
    assert!(unknown(removed.unwrap_err()));
    let unfinished = store.unfinished_sign_ups(NOW.plus(1), 10).await.unwrap();
    assert_eq!(unfinished, [sign_up()]);
}

/// An operator's new password voids a code for another one, and a disabled account begins no session.
async fn what_the_operator_does_counts_for_old_apps(store: Arc<dyn Database>) {
    let passwords = Passwords::new(Arc::new(SystemRandom)).unwrap();
    let accounts = StoredAccounts::new(store.clone(), passwords.clone());
    accounts.add(alice(), NOW).await.unwrap();
    let (did, purpose) = (alice().did, EmailPurpose::ResetPassword);
    let put = store
        .put_email_code(&did, purpose, &[1; 32], NOW.plus(600))
        .await;
    put.unwrap();
    let password = Secret::new("looking-glass");
    let replaced = accounts.replace_password(&did, password.clone()).await;
    replaced.unwrap();
    let used = store.use_email_code(None, purpose, &[1; 32], NOW).await;
    assert_eq!(used.unwrap(), None);

    let session = LegacySessionRecord {
        id: SessionId::from_i64(1),
        did: did.clone(),
        app_password: None,
        generation: 0,
        rotated_at: NOW,
        expires_at: NOW.plus(100),
    };
    let identifier = Identifier::Did(did.clone());
    let checked =
        atpass_entryway::check_password(&*store, &passwords, &identifier, &password).await;
    let hash = checked.unwrap().unwrap().password_hash;
    accounts.set_active(&did, false, NOW).await.unwrap();
    assert!(!store.begin_legacy_session(&session, &hash).await.unwrap());
    accounts.set_active(&did, true, NOW).await.unwrap();
    assert!(store.begin_legacy_session(&session, &hash).await.unwrap());
}

/// The hash of a PDS is replaced when the password is first seen, also by two apps at once; and each is told the
/// hash that is kept.
async fn a_hash_of_a_pds_is_upgraded_once(store: Arc<dyn Database>) {
    let passwords = Passwords::new(Arc::new(SystemRandom)).unwrap();
    let official = "000102030405060708090a0b0c0d0e0f:c04df787c6d262b9dfa02a26e16f1794dc65d2603ed28486881819b98084bf857687301bbc901d26ab30d3981d7f1cf2a0a01f60992820c2682dc938897279dd";
    let old = AccountRecord {
        password_hash: Passwords::of_official_pds(official).unwrap(),
        ..sign_up().account
    };
    let imported = store.import_account(&old, &[], false).await.unwrap();
    assert_eq!(imported, Ok(Imported::New));
    let identifier = Identifier::Email("ALICE@example.com".into());
    let check = async |password: &str| {
        let password = Secret::new(password);
        let checked =
            atpass_entryway::check_password(&*store, &passwords, &identifier, &password).await;
        checked.unwrap().map(|account| account.password_hash)
    };
    assert_eq!(check("wrong").await, None);
    let kept = async || {
        let account = store.account(&identifier).await.unwrap();
        account.unwrap().password_hash
    };
    assert_eq!(kept().await, old.password_hash);
    let password = "correct horse battery";
    let (one, two) = tokio::join!(check(password), check(password));
    let kept = kept().await;
    assert!(kept.starts_with("$argon2id$"), "{kept}");
    assert_eq!([one, two], [Some(kept.clone()), Some(kept.clone())]);
    assert_eq!(check(password).await, Some(kept), "once");
    let again = store.import_account(&old, &[], false).await.unwrap();
    assert_eq!(again, Ok(Imported::Kept));
}

/// Keys and browsers go; passwords, secrets and the memory of assertions stay.
async fn what_could_be_used_up_is_void(store: Arc<dyn Database>) {
    let passwords = Passwords::new(Arc::new(SystemRandom)).unwrap();
    let accounts = StoredAccounts::new(store.clone(), passwords);
    accounts.add(alice(), NOW).await.unwrap();
    let did = alice().did;
    let sign_in = DeviceSignIn {
        old: None,
        new: [1; 32],
        did: did.clone(),
        now: NOW,
        expires_at: NOW.plus(100),
        remembered: true,
    };
    store.sign_in(&sign_in).await.unwrap();
    let key = SigningKeyRecord {
        kid: "key".into(),
        pkcs8: vec![1].into(),
        created_at: NOW,
        signs_from: NOW,
        retired_at: None,
    };
    store.add_signing_key(&key).await.unwrap();
    store.secret("master", &[1; 32]).await.unwrap();
    let assertion = async || {
        let assertion = AssertionUse {
            key: [2; 32],
            until: NOW.plus(60),
        };
        store.use_assertion(&assertion, NOW).await.unwrap()
    };
    assert!(assertion().await);

    let voided = store.void_spent(NOW.plus(5)).await.unwrap();
    let expected = Voided {
        browsers: 1,
        signing_keys: 1,
        ..Voided::default()
    };
    assert_eq!(voided, expected);
    assert!(store.signing_keys().await.unwrap().is_empty());
    assert_eq!(store.device(&[1; 32], NOW).await.unwrap(), None);
    assert_eq!(store.secret("master", &[9; 32]).await.unwrap(), [1; 32]);
    assert!(!assertion().await, "it is not good again");
    let account = store.account(&Identifier::Did(did)).await.unwrap();
    assert_eq!(account.unwrap().sessions_ended_at, Some(NOW.plus(5)));
    let who = Identifier::from_person("alice.test").unwrap();
    let checked = accounts
        .check_password(&who, &Secret::new("wonderland"))
        .await;
    assert!(checked.unwrap().is_some());
}

/// Clause AS-DPOP-11: for servers that have nothing but the database in common. A proof and an assertion may have the
/// same key, and are two.
async fn proofs_count_once(store: Arc<dyn Database>) {
    let replay = Arc::new(StoredReplay::open(store.clone()).await.unwrap());
    atpass_replay::contract::check(replay.clone(), NOW).await;

    let (era, key, until) = (replay.era().unwrap(), [7; 32], NOW.plus(60));
    let assertion = AssertionUse { key, until };
    for first in [true, false] {
        let fresh = replay.accept_once(era, &key, until, NOW).await.unwrap();
        assert_eq!(fresh == Fresh::First, first);
        let used = store.use_assertion(&assertion, NOW).await.unwrap();
        assert_eq!(used, first);
    }
    let other_server = StoredReplay::open(store).await.unwrap();
    assert_eq!(other_server.era(), Some(era));
    let again = other_server.accept_once(era, &key, until, NOW).await;
    assert_eq!(again, Ok(Fresh::Seen));
}

/// By each condition alone and by all; what an operator ends doesn't come back without a person.
async fn operators_find_and_end_sessions(store: Arc<dyn Database>) {
    check_store_contract(store.clone()).await;
    let everything = SessionFilter::default();
    let (all, total) = store.find_sessions(&everything, 1000, NOW).await.unwrap();
    assert_eq!(i64::try_from(all.len()).unwrap(), total);
    let one = all.first().unwrap().clone();
    for filter in [
        SessionFilter {
            id: Some(one.id),
            ..SessionFilter::default()
        },
        SessionFilter {
            did: Some(one.did.clone()),
            ..SessionFilter::default()
        },
        SessionFilter {
            client_id: Some(one.client_id.clone()),
            ..SessionFilter::default()
        },
        SessionFilter {
            id: Some(one.id),
            did: Some(one.did.clone()),
            client_id: Some(one.client_id.clone()),
            jkt: Some(one.jkt),
        },
    ] {
        let (found, total) = store.find_sessions(&filter, 1000, NOW).await.unwrap();
        assert!(found.contains(&one), "{filter}");
        assert_eq!(i64::try_from(found.len()).unwrap(), total, "{filter}");
        let (none, counted) = store.find_sessions(&filter, 0, NOW).await.unwrap();
        assert_eq!((none.len(), counted), (0, total), "{filter}");
    }
    let nobody = SessionFilter {
        client_id: Some(ClientId::parse("https://nobody.example.com/client.json").unwrap()),
        ..SessionFilter::default()
    };
    assert_eq!(store.end_sessions(&nobody, NOW).await.unwrap(), 0);
    let this = SessionFilter {
        id: Some(one.id),
        ..SessionFilter::default()
    };
    assert_eq!(store.end_sessions(&this, NOW).await.unwrap(), 1);
    assert_eq!(store.end_sessions(&this, NOW).await.unwrap(), 0);
    let granted = store.approved(&one.did, &one.client_id).await.unwrap();
    assert_eq!(granted, None);
    let before = store.counts(NOW).await.unwrap();
    let ended = store.end_sessions(&everything, NOW).await.unwrap();
    assert_eq!(i64::try_from(ended).unwrap(), before.live_sessions);
    assert_eq!(store.counts(NOW).await.unwrap().live_sessions, 0);
    assert!(store.size().await.unwrap().0 > 0);
    store.ping().await.unwrap();
}

async fn of_many_servers_one_makes_the_first_key(store: Arc<dyn Database>) {
    let key = |number: u8, signs_from: UnixTime| SigningKeyRecord {
        kid: format!("key {number}"),
        pkcs8: vec![number].into(),
        created_at: NOW,
        signs_from,
        retired_at: None,
    };
    let staged = key(200, NOW.plus(600));
    store.add_signing_key(&staged).await.unwrap();
    let servers = (0..64).map(|number| {
        let (store, key) = (store.clone(), key(number, NOW));
        tokio::spawn(async move { store.add_first_signing_key(&key, NOW).await })
    });
    for server in servers.collect::<Vec<_>>() {
        server.await.unwrap().unwrap();
    }
    let keys = store.signing_keys().await.unwrap();
    assert_eq!(keys.len(), 2, "one that signs, and the staged one");
    let first = keys.iter().find(|key| key.signs_from == NOW).unwrap();
    store.retire_signing_key(&first.kid, NOW).await.unwrap();
    let next = key(201, NOW);
    store.add_first_signing_key(&next, NOW).await.unwrap();
    assert_eq!(store.signing_keys().await.unwrap().len(), 3);
}

async fn permission_sets_are_kept(store: Arc<dyn Database>) {
    let nsid = Nsid::parse("com.example.basic").unwrap();
    assert_eq!(store.get(&nsid).await.unwrap(), None);
    for seconds in [0, 5] {
        let kept = KeptLexicon {
            resolved_at: NOW.plus(seconds),
            did: alice().did,
            cid: "bafyreie5cvv4h45feadgeuwhbcutmh6t2ceseocckahdoe6uat64zmz454"
                .parse()
                .unwrap(),
            document: format!("{{\"revision\":{seconds}}}"),
        };
        store.put(&nsid, &kept).await.unwrap();
        assert_eq!(store.get(&nsid).await.unwrap(), Some(kept));
    }
}
