//! The stores that come with the client, by the laws for all stores.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use std::sync::Arc;

use atpass_client::session_store_contract;
use atpass_client::store::{FileStore, MemoryStore, PostgresStore, SessionStore, SqliteStore};
use atpass_protocol::random::{self, SystemRandom};

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
