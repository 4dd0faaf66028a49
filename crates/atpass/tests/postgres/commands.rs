//! An operator's commands beside a running server.

use crate::program::{Server, errors, failure, json, run, run_with, text};
use crate::support::{ALICE, Postgres, add_alice, app};

/// A migration stops nobody, and one that has nothing to do changes nothing.
#[tokio::test(flavor = "multi_thread")]
async fn migrated_beside_a_running_server() {
    let postgres = Postgres::new().await;
    let server = Server::start(&postgres.section());
    add_alice(server.path());
    let app = app(&server.origin());
    let tokens = app.login().await;
    let again = json(server.path(), &["database", "migrate", "--json"]);
    assert_eq!(again["from"], again["to"], "{again}");
    let said = text(server.path(), &["database", "migrate"]);
    assert!(said.contains("is up to date"), "{said}");
    assert_eq!(app.refresh(&tokens.refresh).await.status, 200);
    assert_eq!(server.observed("/health/ready").status, 200);
    assert!(
        !server.path().join("data").exists(),
        "there is no SQLite beside PostgreSQL"
    );
    let metrics = server.observed("/metrics").text;
    for line in [
        "atpass_database_size_bytes{file=\"main\"}",
        "atpass_valkey_up 1",
        "atpass_nodes 1",
    ] {
        assert!(metrics.contains(line), "{line} isn't in:\n{metrics}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_are_listed_and_differences_told() {
    let postgres = Postgres::new().await;
    let one = Server::start(&postgres.section());
    let nodes = || {
        let status = json(one.path(), &["database", "status", "--json"]);
        status["nodes"].as_array().unwrap().clone()
    };
    // It meets the others once it is ready.
    while nodes().is_empty() {}
    let behind = |more: &str| {
        let sections = format!("{}{more}", postgres.section());
        Server::start_behind(&one.origin(), &sections)
    };
    let mut same = behind("");
    while nodes().len() < 2 {}
    let listed = nodes();
    assert_eq!(listed[0]["configuration"], listed[1]["configuration"]);
    assert!(
        !same.log().contains("configured differently"),
        "{}",
        same.log()
    );

    let different = behind("[lifetimes]\naccess_token = 60\n");
    let told = |event: &serde_json::Value| {
        event["message"]
            .as_str()
            .is_some_and(|text| text.contains("configured differently"))
    };
    let event = different.event(told).unwrap();
    assert_eq!(event["level"], "WARN");
    let metrics = different.observed("/metrics").text;
    assert!(metrics.contains("atpass_nodes_different 2"), "{metrics}");
    let status = text(one.path(), &["database", "status"]);
    let shown = status
        .lines()
        .filter(|line| line.starts_with("server "))
        .count();
    assert_eq!(shown, 3, "{status}");

    same.terminate();
    assert_eq!(same.ended().code(), Some(0));
    assert_eq!(nodes().len(), 2, "who stops in order isn't listed any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_and_sessions() {
    let postgres = Postgres::new().await;
    let server = Server::start(&postgres.section());
    let folder = server.path();
    add_alice(folder);
    let list = text(folder, &["account", "list"]);
    assert!(
        list.contains("alice.test") && list.contains(ALICE),
        "{list}"
    );
    let (first, second) = (app(&server.origin()), app(&server.origin()));
    let (first_tokens, second_tokens) = (first.login().await, second.login().await);
    let sessions = |more: &[&str]| {
        let list = json(folder, &[&["session", "list", "--json"], more].concat());
        list["sessions"].as_array().unwrap().len()
    };
    assert_eq!(sessions(&[]), 2);
    let jkt = first.key.public().thumbprint().to_string();
    assert_eq!(sessions(&["--jkt", &jkt, "--did", ALICE]), 1);

    let dry = ["session", "revoke", "--all", "--dry-run", "--json"];
    assert_eq!(json(folder, &dry)["sessions"], 2);
    let revoke = ["session", "revoke", "--jkt", &jkt, "--json"];
    assert_eq!(json(folder, &revoke)["sessions"], 1);
    let refused = first.refresh(&first_tokens.refresh).await;
    assert_eq!(refused.error(), "invalid_grant");
    let tokens = second.refresh(&second_tokens.refresh).await;
    assert_eq!(tokens.status, 200, "{}", tokens.text());

    let set = ["account", "set-password", "alice.test", "--password-stdin"];
    let output = run_with(folder, &set, "looking-glass\n");
    assert!(output.status.success(), "{}", errors(&output));
    assert_eq!(sessions(&[]), 0, "a new password ends what was open");
    let show = || json(folder, &["account", "show", ALICE, "--json"]);
    text(folder, &["account", "disable", ALICE]);
    assert_eq!(show()["active"], false);
    text(folder, &["account", "enable", ALICE]);
    assert_eq!(show()["active"], true);
    text(folder, &["account", "remove", ALICE, "--yes"]);
    let said = failure(folder, &["account", "show", ALICE]);
    assert!(said.contains("there is no account"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_keys() {
    let postgres = Postgres::new().await;
    let server = Server::start(&postgres.section());
    let keys = |command: &[&str]| {
        let listed = json(server.path(), &[command, &["--json"]].concat());
        let of = |key: &serde_json::Value, name: &str| key[name].as_str().unwrap().to_owned();
        let keys = listed["keys"].as_array().unwrap().iter();
        keys.map(|key| (of(key, "kid"), of(key, "state")))
            .collect::<Vec<_>>()
    };
    let first = keys(&["key", "list"]);
    assert_eq!((first.len(), first[0].1.as_str()), (1, "active"));
    let both = keys(&["key", "rotate"]);
    let states: Vec<_> = both.iter().map(|(_, state)| state.as_str()).collect();
    assert_eq!(states, ["staged", "active"]);
    let said = failure(server.path(), &["key", "rotate"]);
    assert!(said.contains("staged already"), "{said}");
    let retire = ["key", "retire", &first[0].0];
    let said = failure(server.path(), &retire);
    assert!(said.contains("--replace"), "{said}");
    let after = keys(&[retire.as_slice(), &["--replace"]].concat());
    let active = after.iter().filter(|(_, state)| state == "active").count();
    assert_eq!(active, 1);
    assert!(after.contains(&(first[0].0.clone(), "gone".into())));
}

/// The master key is exchanged while the server runs: the new one first, reseal, and the old one goes.
#[tokio::test(flavor = "multi_thread")]
async fn the_master_key_is_exchanged() {
    let postgres = Postgres::new().await;
    let mut server = Server::start(&postgres.section());
    let new = postgres.folder.path().join("new");
    text(
        postgres.folder.path(),
        &["key", "master", new.to_str().unwrap()],
    );
    let said = failure(
        postgres.folder.path(),
        &["key", "master", new.to_str().unwrap()],
    );
    assert!(said.contains("make the file"), "never over another: {said}");

    let configure = |server: &Server, keys: &[&std::path::Path]| {
        let path = server.path().join("atpass.toml");
        let old = std::fs::read_to_string(&path).unwrap();
        let line = old
            .lines()
            .find(|line| line.starts_with("master_keys"))
            .unwrap();
        let config = old.replace(line, &format!("master_keys = {keys:?}"));
        std::fs::write(path, config).unwrap();
    };
    let old = postgres.master();
    configure(&server, &[&new, &old]);
    let before = json(server.path(), &["key", "list", "--json"]);
    let sealed = json(server.path(), &["key", "reseal", "--json"]);
    assert!(sealed["sealed"].as_i64().unwrap() >= 2, "{sealed}");
    configure(&server, &[&new]);
    assert_eq!(json(server.path(), &["key", "list", "--json"]), before);
    server.terminate();
    assert_eq!(server.ended().code(), Some(0));
    server.again();
    assert_eq!(server.get("/oauth/jwks").status, 200);
    configure(&server, &[&old]);
    let said = failure(server.path(), &["key", "list"]);
    assert!(said.contains("database.master_keys"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn copies_are_postgresqls_own_business() {
    let postgres = Postgres::new().await;
    let server = Server::start(&postgres.section());
    for what in ["backup", "restore"] {
        let output = run(server.path(), &["database", what, "copy.sqlite"]);
        assert!(!output.status.success());
        let said = errors(&output);
        assert!(
            said.contains("its own tools") && said.contains("docs/operations.md"),
            "{said}"
        );
    }
}
