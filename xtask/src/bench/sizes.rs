//! How large things are: the program, and each page as it is sent.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::programs;
use crate::process;

/// Bytes of the program with and without its symbols, and of the pages.
pub(super) fn found(root: &Path) -> Result<Value> {
    let releases = programs::releases(root)?;
    let program = releases.program;
    let folder = tempfile::tempdir()?;
    let stripped = folder.path().join("atpass");
    process::run(Command::new("strip").arg("-o").arg(&stripped).arg(&program))?;
    let bytes = |path: &Path| fs::metadata(path).map(|found| found.len());
    let pages = process::output(Command::new(releases.request_costs).arg("pages"))?;
    let mut pages: Value = serde_json::from_str(&pages).context("cannot read the pages' sizes")?;
    Ok(json!({
        "programBytes": bytes(&program)?,
        "strippedProgramBytes": bytes(&stripped)?,
        "pages": pages.get_mut("pages").map(Value::take),
    }))
}
