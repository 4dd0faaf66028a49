//! The laws of the store on SQLite, and what only a file can be asked.

use atpass_provider::store::Store;
use atpass_store::SqliteStore;

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
