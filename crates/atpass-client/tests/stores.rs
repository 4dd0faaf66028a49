//! The stores that come with the client, by the laws for all stores.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use std::sync::Arc;

use atpass_client::session_store_contract;
use atpass_client::store::{
    FileStore, MemoryStore, PostgresStore, PutOutcome, Record, SessionKey, SessionStore,
    SqliteStore,
};
use atpass_protocol::id::Did;
use atpass_protocol::random::{self, SystemRandom};
use atpass_protocol::time::UnixTime;

type Handle = Arc<dyn SessionStore>;

session_store_contract!(memory, {
    let store: Handle = Arc::new(MemoryStore::default());
    (store.clone(), store)
});

session_store_contract!(file, {
    let folder = tempfile::tempdir().unwrap().keep();
    let open = || async { Arc::new(FileStore::open(&folder).await.unwrap()) as Handle };
    (open().await, open().await)
});

session_store_contract!(sqlite, {
    let path = tempfile::tempdir().unwrap().keep().join("sessions.sqlite");
    let open = || async { Arc::new(SqliteStore::open(&path).await.unwrap()) as Handle };
    (open().await, open().await)
});

session_store_contract!(postgres, {
    let url = database().await;
    let open = || async { PostgresStore::without_tls(&url).unwrap() };
    let (one, other) = (open().await, open().await);
    let (first, second) = tokio::join!(one.migrate(), other.migrate());
    first.unwrap();
    second.unwrap();
    (Arc::new(one) as Handle, Arc::new(other) as Handle)
});

/// A new database for one test.
async fn database() -> String {
    let url = std::env::var("ATPASS_TEST_POSTGRES").expect(
        "`cargo xtask test` starts PostgreSQL and says where; without it, set the variable",
    );
    let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    let bytes = random::bytes::<8>(&SystemRandom);
    let name = format!("test_{}", data_encoding::HEXLOWER.encode(&bytes));
    client
        .execute(&format!("CREATE DATABASE {name}"), &[])
        .await
        .unwrap();
    format!("{}/{name}", url.trim_end_matches("/postgres"))
}

/// Before its tables are made, it says what to do.
#[tokio::test]
async fn a_database_without_tables() {
    let store = PostgresStore::without_tls(&database().await).unwrap();
    let error = store.list(None).await.unwrap_err();
    assert!(error.to_string().contains("migrate"), "{error}");
}

/// Clauses C-REF-01 and C-REF-04: sessions and logins under way outlive the process that stored them, each
/// once, as it was last replaced; what isn't there is no failure.
#[tokio::test]
async fn what_is_stored_outlives_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("sessions.sqlite");
    let files = folder.path().join("sessions");
    let open = async |name: &str| -> Handle {
        match name {
            "sqlite" => Arc::new(SqliteStore::open(&database).await.unwrap()) as Handle,
            _ => Arc::new(FileStore::open(&files).await.unwrap()),
        }
    };
    let (key, did) = (
        SessionKey::new("key"),
        Did::parse(&format!("did:plc:{}", "a".repeat(24))).unwrap(),
    );
    let record = |text: &str| Record::new(text.as_bytes().to_vec());
    let (now, later) = (
        UnixTime::from_secs(1_800_000_000),
        UnixTime::from_secs(1_800_000_060),
    );
    for name in ["sqlite", "file"] {
        let store = open(name).await;
        assert_eq!(store.get(&key).await.unwrap(), None, "{name}");
        let mut version = None;
        for text in ["first", "second"] {
            let put = store.put(&key, &did, &record(text), version).await.unwrap();
            version = match put {
                PutOutcome::Stored(version) => Some(version),
                PutOutcome::Conflict => None,
            };
        }
        store
            .put_pending("login", &record("login"), later, now)
            .await
            .unwrap();
        drop(store);
        let store = open(name).await;
        let found = store.get(&key).await.unwrap();
        assert_eq!(
            found,
            version.map(|version| (record("second"), version)),
            "{name}"
        );
        assert_eq!(
            store.list(Some(&did)).await.unwrap(),
            std::slice::from_ref(&key),
            "{name}"
        );
        let login = store.take_pending("login", now).await.unwrap();
        assert_eq!(login, Some(record("login")), "{name}");
        assert_eq!(
            store.take_pending("login", now).await.unwrap(),
            None,
            "{name}"
        );
    }
}

fn alice() -> Did {
    Did::parse(&format!("did:plc:{}", "a".repeat(24))).unwrap()
}

/// What other programs leave in the folder, and a broken record, keep no session from being found.
#[tokio::test]
async fn odd_files_among_the_sessions() {
    let folder = tempfile::tempdir().unwrap();
    let store = FileStore::open(folder.path()).await.unwrap();
    let (good, broken) = (SessionKey::new("good"), SessionKey::new("broken"));
    let record = Record::new(b"record".to_vec());
    let sessions = folder.path().join("sessions");
    store.put(&broken, &alice(), &record, None).await.unwrap();
    for entry in std::fs::read_dir(&sessions).unwrap() {
        std::fs::write(entry.unwrap().path(), "garbage").unwrap();
    }
    store.put(&good, &alice(), &record, None).await.unwrap();
    for name in [".DS_Store", "empty", &"0".repeat(64), &"A".repeat(64)] {
        std::fs::write(sessions.join(name), "").unwrap();
    }
    std::fs::create_dir(sessions.join("1".repeat(64))).unwrap();

    for did in [None, Some(alice())] {
        let listed = store.list(did.as_ref()).await.unwrap();
        assert_eq!(listed, std::slice::from_ref(&good));
    }
    store.get(&broken).await.unwrap_err();
    assert!(store.remove(&broken, None).await.unwrap());
    assert_eq!(store.get(&broken).await.unwrap(), None);
}

/// Where nothing can be written, sessions can be read all the same, and a write says where it failed.
#[tokio::test]
async fn a_folder_that_can_only_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let (key, record) = (SessionKey::new("key"), Record::new(b"record".to_vec()));
    let store = FileStore::open(folder.path()).await.unwrap();
    store.put(&key, &alice(), &record, None).await.unwrap();
    // For the superuser as well, nothing opens a folder for writing.
    std::fs::remove_file(folder.path().join("lock")).unwrap();
    std::fs::create_dir(folder.path().join("lock")).unwrap();

    let store = FileStore::open(folder.path()).await.unwrap();
    assert_eq!(store.list(None).await.unwrap(), std::slice::from_ref(&key));
    assert_eq!(store.get(&key).await.unwrap().unwrap().0, record);
    let error = store.remove(&key, None).await.unwrap_err().to_string();
    assert!(error.contains(folder.path().to_str().unwrap()), "{error}");
    // There is nothing to read here.
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    FileStore::open(&file).await.unwrap_err();
}

/// Logins that nobody finished are cleared away, wherever in the folder they are.
#[tokio::test]
async fn expired_logins_among_many() {
    let folder = tempfile::tempdir().unwrap();
    let store = FileStore::open(folder.path()).await.unwrap();
    let record = Record::new(b"login".to_vec());
    let at = |seconds: i64| UnixTime::from_secs(1_800_000_000 + seconds);
    let begin = async |name: &str, until, now| {
        let put = store.put_pending(name, &record, at(until), at(now));
        put.await.unwrap();
    };
    let logins = || {
        std::fs::read_dir(folder.path().join("logins"))
            .unwrap()
            .count()
    };
    for number in 0..150 {
        begin(&format!("waiting {number}"), 3600, 0).await;
        begin(&format!("expired {number}"), 10, 0).await;
    }
    assert_eq!(logins(), 300);
    begin("another", 3600, 20).await;
    assert_eq!(logins(), 201, "a hundred at a time");
    begin("another", 3600, 20).await;
    assert_eq!(logins(), 151);
}
