//! The document: every clause with its tests.

use std::fmt::Write as _;

use super::list::{Clause, List};
use super::{Test, list};
use crate::results::{Outcome, Results};

const HEAD: &str = "\
# The clauses, and the tests that show them

What the standards demand of each part, and what we demand beyond them. Written by `cargo xtask clauses`
from `docs/clauses.toml` and from the ids that the tests name; nothing here is edited by hand. A clause
is *shown* by tests, or has a *reason* for having none yet, or is **missing** one.
";

/// How the line of the results begins.
const RESULTS: &str = "Results: ";

/// How many clauses there are, by what stands behind them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) clauses: usize,
    pub(crate) shown: usize,
    pub(crate) reasoned: usize,
    pub(crate) missing: usize,
}

impl Counts {
    fn plus(self, other: Self) -> Self {
        Self {
            clauses: self.clauses + other.clauses,
            shown: self.shown + other.shown,
            reasoned: self.reasoned + other.reasoned,
            missing: self.missing + other.missing,
        }
    }

    fn row(self, name: &str) -> String {
        let Self {
            clauses,
            shown,
            reasoned,
            missing,
        } = self;
        format!("| {name} | {clauses} | {shown} | {reasoned} | {missing} |\n")
    }
}

/// A clause, and the tests that show it.
#[derive(Debug)]
struct Row<'t> {
    clause: &'t Clause,
    tests: Vec<&'t Test>,
}

/// Every clause with its tests.
#[derive(Debug)]
pub(crate) struct Table<'t> {
    list: &'t List,
    tests: &'t [Test],
    rows: Vec<Row<'t>>,
}

impl<'t> Table<'t> {
    /// The tests are in the order in which they shall be listed.
    pub(crate) fn new(list: &'t List, tests: &'t [Test]) -> Self {
        let rows = list.clauses.iter().enumerate();
        let rows = rows.map(|(place, clause)| Row {
            clause,
            tests: tests
                .iter()
                .filter(|test| test.clauses.contains(&place))
                .collect(),
        });
        Self {
            list,
            tests,
            rows: rows.collect(),
        }
    }

    pub(crate) fn counts(&self) -> Counts {
        count(&self.rows)
    }

    /// The clauses with neither a test nor a reason, or with both.
    pub(crate) fn loose_ends(&self) -> Vec<String> {
        let ends = self.rows.iter().filter_map(|row| {
            let id = &row.clause.id;
            match (row.tests.is_empty(), &row.clause.why_untested) {
                (true, None) => Some(format!("{id} has no test and no reason")),
                (false, Some(_)) => Some(format!(
                    "{id} has a test; its reason in {} is out of date",
                    list::FILE
                )),
                _ => None,
            }
        });
        ends.collect()
    }

    /// The rows of each section.
    fn sections(&self) -> impl Iterator<Item = (&list::Section, &[Row<'t>])> {
        let mut rest = self.rows.as_slice();
        self.list.sections.iter().map(move |section| {
            let (own, after) = rest.split_at_checked(section.size).unwrap_or((rest, &[]));
            rest = after;
            (section, own)
        })
    }

    /// The whole document.
    pub(crate) fn text(&self, results: Option<&Results>) -> String {
        let mut text = format!("{HEAD}\n{}\n\n", self.summary(results));
        text.push_str("| section | clauses | shown | with a reason | missing |\n");
        text.push_str("| --- | ---: | ---: | ---: | ---: |\n");
        let mut all = Counts::default();
        for (section, rows) in self.sections() {
            let counts = count(rows);
            text.push_str(&counts.row(&section.name));
            all = all.plus(counts);
        }
        text.push_str(&all.row("**all**"));
        for (section, rows) in self.sections() {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "\n## {}: {}", section.name, section.title);
            for row in rows {
                text.push_str(&row.text(results));
            }
        }
        text
    }

    /// How the tests went that show anything.
    fn summary(&self, results: Option<&Results>) -> String {
        let Some(results) = results else {
            return format!("{RESULTS}none at hand; `cargo xtask test` leaves them behind.");
        };
        let [mut ok, mut failed, mut ignored, mut not_run] = [0_usize; 4];
        for test in self.tests.iter().filter(|test| !test.clauses.is_empty()) {
            *match results.of(test.suite, &test.name) {
                Some(Outcome::Ok) => &mut ok,
                Some(Outcome::Failed) => &mut failed,
                Some(Outcome::Ignored) => &mut ignored,
                None => &mut not_run,
            } += 1;
        }
        let mut text = format!("{RESULTS}{ok} tests ok");
        for (count, word) in [
            (failed, "FAILED"),
            (ignored, "ignored"),
            (not_run, "not run"),
        ] {
            if count > 0 {
                let _ = write!(text, ", {count} {word}");
            }
        }
        text.push_str(", as the last `cargo xtask test` left them.");
        text
    }
}

impl Row<'_> {
    fn text(&self, results: Option<&Results>) -> String {
        let Clause {
            id, level, says, ..
        } = self.clause;
        let mut text = format!("\n**{id}** {}. {says}\n\n", level.as_str());
        for test in &self.tests {
            let mark = results.map_or("", |results| mark(results.of(test.suite, &test.name)));
            let _ = writeln!(text, "- {mark}`{}`", test.shown_as.replace('`', "'"));
        }
        if self.tests.is_empty() {
            let line = match &self.clause.why_untested {
                Some(reason) => format!("- no test yet: {reason}\n"),
                None => "- **missing**\n".to_owned(),
            };
            text.push_str(&line);
        }
        text
    }
}

const fn mark(outcome: Option<Outcome>) -> &'static str {
    match outcome {
        Some(Outcome::Ok) => "ok ",
        Some(Outcome::Failed) => "**FAILED** ",
        Some(Outcome::Ignored) => "*ignored* ",
        None => "*not run* ",
    }
}

/// The document without what the last run of the tests put into it.
pub(crate) fn without_results(text: &str) -> String {
    let mut kept = String::new();
    for line in text.lines().filter(|line| !line.starts_with(RESULTS)) {
        let test = line.strip_prefix("- ").and_then(|line| {
            let (mark, test) = line.split_once('`')?;
            let marks = [
                Some(Outcome::Ok),
                Some(Outcome::Failed),
                Some(Outcome::Ignored),
                None,
            ];
            marks
                .iter()
                .any(|&outcome| mark == self::mark(outcome))
                .then(|| format!("- `{test}"))
        });
        kept.push_str(test.as_deref().unwrap_or(line));
        kept.push('\n');
    }
    kept
}

fn count(rows: &[Row<'_>]) -> Counts {
    let mut counts = Counts {
        clauses: rows.len(),
        ..Counts::default()
    };
    for row in rows {
        match (row.tests.is_empty(), &row.clause.why_untested) {
            (false, _) => counts.shown += 1,
            (true, Some(_)) => counts.reasoned += 1,
            (true, None) => counts.missing += 1,
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::super::list::tests::small;
    use super::*;
    use crate::results::Suite;

    fn test(name: &str, clauses: &[usize]) -> Test {
        Test {
            suite: Suite::Cargo,
            name: name.to_owned(),
            shown_as: name.to_owned(),
            clauses: clauses.iter().copied().collect(),
        }
    }

    fn results(rows: &[(&str, Outcome)]) -> Results {
        let mut results = Results::default();
        let rows: BTreeMap<_, _> = rows.iter().map(|&(n, o)| (n.to_owned(), o)).collect();
        results.merge(Suite::Cargo, true, rows);
        results
    }

    #[test]
    fn each_clause_has_tests_a_reason_or_is_missing() {
        let (list, tests) = (small(), [test("c::a", &[0, 3]), test("c::b", &[0])]);
        let table = Table::new(&list, &tests);
        let text = table.text(Some(&results(&[("c::a", Outcome::Ok)])));
        let expected = "\
Results: 1 tests ok, 1 not run, as the last `cargo xtask test` left them.

| section | clauses | shown | with a reason | missing |
| --- | ---: | ---: | ---: | ---: |
| AS-ONE | 3 | 1 | 1 | 1 |
| C | 1 | 1 | 0 | 0 |
| **all** | 4 | 2 | 1 | 1 |

## AS-ONE: the first

**AS-ONE-01** MUST. One.

- ok `c::a`
- *not run* `c::b`

**AS-ONE-02** SHOULD. Two.

- **missing**

**AS-ONE-03** MUST. Three.

- no test yet: comes later

## C: the second

**C-TWO-01** MAY. Four.

- ok `c::a`
";
        assert_eq!(text.strip_prefix(HEAD).unwrap().trim_start(), expected);
        assert_eq!(table.loose_ends(), ["AS-ONE-02 has no test and no reason"]);
    }

    #[test]
    fn a_reason_beside_a_test_is_a_loose_end() {
        let (list, tests) = (small(), [test("c::a", &[0, 1, 2, 3])]);
        let ends = Table::new(&list, &tests).loose_ends();
        assert_eq!(ends.len(), 1);
        assert!(ends[0].starts_with("AS-ONE-03 has a test"), "{}", ends[0]);
    }

    #[test]
    fn results_make_no_difference_to_the_check_and_tests_do() {
        let (list, tests) = (small(), [test("c::a", &[0]), test("c::b", &[1])]);
        let table = Table::new(&list, &tests);
        let bare = without_results(&table.text(None));
        let texts: BTreeSet<_> = [Outcome::Ok, Outcome::Failed, Outcome::Ignored]
            .map(|outcome| table.text(Some(&results(&[("c::a", outcome)]))))
            .into();
        assert_eq!(texts.len(), 3);
        for text in texts {
            assert_eq!(without_results(&text), bare);
        }
        let other = [test("c::a", &[0, 1])];
        assert_ne!(without_results(&Table::new(&list, &other).text(None)), bare);
    }
}
