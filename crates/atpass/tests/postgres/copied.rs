//! From SQLite, and back in time.

use std::path::Path;

use crate::common::Tokens;
use crate::program::{Server, failure, json, text};
use crate::support::{ALICE, Postgres, add_alice, app};

/// The server's configuration, with PostgreSQL from now on.
fn move_to(postgres: &Postgres, folder: &Path) {
    let path = folder.join("atpass.toml");
    let old = std::fs::read_to_string(&path).unwrap();
    std::fs::write(path, format!("{old}\n{}", postgres.section())).unwrap();
}

fn stop(server: &mut Server) {
    server.terminate();
    assert_eq!(server.ended().code(), Some(0));
}

/// Nobody notices the move: sessions, browsers and keys go on, and the file isn't served any more.
#[tokio::test(flavor = "multi_thread")]
async fn from_sqlite_to_postgresql() {
    let postgres = Postgres::new().await;
    let mut server = Server::start("");
    add_alice(server.path());
    let app = app(&server.origin());
    let tokens = app.login().await;
    let keys = server.get("/oauth/jwks").text;
    let keys = keys.split("\r\n\r\n").nth(1).unwrap().to_owned();

    let sqlite = std::fs::read_to_string(server.path().join("atpass.toml")).unwrap();
    std::fs::write(server.path().join("sqlite.toml"), &sqlite).unwrap();
    move_to(&postgres, server.path());
    let copy = ["store", "copy", "--from", "data", "--json"];
    let said = failure(server.path(), &copy);
    assert!(
        said.contains("in use: stop the server"),
        "beside a running server: {said}"
    );
    stop(&mut server);
    let copied = json(server.path(), &copy);
    assert_eq!(
        (copied["accounts"].as_i64(), copied["sessions"].as_i64()),
        (Some(1), Some(1)),
        "{copied}"
    );
    assert!(!copied.to_string().contains("wonderland"), "{copied}");

    let said = failure(server.path(), &["serve", "--config", "sqlite.toml"]);
    assert!(said.contains("PostgreSQL"), "{said}");
    let said = failure(
        server.path(),
        &["store", "copy", "--from", "data", "--give-up"],
    );
    assert!(said.contains("the copy is complete"), "{said}");

    server.again();
    assert_eq!(
        server.get("/oauth/jwks").text.split("\r\n\r\n").nth(1),
        Some(keys.as_str())
    );
    let tokens = Tokens::of(&app.refresh(&tokens.refresh).await);
    Tokens::of(&app.refresh(&tokens.refresh).await);
    assert_eq!(
        json(server.path(), &["account", "show", ALICE, "--json"])["browsers"],
        1
    );
}

/// What stands in the way is told; the file is served by nobody meanwhile, and again once the copy was given up.
#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_failed_is_given_up() {
    let postgres = Postgres::new().await;
    let mut server = Server::start("");
    add_alice(server.path());
    stop(&mut server);
    let change = |email: &str| {
        let database =
            rusqlite::Connection::open(server.path().join("data/atpass.sqlite")).unwrap();
        let sql = format!("UPDATE accounts SET email = {email}");
        assert_eq!(database.execute(&sql, []).unwrap(), 1);
    };
    let config = server.path().join("atpass.toml");
    let sqlite = std::fs::read_to_string(&config).unwrap();
    move_to(&postgres, server.path());
    // No PostgreSQL has a text with a zero byte.
    change("'a' || char(0)");
    failure(server.path(), &["store", "copy", "--from", "data"]);
    let said = failure(server.path(), &["serve"]);
    assert!(said.contains("is being copied from"), "{said}");

    std::fs::write(&config, &sqlite).unwrap();
    let said = failure(server.path(), &["serve"]);
    assert!(
        said.contains("store copy") && said.contains("--give-up"),
        "{said}"
    );
    move_to(&postgres, server.path());
    let give_up = ["store", "copy", "--from", "data", "--give-up"];
    let said = text(server.path(), &give_up);
    assert!(said.contains("may be served again"), "{said}");

    std::fs::write(&config, sqlite).unwrap();
    server.again();
    assert_eq!(server.observed("/health/ready").status, 200);
}

/// PostgreSQL was put back to yesterday: what was used since would be good again, and none of it is.
#[tokio::test(flavor = "multi_thread")]
async fn back_in_time() {
    let postgres = Postgres::new().await;
    let mut server = Server::start(&postgres.section());
    add_alice(server.path());
    let app = app(&server.origin());
    let tokens = app.login().await;
    let key = json(server.path(), &["key", "list", "--json"])["keys"][0]["kid"].clone();
    stop(&mut server);
    let restored = json(server.path(), &["database", "restored", "--json"]);
    assert_eq!(
        (
            restored["sessions_ended"].as_i64(),
            restored["signing_keys_removed"].as_i64()
        ),
        (Some(1), Some(1)),
        "{restored}"
    );
    server.again();
    let now = json(server.path(), &["key", "list", "--json"]);
    assert_ne!(now["keys"][0]["kid"], key);
    assert_eq!(app.refresh(&tokens.refresh).await.error(), "invalid_grant");
    app.login().await;

    let sqlite = Server::start("");
    let said = failure(sqlite.path(), &["database", "restored"]);
    assert!(said.contains("atpass database restore"), "{said}");
}
