//! The laws of the store on SQLite, and what only a file can be asked.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use atpass_protocol::id::{Did, Handle};
use atpass_protocol::random::SystemRandom;
use atpass_protocol::secret::Secret;
use atpass_protocol::time::UnixTime;
use atpass_provider::accounts::{Accounts, Identifier};
use atpass_provider::password::Passwords;
use atpass_provider::store::{DeviceSignIn, Store};
use atpass_store::{AccountError, NewAccount, SqliteAccounts, SqliteStore};

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn contract() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("db")).unwrap();
    atpass_store::contract::check_store_contract(Arc::new(store)).await;
}

#[tokio::test]
async fn reopening_keeps_everything() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    let store = SqliteStore::open(&path).unwrap();
    let secret = store.secret("master", &[1; 32]).await.unwrap();
    drop(store);
    let store = SqliteStore::open(&path).unwrap();
    assert_eq!(store.secret("master", &[2; 32]).await.unwrap(), secret);
}

#[test]
fn a_newer_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    drop(SqliteStore::open(&path).unwrap());
    let database = rusqlite::Connection::open(&path).unwrap();
    database.pragma_update(None, "user_version", 1000).unwrap();
    drop(database);
    let error = SqliteStore::open(&path).unwrap_err().to_string();
    assert!(error.contains("version"), "{error}");
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

#[tokio::test]
async fn accounts() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("db")).unwrap();
    let accounts = SqliteAccounts::new(
        store.clone(),
        Passwords::new(Arc::new(SystemRandom)).unwrap(),
    );
    accounts.add(alice()).await.unwrap();
    assert!(matches!(
        accounts.add(alice()).await,
        Err(AccountError::DidTaken)
    ));
    let other = Did::parse("did:plc:aaaaaaaaaaaaaaaaaaaaaaaa").unwrap();
    let same_handle = NewAccount {
        did: other.clone(),
        ..alice()
    };
    assert!(matches!(
        accounts.add(same_handle).await,
        Err(AccountError::HandleTaken)
    ));
    let same_email = NewAccount {
        did: other.clone(),
        handle: Handle::parse("bob.test").unwrap(),
        ..alice()
    };
    assert!(matches!(
        accounts.add(same_email).await,
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
