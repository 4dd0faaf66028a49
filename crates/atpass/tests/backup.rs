//! Copies of the database, and the way back: whatever was used up since isn't good again.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../atpass-testnet/tests/common/mod.rs"]
mod common;
mod program;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use atpass_fetch::{FetchConfig, Fetcher};
use atpass_protocol::time::{Clock, SystemClock};
use atpass_store::{OpenError, SqliteStore};
use common::{App, Tokens};
use program::{Server, atpass, errors, failure, json, run, run_with, text};
use tempfile::TempDir;

const ALICE: &str = "did:plc:ewvi7nxzyoun6zhxrhs64oiz";

fn add_alice(server: &Server) {
    let add = ["account", "add", "alice.test", "--did", ALICE];
    let more = ["--pds", "did:web:pds.example.com", "--password-stdin"];
    let output = run_with(
        server.path(),
        &[add.as_slice(), &more].concat(),
        "wonderland\n",
    );
    assert!(output.status.success(), "{}", errors(&output));
}

fn app(server: &Server) -> App {
    let fetcher = Fetcher::new(FetchConfig::development()).unwrap();
    App::new(&server.origin(), fetcher, SystemClock.now())
}

/// Ends the server, and moves its database out of the way.
fn lose_the_database(server: &mut Server) {
    server.terminate();
    assert_eq!(server.ended().code(), Some(0));
    std::fs::rename(server.path().join("data"), server.path().join("old")).unwrap();
}

const BACKUP: [&str; 4] = ["database", "backup", "copy.sqlite", "--json"];
const RESTORE: [&str; 4] = ["database", "restore", "copy.sqlite", "--json"];

/// What was used up after the backup isn't good again, nor is what was current then: nobody knows which is which.
#[tokio::test(flavor = "multi_thread")]
async fn a_backup_under_load_and_the_way_back() {
    let mut server = Server::start("");
    add_alice(&server);
    fill(&server.database(), 20_000);
    let (stop, refreshes) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicUsize::new(0)),
    );
    let mut clients = Vec::new();
    let mut before = Vec::new();
    for _ in 0..4 {
        let app = app(&server);
        let mut token = app.login().await.refresh;
        before.push(token.clone());
        let (stop, refreshes) = (stop.clone(), refreshes.clone());
        clients.push(tokio::spawn(async move {
            while !stop.load(Ordering::SeqCst) {
                token = Tokens::of(&app.refresh(&token).await).refresh;
                refreshes.fetch_add(1, Ordering::SeqCst);
            }
            (app, token)
        }));
    }
    let path = server.path().to_owned();
    let copying = tokio::task::spawn_blocking(move || run(&path, &BACKUP));
    let output = copying.await.unwrap();
    assert!(output.status.success(), "{}", errors(&output));
    assert!(
        errors(&output).contains("database_copied"),
        "in the audit trail: {}",
        errors(&output)
    );
    let made: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(made["sessions"], 20_004);
    let during = refreshes.load(Ordering::SeqCst);
    // It goes on after the copy.
    while refreshes.load(Ordering::SeqCst) < during + 8 {
        tokio::task::yield_now().await;
    }
    stop.store(true, Ordering::SeqCst);
    let mut held = Vec::new();
    for client in clients {
        held.push(client.await.unwrap());
    }
    println!("{during} refreshes were answered until the copy was there");

    let copy = server.path().join("copy.sqlite");
    let metadata = std::fs::metadata(&copy).unwrap();
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    assert_eq!(made["bytes"], metadata.len());
    let message = failure(server.path(), &BACKUP);
    assert!(message.contains("not overwritten"), "{message}");
    let message = failure(server.path(), &RESTORE);
    assert!(message.contains("stop the server"), "{message}");

    lose_the_database(&mut server);
    let output = run(server.path(), &RESTORE);
    assert!(output.status.success(), "{}", errors(&output));
    assert!(errors(&output).contains("database_restored"));
    let restored: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(restored["sessions_ended"], 20_004);
    assert_eq!(restored["signing_keys_removed"], 1);
    let mode = std::fs::metadata(server.database()).unwrap().permissions();
    assert_eq!(mode.mode() & 0o777, 0o600);
    assert!(partials(&server.path().join("data")).is_empty());

    server.again();
    let list = json(server.path(), &["session", "list", "--json"]);
    assert_eq!(list["total"], 0);
    for ((app, after), before) in held.iter().zip(&before) {
        for token in [before, after] {
            assert_eq!(app.refresh(token).await.error(), "invalid_grant");
        }
    }
    let app = app(&server);
    let tokens = app.login().await;
    Tokens::of(&app.refresh(&tokens.refresh).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_happened_since_everything_stays() {
    let mut server = Server::start("");
    add_alice(&server);
    let app = app(&server);
    let tokens = app.login().await;
    server.terminate();
    assert_eq!(server.ended().code(), Some(0));
    text(server.path(), &BACKUP);
    std::fs::rename(server.path().join("data"), server.path().join("old")).unwrap();
    let said = text(
        server.path(),
        &[
            "database",
            "restore",
            "copy.sqlite",
            "--nothing-happened-since",
        ],
    );
    assert!(said.contains("sessions and keys too"), "{said}");
    server.again();
    Tokens::of(&app.refresh(&tokens.refresh).await);
}

#[test]
fn a_copy_by_hand_is_refused() {
    let mut server = Server::start("");
    add_alice(&server);
    text(server.path(), &BACKUP);
    lose_the_database(&mut server);
    let data = server.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let copy = server.path().join("copy.sqlite");
    std::fs::copy(&copy, server.database()).unwrap();
    for command in [
        ["serve"].as_slice(),
        &["database", "migrate"],
        &["database", "status"],
        &["database", "backup", "another.sqlite"],
        &["account", "list"],
        &["session", "list"],
        &["key", "list"],
    ] {
        let message = failure(server.path(), command);
        assert!(
            message.contains("is a backup of 20") && message.contains("`atpass database restore"),
            "{command:?}: {message}"
        );
    }
    assert_eq!(
        std::fs::read(&copy).unwrap(),
        std::fs::read(server.database()).unwrap(),
        "nothing was changed"
    );
    assert!(!server.path().join("another.sqlite").exists());

    // Nor may a copy take a name that SQLite keeps for itself.
    for name in ["-wal", "-shm", "-journal"] {
        let file = format!("old/../old/atpass.sqlite{name}");
        let message = failure(
            server.path(),
            &["database", "backup", &file, "--data", "old"],
        );
        assert!(message.contains("keeps for the database"), "{message}");
    }

    // Moved away, it restores; a log that somebody left behind is in the way.
    std::fs::remove_file(server.database()).unwrap();
    let log = data.join("atpass.sqlite-wal");
    std::fs::write(&log, "").unwrap();
    let message = failure(server.path(), &RESTORE);
    assert!(message.contains("atpass.sqlite-wal is there"), "{message}");
    std::fs::remove_file(log).unwrap();
    let plain = ["database", "restore", "old/atpass.sqlite"];
    let message = failure(server.path(), &plain);
    assert!(message.contains("is no backup"), "{message}");
    let message = failure(server.path(), &["database", "restore", "atpass.toml"]);
    assert!(message.contains("is no backup"), "{message}");
    text(server.path(), &RESTORE);
    let status = json(server.path(), &["database", "status", "--json"]);
    assert_eq!(
        (status["state"].as_str(), status["accounts"].as_i64()),
        (Some("current"), Some(1))
    );
}

/// A folder with a configuration and a database of this many sessions.
fn folder(sessions: u32) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let config =
        "issuer = \"https://auth.example.com\"\ndata = \"data\"\nlisten = [\"127.0.0.1:0\"]\n";
    std::fs::write(folder.path().join("atpass.toml"), config).unwrap();
    text(folder.path(), &["database", "migrate"]);
    fill(&folder.path().join("data/atpass.sqlite"), sessions);
    folder
}

fn fill(database: &Path, sessions: u32) {
    let database = rusqlite::Connection::open(database).unwrap();
    let sql = format!(
        "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {sessions})
        INSERT INTO sessions SELECT n, 'did:web:' || n || '.example.com', 'http://localhost', zeroblob(32), NULL,
            'atproto', 0, 1, 1, 4000000000, 4000000000, NULL, NULL FROM n"
    );
    database.execute_batch(&sql).unwrap();
}

fn partials(folder: &Path) -> Vec<PathBuf> {
    let Ok(files) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    files
        .map(|file| file.unwrap().path())
        .filter(|file| file.to_string_lossy().contains(".partial"))
        .collect()
}

/// Starts a command, and kills it once what it writes has this size. It may have ended before.
fn kill_at(folder: &Path, writes_in: &Path, arguments: &[&str], size: u64) {
    let mut process = atpass(folder, arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let written = || -> u64 {
        let sizes = partials(writes_in).into_iter();
        sizes
            .filter_map(|file| Some(std::fs::metadata(file).ok()?.len() + 1))
            .sum()
    };
    while process.try_wait().unwrap().is_none() {
        if written() > size {
            process.kill().unwrap();
        }
        std::thread::yield_now();
    }
}

/// At the end too, where only the size stays: some steps later.
const SIZES: [u64; 9] = [
    0, 1, 4096, 100_000, 1_000_000, 3_000_000, 6_000_000, 8_000_000, 10_000_000,
];

#[test]
fn a_backup_that_is_killed_leaves_nothing_that_opens() {
    let folder = folder(60_000);
    let folder = folder.path();
    let copy = folder.join("copy.sqlite");
    let mut killed = 0;
    for size in SIZES {
        kill_at(folder, folder, &BACKUP, size);
        for rest in partials(folder) {
            killed += 1;
            let error = SqliteStore::open_existing(&rest).unwrap_err();
            let refused = match error {
                OpenError::Backup { .. } | OpenError::IncompleteBackup | OpenError::Sqlite(_) => {
                    true
                }
                // Nothing was written yet.
                OpenError::Schema(_) => std::fs::metadata(&rest).unwrap().len() == 0,
                _ => false,
            };
            assert!(refused, "{error:?}");
            std::fs::remove_file(rest).unwrap();
        }
        if copy.exists() {
            assert!(matches!(
                SqliteStore::open_existing(&copy),
                Err(OpenError::Backup { .. })
            ));
            std::fs::remove_file(&copy).unwrap();
        }
    }
    assert!(killed > 2, "{killed} were killed in the middle");
    let status = json(folder, &["database", "status", "--json"]);
    assert_eq!(
        status["remembered_sessions"], 60_000,
        "the database is whole"
    );
    text(folder, &BACKUP);
}

#[test]
fn a_restore_that_is_killed_leaves_nothing_or_a_safe_database() {
    let folder = folder(60_000);
    let folder = folder.path();
    text(folder, &BACKUP);
    let (data, database) = (folder.join("data"), folder.join("data/atpass.sqlite"));
    let sessions = |file: &Path| {
        let database = rusqlite::Connection::open(file).unwrap();
        let count = "SELECT count(*) FROM sessions";
        database
            .query_row(count, [], |row| row.get::<_, i64>(0))
            .unwrap()
    };
    let mut killed = 0;
    for size in SIZES {
        std::fs::remove_dir_all(&data).unwrap();
        kill_at(folder, &data, &RESTORE, size);
        for rest in partials(&data) {
            killed += 1;
            // A rest that somebody takes for the database.
            if SqliteStore::open_existing(&rest).is_ok() {
                assert_eq!(sessions(&rest), 0);
            }
        }
        if database.exists() {
            let status = json(folder, &["database", "status", "--json"]);
            assert_eq!(status["remembered_sessions"], 0);
        } else {
            text(folder, &RESTORE);
            assert_eq!(sessions(&database), 0);
        }
    }
    assert!(killed > 2, "{killed} were killed in the middle");
}
