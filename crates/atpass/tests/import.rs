//! `atpass account import`, from databases as official PDSes keep them.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod program;

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use atpass_protocol::random::SystemRandom;
use atpass_protocol::secret::Secret;
use atpass_provider::accounts::{Accounts, Identifier};
use atpass_provider::password::Passwords;
use atpass_store::{SqliteStore, StoredAccounts};
use program::{atpass, errors, failure, run, text};
use rusqlite::{Connection, params};
use serde_json::{Value, json};
use tempfile::TempDir;

const PASSWORD: &str = "correct horse battery";
/// Its hash, computed by Node's own scrypt, as an official PDS does.
const HASH: &str = "000102030405060708090a0b0c0d0e0f:c04df787c6d262b9dfa02a26e16f1794dc65d2603ed28486881819b98084bf857687301bbc901d26ab30d3981d7f1cf2a0a01f60992820c2682dc938897279dd";
const PDS: &str = "did:web:pds.example.com";
const MADE: &str = "2024-05-06T07:08:09.123Z";

/// An entryway with an empty database, and a PDS's account database beside it.
struct Scene {
    folder: TempDir,
    /// The PDS's own connection, as long as it runs.
    pds: Option<Connection>,
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = format!(
            "issuer = \"https://auth.example.com\"
            data = \"data\"
            [[pds]]
            origin = \"https://pds.example.com\"
            did = \"{PDS}\"
            admin_password_file = \"admin\""
        );
        std::fs::write(folder.path().join("atpass.toml"), config).unwrap();
        std::fs::write(folder.path().join("admin"), "secret\n").unwrap();
        text(folder.path(), &["database", "migrate"]);
        let pds = Connection::open(folder.path().join("account.sqlite")).unwrap();
        pds.pragma_update(None, "journal_mode", "wal").unwrap();
        // A PDS waits for the disk; this one needn't.
        pds.pragma_update(None, "synchronous", "off").unwrap();
        let tables = "CREATE TABLE actor (did varchar PRIMARY KEY, handle varchar UNIQUE,
                createdAt varchar NOT NULL, takedownRef varchar, deactivatedAt varchar,
                deleteAfter varchar);
            CREATE TABLE account (did varchar PRIMARY KEY, email varchar NOT NULL UNIQUE,
                passwordScrypt varchar NOT NULL, emailConfirmedAt varchar,
                invitesDisabled int2 NOT NULL DEFAULT 0);
            CREATE TABLE app_password (did varchar NOT NULL, name varchar NOT NULL,
                passwordScrypt varchar NOT NULL, createdAt varchar NOT NULL,
                privileged int2 NOT NULL DEFAULT 0, PRIMARY KEY (did, name));";
        pds.execute_batch(tables).unwrap();
        Self {
            folder,
            pds: Some(pds),
        }
    }

    fn pds(&self) -> &Connection {
        self.pds.as_ref().unwrap()
    }

    fn add(&self, did: &str, handle: &str, email: &str) {
        let actor = "INSERT INTO actor (did, handle, createdAt) VALUES (?, ?, ?)";
        self.pds()
            .execute(actor, params![did, handle, MADE])
            .unwrap();
        let account = "INSERT INTO account (did, email, passwordScrypt) VALUES (?, ?, ?)";
        self.pds()
            .execute(account, params![did, email, HASH])
            .unwrap();
    }

    /// `count` accounts with nothing the matter.
    fn add_many(&self, count: usize) {
        self.pds().execute_batch("BEGIN").unwrap();
        for n in 0..count {
            let email = format!("Person{n}@Example.com");
            self.add(&did(n), &format!("person{n}.example.com"), &email);
        }
        self.pds().execute_batch("COMMIT").unwrap();
    }

    fn run(&self, sql: &str) {
        self.pds().execute_batch(sql).unwrap();
    }

    /// The report, and the exit code.
    fn import(&self, more: &[&str]) -> (Value, i32) {
        let output = run(self.folder.path(), &[&IMPORT, more].concat());
        let report = serde_json::from_slice(&output.stdout);
        (
            report.unwrap_or_else(|_| panic!("{}", errors(&output))),
            output.status.code().unwrap(),
        )
    }

    fn database(&self) -> PathBuf {
        self.folder.path().join("data/atpass.sqlite")
    }

    /// A value of the entryway's database.
    fn ask<T: rusqlite::types::FromSql>(&self, sql: &str) -> T {
        let database = Connection::open(self.database()).unwrap();
        database.busy_timeout(Duration::from_secs(10)).unwrap();
        database.query_row(sql, [], |row| row.get(0)).unwrap()
    }
}

const IMPORT: [&str; 7] = [
    "account",
    "import",
    "--pds",
    PDS,
    "--database",
    "account.sqlite",
    "--json",
];

fn did(n: usize) -> String {
    format!("did:web:person{n}.example.com")
}

fn counts(report: &Value) -> [u64; 5] {
    ["accounts", "new", "updated", "same", "kept"].map(|name| report[name].as_u64().unwrap())
}

#[test]
fn accounts_with_and_without_problems() {
    let scene = Scene::new();
    scene.add_many(250);
    scene.add(
        "did:web:invalid.example.com",
        "handle.invalid",
        "invalid@x.test",
    );
    // Two that the PDS tells apart, and we don't.
    scene.add(
        "did:web:twin1.example.com",
        "twin1.example.com",
        "twin@example.com",
    );
    scene.add(
        "did:web:twin2.example.com",
        "twin2.example.com",
        "TWIN@example.com",
    );
    scene.add(
        "did:web:hash.example.com",
        "hash.example.com",
        "hash@x.test",
    );
    scene.add("nonsense", "nonsense.example.com", "nonsense@x.test");
    scene.run(&format!(
        "UPDATE account SET passwordScrypt = 'salt:hash' WHERE did LIKE '%hash%';
        -- Came through an entryway: nothing the matter.
        INSERT INTO actor (did, handle, createdAt) VALUES ('did:web:elsewhere.example.com', 'elsewhere.example.com', '{MADE}');
        INSERT INTO account (did, email, passwordScrypt) VALUES ('did:web:alone.example.com', 'alone@x.test', '{HASH}');
        INSERT INTO account (did, email, passwordScrypt) VALUES (x'00ff', 'blob@x.test', '{HASH}');
        INSERT INTO account (did, email, passwordScrypt) VALUES (CAST(x'ff' AS TEXT), 'bytes@x.test', '{HASH}');
        UPDATE actor SET deactivatedAt = '{MADE}' WHERE did = '{}';
        UPDATE actor SET takedownRef = 'spam' WHERE did = '{}';
        UPDATE account SET emailConfirmedAt = '{MADE}' WHERE did = '{}';
        INSERT INTO app_password VALUES ('{}', 'old app', '{HASH}', '{MADE}', 1);",
        did(0), did(1), did(2), did(3),
    ));
    let problems = [
        ("did:web:alone.example.com", "it has no row in actor"),
        ("did:web:hash.example.com", "32 hexadecimal digits"),
        ("did:web:invalid.example.com", "handle.invalid"),
        ("did:web:twin2.example.com", "e-mail address already"),
        ("nonsense", ""),
        ("\\x00\\xff", "isn't a text"),
        ("\\xff", "isn't a text"),
    ];
    let check = |(report, code): (Value, i32)| {
        assert_eq!(code, 1, "{report}");
        let told = report["problems"].as_array().unwrap();
        assert_eq!(told.len(), problems.len(), "{report}");
        for (did, problem) in problems {
            let found = told.iter().find(|told| told["did"] == did);
            let found = found.unwrap_or_else(|| panic!("{did}: {report}"));
            let told = found["problem"].as_str().unwrap();
            assert!(told.contains(problem), "{did}: {told}");
        }
        counts(&report)
    };
    let dry = scene.import(&["--dry-run"]);
    assert_eq!(dry.0["dry_run"], true);
    assert_eq!(check(dry), [258, 251, 0, 0, 0]);
    assert_eq!(scene.ask::<i64>("SELECT count(*) FROM accounts"), 0);
    assert_eq!(check(scene.import(&[])), [258, 251, 0, 0, 0]);
    assert_eq!(check(scene.import(&[])), [258, 0, 0, 251, 0]);

    let (pds, created): (String, i64) = (
        scene.ask("SELECT audience FROM accounts WHERE handle = 'person0.example.com'"),
        scene.ask("SELECT created_at FROM accounts WHERE email = 'person0@example.com'"),
    );
    assert_eq!((pds.as_str(), created), (PDS, 1_714_979_289));
    for (n, column) in [
        (0, "deactivated_at = created_at"),
        (1, "active = 0"),
        (2, "email_confirmed_at = created_at"),
        (
            3,
            "EXISTS (SELECT 1 FROM app_passwords WHERE did = accounts.did AND privileged)",
        ),
    ] {
        let others = scene.ask::<String>(&format!(
            "SELECT group_concat(did) FROM accounts WHERE {column}"
        ));
        assert_eq!(others, did(n), "{column}");
    }

    // The PDS went on for a while.
    scene.run(&format!(
        "UPDATE actor SET handle = 'renamed.example.com' WHERE did = '{}';
        UPDATE app_password SET passwordScrypt = replace(passwordScrypt, 'c04d', 'c04e');
        DELETE FROM account WHERE did = '{}'",
        did(0),
        did(4)
    ));
    assert_eq!(check(scene.import(&["--dry-run"])), [257, 0, 2, 248, 0]);
    assert_eq!(check(scene.import(&[])), [257, 0, 2, 248, 0]);
}

#[test]
fn nothing_is_left_beside_a_closed_database() {
    let mut scene = Scene::new();
    scene.add_many(3);
    let names = |scene: &Scene| {
        let folder = std::fs::read_dir(scene.folder.path()).unwrap();
        let names = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.filter(|name| name.contains("sqlite")).collect();
        names.sort();
        names
    };
    let open = ["account.sqlite", "account.sqlite-shm", "account.sqlite-wal"];
    assert_eq!(names(&scene), open);
    assert_eq!(scene.import(&["--dry-run"]).1, 0, "beside a running PDS");
    scene.pds = None;
    assert_eq!(names(&scene), open[..1]);
    let (report, code) = scene.import(&[]);
    assert_eq!((counts(&report), code), ([3, 3, 0, 0, 0], 0));
    assert_eq!(names(&scene), open[..1]);
}

#[test]
fn what_is_no_account_database_is_refused() {
    let scene = Scene::new();
    let mut import = IMPORT;
    for file in ["absent.sqlite", "atpass.toml", "data/atpass.sqlite"] {
        import[5] = file;
        let message = failure(scene.folder.path(), &import);
        assert!(
            message.contains("account.sqlite of an official PDS"),
            "{message}"
        );
    }
    let mut import = IMPORT;
    import[3] = "did:web:other.example.com";
    let message = failure(scene.folder.path(), &import);
    assert!(
        message.contains("no [[pds]] of the configuration"),
        "{message}"
    );
}

/// Killed in the middle, it has taken over whole accounts, and goes on when it is run again.
#[test]
fn killed_and_run_again() {
    const ACCOUNTS: usize = 3000;
    let scene = Scene::new();
    scene.add_many(ACCOUNTS);
    let app_passwords = format!(
        "INSERT INTO app_password SELECT did, 'old app', '{HASH}', '{MADE}', 0 FROM account"
    );
    scene.run(&app_passwords);
    let mut import = atpass(scene.folder.path(), &IMPORT)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while scene.ask::<i64>("SELECT count(*) FROM accounts") < 100 {
        assert!(import.try_wait().unwrap().is_none(), "it has ended");
    }
    import.kill().unwrap();
    assert!(import.wait().unwrap().code().is_none(), "it was killed");
    let there: i64 = scene.ask("SELECT count(*) FROM accounts");
    println!("killed after {there} of {ACCOUNTS} accounts");
    let whole: i64 = scene.ask(
        "SELECT count(*) FROM accounts WHERE untouched AND did IN (SELECT did FROM app_passwords)",
    );
    assert_eq!(whole, there, "each with all that belongs to it");
    let (report, code) = scene.import(&[]);
    let (all, there) = (ACCOUNTS.try_into().unwrap(), there.unsigned_abs());
    assert_eq!(code, 0, "{report}");
    assert_eq!(counts(&report), [all, all - there, 0, there, 0]);
    assert_eq!(report["problems"], json!([]));
}

/// Who has signed in here isn't set back to what the PDS remembers.
#[tokio::test]
async fn a_password_goes_on_and_is_kept() {
    let scene = Scene::new();
    scene.add_many(2);
    scene.run(&format!(
        "INSERT INTO app_password SELECT did, 'old app', '{HASH}', '{MADE}', 0 FROM account"
    ));
    assert_eq!(scene.import(&[]).1, 0);
    let store = SqliteStore::open_existing(&scene.database()).unwrap();
    let passwords = Passwords::new(Arc::new(SystemRandom)).unwrap();
    let accounts = StoredAccounts::new(Arc::new(store), passwords);
    let who = Identifier::from_person("person0@example.com").unwrap();
    let check = async |password: &str| {
        let found = accounts.check_password(&who, &Secret::new(password)).await;
        found.unwrap().map(|account| account.did.to_string())
    };
    let hash = || -> String {
        scene.ask("SELECT password_hash FROM accounts WHERE email = 'person0@example.com'")
    };
    assert_eq!(check("wrong horse battery").await, None);
    assert_eq!(hash(), format!("pds-scrypt:{HASH}"));
    assert_eq!(check(PASSWORD).await, Some(did(0)));
    let upgraded = hash();
    assert!(upgraded.starts_with("$argon2id$"), "{upgraded}");

    scene.run(&format!(
        "UPDATE account SET email = 'new-' || email, emailConfirmedAt = '{MADE}';
        UPDATE actor SET deactivatedAt = '{MADE}';"
    ));
    let (report, code) = scene.import(&[]);
    assert_eq!((counts(&report), code), ([2, 0, 1, 0, 1], 0));
    assert_eq!(hash(), upgraded);
    assert_eq!(check(PASSWORD).await, Some(did(0)));
    let followed: String = scene.ask("SELECT email FROM accounts WHERE deactivated_at > 0");
    assert_eq!(followed, "new-person1@example.com");
    let plain = &IMPORT[..6];
    let said = text(scene.folder.path(), plain);
    assert!(
        said.contains("2 accounts: 0 new, 0 brought up to date, 1 as they were, 1 left alone"),
        "{said}"
    );
}
