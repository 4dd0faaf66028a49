//! What requests cost when somebody last wrote it down: `bench/baseline.json`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::counts::{Cost, Costs};
use super::machine::processor;
use crate::process;

/// By how much allocations, and the bytes of them, may grow: a hundredth part is a table that is larger by one.
const ALLOCATIONS_PERCENT: u64 = 2;
/// By how much instructions may grow: they also depend on how the crates were cut into pieces for the compiler.
const INSTRUCTIONS_PERCENT: u64 = 5;

/// What is kept.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Baseline {
    /// The compiler, on which instructions depend.
    pub(super) rustc: String,
    /// The processor, by which cryptography chooses its instructions.
    pub(super) processor: String,
    /// Of the build that the tests use.
    pub(super) development: Costs,
    pub(super) release: Costs,
}

/// What differs by more than it may.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Compared {
    pub(super) more: Vec<String>,
    pub(super) less: Vec<String>,
}

impl Baseline {
    /// Counted now.
    pub(super) fn new(root: &Path, development: Costs, release: Costs) -> Result<Self> {
        Ok(Self {
            rustc: rustc(root)?,
            processor: processor()?,
            development,
            release,
        })
    }

    pub(super) fn read(root: &Path) -> Result<Self> {
        let path = path(root);
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("cannot read {}", path.display()))
    }

    pub(super) fn write(&self, root: &Path) -> Result<()> {
        let path = path(root);
        let text = serde_json::to_string_pretty(self)? + "\n";
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Whether instructions can be compared.
    pub(super) fn is_of_here(&self, root: &Path) -> Result<bool> {
        Ok(self.processor == processor()? && self.rustc == rustc(root)?)
    }
}

fn path(root: &Path) -> PathBuf {
    root.join("bench").join("baseline.json")
}

/// `rustc 1.95.0 (…)`.
pub(super) fn rustc(root: &Path) -> Result<String> {
    let mut rustc = Command::new("rustc");
    let version = process::output(rustc.arg("--version").current_dir(root))?;
    Ok(version.trim().to_owned())
}

/// A measure of a cost.
type Of = fn(&Cost) -> u64;

/// Holds what was found against what is kept.
pub(super) fn compare(kept: &Costs, found: &Costs, with_instructions: bool) -> Compared {
    let mut compared = Compared::default();
    for (name, now) in found {
        let Some(was) = kept.get(name) else {
            compared.more.push(format!("{name}: nothing is kept of it"));
            continue;
        };
        let mut measures: Vec<(&str, Of, u64)> = vec![
            ("allocations", |cost| cost.allocations, ALLOCATIONS_PERCENT),
            ("bytes", |cost| cost.bytes, ALLOCATIONS_PERCENT),
        ];
        if with_instructions {
            measures.push((
                "instructions",
                |cost| cost.instructions,
                INSTRUCTIONS_PERCENT,
            ));
        }
        for (unit, of, percent) in measures {
            let (was, now) = (of(was), of(now));
            let told = format!("{name}: {now} {unit}, and {was} are kept");
            if now > most(was, percent) {
                compared.more.push(told);
            } else if was > most(now, percent) {
                compared.less.push(told);
            }
        }
    }
    for name in kept.keys().filter(|name| !found.contains_key(*name)) {
        compared
            .more
            .push(format!("{name}: it isn't counted any more"));
    }
    compared
}

/// The most that may come of so many; a part of one counts as one.
fn most(was: u64, percent: u64) -> u64 {
    was + (was * percent).div_ceil(100)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn costs(rows: &[(&str, [u64; 3])]) -> Costs {
        let cost = |&(name, [allocations, bytes, instructions]): &(&str, [u64; 3])| {
            let cost = Cost {
                allocations,
                bytes,
                instructions,
            };
            (name.to_owned(), cost)
        };
        rows.iter().map(cost).collect()
    }

    #[test]
    fn a_little_more_is_let_through_and_no_more_than_that() {
        let kept = costs(&[("a", [100, 1000, 10_000])]);
        for (found, more, less) in [
            ([102, 1020, 10_500], 0, 0),
            ([103, 1021, 10_501], 3, 0),
            ([98, 980, 9_520], 0, 1),
            ([97, 970, 9_000], 0, 3),
        ] {
            let compared = compare(&kept, &costs(&[("a", found)]), true);
            let lengths = (compared.more.len(), compared.less.len());
            assert_eq!(lengths, (more, less), "{compared:?}");
        }
    }

    #[test]
    fn few_allocations_may_grow_by_one() {
        let kept = costs(&[("a", [4, 10, 1])]);
        let more = |found| compare(&kept, &costs(&[("a", found)]), false).more;
        assert_eq!(more([5, 11, 1]), Vec::<String>::new());
        assert_eq!(more([6, 11, 1]), ["a: 6 allocations, and 4 are kept"]);
    }

    #[test]
    fn instructions_of_another_compiler_are_not_compared() {
        let kept = costs(&[("a", [1, 1, 100])]);
        let found = costs(&[("a", [1, 1, 200])]);
        assert_eq!(compare(&kept, &found, false), Compared::default());
        assert_eq!(compare(&kept, &found, true).more.len(), 1);
    }

    #[test]
    fn requests_neither_come_nor_go_unseen() {
        let (a, b) = (costs(&[("a", [1; 3])]), costs(&[("b", [1; 3])]));
        let more = compare(&a, &b, true).more;
        assert_eq!(
            more,
            ["b: nothing is kept of it", "a: it isn't counted any more"]
        );
    }
}
