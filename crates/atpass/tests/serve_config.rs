//! What is configured, and how its faults are told.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod program;

use program::{atpass, errors, failure, json, run, text};
use tempfile::TempDir;

fn folder(config: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("atpass.toml"), config).unwrap();
    folder
}

const GOOD: &str = "issuer = \"https://auth.example.com\"\n";

#[test]
fn the_issuer_alone_is_enough() {
    let folder = folder(GOOD);
    assert!(text(folder.path(), &["config", "check"]).contains("in order"));
    assert_eq!(
        json(folder.path(), &["config", "check", "--json"])["ok"],
        true
    );
}

#[test]
fn every_problem_is_told_at_once_with_its_line() {
    let config = "issuer = \"http://auth.example.com\"
listn = [\"127.0.0.1:1\"]
allow_http = true
drain_seconds = \"5\"
[lifetimes]
access_token = 5
code = 601
[network]
dns = \"nonsense\"
root_certs = [\"absent.pem\"]
directory = \"https://me:hush@plc.example\"
[clients]
trusted = [\"not a client\"]
blocked = [\"bad.example\", \"worse:1\"]
[proxy]
trusted = [\"0.0.0.0/0\", \"10.0.0.0/8\", \"proxy.example\"]
[observe]
listen = [\"9464\"]
[log]
format = \"xml\"
[lifetimez]
code = 1
";
    let folder = folder(config);
    let message = failure(folder.path(), &["config", "check"]);
    for problem in [
        "atpass.toml:1: issuer: \"http://auth.example.com\": an issuer must be https",
        "atpass.toml:2: listn: there is no such key; did you mean listen?",
        "atpass.toml:3: allow_http: there is no such key here; it belongs under [network]",
        "atpass.toml:4: drain_seconds: must be a whole number, but is \"5\"",
        "atpass.toml:6: lifetimes.access_token:",
        "atpass.toml:7: lifetimes.code:",
        "atpass.toml:9: network.dns: \"nonsense\"",
        "atpass.toml:10: network.root_certs: \"absent.pem\"",
        "atpass.toml:11: network.directory: \"https://[hidden]@plc.example\"",
        "atpass.toml:13: clients.trusted: \"not a client\"",
        "atpass.toml:14: clients.blocked: \"worse:1\"",
        "atpass.toml:16: proxy.trusted: \"0.0.0.0/0\": this is everybody",
        "atpass.toml:16: proxy.trusted: \"proxy.example\"",
        "atpass.toml:18: observe.listen: \"9464\"",
        "atpass.toml:20: log.format: must be one of \"text\", \"json\", but is \"xml\"",
        "atpass.toml:21: lifetimez: there is no such key; did you mean lifetimes?",
    ] {
        assert!(message.contains(problem), "{problem}\nisn't in:\n{message}");
    }
    assert!(message.contains("has 16 problems"), "{message}");
    assert!(!message.contains("hush"), "{message}");

    let served = failure(folder.path(), &["serve"]);
    assert_eq!(served, message, "serve says the same");
    let output = run(folder.path(), &["config", "check", "--json"]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["problems"].as_array().unwrap().len(), 16);
    assert_eq!(report["problems"][1]["line"], 2);
    assert_eq!(report["problems"][1]["key"], "listn");
    let shown = run(folder.path(), &["config", "show"]);
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(
        shown.contains("[hidden]") && !shown.contains("hush"),
        "{shown}"
    );
}

#[test]
fn what_is_missing_and_what_is_no_toml() {
    let empty = tempfile::tempdir().unwrap();
    let message = failure(empty.path(), &["config", "check"]);
    assert!(message.contains("issuer: is missing"), "{message}");
    assert!(message.contains("--config FILE"), "{message}");
    let message = failure(empty.path(), &["serve", "--config", "other.toml"]);
    assert!(message.contains("other.toml can't be read"), "{message}");

    let broken = folder("issuer = \"https://auth.example.com\"\nlisten = [\n\nlog = 5\n");
    let message = failure(broken.path(), &["config", "check"]);
    assert!(message.contains("atpass.toml:"), "{message}");

    let plain = folder("issuer = \"http://localhost:1\"\n");
    let message = failure(plain.path(), &["config", "check"]);
    assert!(message.contains("allow_http = true"), "{message}");
}

#[test]
fn the_environment_counts_before_the_file() {
    let config = format!("{GOOD}drain_seconds = 5\n[network]\nallow_loopback = true\n");
    let folder = folder(&config);
    let mut command = atpass(folder.path(), &["config", "show", "--json"]);
    let command = command
        .env("ATPASS_DRAIN_SECONDS", "7")
        .env("ATPASS_CLIENTS_BLOCKED", "bad.example, worse.example")
        // The same as for every other command.
        .env("ATPASS_ALLOW_LOOPBACK", "false");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", errors(&output));
    let shown: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).unwrap();
    let of = |key: &str| shown.iter().find(|shown| shown["key"] == key).unwrap();
    assert_eq!(of("issuer")["from"], "file");
    assert_eq!(of("issuer")["line"], 1);
    assert_eq!(of("drain_seconds")["value"], 7);
    assert_eq!(of("drain_seconds")["variable"], "ATPASS_DRAIN_SECONDS");
    assert_eq!(
        of("clients.blocked")["value"],
        serde_json::json!(["bad.example", "worse.example"])
    );
    assert_eq!(of("network.allow_loopback")["value"], false);
    assert_eq!(of("log.level")["from"], "default");
}

#[test]
fn a_faulty_variable_is_a_problem_and_a_misspelt_one_a_warning() {
    let folder = folder(GOOD);
    let mut command = atpass(folder.path(), &["config", "check"]);
    let command = command
        .env("ATPASS_LIFETIMES_CODE", "soon")
        .env("ATPASS_DRIAN_SECONDS", "5");
    // A cluster sets such variables for a service of this name.
    let output = command
        .env("ATPASS_SERVICE_HOST", "10.0.0.1")
        .output()
        .unwrap();
    let message = errors(&output);
    assert!(!output.status.success(), "{message}");
    assert!(
        message.contains("ATPASS_LIFETIMES_CODE: lifetimes.code: must be a whole number"),
        "{message}"
    );
    assert!(
        message.contains("did you mean ATPASS_DRAIN_SECONDS?"),
        "{message}"
    );
    assert!(!message.contains("SERVICE_HOST"), "{message}");
}

#[test]
fn the_schema_says_what_the_program_reads() {
    let folder = tempfile::tempdir().unwrap();
    let schema = json(folder.path(), &["config", "schema"]);
    assert_eq!(schema["additionalProperties"], false);
    assert_eq!(
        schema["properties"]["network"]["properties"]["allow_http"]["default"],
        false
    );
    assert_eq!(
        schema["properties"]["log"]["properties"]["format"]["enum"][1],
        "json"
    );
}

/// Renew the page with `atpass config schema --markdown > docs/configuration.md`.
#[test]
fn the_page_is_the_schema() {
    let folder = tempfile::tempdir().unwrap();
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md");
    let page = std::fs::read_to_string(page).unwrap();
    let now = text(folder.path(), &["config", "schema", "--markdown"]);
    assert_eq!(
        page, now,
        "renew it: atpass config schema --markdown > docs/configuration.md"
    );
}
