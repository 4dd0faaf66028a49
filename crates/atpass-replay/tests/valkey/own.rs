//! A server of a test's own, to end it, freeze it and start it again.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, ChildStdout, Command, Stdio};

use tempfile::TempDir;

/// A port on which nothing listens now.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}

/// A server. Ends when it is dropped, and forgets all.
pub(crate) struct OwnServer {
    server: Child,
    /// Kept, so that the server has somewhere to write to.
    _log: BufReader<ChildStdout>,
    _folder: TempDir,
    port: u16,
}

impl OwnServer {
    /// On a free port.
    pub(crate) fn start(options: &[&str]) -> Self {
        Self::start_on(free_port(), options)
    }

    /// On this port; returns when the server says that it is ready.
    pub(crate) fn start_on(port: u16, options: &[&str]) -> Self {
        let program = std::env::var_os("ATPASS_TEST_VALKEY_SERVER").expect(
            "`cargo xtask test` says where the program `valkey-server` or `redis-server` is; \
             without it, set the variable",
        );
        let folder = TempDir::with_prefix("atpass-valkey-").unwrap();
        let mut server = Command::new(program)
            .args(["--bind", "127.0.0.1", "--port", &port.to_string()])
            .args(["--save", "", "--appendonly", "no", "--dir"])
            .arg(folder.path())
            .args(options)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(server.stdout.take().unwrap());
        let mut said = String::new();
        while !said.contains("Ready to accept connections") {
            assert!(log.read_line(&mut said).unwrap() > 0, "ended: {said}");
        }
        Self {
            server,
            _log: log,
            _folder: folder,
            port,
        }
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
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
