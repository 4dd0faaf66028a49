//! From SQLite to PostgreSQL, interrupted and gone on with.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

#[path = "support/database.rs"]
mod database;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use atpass_protocol::time::UnixTime;
use atpass_protocol::token::SessionId;
use atpass_provider::store::Store;
use atpass_store::contract::{check_entryway_store_contract, check_store_contract};
use atpass_store::{
    CopyError, OpenError, OperatorStore, PostgresConfig, PostgresOpenError, PostgresStore,
    SessionFilter, SqliteStore, copy_to_postgres, give_copy_up,
};

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
/// Sessions beside those that the contract leaves: more than one act copies.
const SESSIONS: i64 = 7000;

/// A database with rows in every table.
async fn filled(path: &Path) {
    let store = SqliteStore::open(path).unwrap();
    check_store_contract(Arc::new(store.clone())).await;
    check_entryway_store_contract(Arc::new(store.clone())).await;
    drop(store);
    let db = rusqlite::Connection::open(path).unwrap();
    let fill = format!(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {SESSIONS})
        INSERT INTO sessions
        SELECT 1000000 + i * 7919, 'did:plc:' || printf('%024d', i), 'https://app.example.com/client-metadata.json',
            randomblob(32), NULL, 'atproto transition:generic', i % 50, {now}, {now}, {now} + 86400, {now} + 86400,
            NULL, NULL FROM n",
        now = NOW.as_secs()
    );
    db.execute_batch(&fill).unwrap();
}

/// How many rows each table has.
fn counts(path: &Path) -> Vec<(String, i64)> {
    let db = rusqlite::Connection::open(path).unwrap();
    let mut names = db
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
        .unwrap();
    let names: Vec<String> = names
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let count = |name: &String| {
        let sql = format!("SELECT count(*) FROM {name}");
        db.query_row(&sql, [], |row| row.get(0)).unwrap()
    };
    names
        .iter()
        .map(|name| (name.clone(), count(name)))
        .collect()
}

/// Copies until `rows` have arrived, and stops there as if it were killed.
async fn interrupted(from: &Path, to: &PostgresConfig, rows: u64) {
    let done = AtomicU64::new(0);
    let reached = tokio::sync::Notify::new();
    let progress = |progress: atpass_store::CopyProgress| {
        done.store(progress.done, Ordering::Relaxed);
        if progress.done >= rows {
            reached.notify_one();
        }
    };
    tokio::select! {
        biased;
        () = reached.notified() => {}
        finished = copy_to_postgres(from, to, progress) => panic!("it wasn't interrupted: {finished:?}"),
    }
    assert!(done.into_inner() >= rows);
}

/// The thread of an interrupted copy lets the file go a moment later.
async fn until_free<T>(work: impl AsyncFn() -> Result<T, CopyError>) -> Result<T, CopyError> {
    loop {
        match work().await {
            Err(CopyError::InUse(_)) => tokio::task::yield_now().await,
            other => return other,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_whole_database_moves() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("atpass.sqlite");
    filled(&path).await;
    let before = counts(&path);
    for (table, rows) in &before {
        assert!(
            *rows > 0 || EMPTY.contains(&table.as_str()),
            "{table} is empty"
        );
    }
    let store = SqliteStore::open(&path).unwrap();
    let secret = store.secret("law", &[0; 32]).await.unwrap();
    let kids = kids(&store).await;
    let (some, _) = store
        .find_sessions(&SessionFilter::default(), 50, NOW)
        .await
        .unwrap();
    let (to, client) = database::new().await;

    // Not beside a server.
    let beside = copy_to_postgres(&path, &to, |_| {}).await;
    assert!(matches!(beside, Err(CopyError::InUse(_))), "{beside:?}");
    drop(store);

    interrupted(&path, &to, 100).await;
    // Nobody serves either of them.
    assert!(matches!(until_closed(&path), Err(OpenError::Moved)));
    let half = PostgresStore::open(&to).await;
    assert!(
        matches!(half, Err(PostgresOpenError::Copying(_))),
        "{half:?}"
    );
    // A file of the same content elsewhere is another one.
    let other = folder.path().join("other.sqlite");
    drop(SqliteStore::open(&other).unwrap());
    let elsewhere = copy_to_postgres(&other, &to, |_| {}).await;
    assert!(
        matches!(elsewhere, Err(CopyError::FromElsewhere(_))),
        "{elsewhere:?}"
    );

    // Given up, begun anew, interrupted again and gone on with.
    until_free(async || give_copy_up(&path, &to).await)
        .await
        .unwrap();
    drop(SqliteStore::open_existing(&path).unwrap());
    interrupted(&path, &to, 3000).await;
    let copied = until_free(async || copy_to_postgres(&path, &to, |_| {}).await)
        .await
        .unwrap();
    assert!(copied.earlier >= 2000, "{copied:?}");
    assert!(copied.earlier < copied.rows, "{copied:?}");

    for (table, rows) in before {
        let sql = format!("SELECT count(*) FROM {table}");
        let found: i64 = client.query_one(&sql, &[]).await.unwrap().get(0);
        assert_eq!(found, rows, "{table}");
    }
    let store = PostgresStore::open(&to).await.unwrap();
    assert_eq!(store.secret("law", &[0; 32]).await.unwrap(), secret);
    assert_eq!(self::kids(&store).await, kids);
    for session in some {
        let arrived = store.session(session.id).await.unwrap();
        assert_eq!(arrived.as_ref(), Some(&session));
    }
    assert!(
        store
            .session(SessionId::from_i64(1_000_000 + 7919))
            .await
            .unwrap()
            .is_some()
    );

    // There is no way back, and none to do it twice.
    assert!(matches!(SqliteStore::open(&path), Err(OpenError::Moved)));
    let back = give_copy_up(&path, &to).await;
    assert!(matches!(back, Err(CopyError::Complete)), "{back:?}");
    let again = copy_to_postgres(&path, &to, |_| {}).await;
    assert!(matches!(again, Err(CopyError::NotEmpty)), "{again:?}");
}

/// Tables in which the contract leaves nothing.
const EMPTY: [&str; 4] = ["requests", "seen", "scope_references", "lexicons"];

fn until_closed(path: &Path) -> Result<SqliteStore, OpenError> {
    loop {
        match SqliteStore::open_existing(path) {
            Err(OpenError::Sqlite(error))
                if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy) => {}
            other => return other,
        }
    }
}

async fn kids(store: &dyn Store) -> Vec<(String, Vec<u8>)> {
    let keys = store.signing_keys().await.unwrap();
    keys.into_iter()
        .map(|key| (key.kid, key.pkcs8.to_vec()))
        .collect()
}
