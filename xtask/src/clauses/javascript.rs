//! The tests of `peers/`, read as text.
//!
//! A test is a call of `test(` or `it(` at the start of a line, with a name in quotes. What belongs to
//! it are the comments directly above, and the lines down to the first one, indented like the call,
//! that begins with `}`.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::list::List;
use super::mention::mentions;
use super::{Found, Test};
use crate::results::Suite;

const FOLDERS: [&str; 2] = ["peers", "peers/lib"];

/// Reads every script of the two folders.
pub(crate) fn scan(root: &Path, list: &List, found: &mut Found) -> Result<()> {
    for folder in FOLDERS {
        let path = root.join(folder);
        let entries = fs::read_dir(&path).with_context(|| format!("no folder {folder}"))?;
        for entry in entries {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if path.is_file() && path.extension().is_some_and(|extension| extension == "js") {
                let file = format!("{folder}/{name}");
                let text = fs::read_to_string(&path).with_context(|| format!("no {file}"))?;
                scan_file(&file, &text, list, found);
            }
        }
    }
    Ok(())
}

fn scan_file(file: &str, text: &str, list: &List, found: &mut Found) {
    found.take_faults(file, mentions(text, list).faults);
    let lines: Vec<&str> = text.lines().collect();
    for (start, line) in lines.iter().enumerate() {
        let Some(name) = test_name(line) else {
            continue;
        };
        let comments = lines.iter().take(start).rev();
        let comments = comments.take_while(|line| is_comment(line)).count();
        let end = end_of_call(&lines, start);
        let own = lines.get(start - comments..=end).unwrap_or_default();
        found.tests.push(Test {
            suite: Suite::Node,
            name: name.clone(),
            shown_as: format!("{file}: {name}"),
            clauses: mentions(&own.join("\n"), list).clauses,
        });
    }
}

/// The name in the first line of a call of `test`.
fn test_name(line: &str) -> Option<String> {
    let line = line.trim_start();
    let call = line.strip_prefix("test(").or(line.strip_prefix("it("))?;
    let mut characters = call.chars();
    let quote = characters.next().filter(|c| ['\'', '"', '`'].contains(c))?;
    let mut name = String::new();
    loop {
        match characters.next()? {
            '\\' => name.push(characters.next()?),
            end if end == quote => return Some(name),
            other => name.push(other),
        }
    }
}

fn is_comment(line: &str) -> bool {
    let line = line.trim_start();
    ["//", "/*", "*"].iter().any(|mark| line.starts_with(mark))
}

fn end_of_call(lines: &[&str], start: usize) -> usize {
    let indentation = |line: &str| line.len() - line.trim_start().len();
    let own = lines.get(start).map_or(0, |line| indentation(line));
    for (place, line) in lines.iter().enumerate().skip(start + 1) {
        let outside = !line.trim().is_empty() && indentation(line) <= own;
        if outside && line.trim_start().starts_with('}') {
            return place;
        }
        if outside {
            return place - 1;
        }
    }
    lines.len() - 1
}

#[cfg(test)]
mod tests {
    use super::super::list::tests::small;
    use super::*;

    const SCRIPT: &str = r"// AS-ONE-03 is nobody's
import { test } from 'node:test'

// C-TWO-01: a comment above.
test('AS-ONE-01: it\'s a name', async () => {
  // AS-ONE-02, inside
})

for (const way of ways) {
  test(`goes ${way}`, (t) => {
    ok()
  })
}
test('one line', () => work('AS-ONE-01'))
// AS-ONE-03 again
";

    #[test]
    fn each_test_has_what_stands_in_and_above_it() {
        let mut found = Found::default();
        scan_file("peers/x.test.js", SCRIPT, &small(), &mut found);
        assert_eq!(found.faults, [""; 0]);
        let tests: Vec<_> = found
            .tests
            .iter()
            .map(|test| (&*test.shown_as, test.clauses.iter().copied().collect()))
            .collect();
        assert_eq!(
            tests,
            [
                ("peers/x.test.js: AS-ONE-01: it's a name", vec![0, 1, 3]),
                ("peers/x.test.js: goes ${way}", vec![]),
                ("peers/x.test.js: one line", vec![0]),
            ]
        );
    }

    #[test]
    fn a_typo_is_a_fault_with_its_line() {
        let mut found = Found::default();
        let text = "\ntest('AS-ONE-10: x', () => {\n})\n";
        scan_file("peers/x.test.js", text, &small(), &mut found);
        assert_eq!(
            found.faults,
            ["peers/x.test.js:2: there is no clause AS-ONE-10"]
        );
    }
}
