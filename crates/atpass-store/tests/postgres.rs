//! The laws of the store on PostgreSQL, and what only a server can be asked.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

#[path = "support/database.rs"]
mod database;

use std::sync::Arc;

use atpass_protocol::seal::SealingKeys;
use atpass_protocol::time::UnixTime;
use atpass_provider::store::{Store, StoreError};
use atpass_store::contract::check_store_contract;
use atpass_store::{OperatorStore, PostgresConfig, PostgresOpenError, PostgresStore};

/// Any number of servers begin at once; nobody serves on what isn't there or is newer.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn migrations() {
    let (config, client) = database::new().await;
    assert!(matches!(
        PostgresStore::open(&config).await,
        Err(PostgresOpenError::Missing)
    ));
    assert_eq!(PostgresStore::schema(&config).await.unwrap(), None);
    let several = (0..8).map(|_| {
        let config = config.clone();
        tokio::spawn(async move { PostgresStore::migrate(&config).await.map(drop) })
    });
    for migrated in several.collect::<Vec<_>>() {
        migrated.await.unwrap().unwrap();
    }
    let store = PostgresStore::open(&config).await.unwrap();
    store.ping().await.unwrap();

    // A newer program has added what this one doesn't mind.
    let newer = "ALTER TABLE sessions ADD COLUMN later text;
        INSERT INTO refinery_schema_history (version, name, applied_on, checksum)
        SELECT 1000, 'later', applied_on, '1' FROM refinery_schema_history LIMIT 1";
    client.batch_execute(newer).await.unwrap();
    store.signing_keys().await.unwrap();
    store.ping().await.unwrap();
    let store = PostgresStore::open(&config).await.unwrap();
    store.ping().await.unwrap();
    PostgresStore::migrate(&config).await.unwrap();

    // And then what it does mind.
    let breaking = "UPDATE database_state SET oldest_program = 1000";
    client.batch_execute(breaking).await.unwrap();
    let Err(PostgresOpenError::Schema(versions)) = PostgresStore::open(&config).await else {
        panic!("it opened a database that it doesn't understand");
    };
    assert_eq!(versions.found, 1000);
}

/// Who reads the database alone has no key; with another master key it says so.
#[tokio::test]
async fn secrets_are_sealed() {
    let (config, client) = database::new().await;
    let store = PostgresStore::migrate(&config).await.unwrap();
    let kept = store.secret("cookies", &[0xAB; 32]).await.unwrap();
    let row = client
        .query_one("SELECT sealed FROM secrets WHERE name = 'cookies'", &[])
        .await
        .unwrap();
    let sealed: Vec<u8> = row.get(0);
    assert!(!sealed.windows(8).any(|bytes| bytes == [0xAB; 8]));

    let url = |config: &PostgresConfig| {
        let place = config.place();
        let (host, name) = place.split_once('/').unwrap();
        format!("postgres://atpass@{host}/{name}")
    };
    let (old, new) = (
        SealingKeys::new(&[7; 32]).unwrap(),
        SealingKeys::new(&[8; 32]).unwrap(),
    );
    let with = async |keys: SealingKeys| {
        let config = PostgresConfig::new(&url(&config), keys).unwrap();
        PostgresStore::open(&config).await.unwrap()
    };
    let wrong = with(new.clone()).await.secret("cookies", &[1; 32]).await;
    let Err(StoreError::Corrupt { detail, .. }) = wrong else {
        panic!("{wrong:?}");
    };
    assert!(detail.contains("master_keys"), "{detail}");

    // A new master key is put before the old one; once all is sealed anew, the old one may go.
    assert_eq!(with(new.opening(&old)).await.reseal().await.unwrap(), 1);
    let again = with(new).await.secret("cookies", &[1; 32]).await.unwrap();
    assert_eq!(again, kept);

    // Nobody can exchange two of them.
    client
        .batch_execute("UPDATE secrets SET name = 'refresh'")
        .await
        .unwrap();
    assert!(store.secret("refresh", &[1; 32]).await.is_err());
}

/// What was used up since a backup is void in what PostgreSQL's own tools put back.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_spent_comes_back() {
    let (config, client) = database::new().await;
    let store = PostgresStore::migrate(&config).await.unwrap();
    check_store_contract(Arc::new(store.clone())).await;
    store.secret("proof-era", &[1; 32]).await.unwrap();
    let voided = store
        .void_spent(UnixTime::from_secs(1_900_000_000))
        .await
        .unwrap();
    assert!(voided.sessions > 0 && voided.signing_keys > 0, "{voided:?}");
    for table in [
        "sessions",
        "codes",
        "devices",
        "device_accounts",
        "approvals",
        "signing_keys",
    ] {
        let sql = format!("SELECT count(*) FROM {table}");
        let left: i64 = client.query_one(&sql, &[]).await.unwrap().get(0);
        assert_eq!(left, 0, "{table}");
    }
    assert_eq!(store.secret("proof-era", &[2; 32]).await.unwrap(), [2; 32]);
}

/// A server that was cut off is unavailable, and then there again: nothing must be restarted.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn lost_connections_heal() {
    let (config, client) = database::new().await;
    let store = PostgresStore::migrate(&config).await.unwrap();
    for _ in 0..5 {
        let held = (0..20).map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.signing_keys().await.map(drop) })
        });
        let held: Vec<_> = held.collect();
        let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid()";
        client.execute(cut, &[]).await.unwrap();
        for call in held {
            match call.await.unwrap() {
                Ok(()) | Err(StoreError::Unavailable(_)) => {}
                other => panic!("{other:?}"),
            }
        }
        // Whoever finds a dead connection is told so at most once for each there was.
        let mut tries = 0;
        while store.ping().await.is_err() {
            tries += 1;
            assert!(tries <= PostgresConfig::CONNECTIONS, "it doesn't heal");
        }
    }
    let nowhere = "postgres://atpass@127.0.0.1:9/atpass";
    let nowhere = PostgresConfig::new(nowhere, SealingKeys::new(&[7; 32]).unwrap()).unwrap();
    let error = PostgresStore::open(&nowhere).await.unwrap_err().to_string();
    assert!(error.contains("unavailable"), "{error}");
}

#[test]
fn urls() {
    let master = SealingKeys::new(&[7; 32]).unwrap();
    for bad in ["", "mysql://host/db", "postgres://host:port/db"] {
        let error = PostgresConfig::new(bad, master.clone());
        if let Ok(config) = &error {
            assert_eq!(bad, "", "{config:?}");
        }
    }
    let config = PostgresConfig::new("postgres://me:secret@db.example.com:5433/atpass", master);
    let config = config.unwrap();
    assert_eq!(config.place(), "db.example.com:5433/atpass");
    assert!(!format!("{config:?}").contains("secret"));
}
