//! How each test went, kept in the target folder for `cargo xtask clauses`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::process;

const FILE: &str = "test-results.json";

/// How a test went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    Ok,
    Ignored,
    Failed,
}

/// Who runs the tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Suite {
    /// Tests of the crates; their names begin with the crate and, in `tests`, the program.
    Cargo,
    /// Tests of `peers/`.
    Node,
}

/// The last result of every test.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Results(BTreeMap<Suite, BTreeMap<String, Outcome>>);

impl Results {
    /// What the last runs left behind; none if nothing ran yet.
    pub(crate) fn read(root: &Path) -> Result<Option<Self>> {
        let path = path(root)?;
        if !path.is_file() {
            return Ok(None);
        }
        let text = fs::read(&path).with_context(|| format!("cannot read {FILE}"))?;
        let results = serde_json::from_slice(&text);
        Ok(Some(
            results.with_context(|| format!("cannot read {FILE}"))?,
        ))
    }

    /// Notes how the tests of a suite went. What a whole run doesn't tell of is gone; a run of some
    /// tests leaves the others as they were.
    pub(crate) fn note(
        root: &Path,
        suite: Suite,
        whole: bool,
        outcomes: BTreeMap<String, Outcome>,
    ) -> Result<()> {
        let mut results = Self::read(root).ok().flatten().unwrap_or_default();
        results.merge(suite, whole, outcomes);
        let text = serde_json::to_vec_pretty(&results).context("cannot write the results")?;
        fs::write(path(root)?, text).with_context(|| format!("cannot write {FILE}"))
    }

    pub(crate) fn merge(&mut self, suite: Suite, whole: bool, outcomes: BTreeMap<String, Outcome>) {
        let known = self.0.entry(suite).or_default();
        if whole {
            known.clear();
        }
        known.extend(outcomes);
    }

    /// How a test went; the worst of all where its name is a template (`found ${way}`) that several
    /// tests fit.
    pub(crate) fn of(&self, suite: Suite, name: &str) -> Option<Outcome> {
        let known = self.0.get(&suite)?;
        if let Some(outcome) = known.get(name) {
            return Some(*outcome);
        }
        let parts = fixed_parts(name).filter(|_| suite == Suite::Node)?;
        known
            .iter()
            .filter(|(name, _)| fits(name, &parts))
            .map(|(_, outcome)| *outcome)
            .max()
    }
}

fn path(root: &Path) -> Result<PathBuf> {
    Ok(process::target_folder(root)?.join(FILE))
}

/// What stands around the `${…}` of a template; none if it has none.
fn fixed_parts(template: &str) -> Option<Vec<&str>> {
    let (first, mut rest) = template.split_once("${")?;
    let mut parts = vec![first];
    while let Some((_, after)) = rest.split_once('}') {
        let (part, next) = after.split_once("${").unwrap_or((after, ""));
        parts.push(part);
        rest = next;
    }
    Some(parts)
}

/// Whether a name begins with the first part, ends with the last, and has the others between them.
fn fits(name: &str, parts: &[&str]) -> bool {
    let [first, middle @ .., last] = parts else {
        return false;
    };
    let inner = name
        .strip_prefix(first)
        .and_then(|name| name.strip_suffix(last));
    let Some(mut rest) = inner else {
        return false;
    };
    for part in middle {
        let Some((_, after)) = rest.split_once(part) else {
            return false;
        };
        rest = after;
    }
    true
}

/// Reads a line of Rust's test harness, such as `test refresh::eight_at_once ... ok`.
pub(crate) fn of_harness_line(line: &str) -> Option<(String, Outcome)> {
    let (name, word) = line
        .trim_end()
        .strip_prefix("test ")?
        .rsplit_once(" ... ")?;
    let outcome = match word {
        "ok" => Outcome::Ok,
        "FAILED" => Outcome::Failed,
        ignored if ignored.starts_with("ignored") => Outcome::Ignored,
        _ => return None,
    };
    let name = name.strip_suffix(" - should panic").unwrap_or(name);
    Some((name.to_owned(), outcome))
}

/// Reads what Node reports in the Test Anything Protocol. Of tests with the same name, the worst
/// counts; those that the caller didn't choose are left out.
pub(crate) fn of_tap(report: &str) -> BTreeMap<String, Outcome> {
    let mut outcomes = BTreeMap::new();
    for line in report.lines() {
        let line = line.trim_start();
        let (passed, rest) = match (line.strip_prefix("ok "), line.strip_prefix("not ok ")) {
            (Some(rest), _) => (true, rest),
            (_, Some(rest)) => (false, rest),
            _ => continue,
        };
        let Some((_, rest)) = rest.split_once(" - ") else {
            continue;
        };
        // A `#` of the name itself is escaped.
        let (name, directive) = rest.split_once(" # ").unwrap_or((rest, ""));
        if directive.contains("does not match") {
            continue;
        }
        let outcome = match (passed, directive.starts_with("SKIP")) {
            (_, true) => Outcome::Ignored,
            (true, false) => Outcome::Ok,
            (false, false) => Outcome::Failed,
        };
        let name = name.replace("\\#", "#").replace("\\\\", "\\");
        let worst = outcomes.entry(name).or_insert(outcome);
        *worst = outcome.max(*worst);
    }
    outcomes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcomes(rows: &[(&str, Outcome)]) -> BTreeMap<String, Outcome> {
        rows.iter()
            .map(|&(name, outcome)| (name.to_owned(), outcome))
            .collect()
    }

    #[test]
    fn lines_of_the_harness() {
        for (line, expected) in [
            ("test a::b ... ok", Some(("a::b", Outcome::Ok))),
            ("test a::b ... FAILED", Some(("a::b", Outcome::Failed))),
            ("test a ... ignored", Some(("a", Outcome::Ignored))),
            ("test a ... ignored, slow", Some(("a", Outcome::Ignored))),
            ("test a - should panic ... ok", Some(("a", Outcome::Ok))),
            ("test a has been running for over 60 seconds", None),
            ("test result: ok. 4 passed", None),
            ("running 4 tests", None),
        ] {
            let expected = expected.map(|(name, outcome)| (name.to_owned(), outcome));
            assert_eq!(of_harness_line(line), expected, "{line}");
        }
    }

    #[test]
    fn reports_of_node() {
        let report = "TAP version 13\n# Subtest: one\nok 1 - one\n  ---\n  duration_ms: 1.2\n  ...\n\
            not ok 2 - a \\# b\nok 3 - idle # SKIP\nok 4 - else # SKIP test name does not match pattern\n\
            \x20   not ok 1 - one\n1..4\n# pass 1\n";
        let expected = [
            ("a # b", Outcome::Failed),
            ("idle", Outcome::Ignored),
            ("one", Outcome::Failed),
        ];
        assert_eq!(of_tap(report), outcomes(&expected));
    }

    #[test]
    fn a_template_stands_for_all_that_fit() {
        let mut results = Results::default();
        let rows = [
            ("found by DID now", Outcome::Ok),
            ("found by URL now", Outcome::Failed),
            ("found", Outcome::Ok),
        ];
        results.merge(Suite::Node, true, outcomes(&rows));
        let of = |name| results.of(Suite::Node, name);
        assert_eq!(of("found by ${way} now"), Some(Outcome::Failed));
        assert_eq!(of("found by ${a}I${b} now"), Some(Outcome::Ok));
        assert_eq!(of("found"), Some(Outcome::Ok));
        assert_eq!(of("found ${nothing} later"), None);
        assert_eq!(results.of(Suite::Cargo, "found"), None);
    }

    #[test]
    fn some_tests_leave_the_others_as_they_were() {
        let mut results = Results::default();
        let first = [("a", Outcome::Ok), ("b", Outcome::Ok)];
        results.merge(Suite::Cargo, true, outcomes(&first));
        results.merge(Suite::Cargo, false, outcomes(&[("b", Outcome::Failed)]));
        assert_eq!(results.of(Suite::Cargo, "a"), Some(Outcome::Ok));
        assert_eq!(results.of(Suite::Cargo, "b"), Some(Outcome::Failed));
        results.merge(Suite::Cargo, true, outcomes(&[("b", Outcome::Ok)]));
        assert_eq!(results.of(Suite::Cargo, "a"), None);
    }
}
