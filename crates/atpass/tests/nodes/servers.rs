//! PostgreSQL and Valkey of a run's own, which it stops, kills, empties and starts again.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};

use tempfile::TempDir;
use tokio_postgres::{Client, NoTls};

use crate::moment::pause;

/// The folder with PostgreSQL's programs.
const POSTGRES_PROGRAMS: &str = "ATPASS_TEST_POSTGRES_PROGRAMS";
/// The program of Valkey or Redis.
const VALKEY_PROGRAM: &str = "ATPASS_TEST_VALKEY_SERVER";
/// The user that Debian makes for PostgreSQL, which refuses to run as root.
const USER: &str = "postgres";

fn given(variable: &str) -> PathBuf {
    let path = std::env::var_os(variable);
    let path = path.unwrap_or_else(|| {
        panic!(
            "`cargo xtask test` says where PostgreSQL and Valkey are; without it, set {variable}"
        )
    });
    PathBuf::from(path)
}

/// A port that is free, and that no connection going out is given while its server is down.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = u16::try_from(std::process::id() % 11_000).unwrap();
    loop {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = 20_000 + (first + step) % 12_000;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

pub(crate) fn run(command: &mut Command) {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
}

pub(crate) fn signal(name: &str, process: &Child) {
    run(Command::new("kill").args(["-s", name, &process.id().to_string()]));
}

fn log(path: &Path) -> File {
    let mut options = OpenOptions::new();
    options.create(true).append(true).open(path).unwrap()
}

/// How PostgreSQL ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stop {
    /// Cuts connections and writes a checkpoint.
    Fast,
    /// At once: the next start recovers from its log, as after a crash.
    Immediate,
}

pub(crate) struct Postgres {
    programs: PathBuf,
    folder: TempDir,
    is_root: bool,
    pub(crate) port: u16,
    process: Child,
}

impl Postgres {
    /// Starts one with an empty database `atpass`.
    pub(crate) async fn start() -> Self {
        let programs = given(POSTGRES_PROGRAMS);
        let folder = TempDir::with_prefix("atpass-nodes-postgres-").unwrap();
        let id = Command::new("id").arg("-u").output().unwrap();
        let is_root = id.stdout.starts_with(b"0\n");
        if is_root {
            run(Command::new("chown").arg(USER).arg(folder.path()));
        }
        let port = free_port();
        let mut initdb = program(&programs, is_root, "initdb");
        initdb
            .arg("--pgdata")
            .arg(folder.path().join("data"))
            .args(["--username=atpass", "--auth=trust", "--no-sync"])
            .args(["--encoding=UTF8", "--locale=C"])
            .current_dir(folder.path());
        run(&mut initdb);
        let process = spawn_postgres(&programs, is_root, folder.path(), port);
        let mut postgres = Self {
            programs,
            folder,
            is_root,
            port,
            process,
        };
        let client = postgres.wait().await;
        client.execute("CREATE DATABASE atpass", &[]).await.unwrap();
        postgres
    }

    pub(crate) fn url(&self) -> String {
        format!("postgres://atpass@127.0.0.1:{}/atpass", self.port)
    }

    /// A connection to the database that is always there, if it answers.
    async fn connect(&self) -> Option<Client> {
        let url = format!("postgres://atpass@127.0.0.1:{}/postgres", self.port);
        let (client, connection) = tokio_postgres::connect(&url, NoTls).await.ok()?;
        tokio::spawn(connection);
        Some(client)
    }

    pub(crate) fn stop(&mut self, how: Stop) {
        let name = match how {
            Stop::Fast => "INT",
            Stop::Immediate => "QUIT",
        };
        signal(name, &self.process);
        self.process.wait().unwrap();
    }

    /// Starts it again, and returns when it answers.
    pub(crate) async fn start_again(&mut self) {
        self.process = spawn_postgres(&self.programs, self.is_root, self.folder.path(), self.port);
        self.wait().await;
    }

    async fn wait(&mut self) -> Client {
        loop {
            if let Some(client) = self.connect().await {
                return client;
            }
            if let Some(status) = self.process.try_wait().unwrap() {
                let log = fs::read_to_string(self.folder.path().join("log")).unwrap();
                panic!("PostgreSQL ended with {status}: {log}");
            }
            pause(100).await;
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // Gone already where the run ended in an outage. Its workers end with it.
        let _ = Command::new("kill")
            .args(["-s", "QUIT", &self.process.id().to_string()])
            .status();
        let _ = self.process.wait();
    }
}

fn program(programs: &Path, is_root: bool, name: &str) -> Command {
    let path = programs.join(name);
    if !is_root {
        return Command::new(path);
    }
    let mut command = Command::new("setpriv");
    command
        .args([&format!("--reuid={USER}"), &format!("--regid={USER}")])
        .arg("--clear-groups")
        .arg(path);
    command
}

fn spawn_postgres(programs: &Path, is_root: bool, folder: &Path, port: u16) -> Child {
    program(programs, is_root, "postgres")
        .arg("-D")
        .arg(folder.join("data"))
        .args(["-h", "127.0.0.1", "-p", &port.to_string(), "-k"])
        .arg(folder)
        .args(["-c", "max_connections=200"])
        .current_dir(folder)
        .stdout(Stdio::null())
        .stderr(log(&folder.join("log")))
        .spawn()
        .unwrap()
}

pub(crate) struct Valkey {
    program: PathBuf,
    folder: TempDir,
    pub(crate) port: u16,
    process: Child,
}

impl Valkey {
    pub(crate) async fn start() -> Self {
        let program = given(VALKEY_PROGRAM);
        let folder = TempDir::with_prefix("atpass-nodes-valkey-").unwrap();
        let port = free_port();
        let process = spawn_valkey(&program, folder.path(), port);
        let mut valkey = Self {
            program,
            folder,
            port,
            process,
        };
        valkey.wait().await;
        valkey
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// It forgets everything.
    pub(crate) fn empty(&self) {
        assert_eq!(self.ask("FLUSHALL").as_deref(), Some("+OK\r\n"));
    }

    /// SIGKILL. It keeps nothing on disk.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    pub(crate) async fn start_again(&mut self) {
        self.process = spawn_valkey(&self.program, self.folder.path(), self.port);
        self.wait().await;
    }

    async fn wait(&mut self) {
        while self.ask("PING").as_deref() != Some("+PONG\r\n") {
            if let Some(status) = self.process.try_wait().unwrap() {
                let log = fs::read_to_string(self.folder.path().join("log")).unwrap();
                panic!("Valkey ended with {status}: {log}");
            }
            pause(50).await;
        }
    }

    /// The answer to a command that has a short one.
    fn ask(&self, command: &str) -> Option<String> {
        let mut connection = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).ok()?;
        connection
            .write_all(format!("{command}\r\n").as_bytes())
            .ok()?;
        let mut answer = [0; 64];
        let length = connection.read(&mut answer).ok()?;
        let answer = answer.get(..length)?;
        Some(String::from_utf8_lossy(answer).into_owned())
    }
}

impl Drop for Valkey {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn spawn_valkey(program: &Path, folder: &Path, port: u16) -> Child {
    Command::new(program)
        .args(["--bind", "127.0.0.1", "--port", &port.to_string()])
        .args(["--save", "", "--appendonly", "no"])
        .args(["--maxmemory-policy", "noeviction", "--dir"])
        .arg(folder)
        .current_dir(folder)
        .stdout(log(&folder.join("log")))
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}
