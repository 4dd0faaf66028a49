//! A server of a test's own, to end it, freeze it and start it again.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// A port on which nothing listens now.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}

/// A server. Ends when it is dropped, and forgets all.
pub(crate) struct OwnServer {
    server: Child,
    folder: TempDir,
    port: u16,
}

impl OwnServer {
    /// On a free port.
    pub(crate) fn start(options: &[&str]) -> Self {
        Self::start_on(free_port(), options)
    }

    /// On this port; returns when the server says that it is ready.
    pub(crate) fn start_on(port: u16, options: &[&str]) -> Self {
        let folder = TempDir::with_prefix("atpass-valkey-").unwrap();
        let server = spawn(folder.path(), port, options);
        Self {
            server,
            folder,
            port,
        }
    }

    /// Kills it (`kill -9`).
    pub(crate) fn stop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }

    /// Kills it, and starts it again with what it saved: nothing, if it wasn't told to.
    pub(crate) fn restart(&mut self) {
        self.stop();
        self.server = spawn(self.folder.path(), self.port, &[]);
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// `STOP` has it keep its connections and answer nothing, `CONT` go on.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.server.id().to_string();
        let status = Command::new("kill").args(["-s", name, &id]).status();
        assert!(status.unwrap().success());
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Starts a server; returns when it says that it is ready.
fn spawn(folder: &Path, port: u16, options: &[&str]) -> Child {
    let program = std::env::var_os("ATPASS_TEST_VALKEY_SERVER").expect(
        "`cargo xtask test` says where the program `valkey-server` or `redis-server` is; \
         without it, set the variable",
    );
    let mut server = Command::new(program)
        .args(["--bind", "127.0.0.1", "--port", &port.to_string()])
        .args(["--save", "", "--appendonly", "no", "--dir"])
        .arg(folder)
        .args(options)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(server.stdout.take().unwrap());
    let mut said = String::new();
    while !said.contains("Ready to accept connections") {
        assert!(log.read_line(&mut said).unwrap() > 0, "ended: {said}");
    }
    // Kept, so that the server has somewhere to write to.
    server.stdout = Some(log.into_inner());
    server
}
