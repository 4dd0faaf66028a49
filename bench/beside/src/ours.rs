//! `atpass serve` as people run it: SQLite, every answer on the disk before it is given, nothing set but where it is.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use atpass_bench_load::free_port;
use atpass_testnet::Internet;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::browser::{Account, Browser, Pages};
use crate::endpoint::Endpoint;
use crate::process::{Cores, Process};
use crate::resource;
use crate::site::Site;

/// The PDS that tokens are for.
pub(crate) const AUDIENCE: &str = "did:web:pds.example.com";
const DID: &str = "did:web:alice.example.com";
const HANDLE: &str = "alice.test";
const PASSWORD: &str = "correct horse battery";

/// How to start it.
pub(crate) struct Plan<'a> {
    pub(crate) program: &'a Path,
    pub(crate) cores: &'a Cores,
    pub(crate) internet: &'a Internet,
    /// With its database.
    pub(crate) folder: &'a Path,
    pub(crate) port: u16,
}

impl Plan<'_> {
    fn file(&self) -> PathBuf {
        self.folder.join("atpass.toml")
    }

    /// Writes the configuration. No line for each request is logged, as the official server logs none; the audit trail
    /// is always written.
    pub(crate) fn configure(&self) -> Result<()> {
        fs::write(self.folder.join("root.pem"), self.internet.root())?;
        let configuration = format!(
            "issuer = \"http://localhost:{port}\"
listen = [\"127.0.0.1:{port}\"]
data = \".\"
[log]
level = \"warn\"
[network]
allow_http = true
allow_loopback = true
dns = \"{}\"
https_port = {}
root_certs = [\"root.pem\"]
[observe]
listen = [\"127.0.0.1:0\"]
",
            self.internet.names.address(),
            self.internet.port(),
            port = self.port,
        );
        Ok(fs::write(self.file(), configuration)?)
    }

    /// Starts it, and doesn't wait.
    pub(crate) fn start(&self) -> Result<Process> {
        let log = fs::File::create(self.folder.join("log"))?;
        let mut command = self.cores.pinned(self.program);
        command
            .args(["serve", "--config"])
            .arg(self.file())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        Process::start("atpass", &mut command)
    }

    async fn run(&self, words: &[&str], input: &str) -> Result<()> {
        let mut command = Command::new(self.program);
        command.args(words).arg("--config").arg(self.file());
        command.stdin(Stdio::piped()).stdout(Stdio::null());
        let mut child = command.spawn().context("start atpass")?;
        let mut to = child.stdin.take().context("its input")?;
        to.write_all(input.as_bytes()).await?;
        drop(to);
        let status = child.wait().await?;
        ensure!(status.success(), "atpass {words:?}: {status}");
        Ok(())
    }
}

/// A folder with an empty database and one account.
pub(crate) struct Place {
    folder: TempDir,
    port: u16,
}

impl Place {
    pub(crate) async fn new(program: &Path, cores: &Cores, internet: &Internet) -> Result<Self> {
        let place = Self {
            folder: TempDir::with_prefix("atpass-beside-")?,
            port: free_port()?,
        };
        let plan = place.plan(program, cores, internet);
        plan.configure()?;
        plan.run(&["database", "migrate"], "").await?;
        let who = ["account", "add", HANDLE, "--did", DID, "--pds", AUDIENCE];
        let words = [&who[..], &["--password-stdin"]].concat();
        plan.run(&words, &format!("{PASSWORD}\n")).await?;
        Ok(place)
    }

    pub(crate) fn plan<'a>(
        &'a self,
        program: &'a Path,
        cores: &'a Cores,
        internet: &'a Internet,
    ) -> Plan<'a> {
        Plan {
            program,
            cores,
            internet,
            folder: self.folder.path(),
            port: self.port,
        }
    }

    /// The database.
    pub(crate) fn database(&self) -> PathBuf {
        self.folder.path().join("atpass.sqlite")
    }

    /// The running server, with a resource server beside it.
    pub(crate) async fn site(&self, server: Process, cores: &Cores) -> Result<Site> {
        let auth = Endpoint::new(self.port)?;
        let resource = resource::start(cores, &auth.origin).await?;
        let account = Account {
            did: DID.to_owned(),
            handle: HANDLE.to_owned(),
            password: PASSWORD.to_owned(),
        };
        Ok(Site {
            name: "ours",
            server,
            auth,
            resource: Some(resource),
            browser: Browser::new(Pages::Ours, account),
        })
    }
}
