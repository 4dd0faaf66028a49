//! A PostgreSQL of the tests' own: a new cluster in a temporary folder, on a free port of this machine.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use std::{fs, thread};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::process;

/// The variable in which tests find its URL.
pub(crate) const VARIABLE: &str = "ATPASS_TEST_POSTGRES";

/// Where Debian keeps the programs of each version.
const DEBIAN: &str = "/usr/lib/postgresql";
/// The user that Debian makes for it; PostgreSQL refuses to run as root.
const USER: &str = "postgres";

/// A running server. Stops when it is dropped.
pub(crate) struct Postgres {
    server: Child,
    port: u16,
    folder: TempDir,
}

/// The folder with `initdb` and `postgres`.
pub(crate) fn programs() -> Option<PathBuf> {
    let of_path = process::find_program(&["initdb"]);
    let of_debian = || {
        let mut versions: Vec<_> = fs::read_dir(DEBIAN)
            .ok()?
            .flatten()
            .map(|entry| entry.path().join("bin/initdb"))
            .filter(|program| program.is_file())
            .collect();
        versions.sort();
        versions.pop()
    };
    let initdb = of_path.or_else(of_debian)?;
    initdb.parent().map(Path::to_owned)
}

impl Postgres {
    /// Starts one, and returns when it answers.
    pub(crate) fn start() -> Result<Self> {
        let programs = programs().context("PostgreSQL is missing")?;
        let folder = TempDir::with_prefix("atpass-postgres-").context("make a folder")?;
        let data = folder.path().join("data");
        let is_root = process::output(Command::new("id").arg("-u"))?.trim() == "0";
        if is_root {
            process::run(Command::new("chown").arg(USER).arg(folder.path()))?;
        }
        let program = |name: &str| {
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
        };
        let mut initdb = program("initdb");
        initdb
            .arg("--pgdata")
            .arg(&data)
            .args(["--username=atpass", "--auth=trust", "--no-sync"])
            .args(["--encoding=UTF8", "--locale=C"])
            .current_dir(folder.path());
        process::output(&mut initdb)?;
        let port = free_port()?;
        let server = program("postgres")
            .arg("-D")
            .arg(&data)
            .args(["-h", "127.0.0.1", "-p", &port.to_string(), "-k"])
            .arg(folder.path())
            .args(["-c", "max_connections=300"])
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .stderr(fs::File::create(folder.path().join("log"))?)
            .spawn()
            .context("start PostgreSQL")?;
        let mut postgres = Self {
            server,
            port,
            folder,
        };
        postgres.wait()?;
        Ok(postgres)
    }

    /// Where tests reach it: as a superuser, who makes a database for each test.
    pub(crate) fn url(&self) -> String {
        format!("postgres://atpass@127.0.0.1:{}/postgres", self.port)
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "there is nothing to wait for but the port"
    )]
    fn wait(&mut self) -> Result<()> {
        for _ in 0..300 {
            if TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok() {
                return Ok(());
            }
            if let Some(status) = self.server.try_wait()? {
                let log = fs::read_to_string(self.folder.path().join("log"))?;
                bail!("PostgreSQL ended with {status}: {}", log.trim());
            }
            thread::sleep(Duration::from_millis(100));
        }
        bail!("PostgreSQL doesn't answer after 30 seconds");
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // Its data goes with it: it needn't end in order.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("find a free port")?;
    Ok(listener.local_addr()?.port())
}
