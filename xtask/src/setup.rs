//! What the tests need beside Rust: PostgreSQL, Valkey, Valgrind, Node, Chromium and the packages of `peers/`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use anyhow::{Context, Result, anyhow, bail};

use crate::{bench, postgres, process, valkey};

/// The oldest Node on which the tests run.
const OLDEST_NODE: u32 = 20;

/// Names under which Chromium and its relatives are installed.
const CHROMIUM: &[&str] = &[
    "chromium",
    "chromium-browser",
    "google-chrome-stable",
    "google-chrome",
];

/// Written after a complete `npm ci`, with the input of that installation.
const STAMP: &str = "node_modules/.installed-from";

/// Where the tools lie.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) node: PathBuf,
    pub(crate) chromium: PathBuf,
}

/// Installs what is missing; says nothing and changes nothing when all is there.
pub(crate) fn run(root: &Path) -> Result<Ready> {
    install_missing_packages()?;
    let node = find_node()
        .ok_or_else(|| anyhow!("Node is missing: install Node {OLDEST_NODE} or newer"))?;
    check_node_version(&node)?;
    let chromium = find_chromium().ok_or_else(|| {
        anyhow!("Chromium is missing: install it, or set ATPASS_CHROMIUM to the path of a Chromium program")
    })?;
    let peers = root.join("peers");
    install_packages(&peers, &node, &[])?;
    install_packages(&peers.join("official-pds"), &node, &["better-sqlite3"])?;
    Ok(Ready { node, chromium })
}

fn find_node() -> Option<PathBuf> {
    process::find_program(&["node", "nodejs"])
}

fn find_chromium() -> Option<PathBuf> {
    match env::var_os("ATPASS_CHROMIUM") {
        Some(path) => Some(PathBuf::from(path)).filter(|path| path.is_file()),
        None => process::find_program(CHROMIUM),
    }
}

/// Installs Debian packages where this process may; elsewhere says what to install.
fn install_missing_packages() -> Result<()> {
    let mut missing = Vec::new();
    if find_chromium().is_none() && env::var_os("ATPASS_CHROMIUM").is_none() {
        missing.push("chromium");
    }
    if find_node().is_none() {
        missing.push("nodejs");
    }
    if process::find_program(&["npm"]).is_none() {
        missing.push("npm");
    }
    if postgres::programs().is_none() {
        missing.push("postgresql");
    }
    if process::find_program(&["openssl"]).is_none() {
        missing.push("openssl");
    }
    if valkey::program().is_none() {
        missing.push(valkey::PACKAGE);
    }
    if bench::valgrind().is_none() {
        missing.push("valgrind");
    }
    if missing.is_empty() {
        return Ok(());
    }
    let wanted = missing.join(" ");
    if process::find_program(&["apt-get"]).is_none() {
        bail!("missing: {wanted}. Install them with this system's package manager and try again");
    }
    let is_root = process::output(Command::new("id").arg("-u"))?.trim() == "0";
    if is_root {
        process::run(apt_get().arg("update"))?;
    }
    if !is_package(valkey::PACKAGE) {
        for name in &mut missing {
            if *name == valkey::PACKAGE {
                *name = valkey::OLDER_PACKAGE;
            }
        }
    }
    let wanted = missing.join(" ");
    if !is_root {
        bail!("missing: {wanted}. Install them with `sudo apt-get install {wanted}` and try again");
    }
    println!("installing {wanted}");
    process::run(
        apt_get()
            .args(["install", "--yes", "--no-install-recommends"])
            .args(&missing),
    )
}

/// Whether this Debian has the package.
fn is_package(name: &str) -> bool {
    process::output(Command::new("apt-cache").args(["show", name])).is_ok()
}

fn apt_get() -> Command {
    let mut command = Command::new("apt-get");
    command
        .arg("--quiet")
        .env("DEBIAN_FRONTEND", "noninteractive");
    command
}

fn check_node_version(node: &Path) -> Result<()> {
    let version = process::output(Command::new(node).arg("--version"))?;
    let major = major_version(&version)
        .with_context(|| format!("cannot read Node's version {:?}", version.trim()))?;
    if major < OLDEST_NODE {
        bail!(
            "Node {} is too old: install Node {OLDEST_NODE} or newer",
            version.trim()
        );
    }
    Ok(())
}

/// `v20.11.1` → 20.
fn major_version(version: &str) -> Option<u32> {
    version
        .trim()
        .strip_prefix('v')?
        .split('.')
        .next()?
        .parse()
        .ok()
}

/// `npm ci`, unless the last complete one had the same input. Install scripts don't run, but for the
/// packages that must be compiled here.
fn install_packages(folder: &Path, node: &Path, compiled: &[&str]) -> Result<()> {
    let mut wanted = String::new();
    for name in ["package.json", "package-lock.json", ".npmrc"] {
        let path = folder.join(name);
        wanted += &fs::read_to_string(&path)
            .with_context(|| format!("cannot read {}", path.display()))?;
    }
    let stamp = folder.join(STAMP);
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    println!("installing the packages of {}", folder.display());
    // The newest official client wants a newer Node than the oldest one here, and gets it from a package.
    process::run(
        Command::new("npm")
            .args(["ci", "--loglevel=error"])
            .current_dir(folder),
    )?;
    for package in compiled {
        let mut rebuild = Command::new("npm");
        rebuild
            .args([
                "rebuild",
                package,
                "--ignore-scripts=false",
                "--loglevel=error",
            ])
            .current_dir(folder);
        // With the headers that came with Node, nothing needs to be downloaded.
        if let Some(headers) = node_headers(node) {
            rebuild.env("npm_config_nodedir", headers);
        }
        process::run(&mut rebuild)?;
    }
    fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))
}

/// The folder in which `include/node` lies.
fn node_headers(node: &Path) -> Option<PathBuf> {
    let program = fs::canonicalize(node).ok()?;
    let folder = program.parent()?.parent()?;
    let header = folder.join("include/node/node.h");
    header.is_file().then(|| folder.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_the_first_number() {
        assert_eq!(major_version("v20.11.1\n"), Some(20));
        assert_eq!(major_version("v8.0.0"), Some(8));
        assert_eq!(major_version("20.11.1"), None);
        assert_eq!(major_version(""), None);
    }
}
