//! Whether `docs/defects.md` names only tests that there are.

use std::collections::BTreeSet;

use anyhow::{Result, bail};

/// Where the defects stand, each with the test that keeps it out.
pub(crate) const FILE: &str = "docs/defects.md";

/// Compares the tests that the page names with those of the crates.
pub(crate) fn check(page: &str, tests: &BTreeSet<&str>) -> Result<()> {
    let gone: Vec<_> = named(page).filter(|name| !tests.contains(name)).collect();
    if !gone.is_empty() {
        bail!("{FILE} names no test:\n  {}", gone.join("\n  "));
    }
    Ok(())
}

/// What stands between backticks and looks like the path of a test.
fn named(page: &str) -> impl Iterator<Item = &str> {
    page.lines()
        .flat_map(|line| line.split('`').skip(1).step_by(2))
        .filter(|code| code.contains("::"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_path_must_be_a_tests() {
        let page = "| a `d` in a key | AS-ONE-01 | `c::one`, `c::two` |\n`c::three`";
        let all = ["c::one", "c::two", "c::three"];
        assert!(check(page, &all.into()).is_ok());
        for missing in 0..3 {
            let mut tests = BTreeSet::from(all);
            tests.remove(all[missing]);
            let error = check(page, &tests).unwrap_err().to_string();
            assert!(error.ends_with(all[missing]), "{error}");
        }
    }
}
