//! A database of a test's own, and a way to it that can be cut.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use atpass_fetch::{FetchConfig, Fetcher};
use atpass_protocol::random::{self, SystemRandom};
use atpass_protocol::time::{Clock, SystemClock};
use tempfile::TempDir;
use tokio_postgres::{Client, NoTls};
use url::Url;

use crate::common::App;
use crate::program::{errors, run_with, text};

pub(crate) const ALICE: &str = "did:plc:ewvi7nxzyoun6zhxrhs64oiz";

/// A new database, and a master key for it.
pub(crate) struct Postgres {
    pub(crate) folder: TempDir,
    pub(crate) url: Url,
}

impl Postgres {
    /// The server forgets it when the tests are over.
    pub(crate) async fn new() -> Self {
        let server = std::env::var("ATPASS_TEST_POSTGRES").expect(
            "ATPASS_TEST_POSTGRES is the URL of a PostgreSQL where databases may be made; `cargo xtask test` starts one",
        );
        let number = u64::from_be_bytes(random::bytes(&SystemRandom));
        let name = format!("atpass_program_{number:016x}");
        let create = format!("CREATE DATABASE {name}");
        connect(&server).await.batch_execute(&create).await.unwrap();
        let mut url = Url::parse(&server).unwrap();
        url.set_path(&name);
        let folder = tempfile::tempdir().unwrap();
        text(folder.path(), &["key", "master", "master"]);
        Self { folder, url }
    }

    pub(crate) fn master(&self) -> PathBuf {
        self.folder.path().join("master")
    }

    /// The part of a configuration that names it.
    pub(crate) fn section(&self) -> String {
        section(&self.url, &[&self.master()])
    }

    /// A way to it that can be cut.
    pub(crate) fn door(&self) -> (Door, Url) {
        let door = Door::open();
        door.to(self.url.port().unwrap_or(5432));
        let mut url = self.url.clone();
        url.set_port(Some(door.port)).unwrap();
        (door, url)
    }
}

/// The part of a configuration that names a database, by this way and with these master keys.
pub(crate) fn section(url: &Url, master: &[&Path]) -> String {
    format!("[database]\nurl = \"{url}\"\nconnections = 4\nmaster_keys = {master:?}\n")
}

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// A port that passes connections on to another one of this machine, or closes them.
pub(crate) struct Door {
    pub(crate) port: u16,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    to: Option<u16>,
    open: Vec<TcpStream>,
}

impl Door {
    /// To nowhere yet.
    pub(crate) fn open() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(Mutex::new(State::default()));
        let shared = state.clone();
        // Ends with the test's process.
        std::thread::spawn(move || {
            for from in listener.incoming().map_while(Result::ok) {
                pass_on(from, &shared);
            }
        });
        Self { port, state }
    }

    /// From now on to this port. What was open is closed.
    pub(crate) fn to(&self, port: u16) {
        self.lead(Some(port));
    }

    /// Closes everything, and lets nothing through.
    pub(crate) fn cut(&self) {
        self.lead(None);
    }

    fn lead(&self, to: Option<u16>) {
        let mut state = self.state.lock().unwrap();
        state.to = to;
        for stream in state.open.drain(..) {
            // Closed already by one of its ends.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

fn pass_on(from: TcpStream, state: &Mutex<State>) {
    let mut state = state.lock().unwrap();
    let Some(Ok(to)) = state
        .to
        .map(|port| TcpStream::connect((Ipv4Addr::LOCALHOST, port)))
    else {
        return;
    };
    for (source, sink) in [(&from, &to), (&to, &from)] {
        let (source, sink) = (source.try_clone().unwrap(), sink.try_clone().unwrap());
        std::thread::spawn(move || pour(source, sink));
    }
    state.open.extend([from, to]);
}

fn pour(mut source: TcpStream, mut sink: TcpStream) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(length @ 1..) = source.read(&mut buffer) {
        if sink.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = sink.shutdown(Shutdown::Write);
}

/// The account of the tests, added in a server's folder.
pub(crate) fn add_alice(folder: &Path) {
    let add = ["account", "add", "alice.test", "--did", ALICE];
    let more = ["--pds", "did:web:pds.example.com", "--password-stdin"];
    let output = run_with(folder, &[add.as_slice(), &more].concat(), "wonderland\n");
    assert!(output.status.success(), "{}", errors(&output));
}

/// An app that opens a connection for each request, so that each finds the server that is meant.
pub(crate) fn app(origin: &str) -> App {
    let config = FetchConfig {
        keep_alive: std::time::Duration::ZERO,
        ..FetchConfig::development()
    };
    App::new(origin, Fetcher::new(config).unwrap(), SystemClock.now())
}
