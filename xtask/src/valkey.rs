//! A Valkey, or a Redis, of the tests' own: in memory, on a free port of this machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::{process, server};

/// The variable in which tests find its URL.
pub(crate) const VARIABLE: &str = "ATPASS_TEST_VALKEY";
/// The variable in which tests find the program, to start servers that they end.
pub(crate) const PROGRAM_VARIABLE: &str = "ATPASS_TEST_VALKEY_SERVER";

/// The program, and the Debian package that brings it.
pub(crate) const PACKAGE: &str = "valkey-server";
/// The same where Debian doesn't have Valkey yet.
pub(crate) const OLDER_PACKAGE: &str = "redis-server";

/// A running server. Stops when it is dropped.
pub(crate) struct Valkey {
    server: Child,
    port: u16,
    program: PathBuf,
    folder: TempDir,
}

/// The program, where it is installed.
pub(crate) fn program() -> Option<PathBuf> {
    process::find_program(&[PACKAGE, OLDER_PACKAGE])
}

impl Valkey {
    /// Starts one, and returns when it answers.
    pub(crate) fn start() -> Result<Self> {
        let program = program().context("Valkey is missing")?;
        let folder = TempDir::with_prefix("atpass-valkey-").context("make a folder")?;
        let port = server::free_port()?;
        let server = Command::new(&program)
            .args(["--bind", "127.0.0.1", "--port", &port.to_string()])
            .args(["--save", "", "--appendonly", "no"])
            .args(["--maxmemory-policy", "noeviction", "--dir"])
            .arg(folder.path())
            .current_dir(folder.path())
            .stdout(fs::File::create(folder.path().join("log"))?)
            .stderr(Stdio::null())
            .spawn()
            .context("start Valkey")?;
        let mut valkey = Self {
            server,
            port,
            program,
            folder,
        };
        let log = valkey.folder.path().join("log");
        server::wait_for("Valkey", &mut valkey.server, port, &log)?;
        Ok(valkey)
    }

    /// Where tests reach it. They share it, so each begins its keys with something of its own.
    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// The program that was started.
    pub(crate) fn program(&self) -> &Path {
        &self.program
    }
}

impl Drop for Valkey {
    fn drop(&mut self) {
        // It keeps nothing: it needn't end in order.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpStream};

    use super::*;

    #[test]
    fn it_ends_with_its_owner() {
        let valkey = Valkey::start().unwrap();
        let address = (Ipv4Addr::LOCALHOST, valkey.port);
        let folder = valkey.folder.path().to_owned();
        assert_eq!(valkey.url(), format!("redis://127.0.0.1:{}", address.1));
        assert!(valkey.program().is_file());
        assert!(TcpStream::connect(address).is_ok());
        drop(valkey);
        assert!(TcpStream::connect(address).is_err());
        assert!(!folder.exists());
    }
}
