//! `atpass key` and `atpass client lint`.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

fn atpass(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_atpass"))
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .output()
        .unwrap()
}

fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

fn states(folder: &Path, arguments: &[&str]) -> Vec<(String, String)> {
    let arguments = [arguments, &["--data", ".", "--json"]].concat();
    let output = atpass(folder, &arguments);
    assert!(output.status.success(), "{}", text(&output));
    let value: Value = serde_json::from_slice(&output.stdout).unwrap();
    let keys = value["keys"].as_array().unwrap().iter();
    let word = |key: &Value, name: &str| key[name].as_str().unwrap().to_owned();
    keys.map(|key| (word(key, "kid"), word(key, "state")))
        .collect()
}

/// Clause AS-META-12, from the operator's side.
#[test]
fn keys() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let made = atpass(folder, &["database", "migrate", "--data", "."]);
    assert!(made.status.success(), "{}", text(&made));
    assert_eq!(states(folder, &["key", "list"]), []);
    let first = states(folder, &["key", "rotate"]);
    assert_eq!(first.len(), 1);
    assert_eq!(first[0].1, "active", "the first one signs at once");
    let both = states(folder, &["key", "rotate"]);
    let words: Vec<_> = both.iter().map(|(_, state)| state.as_str()).collect();
    assert_eq!(words, ["staged", "active"]);
    let again = atpass(folder, &["key", "rotate", "--data", "."]);
    assert!(!again.status.success());
    assert!(text(&again).contains("staged already"), "{}", text(&again));

    let active = both[1].0.as_str();
    let refused = atpass(folder, &["key", "retire", active, "--data", "."]);
    assert!(text(&refused).contains("--replace"), "{}", text(&refused));
    let after = states(folder, &["key", "retire", active, "--replace"]);
    let state = |kid: &str| {
        let found = after.iter().find(|(known, _)| known == kid);
        found.map(|(_, state)| state.as_str())
    };
    assert_eq!(state(active), Some("gone"));
    assert!(after.iter().any(|(_, state)| state == "active"));
    let unknown = atpass(folder, &["key", "retire", "nobody", "--data", "."]);
    assert!(
        text(&unknown).contains("no key nobody"),
        "{}",
        text(&unknown)
    );
}

/// The rules of clauses AS-CLI-01 to AS-CLI-13, before a document is published.
#[test]
fn client_lint() {
    let folder = tempfile::tempdir().unwrap();
    let good = json!({
        "client_id": "https://app.example.com/client.json",
        "application_type": "web",
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "scope": "atproto",
        "redirect_uris": ["https://app.example.com/cb"],
        "token_endpoint_auth_method": "none",
        "dpop_bound_access_tokens": true,
    });
    let lint = |document: &Value, json: bool| {
        std::fs::write(folder.path().join("client.json"), document.to_string()).unwrap();
        let mut arguments = vec!["client", "lint", "client.json"];
        if json {
            arguments.push("--json");
        }
        atpass(folder.path(), &arguments)
    };
    let output = lint(&good, false);
    assert!(output.status.success());
    assert!(text(&output).contains("in order") && text(&output).contains("web, public"));

    let mut bad = good;
    bad["redirect_uris"] = json!(["http://localhost/cb"]);
    bad["scope"] = "openid".into();
    bad["dpop_bound_access_tokens"] = false.into();
    let output = lint(&bad, true);
    assert!(!output.status.success());
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["ok"], false);
    assert_eq!(report["problems"].as_array().unwrap().len(), 3, "{report}");
    let output = lint(&bad, false);
    assert!(text(&output).contains("refused") && text(&output).contains("127.0.0.1 or [::1]"));

    let loopback = atpass(folder.path(), &["client", "lint", "http://localhost"]);
    assert!(
        text(&loopback).contains("native, public"),
        "{}",
        text(&loopback)
    );
    let nonsense = atpass(folder.path(), &["client", "lint", "nonsense"]);
    assert!(!nonsense.status.success());
    let private = atpass(
        folder.path(),
        &["client", "lint", "https://10.0.0.1/c.json"],
    );
    assert!(
        text(&private).contains("public domain name"),
        "{}",
        text(&private)
    );
}
