//! `cargo xtask clauses`: which test shows which requirement of the standards.
//!
//! The requirements stand in `docs/clauses.toml`; the tests name their ids. `docs/clauses.md` holds
//! both, with the results that the last `cargo xtask test` left behind. An id that isn't in the list is
//! an error, so that a typo doesn't count as a test. The same goes for the page of defects (`defects.rs`).

mod document;
mod javascript;
mod list;
mod mention;
mod rust;
mod source;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::defects;
use crate::results::{Results, Suite};
use document::{Counts, Table};
use list::List;
use mention::mentions;

const DOCUMENT: &str = "docs/clauses.md";

/// What `cargo xtask clauses` takes.
#[derive(Debug, Default, Args)]
pub(crate) struct Options {
    /// Write nothing; fail if the document isn't what the list and the tests say, results aside.
    #[arg(long)]
    pub(crate) check: bool,
    /// Fail also if a clause has neither a test nor a reason, or has both.
    #[arg(long)]
    pub(crate) strict: bool,
}

/// A test, and the clauses that it shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Test {
    suite: Suite,
    /// As its results are noted.
    name: String,
    shown_as: String,
    /// Their places in the list.
    clauses: BTreeSet<usize>,
}

/// What the sources hold.
#[derive(Debug, Default)]
struct Found {
    tests: Vec<Test>,
    /// Ids that are none.
    faults: Vec<String>,
}

impl Found {
    fn take_faults(&mut self, file: &str, faults: Vec<(usize, String)>) {
        let faults = faults.into_iter();
        self.faults
            .extend(faults.map(|(line, fault)| format!("{file}:{line}: {fault}")));
    }
}

/// Writes the document, or compares it with the one that is there.
pub(crate) fn run(root: &Path, options: &Options) -> Result<()> {
    let list = List::read(root)?;
    let mut found = Found::default();
    rust::scan(root, &list, &mut found)?;
    javascript::scan(root, &list, &mut found)?;
    let page = fs::read_to_string(root.join(defects::FILE))
        .with_context(|| format!("no {}", defects::FILE))?;
    found.take_faults(defects::FILE, mentions(&page, &list).faults);
    if !found.faults.is_empty() {
        bail!("not in {}:\n  {}", list::FILE, found.faults.join("\n  "));
    }
    let names = found.tests.iter().map(|test| test.shown_as.as_str());
    defects::check(&page, &names.collect())?;
    found.tests.sort_by(|a, b| a.shown_as.cmp(&b.shown_as));
    let table = Table::new(&list, &found.tests);
    if options.check {
        let there = fs::read_to_string(root.join(DOCUMENT)).unwrap_or_default();
        if document::without_results(&there) != document::without_results(&table.text(None)) {
            bail!("{DOCUMENT} is out of date; `cargo xtask clauses` writes it anew");
        }
    } else {
        let results = Results::read(root)?;
        fs::write(root.join(DOCUMENT), table.text(results.as_ref()))
            .with_context(|| format!("cannot write {DOCUMENT}"))?;
    }
    let Counts {
        clauses,
        shown,
        reasoned,
        missing,
    } = table.counts();
    println!("{clauses} clauses: {shown} shown, {reasoned} with a reason, {missing} missing");
    let loose = table.loose_ends();
    if options.strict && !loose.is_empty() {
        bail!("{}", loose.join("\n  "));
    }
    Ok(())
}
