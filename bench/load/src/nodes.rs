//! The program, several times on one database.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use atpass_protocol::secret::Secret;
use atpass_testnet::Internet;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::server::ISSUER;
use crate::usage::{self, Usage};

/// How to start one.
pub(crate) struct Plan<'a> {
    pub(crate) program: &'a Path,
    pub(crate) database: &'a str,
    pub(crate) connections: u32,
    pub(crate) master: &'a Secret,
    pub(crate) internet: &'a Internet,
    /// Where proofs are remembered, where it isn't the database.
    pub(crate) valkey: Option<&'a str>,
}

/// Running servers. They end when this is dropped.
pub(crate) struct Nodes {
    nodes: Vec<Node>,
}

struct Node {
    process: Child,
    address: String,
    /// Its configuration.
    folder: TempDir,
}

impl Nodes {
    /// Starts so many, and returns when all of them answer.
    pub(crate) async fn start(plan: &Plan<'_>, many: usize) -> Result<Self> {
        let nodes: Result<_> = (0..many).map(|_| Node::start(plan)).collect();
        let mut nodes = Self { nodes: nodes? };
        for node in &mut nodes.nodes {
            node.wait().await?;
        }
        Ok(nodes)
    }

    pub(crate) fn addresses(&self) -> Vec<String> {
        let addresses = self.nodes.iter().map(|node| node.address.clone());
        addresses.collect()
    }

    /// What they used so far.
    pub(crate) fn usage(&self) -> Result<Usage> {
        let mut sum = Usage::default();
        for node in &self.nodes {
            let process = node.process.id().context("a server has ended")?;
            sum.cpu += usage::of(process)?.cpu;
        }
        Ok(sum)
    }
}

impl Node {
    fn start(plan: &Plan<'_>) -> Result<Self> {
        let folder = TempDir::with_prefix("atpass-node-")?;
        let address = format!("127.0.0.1:{}", free_port()?);
        let place = |name: &str| -> PathBuf { folder.path().join(name) };
        fs::write(place("master.key"), plan.master.expose())?;
        fs::write(place("root.pem"), plan.internet.root())?;
        let configuration = format!(
            "issuer = \"{ISSUER}\"
listen = [\"{address}\"]
[database]
url = \"{}\"
connections = {}
master_keys = [\"master.key\"]
[network]
dns = \"{}\"
root_certs = [\"root.pem\"]
allow_loopback = true
[observe]
listen = [\"127.0.0.1:0\"]
",
            plan.database,
            plan.connections,
            plan.internet.names.address(),
        );
        let valkey = plan.valkey.map_or_else(String::new, |url| {
            format!("[valkey]\nurl = \"{url}\"\nwhen_down = \"refuse\"\n")
        });
        let file = place("atpass.toml");
        fs::write(&file, configuration + &valkey)?;
        let process = Command::new(plan.program)
            .arg("serve")
            .arg("--config")
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(fs::File::create(place("log"))?)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("start {}", plan.program.display()))?;
        Ok(Self {
            process,
            address,
            folder,
        })
    }

    async fn wait(&mut self) -> Result<()> {
        let mut ticks = tokio::time::interval(Duration::from_millis(50));
        for _ in 0..400 {
            ticks.tick().await;
            if TcpStream::connect(&self.address).await.is_ok() {
                return Ok(());
            }
            if let Some(status) = self.process.try_wait()? {
                let log = fs::read_to_string(self.folder.path().join("log"))?;
                bail!("a server ended with {status}: {}", log.trim());
            }
        }
        bail!("a server doesn't answer after 20 seconds");
    }
}

/// A port that is free just now.
pub fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("find a free port")?;
    Ok(listener.local_addr()?.port())
}
