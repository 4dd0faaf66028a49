//! What the servers of the tests' own have in common: a free port of this machine, and the wait for an answer.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Child;
use std::time::Duration;
use std::{fs, thread};

use anyhow::{Context, Result, bail};

/// A port that is free just now.
pub(crate) fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("find a free port")?;
    Ok(listener.local_addr()?.port())
}

/// Waits until the server answers; if it ends in place of that, what it wrote into `log` tells why.
#[expect(
    clippy::disallowed_methods,
    reason = "there is nothing to wait for but the port"
)]
pub(crate) fn wait_for(name: &str, server: &mut Child, port: u16, log: &Path) -> Result<()> {
    for _ in 0..300 {
        if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(());
        }
        if let Some(status) = server.try_wait()? {
            let log = fs::read_to_string(log)?;
            bail!("{name} ended with {status}: {}", log.trim());
        }
        thread::sleep(Duration::from_millis(100));
    }
    bail!("{name} doesn't answer after 30 seconds");
}
