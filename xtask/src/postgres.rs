//! A PostgreSQL of the tests' own: a new cluster in a temporary folder, on a free port of this machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::{process, server};

/// The variable in which tests find its URL.
pub(crate) const VARIABLE: &str = "ATPASS_TEST_POSTGRES";
/// The variable in which tests find the folder of the programs, to start servers that they end.
pub(crate) const PROGRAMS_VARIABLE: &str = "ATPASS_TEST_POSTGRES_PROGRAMS";

/// Where Debian keeps the programs of each version.
const DEBIAN: &str = "/usr/lib/postgresql";
/// The user that Debian makes for it; PostgreSQL refuses to run as root.
const USER: &str = "postgres";

/// A running server. Stops when it is dropped.
pub(crate) struct Postgres {
    server: Child,
    port: u16,
    programs: PathBuf,
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
        Self::start_with(&["max_connections=300"])
    }

    /// The same, with these settings.
    pub(crate) fn start_with(settings: &[&str]) -> Result<Self> {
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
        let port = server::free_port()?;
        let server = program("postgres")
            .arg("-D")
            .arg(&data)
            .args(["-h", "127.0.0.1", "-p", &port.to_string(), "-k"])
            .arg(folder.path())
            .args(settings.iter().flat_map(|setting| ["-c", setting]))
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .stderr(fs::File::create(folder.path().join("log"))?)
            .spawn()
            .context("start PostgreSQL")?;
        let mut postgres = Self {
            server,
            port,
            programs,
            folder,
        };
        let log = postgres.folder.path().join("log");
        server::wait_for("PostgreSQL", &mut postgres.server, port, &log)?;
        Ok(postgres)
    }

    /// The folder of the programs that were started.
    pub(crate) fn programs(&self) -> &Path {
        &self.programs
    }

    /// Where tests reach it: as a superuser, who makes a database for each test.
    pub(crate) fn url(&self) -> String {
        format!("postgres://atpass@127.0.0.1:{}/postgres", self.port)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // Its data goes with it: it needn't end in order.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
