//! `atpass login`, `call`, `whoami` and `logout` as people use them, at a network of the test's own.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "../../atpass-testnet/tests/common/mod.rs"]
mod common;
mod program;

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use atpass_protocol::id::Did;
use atpass_protocol::time::{Clock, SystemClock};
use axum::Router;
use axum::response::IntoResponse;
use bytes::Bytes;
use common::{Browser, Lab};
use http::{Request, StatusCode};
use program::{atpass, errors};
use serde_json::{Value, json};
use tempfile::TempDir;
use url::Url;

const ALICE: (&str, &str) = ("alice.test", "wonderland");
const GET_SESSION: &str = "com.atproto.server.getSession";

/// A person with sessions in a folder, at a network.
struct Person {
    lab: Lab,
    folder: TempDir,
}

impl Person {
    async fn start() -> Self {
        let lab = Lab::configured(|config| config.clock = Arc::new(SystemClock)).await;
        let folder = tempfile::tempdir().unwrap();
        Self { lab, folder }
    }

    fn command(&self, folder: &TempDir, arguments: &[&str]) -> Command {
        let mut command = atpass(folder.path(), arguments);
        command
            .env("ATPASS_SESSIONS", folder.path())
            .env("ATPASS_DIRECTORY", self.lab.network.directory.as_str())
            .env("ATPASS_HANDLE_RESOLVER", self.lab.network.resource.as_str())
            .env("ATPASS_ALLOW_HTTP", "true")
            .env("ATPASS_ALLOW_LOOPBACK", "true");
        command
    }

    async fn run(&self, arguments: &[&str]) -> Output {
        let mut command = self.command(&self.folder, arguments);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap());
        output.await.unwrap()
    }

    /// What a command says that must succeed.
    async fn text(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments).await;
        let errors = errors(&output);
        assert!(output.status.success(), "{arguments:?}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// What it complains about when it must fail.
    async fn failure(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments).await;
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        errors(&output)
    }

    /// Whether all is well, and the rows.
    async fn whoami(&self) -> (bool, Vec<Value>) {
        let output = self.run(&["whoami", "--json"]).await;
        let rows = serde_json::from_slice(&output.stdout).unwrap();
        (output.status.success(), rows)
    }

    async fn login(&self, who: (&str, &str)) -> String {
        self.login_in(&self.folder, who).await
    }

    /// The whole login. Returns what it says to the person.
    async fn login_in(&self, folder: &TempDir, who: (&str, &str)) -> String {
        let arguments = ["login", who.0, "--no-browser"];
        let mut process = self
            .command(folder, &arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = BufReader::new(process.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains("request_uri") {
            line.clear();
            assert!(stderr.read_line(&mut line).unwrap() > 0, "no URL");
        }
        let url = Url::parse(line.trim()).unwrap();
        let pairs: Vec<_> = url.query_pairs().collect();
        let mut app = self.lab.app();
        app.client_id = pairs[0].1.to_string();
        let request_uri = pairs[1].1.to_string();
        let browser = Browser::new(&app);
        let signed_in = browser.sign_in(&app, &request_uri, who.0, who.1).await;
        let consent = browser.get(signed_in.header("location")).await;
        let answer = browser
            .decide(&app, &request_uri, &consent, "authorize")
            .await;
        let back = Request::get(answer.header("location"));
        let back = back.body(Bytes::new()).unwrap();
        let page = self.lab.fetcher.fetch(back).await.unwrap();
        assert_eq!(page.status(), StatusCode::OK);
        let mut said = String::new();
        stderr.read_to_string(&mut said).unwrap();
        assert!(process.wait().unwrap().success(), "{said}");
        said
    }

    /// The files of an account's sessions.
    fn records(&self, did: &Did) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.folder.path().join("sessions")).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        let has = |path: &PathBuf| {
            std::fs::read_to_string(path)
                .unwrap()
                .contains(did.as_str())
        };
        paths.filter(has).collect()
    }

    /// Writes something else into an account's record.
    fn edit(&self, did: &Did, change: impl Fn(&str) -> String) {
        for path in self.records(did) {
            let record = std::fs::read_to_string(&path).unwrap();
            std::fs::write(path, change(&record)).unwrap();
        }
    }

    /// Adds or replaces a member of an account's record.
    fn set(&self, did: &Did, member: &str, value: &Value) {
        self.edit(did, |record| {
            let (head, record) = record.split_once('\n').unwrap();
            let mut record: Value = serde_json::from_str(record).unwrap();
            record[member] = value.clone();
            format!("{head}\n{record}")
        });
    }

    fn did(&self, number: usize) -> Did {
        self.lab.network.accounts[number].did.clone()
    }

    fn bob(&self) -> (&str, &str) {
        let bob = &self.lab.network.accounts[1];
        (bob.handle.as_str(), bob.password)
    }

    /// How many sessions the server has of an account.
    async fn at_server(&self, did: &Did) -> usize {
        use atpass_provider::store::Store;
        let store = self.lab.network.store();
        let sessions = store.sessions_of(did, SystemClock.now()).await;
        sessions.unwrap().len()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn several_sessions_of_one_account() {
    let person = Person::start().await;
    let alice = person.did(0);
    person.login(ALICE).await;
    let said = person.login(ALICE).await;
    assert!(
        said.contains("Ended 1 earlier session of this account."),
        "{said}"
    );
    assert_eq!(person.at_server(&alice).await, 1);
    let (ok, rows) = person.whoami().await;
    assert!(ok);
    assert_eq!(rows.len(), 1);

    // One more, as earlier versions have left them.
    let other = tempfile::tempdir().unwrap();
    person.login_in(&other, ALICE).await;
    for entry in std::fs::read_dir(other.path().join("sessions")).unwrap() {
        let entry = entry.unwrap();
        let to = person
            .folder
            .path()
            .join("sessions")
            .join(entry.file_name());
        std::fs::copy(entry.path(), to).unwrap();
    }
    assert_eq!(person.whoami().await.1.len(), 2);
    person
        .text(&["call", GET_SESSION, "--account", ALICE.0])
        .await;
    let said = person.text(&["logout", "--account", ALICE.0]).await;
    assert!(said.ends_with("2 sessions ended.\n"), "{said}");
    assert_eq!(person.at_server(&alice).await, 0);
    assert_eq!(person.whoami().await, (false, Vec::new()));
    let said = person.failure(&["logout", "--account", ALICE.0]).await;
    assert!(said.contains("is not signed in here"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_signed_in() {
    let person = Person::start().await;
    let how = "atpass: nobody is signed in; `atpass login <handle>` does that\n";
    assert_eq!(person.failure(&["whoami"]).await, how);
    assert_eq!(person.failure(&["call", GET_SESSION]).await, how);
    assert_eq!(person.failure(&["logout"]).await, how);
    let said = person.text(&["logout", "--all"]).await;
    assert_eq!(said, "Nobody is signed in.\n");
}

/// A record that can't be read hides no other session, and can be removed.
#[tokio::test(flavor = "multi_thread")]
async fn broken_records() {
    let person = Person::start().await;
    let (alice, bob) = (person.did(0), person.did(1));
    let half = |record: &str| record[..record.len() / 2].to_owned();
    let garbage = |_: &str| "garbage".to_owned();
    for damage in [&half as &dyn Fn(&str) -> String, &garbage] {
        person.login(ALICE).await;
        person.login(person.bob()).await;
        person.edit(&bob, damage);
        let (ok, rows) = person.whoami().await;
        assert!(!ok);
        assert_eq!(rows.len(), 2, "{rows:?}");
        assert_eq!(rows[0]["handle"], "alice.test");
        assert_eq!(
            (&rows[1]["current"], &rows[1]["did"]),
            (&json!(true), &Value::Null)
        );
        let error = rows[1]["error"].as_str().unwrap();
        assert!(error.contains("the session store failed"), "{error}");

        let said = person.failure(&["call", GET_SESSION]).await;
        assert!(said.contains("`atpass logout` removes it"), "{said}");
        let said = person.failure(&["logout"]).await;
        assert!(
            said.contains("is forgotten here, but its server wasn't told"),
            "{said}"
        );
        let (ok, rows) = person.whoami().await;
        assert!(ok);
        assert_eq!(rows.len(), 1);

        person.login(person.bob()).await;
        person.edit(&bob, damage);
        person.failure(&["logout", "--all"]).await;
        assert_eq!(person.at_server(&alice).await, 0);
        assert_eq!(person.whoami().await, (false, Vec::new()));
    }
}

/// What a server says that isn't yes is no handle, and nothing that it says steers the terminal.
#[tokio::test(flavor = "multi_thread")]
async fn other_answers_of_a_pds() {
    let person = Person::start().await;
    let alice = person.did(0);
    person.login(ALICE).await;
    let hostile = json!({"handle": "\u{1b}[2J\u{9b}\u{202e}x"}).to_string();
    for (status, body) in [
        (StatusCode::UNAUTHORIZED, String::new()),
        (StatusCode::BAD_GATEWAY, "<html>".into()),
        (StatusCode::OK, hostile),
    ] {
        let listener = tokio::net::TcpListener::bind("localhost:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let answer = move || {
            let answer = (status, body.clone()).into_response();
            async { answer }
        };
        let pds = Router::new().fallback(answer);
        tokio::spawn(async { axum::serve(listener, pds).await });
        person.set(&alice, "pds", &json!(format!("http://localhost:{port}")));
        person.set(&alice, "scope", &json!("atproto \u{1b}[2J"));
        let output = person.run(&["whoami"]).await;
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.success(), status.is_success(), "{text}");
        let expected = match status {
            StatusCode::OK => "?[2J??x".to_owned(),
            status => format!("The server answered {status}."),
        };
        assert!(text.contains(&expected), "{text}");
        let steers = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
        assert!(!text.chars().any(steers), "{text:?}");
    }
}

/// Clause C-REF-04: a refresh that ended with its process is finished by the next command, whoever's session
/// that one is about.
#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_refresh() {
    let person = Person::start().await;
    let bob = person.did(1);
    person.login(person.bob()).await;
    person.login(ALICE).await;
    let mark = json!({"holder": "a process that is gone", "until": 1});
    person.set(&bob, "refreshing", &mark);
    person.text(&["call", GET_SESSION]).await;
    let record = std::fs::read_to_string(&person.records(&bob)[0]).unwrap();
    assert!(!record.contains("refreshing"));
    assert!(person.whoami().await.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_can_only_be_read() {
    let person = Person::start().await;
    person.login(ALICE).await;
    // For the superuser as well, nothing opens a folder for writing.
    let lock = person.folder.path().join("lock");
    std::fs::remove_file(&lock).unwrap();
    std::fs::create_dir(&lock).unwrap();
    assert!(person.whoami().await.0);
    let folder = person.folder.path().to_str().unwrap();
    for arguments in [&["logout"][..], &["login", ALICE.0, "--no-browser"]] {
        let said = person.failure(arguments).await;
        assert!(
            said.contains(folder) && said.contains("--sessions"),
            "{said}"
        );
    }
    // At the server it is over; here it is still to be removed.
    assert_eq!(person.at_server(&person.did(0)).await, 0);
    let (ok, rows) = person.whoami().await;
    assert!(!ok);
    assert_eq!(rows.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_once_and_plainly() {
    let person = Person::start().await;
    let said = person
        .failure(&["login", ALICE.0, "--scope", "transition:generic"])
        .await;
    assert_eq!(said, "atpass: scope: scope must hold atproto\n");
    let no_account = "atpass: There seems to be no account nobody.test. Check the spelling.\n";
    for command in [&["login"][..], &["logout", "--account"]] {
        let said = person.failure(&[command, &["nobody.test"]].concat()).await;
        assert_eq!(said, no_account);
    }
    let both = ["call", GET_SESSION, "--query", "--input", "file"];
    let said = errors(&person.run(&both).await);
    assert!(
        said.contains("'--query' cannot be used with '--input <FILE>'"),
        "{said}"
    );
}
