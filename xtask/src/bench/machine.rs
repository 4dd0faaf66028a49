//! Where and with what it was measured.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::baseline::rustc;
use crate::process;

/// Packages of npm, and the file that pins each.
const NPM: [(&str, &str); 3] = [
    ("@atproto/oauth-client-node", "peers/package.json"),
    ("oauth-client-node-next", "peers/package.json"),
    ("@atproto/pds", "peers/official-pds/package.json"),
];
/// Crates of `bench/`.
const CRATES: [&str; 3] = ["atproto-oauth", "rsky-oauth", "skyauth"];

/// The head of a report.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Head {
    /// The day, UTC.
    pub(super) date: String,
    pub(super) processor: String,
    pub(super) cores: usize,
    /// Gibibytes.
    pub(super) memory_gib: f64,
    pub(super) kernel: String,
    pub(super) rustc: String,
    pub(super) node: String,
    /// The versions of the others.
    pub(super) peers: BTreeMap<String, String>,
    pub(super) commit: String,
    /// How it is measured again.
    pub(super) command: String,
    /// Whether it was only a quick look.
    pub(super) quick: bool,
}

impl Head {
    /// Looks.
    pub(super) fn look(root: &Path, command: String, quick: bool) -> Result<Self> {
        Ok(Self {
            date: say(Command::new("date").args(["-u", "+%F"]))?,
            processor: processor()?,
            cores: std::thread::available_parallelism()?.get(),
            memory_gib: memory_gib()?,
            kernel: say(Command::new("uname").arg("-sr"))?,
            rustc: rustc(root)?,
            node: say(Command::new("node").arg("--version"))?,
            peers: peers(root)?,
            commit: commit(root)?,
            command,
            quick,
        })
    }
}

fn say(command: &mut Command) -> Result<String> {
    Ok(process::output(command)?.trim().to_owned())
}

fn commit(root: &Path) -> Result<String> {
    let mut git = Command::new("git");
    let commit = say(git
        .args(["rev-parse", "--short=10", "HEAD"])
        .current_dir(root))?;
    let mut git = Command::new("git");
    git.args(["status", "--porcelain", "--untracked-files=no"]);
    let changes = say(git.current_dir(root))?;
    Ok(match changes.as_str() {
        "" => commit,
        _ => format!("{commit}, with changes"),
    })
}

/// Its name.
pub(super) fn processor() -> Result<String> {
    let text = fs::read_to_string("/proc/cpuinfo")?;
    let name = field(&text, "model name").or_else(|| field(&text, "CPU part"));
    Ok(name.context("the processor has no name")?.to_owned())
}

fn memory_gib() -> Result<f64> {
    let text = fs::read_to_string("/proc/meminfo")?;
    let total = field(&text, "MemTotal").context("no MemTotal")?;
    let kibibytes: f64 = total.trim_end_matches(" kB").parse()?;
    Ok(kibibytes / 1024.0 / 1024.0)
}

/// What a file of `/proc` says after a name and a colon.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        (found.trim() == name).then(|| value.trim())
    })
}

/// As they are pinned.
fn peers(root: &Path) -> Result<BTreeMap<String, String>> {
    #[derive(Deserialize)]
    struct Package {
        dependencies: BTreeMap<String, String>,
    }
    #[derive(Deserialize)]
    struct Lock {
        package: Vec<Locked>,
    }
    #[derive(Deserialize)]
    struct Locked {
        name: String,
        version: String,
    }
    let read = |file: &str| {
        fs::read_to_string(root.join(file)).with_context(|| format!("cannot read {file}"))
    };
    let mut peers = BTreeMap::new();
    for (name, file) in NPM {
        let package: Package = serde_json::from_str(&read(file)?)?;
        let version = package.dependencies.get(name);
        let version = version.with_context(|| format!("{file} names no {name}"))?;
        // An alias is one package of another name.
        let (name, version) = match version.strip_prefix("npm:") {
            Some(alias) => alias
                .rsplit_once('@')
                .context("an alias with its version")?,
            None => (name, version.as_str()),
        };
        let versions: &mut String = peers.entry(name.to_owned()).or_default();
        if !versions.is_empty() {
            versions.push_str(" and ");
        }
        versions.push_str(version);
    }
    let lock: Lock = toml::from_str(&read("bench/Cargo.lock")?)?;
    for Locked { name, version } in lock.package {
        if CRATES.contains(&name.as_str()) {
            peers.insert(name, version);
        }
    }
    Ok(peers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_by_name() {
        let text = "processor\t: 0\nmodel name\t: Fast 9000\n\nMemTotal:       8026788 kB\n";
        assert_eq!(field(text, "model name"), Some("Fast 9000"));
        assert_eq!(field(text, "MemTotal"), Some("8026788 kB"));
        assert_eq!(field(text, "model"), None);
    }

    #[test]
    fn every_peer_has_a_version() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let peers = peers(root).unwrap();
        assert_eq!(peers.len(), 5, "{peers:?}");
        assert!(peers["@atproto/oauth-client-node"].contains(" and "));
    }
}
