//! The official PDS, unmodified, with its directory of DIDs beside it. Rate limits and logs are off, as in our tests with
//! it.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use atpass_bench_load::free_port;
use atpass_protocol::random::{self, SystemRandom};
use atpass_testnet::Internet;
use data_encoding::HEXLOWER;
use http::Request;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;

use crate::app::HOST;
use crate::browser::{Account, Browser, Pages};
use crate::endpoint::Endpoint;
use crate::process::{Cores, Process};
use crate::site::Site;

const HANDLE: &str = "carol.test";
const PASSWORD: &str = "correct horse battery";

/// How to start it.
pub(crate) struct Official<'a> {
    node: &'a Path,
    /// `peers/official-pds`.
    scripts: PathBuf,
    cores: &'a Cores,
    internet: &'a Internet,
    port: u16,
    folder: TempDir,
    secrets: [String; 3],
    root: PathBuf,
    directory: String,
    /// The directory.
    _directory: Process,
}

impl<'a> Official<'a> {
    /// Prepares it, and starts the directory.
    pub(crate) async fn new(
        node: &'a Path,
        peers: &Path,
        cores: &'a Cores,
        internet: &'a Internet,
    ) -> Result<Self> {
        let scripts = peers.join("official-pds").canonicalize()?;
        let mut command = Command::new(node);
        command
            .arg(scripts.join("directory.js"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut directory = Process::start("the directory", &mut command)?;
        let line: Value = serde_json::from_str(&directory.line().await?)?;
        let url = line["directory"].as_str().context("its URL")?.to_owned();
        let folder = TempDir::with_prefix("official-beside-")?;
        let root = folder.path().join("root.pem");
        std::fs::write(&root, internet.root())?;
        let secret = |length: usize| HEXLOWER.encode(&random::bytes::<32>(&SystemRandom)[..length]);
        Ok(Self {
            node,
            scripts,
            cores,
            internet,
            port: free_port()?,
            folder,
            secrets: [secret(16), secret(16), secret(32)],
            root,
            directory: url,
            _directory: directory,
        })
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Starts it, and doesn't wait.
    pub(crate) fn start(&self) -> Result<Process> {
        let [admin, jwt, plc] = &self.secrets;
        let data = self.folder.path();
        let mut command = self.cores.pinned(self.node);
        // The app's host stands at a port of this machine.
        command
            .arg("--import")
            .arg(self.scripts.join("test-host.js"))
            .arg(self.scripts.join("pds.js"))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .env("NODE_ENV", "production")
            .env("NODE_EXTRA_CA_CERTS", &self.root)
            .env("ATPASS_TEST_HOST", HOST)
            .env("ATPASS_TEST_PORT", self.internet.port().to_string())
            .env("PDS_PORT", self.port.to_string())
            .env("PDS_SERVICE_HANDLE_DOMAINS", ".test")
            .env("PDS_DATA_DIRECTORY", data)
            .env("PDS_BLOBSTORE_DISK_LOCATION", data.join("blobs"))
            .env("PDS_DID_PLC_URL", &self.directory)
            .env("PDS_ADMIN_PASSWORD", admin)
            .env("PDS_JWT_SECRET", jwt)
            .env("PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX", plc);
        Process::start("the official PDS", &mut command)
    }

    /// The running server, with an account.
    pub(crate) async fn site(&self, server: Process) -> Result<Site> {
        let auth = Endpoint::new(self.port)?;
        let body = json!({
            "handle": HANDLE, "email": "carol@example.com", "password": PASSWORD,
        });
        let request = Request::post("/xrpc/com.atproto.server.createAccount")
            .header("content-type", "application/json");
        let answer = auth.plain(request, body.to_string()).await?;
        ensure!(
            answer.status.is_success(),
            "createAccount: {}",
            answer.text()
        );
        let made: Value = serde_json::from_slice(&answer.body)?;
        let account = Account {
            did: made["did"].as_str().context("its DID")?.to_owned(),
            handle: HANDLE.to_owned(),
            password: PASSWORD.to_owned(),
        };
        Ok(Site {
            name: "official",
            server,
            auth,
            resource: None,
            browser: Browser::new(Pages::Official, account),
        })
    }
}
