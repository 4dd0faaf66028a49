//! What logins and refreshes cost: measured by the programs of `peers/bench`, which print the tables.

use std::path::Path;
use std::process::Command;

use anyhow::Result;
use clap::Args;

use crate::{process, setup};

/// What `cargo xtask bench` takes.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Print one JSON object, as the last line of the output, instead of tables and logs.
    #[arg(long)]
    json: bool,
}

/// Installs and builds what the measurements need, and runs them.
pub(crate) fn run(root: &Path, options: &Options) -> Result<()> {
    let tools = setup::run(root)?;
    let mut cargo = process::cargo(root);
    cargo.args(["build", "--package", "atpass-testnet"]).args([
        "--example",
        "client_driver",
        "--example",
        "recorded_network",
    ]);
    process::run(&mut cargo)?;
    let mut node = Command::new(&tools.node);
    node.current_dir(root.join("peers"))
        .arg("bench/main.js")
        .args(options.json.then_some("--json"))
        .env(
            "ATPASS_EXAMPLES",
            process::target_folder(root)?.join("debug"),
        );
    process::run(&mut node)
}
