//! The store on SQLite when things go badly: a full disk, a locked file, readers that never stop.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use atpass_protocol::time::UnixTime;
use atpass_provider::store::{SigningKeyRecord, Store, StoreError};
use atpass_store::SqliteStore;
use rusqlite::Connection;
use tempfile::TempDir;

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
const MIB: u64 = 1024 * 1024;

fn open() -> (TempDir, SqliteStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("db")).unwrap();
    (folder, store)
}

fn log(folder: &TempDir) -> u64 {
    SqliteStore::file_sizes(&folder.path().join("db")).1
}

/// An act of about 100 KiB, over a row that is there already or not.
async fn write(store: &SqliteStore, n: u64) -> Result<(), StoreError> {
    let key = SigningKeyRecord {
        kid: format!("key {n}"),
        pkcs8: vec![7; 100_000].into(),
        created_at: NOW,
        signs_from: NOW,
        retired_at: None,
    };
    store.add_signing_key(&key).await
}

/// Writes from many callers until so many bytes were written.
async fn write_much(store: &SqliteStore, next: &Arc<AtomicU64>, bytes: u64) {
    let until = next.load(Ordering::SeqCst) + bytes / 100_000;
    let callers = (0..8).map(|_| {
        let (store, next) = (store.clone(), next.clone());
        tokio::spawn(async move {
            loop {
                let n = next.fetch_add(1, Ordering::SeqCst);
                write(&store, n).await.unwrap();
                if n >= until {
                    return;
                }
            }
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await.unwrap();
    }
}

/// Under constant load of writers and readers there is never a moment that SQLite would wait for by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_log_is_bounded_while_reads_and_writes_never_stop() {
    let (folder, store) = open();
    let stop = Arc::new(AtomicBool::new(false));
    let (path, told) = (folder.path().join("db"), stop.clone());
    let reading = std::thread::spawn(move || read_without_a_gap(&path, &told));
    let next = Arc::new(AtomicU64::new(0));
    let mut longest = 0;
    for _ in 0..14 {
        write_much(&store, &next, 10 * MIB).await;
        longest = longest.max(log(&folder));
    }
    stop.store(true, Ordering::SeqCst);
    assert!(reading.join().unwrap() > 100);
    println!("the log had {} MiB at most", longest / MIB);
    assert!(longest < 100 * MIB, "{longest}");
}

/// Two readers in turns, of whom one is always reading. Returns how many turns there were.
fn read_without_a_gap(database: &Path, stop: &AtomicBool) -> u32 {
    let (mut one, mut other) = (
        Connection::open(database).unwrap(),
        Connection::open(database).unwrap(),
    );
    let begin = |reader: &Connection| {
        reader
            .execute_batch("BEGIN; SELECT count(*) FROM secrets")
            .unwrap();
    };
    begin(&one);
    let mut turns = 0;
    while !stop.load(Ordering::SeqCst) {
        begin(&other);
        one.execute_batch("COMMIT").unwrap();
        std::mem::swap(&mut one, &mut other);
        turns += 1;
    }
    turns
}

/// Whoever reads one state for long (a backup) is in nobody's way, and when they end, so does the log's growth.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_long_reader_stops_nobody_and_the_log_shrinks_after_it() {
    let (folder, store) = open();
    store.secret("a", &[1; 32]).await.unwrap();
    let reader = Connection::open(folder.path().join("db")).unwrap();
    let count = || {
        reader
            .query_row("SELECT count(*) FROM signing_keys", [], |row| {
                row.get::<_, i64>(0)
            })
            .unwrap()
    };
    reader.execute_batch("BEGIN").unwrap();
    assert_eq!(count(), 0);
    let next = Arc::new(AtomicU64::new(0));
    write_much(&store, &next, 80 * MIB).await;
    assert!(log(&folder) > 70 * MIB);
    assert_eq!(count(), 0, "it still reads its one state");
    reader.execute_batch("COMMIT").unwrap();
    write_much(&store, &next, 60 * MIB).await;
    let log = log(&folder);
    assert!(log < 60 * MIB, "{log}");
    assert_eq!(u64::try_from(count()).unwrap(), next.load(Ordering::SeqCst));
}

/// A process that holds the write lock for longer than anybody waits.
#[tokio::test(flavor = "multi_thread")]
async fn a_locked_database_is_unavailable_and_heals() {
    let (folder, store) = open();
    let other = Connection::open(folder.path().join("db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refused = store.secret("a", &[1; 32]).await;
    assert!(
        matches!(refused, Err(StoreError::Unavailable(_))),
        "{refused:?}"
    );
    assert_eq!(
        store.scope("nothing").await,
        Ok(None),
        "reading goes on meanwhile"
    );
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(store.secret("a", &[2; 32]).await, Ok([2; 32]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_act_that_fails_leaves_its_neighbours_alone() {
    let (_folder, store) = open();
    write(&store, 0).await.unwrap();
    let acts = (0..200).map(|n| {
        let store = store.clone();
        // Every second one fails: there is a key of that name.
        tokio::spawn(async move { write(&store, if n % 2 == 0 { 0 } else { n }).await })
    });
    for (n, act) in acts.collect::<Vec<_>>().into_iter().enumerate() {
        assert_eq!(act.await.unwrap().is_ok(), n % 2 == 1, "{n}");
    }
    assert_eq!(store.signing_keys().await.unwrap().len(), 101);
}

/// A file system of a few MiB; `None` where this user may not make one.
struct SmallDisk(TempDir);

impl SmallDisk {
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mount = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=6m", "tmpfs"])
            .arg(folder.path())
            .output();
        mount
            .is_ok_and(|mount| mount.status.success())
            .then_some(Self(folder))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount")
            .arg(self.path())
            .status();
    }
}

/// Only what was answered is there, and when there is room again it goes on by itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_unavailable_and_heals() {
    let Some(disk) = SmallDisk::mount() else {
        println!("only root can mount a small disk: the test of `writer.rs` has a small database");
        return;
    };
    let ballast = disk.path().join("ballast");
    std::fs::write(&ballast, vec![0; 2 * 1024 * 1024]).unwrap();
    let store = SqliteStore::open(&disk.path().join("db")).unwrap();
    let (mut kept, mut refused) = (0, 0);
    for n in 0..100 {
        match write(&store, n).await {
            Ok(()) => kept += 1,
            Err(StoreError::Unavailable(_)) => refused += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert!(kept > 0 && refused > 0, "{kept} {refused}");
    std::fs::remove_file(ballast).unwrap();
    write(&store, 1000).await.unwrap();
    assert_eq!(store.signing_keys().await.unwrap().len(), kept + 1);
    drop(store);
    let store = SqliteStore::open(&disk.path().join("db")).unwrap();
    assert_eq!(store.signing_keys().await.unwrap().len(), kept + 1);
}
