//! The program itself, started for a test, and a plain HTTP client.
#![expect(dead_code, reason = "each test file uses its own part of this")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

/// How long anything may take before the test fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// A command of the program, in a folder, with nothing of this process's own configuration.
pub(crate) fn atpass(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_atpass"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("ATPASS_") {
            command.env_remove(name);
        }
    }
    command.args(arguments).current_dir(folder);
    command
}

/// Runs a command to its end, with a text on standard input.
pub(crate) fn run_with(folder: &Path, arguments: &[&str], input: &str) -> Output {
    let mut command = atpass(folder, arguments);
    let mut process = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It may end without reading.
    let _ = process.stdin.take().unwrap().write_all(input.as_bytes());
    process.wait_with_output().unwrap()
}

/// Runs a command to its end.
pub(crate) fn run(folder: &Path, arguments: &[&str]) -> Output {
    run_with(folder, arguments, "")
}

/// What a command that must succeed prints.
pub(crate) fn text(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        errors(&output)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// The same, where it is JSON.
pub(crate) fn json(folder: &Path, arguments: &[&str]) -> Value {
    serde_json::from_str(&text(folder, arguments)).unwrap()
}

/// What a command that must fail says.
pub(crate) fn failure(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    assert!(!output.status.success(), "{arguments:?} succeeded");
    errors(&output)
}

pub(crate) fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// An answer, read.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn read(mut connection: TcpStream) -> Self {
        connection.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut text = String::new();
        connection.read_to_string(&mut text).unwrap();
        let status = text.split(' ').nth(1).unwrap_or_default();
        Self {
            status: status
                .parse()
                .unwrap_or_else(|_| panic!("no answer: {text:?}")),
            text,
        }
    }
}

/// Asks a port of this machine.
pub(crate) fn get(port: u16, host: &str, path: &str) -> Answer {
    let mut connection = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).unwrap();
    Answer::read(connection)
}

/// `atpass serve` with a configuration of its own.
pub(crate) struct Server {
    process: Child,
    pub(crate) folder: TempDir,
    pub(crate) port: u16,
    pub(crate) observe: u16,
    lines: Arc<Mutex<Vec<String>>>,
    news: Receiver<()>,
}

impl Server {
    /// Starts it in a folder of its own, and returns when it is ready. `more` is added to the
    /// configuration's top.
    pub(crate) fn start(more: &str) -> Self {
        // A port that was free may be taken by another test the next moment.
        (0..5).find_map(|_| Self::try_start(None, more)).unwrap()
    }

    /// The same, where it is reached at another origin than its own: somebody passes requests on.
    pub(crate) fn start_behind(issuer: &str, more: &str) -> Self {
        (0..5)
            .find_map(|_| Self::try_start(Some(issuer), more))
            .unwrap()
    }

    fn try_start(issuer: Option<&str>, more: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let own = format!("http://localhost:{port}");
        let issuer = issuer.unwrap_or(&own);
        let config = format!(
            "issuer = \"{issuer}\"
            listen = [\"127.0.0.1:{port}\"]
            data = \"data\"
            {more}
            [network]
            allow_http = true
            allow_loopback = true
            [observe]
            listen = [\"127.0.0.1:0\"]
            [proxy]
            trusted = [\"127.0.0.1\"]
            [log]
            format = \"json\""
        );
        std::fs::write(folder.path().join("atpass.toml"), config).unwrap();
        text(folder.path(), &["database", "migrate"]);
        let (process, lines, news) = Self::spawn(folder.path());
        let mut server = Self {
            process,
            folder,
            port,
            observe: 0,
            lines,
            news,
        };
        let ready = server.event(|event| event["message"] == "ready")?;
        let (_, observe) = ready["observe"].as_str().unwrap().rsplit_once(':').unwrap();
        server.observe = observe.parse().unwrap();
        Some(server)
    }

    fn spawn(folder: &Path) -> (Child, Arc<Mutex<Vec<String>>>, Receiver<()>) {
        let mut process = atpass(folder, &["serve"])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let (tell, news) = channel();
        let stderr = BufReader::new(process.stderr.take().unwrap());
        let written = lines.clone();
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                written.lock().unwrap().push(line);
                let _ = tell.send(());
            }
        });
        (process, lines, news)
    }

    /// Starts it once more, after it ended, and returns when it is ready.
    pub(crate) fn again(&mut self) {
        (self.process, self.lines, self.news) = Self::spawn(self.folder.path());
        let ready = self.event(|event| event["message"] == "ready").unwrap();
        let (_, observe) = ready["observe"].as_str().unwrap().rsplit_once(':').unwrap();
        self.observe = observe.parse().unwrap();
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.path().join("data/atpass.sqlite")
    }

    pub(crate) fn origin(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        get(self.port, "localhost", path)
    }

    pub(crate) fn observed(&self, path: &str) -> Answer {
        get(self.observe, "localhost", path)
    }

    /// Everything it logged.
    pub(crate) fn log(&self) -> String {
        self.lines.lock().unwrap().join("\n")
    }

    /// The first event that fits, as soon as it is logged. `None` if the program ends before.
    pub(crate) fn event(&self, fits: impl Fn(&Value) -> bool) -> Option<Value> {
        loop {
            let read = |line: &String| serde_json::from_str(line).ok();
            let found = self
                .lines
                .lock()
                .unwrap()
                .iter()
                .filter_map(read)
                .find(&fits);
            if found.is_some() {
                return found;
            }
            match self.news.recv_timeout(PATIENCE) {
                Ok(()) => {}
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => return None,
                Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {
                    panic!("no such event in: {}", self.log())
                }
            }
        }
    }

    /// SIGTERM.
    pub(crate) fn terminate(&self) {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").arg(pid).status().unwrap().success());
    }

    /// Waits for the end.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        self.process.wait().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Gone already where the test ended it.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}
