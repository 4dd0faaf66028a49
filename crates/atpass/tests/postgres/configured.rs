//! What is wrong is told, and no secret with it.

use std::path::Path;

use crate::program::{Server, failure, json, text};
use crate::support::{Postgres, section};

fn write(folder: &Path, sections: &str) {
    let config = format!(
        "issuer = \"http://localhost:1\"\nlisten = [\"127.0.0.1:0\"]\n{sections}
        [observe]\nlisten = []\n[network]\nallow_http = true\nallow_loopback = true\n"
    );
    std::fs::write(folder.join("atpass.toml"), config).unwrap();
}

/// What `config check` says of these sections.
fn said(sections: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    text(folder.path(), &["key", "master", "master"]);
    std::fs::write(folder.path().join("nonsense"), "hush-hush\n").unwrap();
    write(folder.path(), sections);
    failure(folder.path(), &["config", "check"])
}

#[test]
fn each_fault_of_the_sections_is_told() {
    for (sections, problem) in [
        (
            "[database]\nurl = \"postgres://localhost/a\"",
            "database.master_keys: is missing",
        ),
        (
            "[database]\nurl = \"postgres://localhost/a\"\nmaster_keys = [\"absent\"]",
            "database.master_keys: \"absent\"",
        ),
        (
            "[database]\nurl = \"postgres://localhost/a\"\nmaster_keys = [\"nonsense\"]",
            "isn't a master key; `atpass key master FILE` makes one",
        ),
        (
            "[database]\nurl = \"mysql://me:hush@localhost/a\"\nmaster_keys = [\"master\"]",
            "database.url: ",
        ),
        (
            "[database]\nurl = \"postgres://me:hush@localhost/a?nonsense=1\"\nmaster_keys = [\"master\"]",
            "database.url: ",
        ),
        (
            "[database]\nurl = \"postgres://localhost/a\"\nmaster_keys = [\"master\"]\nconnections = 1",
            "database.connections: is 1; it must be between 2 and 200",
        ),
        (
            "[database]\nurl = \"postgres://localhost/a\"\nmaster_keys = [\"master\"]\nconnections = 201",
            "database.connections: is 201",
        ),
        (
            "[database]\nurl = \"postgres://localhost/a\"\nmaster_keys = [\"master\"]\npassword_file = \"absent\"",
            "database.password_file: \"absent\"",
        ),
        (
            "[database]\nurl = \"postgres://localhost/a\"\nmaster_keys = [\"master\"]\nroot_certs = [\"nonsense\"]",
            "database.root_certs: \"nonsense\"",
        ),
        (
            "[valkey]\nurl = \"redis://me:hush@localhost\"",
            "valkey.when_down: is missing",
        ),
        (
            "[valkey]\nurl = \"http://me:hush@localhost\"\nwhen_down = \"refuse\"",
            "valkey.url: ",
        ),
        (
            "[valkey]\nurl = \"redis://localhost\"\nwhen_down = \"sometimes\"",
            "valkey.when_down: must be one of \"refuse\", \"remember-here\"",
        ),
    ] {
        let said = said(sections);
        assert!(said.contains(problem), "{problem}\nisn't in:\n{said}");
        assert!(!said.contains("hush"), "{said}");
    }
}

/// A server with another master key than the one that sealed doesn't start, and says where to look.
#[tokio::test(flavor = "multi_thread")]
async fn another_master_key_opens_nothing() {
    let postgres = Postgres::new().await;
    let server = Server::start(&postgres.section());
    let other = postgres.folder.path().join("other");
    text(
        postgres.folder.path(),
        &["key", "master", other.to_str().unwrap()],
    );

    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &section(&postgres.url, &[&other]));
    text(folder.path(), &["config", "check"]);
    for command in [
        ["serve"].as_slice(),
        &["key", "list"],
        &["key", "reseal"],
        &["database", "status"],
    ] {
        let said = failure(folder.path(), command);
        assert!(said.contains("database.master_keys"), "{command:?}: {said}");
        for key in [&other, &postgres.master()] {
            let secret = std::fs::read_to_string(key).unwrap();
            assert!(!said.contains(secret.trim()), "{said}");
        }
    }
    drop(server);
}

/// It leaves nothing behind that the right key doesn't open, also where the server had sealed nothing yet.
#[tokio::test(flavor = "multi_thread")]
async fn another_master_key_seals_nothing() {
    let postgres = Postgres::new().await;
    let other = postgres.folder.path().join("other");
    text(postgres.folder.path(), &["key", "master", "other"]);
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &postgres.section());
    text(folder.path(), &["database", "migrate"]);
    text(folder.path(), &["key", "rotate"]);
    write(folder.path(), &section(&postgres.url, &[&other]));
    failure(folder.path(), &["serve"]);
    let server = Server::start(&postgres.section());
    assert_eq!(server.observed("/health/ready").status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_isnt_there_or_has_no_tables() {
    let postgres = Postgres::new().await;
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &postgres.section());
    let said = failure(folder.path(), &["serve"]);
    assert!(
        said.contains("has no tables: run `atpass database migrate"),
        "{said}"
    );
    let said = failure(folder.path(), &["database", "status"]);
    assert!(said.is_empty(), "{said}");
    let said = failure(folder.path(), &["account", "list"]);
    assert!(said.contains("atpass database migrate"), "{said}");

    let mut elsewhere = postgres.url.clone();
    elsewhere.set_path("no_such_database");
    elsewhere.set_password(Some("hush")).unwrap();
    write(folder.path(), &section(&elsewhere, &[&postgres.master()]));
    for command in [["serve"].as_slice(), &["database", "migrate"]] {
        let said = failure(folder.path(), command);
        assert!(
            said.contains("\"no_such_database\" does not exist"),
            "{said}"
        );
        assert!(!said.contains("hush"), "{said}");
    }
    let mut nobody = postgres.url.clone();
    // Nothing ever listens there.
    nobody.set_port(Some(1)).unwrap();
    write(folder.path(), &section(&nobody, &[&postgres.master()]));
    let said = failure(folder.path(), &["serve"]);
    assert!(said.contains("refused"), "{said}");
}

/// What people see is the password's absence, and where it comes from is a file.
#[tokio::test(flavor = "multi_thread")]
async fn the_password_is_never_shown() {
    let postgres = Postgres::new().await;
    let folder = tempfile::tempdir().unwrap();
    let mut url = postgres.url.clone();
    url.set_password(Some("hush")).unwrap();
    write(folder.path(), &section(&url, &[&postgres.master()]));
    let shown = text(folder.path(), &["config", "show"]);
    assert!(
        shown.contains("[hidden]") && !shown.contains("hush"),
        "{shown}"
    );
    let migrated = json(folder.path(), &["database", "migrate", "--json"]);
    assert!(!migrated.to_string().contains("hush"), "{migrated}");
    let status = text(folder.path(), &["database", "status"]);
    assert!(!status.contains("hush"), "{status}");
}
