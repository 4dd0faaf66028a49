//! The crates depend on each other only as the architecture allows.
//!
//! Test dependencies are free: what a crate's tests need says nothing about the house.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::process;

/// Each crate, and the crates of this workspace that it may use.
const ALLOWED: &[(&str, &[&str])] = &[
    ("atpass-protocol", &[]),
    ("atpass-fetch", &["atpass-protocol"]),
    ("atpass-identity", &["atpass-protocol", "atpass-fetch"]),
    ("atpass-replay", &["atpass-protocol"]),
    (
        "atpass-client",
        &["atpass-protocol", "atpass-fetch", "atpass-identity"],
    ),
    (
        "atpass-resource",
        &["atpass-protocol", "atpass-replay", "atpass-fetch"],
    ),
    (
        "atpass-provider",
        &[
            "atpass-protocol",
            "atpass-fetch",
            "atpass-identity",
            "atpass-replay",
        ],
    ),
    (
        "atpass-entryway",
        &[
            "atpass-protocol",
            "atpass-fetch",
            "atpass-identity",
            "atpass-provider",
            "atpass-replay",
        ],
    ),
    (
        "atpass-store",
        &[
            "atpass-entryway",
            "atpass-protocol",
            "atpass-provider",
            "atpass-replay",
        ],
    ),
    (
        "atpass-testnet",
        &[
            "atpass-protocol",
            "atpass-fetch",
            "atpass-identity",
            "atpass-replay",
            "atpass-client",
            "atpass-resource",
            "atpass-provider",
            "atpass-store",
        ],
    ),
    (
        "atpass",
        &[
            "atpass-entryway",
            "atpass-protocol",
            "atpass-fetch",
            "atpass-identity",
            "atpass-replay",
            "atpass-client",
            "atpass-resource",
            "atpass-provider",
            "atpass-store",
            "atpass-testnet",
        ],
    ),
    (
        "embedded-pds",
        &[
            "atpass-protocol",
            "atpass-fetch",
            "atpass-provider",
            "atpass-replay",
            "atpass-resource",
            "atpass-store",
        ],
    ),
    ("example-clients", &["atpass-protocol", "atpass-client"]),
    (
        "xrpc-service",
        &[
            "atpass-protocol",
            "atpass-fetch",
            "atpass-replay",
            "atpass-resource",
        ],
    ),
    ("atpass-fuzz", &["atpass-protocol", "atpass-identity"]),
    ("xtask", &[]),
];

/// The crate of the rules has no runtime and no HTTP.
const RULES_CRATE: &str = "atpass-protocol";
const NOT_IN_RULES_CRATE: &[&str] = &["tokio", "axum", "hyper", "reqwest", "http"];

/// The part of `cargo metadata` that matters here.
#[derive(Debug, Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Debug, Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Debug, Deserialize)]
struct Dependency {
    name: String,
    /// Absent for a normal dependency.
    kind: Option<String>,
}

/// Fails with every arrow that should not be there.
pub(crate) fn run(root: &Path) -> Result<()> {
    let mut command = process::cargo(root);
    command.args(["metadata", "--format-version", "1", "--no-deps"]);
    let metadata = process::output(&mut command)?;
    let metadata: Metadata =
        serde_json::from_str(&metadata).context("cannot read what cargo metadata printed")?;
    let faults = faults(&metadata);
    if !faults.is_empty() {
        bail!(
            "the crates' arrows are not those of the architecture:\n  {}",
            faults.join("\n  ")
        );
    }
    println!("{} crates, every arrow allowed", metadata.packages.len());
    Ok(())
}

fn faults(metadata: &Metadata) -> Vec<String> {
    let ours: BTreeSet<&str> = metadata
        .packages
        .iter()
        .map(|package| package.name.as_str())
        .collect();
    let mut faults = Vec::new();
    for Package { name, dependencies } in &metadata.packages {
        let Some((_, allowed)) = ALLOWED.iter().find(|(known, _)| known == name) else {
            faults.push(format!("{name} is not in the table of xtask/src/arrows.rs"));
            continue;
        };
        let used = dependencies
            .iter()
            .filter(|dependency| dependency.kind.as_deref() != Some("dev"));
        for Dependency { name: used, .. } in used {
            if ours.contains(used.as_str()) && !allowed.contains(&used.as_str()) {
                faults.push(format!("{name} may not use {used}"));
            }
            if name == RULES_CRATE && NOT_IN_RULES_CRATE.contains(&used.as_str()) {
                faults.push(format!(
                    "{name} may not use {used}: it has no runtime and no HTTP"
                ));
            }
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults_of(metadata: &str) -> Vec<String> {
        faults(&serde_json::from_str(metadata).unwrap())
    }

    #[test]
    fn allowed_arrows_and_test_dependencies_pass() {
        let metadata = r#"{"packages": [
            {"name": "atpass-protocol", "dependencies": [
                {"name": "url", "kind": null},
                {"name": "tokio", "kind": "dev"},
                {"name": "atpass-fetch", "kind": "dev"}]},
            {"name": "atpass-fetch", "dependencies": [
                {"name": "atpass-protocol", "kind": null},
                {"name": "reqwest", "kind": null}]}
        ]}"#;
        assert_eq!(faults_of(metadata), Vec::<String>::new());
    }

    #[test]
    fn an_arrow_upwards_is_a_fault_also_as_a_build_dependency() {
        let metadata = r#"{"packages": [
            {"name": "atpass-provider", "dependencies": [{"name": "atpass-store", "kind": null}]},
            {"name": "atpass-replay", "dependencies": [{"name": "atpass-store", "kind": "build"}]},
            {"name": "atpass-store", "dependencies": [{"name": "atpass-provider", "kind": null}]}
        ]}"#;
        assert_eq!(
            faults_of(metadata),
            [
                "atpass-provider may not use atpass-store",
                "atpass-replay may not use atpass-store"
            ]
        );
    }

    #[test]
    fn the_rules_have_no_runtime_and_no_http() {
        let metadata = r#"{"packages": [
            {"name": "atpass-protocol", "dependencies": [{"name": "http", "kind": null}]}
        ]}"#;
        assert_eq!(
            faults_of(metadata),
            ["atpass-protocol may not use http: it has no runtime and no HTTP"]
        );
    }

    #[test]
    fn a_crate_without_a_row_is_a_fault() {
        let metadata = r#"{"packages": [{"name": "atpass-helpers", "dependencies": []}]}"#;
        assert_eq!(
            faults_of(metadata),
            ["atpass-helpers is not in the table of xtask/src/arrows.rs"]
        );
    }

    #[test]
    fn the_table_itself_has_no_circle() {
        // Every crate uses only crates that stand above it in the table.
        for (place, (name, allowed)) in ALLOWED.iter().enumerate() {
            for used in *allowed {
                assert!(
                    ALLOWED[..place].iter().any(|(above, _)| above == used),
                    "{name} uses {used}"
                );
            }
        }
    }

    #[test]
    fn this_workspace_keeps_to_the_table() {
        run(&crate::repository_root().unwrap()).unwrap();
    }
}
