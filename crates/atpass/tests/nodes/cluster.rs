//! The nodes, what they share, and the proxy in front of them.

use std::fs::{self, OpenOptions};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::Arc;

use atpass_testnet::Internet;
use tempfile::TempDir;
use tokio::net::TcpStream;

use crate::apps;
use crate::moment::pause;
use crate::program::{atpass, errors, run_with, text};
use crate::proxy::Proxy;
use crate::servers::{Postgres, Valkey, free_port, signal};
use crate::witness::Witness;

/// The DID of the resource server, for which all tokens are made.
pub(crate) const AUDIENCE: &str = "did:web:pds.example.com";
pub(crate) const PASSWORD: &str = "wonderland";

/// What the nodes keep their things in.
pub(crate) enum Shared {
    /// One node, with a file of its own.
    Sqlite,
    Servers {
        postgres: Postgres,
        valkey: Valkey,
    },
}

/// Somebody who signs in.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) handle: String,
    pub(crate) did: String,
}

pub(crate) struct Cluster {
    pub(crate) nodes: Vec<Node>,
    pub(crate) shared: Shared,
    pub(crate) proxy: Proxy,
    pub(crate) accounts: Vec<Account>,
    folder: TempDir,
    /// Holds the apps' documents.
    _internet: Internet,
}

impl Cluster {
    /// One node on SQLite.
    pub(crate) async fn on_sqlite(witness: &Arc<Witness>, accounts: usize, seed: u64) -> Self {
        Self::start(witness, Shared::Sqlite, 1, accounts, seed).await
    }

    /// Three nodes on PostgreSQL and Valkey.
    pub(crate) async fn of_three(witness: &Arc<Witness>, accounts: usize, seed: u64) -> Self {
        let shared = Shared::Servers {
            postgres: Postgres::start().await,
            valkey: Valkey::start().await,
        };
        Self::start(witness, shared, 3, accounts, seed).await
    }

    async fn start(
        witness: &Arc<Witness>,
        shared: Shared,
        nodes: usize,
        accounts: usize,
        seed: u64,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let internet = apps::internet().await;
        fs::write(folder.path().join("root.pem"), internet.root()).unwrap();
        let ports: Vec<u16> = (0..nodes).map(|_| free_port()).collect();
        let proxy = Proxy::start(ports.clone(), witness.clone(), seed).await;
        let sections = sections(&shared, &internet);
        let nodes = ports.into_iter().enumerate();
        let mut nodes: Vec<Node> = nodes
            .map(|(number, port)| {
                let config = format!("node{number}.toml");
                let top = format!(
                    "issuer = \"{}\"\nlisten = [\"127.0.0.1:{port}\"]\ndata = \"data\"\n",
                    proxy.origin()
                );
                let observe = format!("[observe]\nlisten = [\"127.0.0.1:{}\"]\n", free_port());
                fs::write(folder.path().join(&config), top + &observe + &sections).unwrap();
                Node {
                    folder: folder.path().to_owned(),
                    config,
                    port,
                    process: None,
                }
            })
            .collect();
        let config = ["--config", "node0.toml"];
        if let Shared::Servers { .. } = shared {
            text(folder.path(), &["key", "master", "master.key"]);
        }
        text(
            folder.path(),
            &[&["database", "migrate"][..], &config].concat(),
        );
        let accounts = (0..accounts)
            .map(|number| add_account(folder.path(), number))
            .collect();
        for node in &mut nodes {
            node.start();
        }
        for node in &mut nodes {
            node.wait().await;
        }
        Self {
            nodes,
            shared,
            proxy,
            accounts,
            folder,
            _internet: internet,
        }
    }

    /// Panics that the nodes' logs tell of.
    pub(crate) fn panics(&self) -> Vec<String> {
        let mut panics = Vec::new();
        for node in &self.nodes {
            let log = fs::read_to_string(node.log()).unwrap_or_default();
            let lines = log.lines().filter(|line| line.contains("panicked at"));
            panics.extend(lines.map(|line| format!("{}: {line}", node.config)));
        }
        panics
    }

    /// Keeps the nodes' logs and configurations, to look into; says where.
    pub(crate) fn keep(mut self) -> PathBuf {
        self.folder.disable_cleanup(true);
        self.folder.path().to_owned()
    }
}

/// What all nodes' configurations have in common.
fn sections(shared: &Shared, internet: &Internet) -> String {
    let network = format!(
        "[network]\nallow_http = true\nallow_loopback = true\ndns = \"{}\"\nhttps_port = {}\nroot_certs = [\"root.pem\"]\n",
        internet.names.address(),
        internet.port(),
    );
    let proxy = "[proxy]\ntrusted = [\"127.0.0.1\"]\n[log]\nformat = \"json\"\n";
    let database = match shared {
        Shared::Sqlite => String::new(),
        Shared::Servers { postgres, valkey } => format!(
            "[database]\nurl = \"{}\"\nmaster_keys = [\"master.key\"]\n[valkey]\nurl = \"{}\"\nwhen_down = \"refuse\"\n",
            postgres.url(),
            valkey.url(),
        ),
    };
    network + proxy + &database
}

fn add_account(folder: &Path, number: usize) -> Account {
    let account = Account {
        handle: format!("person{number}.test"),
        did: format!("did:web:person{number}.example.com"),
    };
    let Account { handle, did } = &account;
    let place = ["--config", "node0.toml"];
    let add = [
        "account",
        "add",
        handle,
        "--did",
        did,
        "--pds",
        AUDIENCE,
        "--password-stdin",
    ];
    let output = run_with(
        folder,
        &[&add[..], &place].concat(),
        &format!("{PASSWORD}\n"),
    );
    assert!(output.status.success(), "{}", errors(&output));
    account
}

/// `atpass serve`, which may be killed and started again.
pub(crate) struct Node {
    folder: PathBuf,
    config: String,
    pub(crate) port: u16,
    process: Option<Child>,
}

impl Node {
    fn log(&self) -> PathBuf {
        self.folder.join(format!("{}.log", self.config))
    }

    pub(crate) fn start(&mut self) {
        let mut options = OpenOptions::new();
        let log = options.create(true).append(true).open(self.log()).unwrap();
        let process = atpass(&self.folder, &["serve", "--config", &self.config])
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        self.process = Some(process.unwrap());
    }

    /// SIGKILL: nothing of it runs after this.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// SIGTERM: it finishes what is under way, and ends in order. Says how, if it doesn't.
    pub(crate) async fn drain(&mut self) -> Option<String> {
        let mut process = self.process.take()?;
        signal("TERM", &process);
        let status = loop {
            match process.try_wait().unwrap() {
                Some(status) => break status,
                None => pause(20).await,
            }
        };
        let how = format!("{} was told to stop and ended with {status}", self.config);
        (!status.success()).then_some(how)
    }

    /// Whether it ended by itself, and how.
    pub(crate) fn ended(&mut self) -> Option<String> {
        let status = self.process.as_mut()?.try_wait().unwrap()?;
        self.process = None;
        let log = fs::read_to_string(self.log()).unwrap_or_default();
        let last = log.lines().last().unwrap_or_default();
        Some(format!(
            "{} ended by itself with {status}: {last}",
            self.config
        ))
    }

    /// Until it listens.
    async fn wait(&mut self) {
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))
            .await
            .is_err()
        {
            if let Some(how) = self.ended() {
                panic!("{how}");
            }
            pause(100).await;
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}
