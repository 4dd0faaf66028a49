//! What docs/operations.md and docs/examples say is true of the program.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

#[path = "../../atpass-testnet/tests/common/mod.rs"]
mod common;
mod program;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use atpass_fetch::{FetchConfig, Fetcher};
use atpass_protocol::time::{Clock, SystemClock};
use common::App;
use program::{Server, errors, failure, run_with, text};
use saphyr::{LoadableYamlNode, Yaml};
use tempfile::TempDir;

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs")
}

fn read(name: &str) -> String {
    std::fs::read_to_string(docs().join(name)).unwrap()
}

/// An example in a folder of its own, with the files that it names, made there.
fn configured(name: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    text(folder.path(), &["key", "master", "master"]);
    for password in ["postgres-password", "valkey-password"] {
        std::fs::write(folder.path().join(password), "a password\n").unwrap();
    }
    let here = format!("{}/", folder.path().display());
    let config = read(name).replace("/etc/atpass/keys/", &here);
    std::fs::write(folder.path().join("atpass.toml"), config).unwrap();
    folder
}

#[test]
fn the_configurations_are_in_order() {
    for name in ["examples/one-machine.toml", "examples/many-machines.toml"] {
        let folder = configured(name);
        let said = text(folder.path(), &["config", "check"]);
        assert!(said.contains("in order"), "{name}: {said}");
    }
    // It is the files that are missing otherwise, and nothing else.
    let folder = configured("examples/many-machines.toml");
    std::fs::remove_file(folder.path().join("master")).unwrap();
    let said = failure(folder.path(), &["config", "check"]);
    assert!(said.contains("has 1 problem"), "{said}");
}

/// The service manager waits for longer than the server does.
#[test]
fn the_service_has_time_to_end() {
    let unit = read("examples/atpass.service");
    let seconds = |text: &str, key: &str| {
        let value = text
            .lines()
            .find_map(|line| line.strip_prefix(key))
            .unwrap()
            .trim();
        value.trim_end_matches('s').parse::<u64>().unwrap()
    };
    let wait = seconds(&unit, "TimeoutStopSec=");
    for name in ["examples/one-machine.toml", "examples/many-machines.toml"] {
        assert!(
            wait > seconds(&read(name), "drain_seconds ="),
            "{name} drains for longer than {wait} s"
        );
    }
}

#[test]
fn the_variables_are_the_programs() {
    let known = read("configuration.md");
    for name in [
        "examples/atpass-secrets.conf",
        "examples/Containerfile",
        "examples/many-machines.toml",
        "operations.md",
    ] {
        for variable in words(&read(name), "ATPASS_") {
            let told = format!("`{variable}`");
            assert!(known.contains(&told), "{name}: there is no {variable}");
        }
    }
}

/// The words of a text that begin so.
fn words(text: &str, prefix: &str) -> BTreeSet<String> {
    text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
        .filter(|word| word.len() > prefix.len() && word.starts_with(prefix))
        .map(str::to_owned)
        .collect()
}

/// The names of all series that a server has or may have, from the families that it registers.
fn series(metrics: &str) -> BTreeSet<String> {
    let families = metrics
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    let names = families.flat_map(|(family, kind)| {
        let ends: &[&str] = match kind {
            "counter" => &["_total"],
            "histogram" => &["_bucket", "_sum", "_count"],
            _ => &[""],
        };
        ends.iter().map(move |end| format!("{family}{end}"))
    });
    names.collect()
}

/// Adds an account, and logs an app in and refreshes.
async fn use_it(server: &Server) {
    let add = ["account", "add", "alice.test", "--password-stdin"];
    let who = [
        "--did",
        "did:plc:ewvi7nxzyoun6zhxrhs64oiz",
        "--pds",
        "did:web:pds.example.com",
    ];
    let output = run_with(
        server.path(),
        &[add.as_slice(), &who].concat(),
        "wonderland\n",
    );
    assert!(output.status.success(), "{}", errors(&output));
    let fetcher = Fetcher::new(FetchConfig::development()).unwrap();
    let app = App::new(&server.origin(), fetcher, SystemClock.now());
    let tokens = app.login().await;
    assert_eq!(app.refresh(&tokens.refresh).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_metric_that_is_named_exists() {
    let server = Server::start("");
    // What never happened isn't listed.
    use_it(&server).await;
    while !server
        .observed("/metrics")
        .text
        .contains("atpass_swept_rows")
    {}
    let there = series(&server.observed("/metrics").text);
    assert!(there.contains("atpass_nodes"), "{there:?}");
    for name in [
        "examples/grafana-dashboard.json",
        "examples/alerts.yml",
        "operations.md",
    ] {
        let named = words(&read(name), "atpass_");
        assert!(named.len() > 5, "{name} names {named:?}");
        let missing: Vec<_> = named.difference(&there).collect();
        assert!(
            missing.is_empty(),
            "{name}: {missing:?} aren't among {there:?}"
        );
    }
    // What the server has, somebody looks at.
    let shown = words(&read("examples/grafana-dashboard.json"), "atpass_");
    for gauge in there.iter().filter(|name| !name.ends_with("_sum")) {
        let family = gauge.trim_end_matches("_count").trim_end_matches("_bucket");
        assert!(
            shown.iter().any(|name| name.starts_with(family)),
            "the dashboard doesn't show {gauge}"
        );
    }
}

#[test]
fn the_dashboard_asks_the_chosen_source() {
    let dashboard: serde_json::Value =
        serde_json::from_str(&read("examples/grafana-dashboard.json")).unwrap();
    for panel in dashboard["panels"].as_array().unwrap() {
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{panel}");
        assert!(panel["fieldConfig"]["defaults"]["unit"].is_string());
        assert!(!panel["targets"].as_array().unwrap().is_empty());
    }
}

#[test]
fn every_alert_is_in_the_table() {
    let text = read("examples/alerts.yml");
    let rules = Yaml::load_from_str(&text).unwrap();
    let page = read("operations.md");
    let rules = rules[0]["groups"][0]["rules"].as_vec().unwrap();
    assert!(rules.len() > 5);
    for rule in rules {
        let name = rule["alert"].as_str().unwrap();
        assert!(rule["expr"].as_str().unwrap().contains("job=\"atpass\""));
        assert!(rule["annotations"]["summary"].as_str().is_some());
        assert!(
            page.contains(&format!("| `{name}`")),
            "operations.md doesn't say what to do at {name}"
        );
    }
}

/// What the help of commands says, asked for once.
#[derive(Default)]
struct Help(BTreeMap<Vec<String>, String>);

impl Help {
    fn of(&mut self, command: &[String]) -> &str {
        self.0.entry(command.to_vec()).or_insert_with(|| {
            let here = Path::new(".");
            let words: Vec<_> = command.iter().map(String::as_str).collect();
            text(here, &[words.as_slice(), &["--help"]].concat())
        })
    }

    /// The commands below this one; none where it takes arguments of its own.
    fn below(&mut self, command: &[String]) -> Vec<String> {
        let (_, list) = self
            .of(command)
            .split_once("Commands:\n")
            .unwrap_or_default();
        let lines = list.lines().take_while(|line| !line.is_empty());
        let names = lines.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
        names
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect()
    }

    /// Whether the program knows such a line.
    fn check(&mut self, line: &str) -> Result<(), String> {
        let mut command = Vec::new();
        let mut words = line.split_whitespace().skip(1).peekable();
        loop {
            let below = self.below(&command);
            let Some(word) = words.next_if(|word| !below.is_empty() && !word.starts_with('-'))
            else {
                break;
            };
            if !below.iter().any(|name| name == word) {
                return Err(format!("there is no {word}, but {below:?}"));
            }
            command.push(word.to_owned());
        }
        let help = self.of(&command);
        for option in words.filter(|word| word.starts_with("--")) {
            let name = option.split('=').next().unwrap_or(option);
            let knows = help
                .split(|letter: char| letter.is_whitespace() || "[,]".contains(letter))
                .any(|word| word == name);
            if !knows {
                return Err(format!("there is no {name}"));
            }
        }
        Ok(())
    }
}

/// The command lines of a page: of its blocks, and those in its sentences.
fn command_lines(page: &str) -> Vec<String> {
    let page = page.replace("\\\n", " ");
    let mut lines = Vec::new();
    for (number, part) in page.split("```").enumerate() {
        let spans: Vec<&str> = if number % 2 == 1 {
            part.lines().collect()
        } else {
            part.split('`').skip(1).step_by(2).collect()
        };
        lines.extend(spans.into_iter().filter_map(|span| {
            let span = span.split('#').next()?.trim();
            let span = span.strip_prefix("$ ").unwrap_or(span);
            let span = span.strip_prefix("sudo -u atpass ").unwrap_or(span);
            span.starts_with("atpass ").then(|| span.replace('\n', " "))
        }));
    }
    lines
}

#[test]
fn every_command_line_is_one_of_the_programs() {
    let mut help = Help::default();
    for (page, fewest) in [("operations.md", 20), ("entryway.md", 5)] {
        let lines = command_lines(&read(page));
        assert!(lines.len() >= fewest, "{page}: {lines:?}");
        for line in lines {
            if let Err(why) = help.check(&line) {
                // All of them fail the test, one of them tells.
                assert_eq!(line, why, "{page}");
            }
        }
    }
    assert!(help.check("atpass key polish").is_err());
    assert!(help.check("atpass key list --loud").is_err());
}

/// A Valkey on a free port of this machine, as the examples have it.
struct Valkey {
    process: std::process::Child,
    port: u16,
}

impl Valkey {
    fn start(folder: &Path) -> Self {
        let program = std::env::var_os("ATPASS_TEST_VALKEY_SERVER").expect(
            "ATPASS_TEST_VALKEY_SERVER is the program of Valkey or Redis; `cargo xtask test` names it",
        );
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        std::fs::copy(docs().join("examples/users.acl"), folder.join("users.acl")).unwrap();
        // What isn't of this machine: where to listen, and its certificates.
        let elsewhere = ["bind", "port", "tls-", "aclfile"];
        let example = read("examples/valkey.conf");
        let ours = |line: &&str| !elsewhere.iter().any(|key| line.starts_with(key));
        let config: Vec<_> = example.lines().filter(ours).collect();
        let config = config.join("\n");
        let config = format!("{config}\nbind 127.0.0.1\nport {port}\naclfile users.acl\n");
        std::fs::write(folder.join("valkey.conf"), config).unwrap();
        let process = Command::new(program)
            .arg("valkey.conf")
            .current_dir(folder)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            std::thread::yield_now();
        }
        Self { process, port }
    }
}

impl Drop for Valkey {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The rights in users.acl are enough, and the settings in valkey.conf are those that the program wants.
#[tokio::test(flavor = "multi_thread")]
async fn valkeys_rights_are_enough() {
    let folder = tempfile::tempdir().unwrap();
    let valkey = Valkey::start(folder.path());
    let password = folder.path().join("password");
    std::fs::write(&password, "change-this-password\n").unwrap();
    let server = Server::start(&format!(
        "[valkey]\nurl = \"redis://atpass@127.0.0.1:{}\"\npassword_file = {password:?}\nwhen_down = \"refuse\"",
        valkey.port
    ));
    use_it(&server).await;
    let metrics = server.observed("/metrics").text;
    assert!(metrics.contains("atpass_valkey_up 1"), "{metrics}");
    let log = server.log();
    for warning in ["Valkey", "ALARM", "change-this-password"] {
        assert!(!log.contains(warning), "{log}");
    }
}
