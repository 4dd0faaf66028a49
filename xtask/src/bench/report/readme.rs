//! The part of the README that a run rewrites.

use anyhow::{Context, Result};

use super::found::Found;
use super::lines;

const BEGIN: &str = "<!-- bench -->\n";
const END: &str = "<!-- /bench -->";

/// The table, when, where and how.
pub(super) fn part(found: &Found) -> String {
    let head = &found.head;
    format!(
        "Measured on {} with {} cores of {}, {:.1} GiB of memory, by `{}`:\n\n{}",
        head.date,
        head.cores,
        head.processor,
        head.memory_gib,
        head.command,
        lines::markdown(&lines::all(found))
    )
}

/// Replaces what stands between the marks.
pub(super) fn replace(readme: &str, part: &str) -> Result<String> {
    let marks = "README.md has no place for the table: <!-- bench --> and <!-- /bench -->";
    let (before, rest) = readme.split_once(BEGIN).context(marks)?;
    let (_, after) = rest.split_once(END).context(marks)?;
    Ok(format!("{before}{BEGIN}{part}{END}{after}"))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::super::tests::recorded;
    use super::*;

    #[test]
    fn the_table_comes_between_the_marks() {
        let readme = "# x\n<!-- bench -->\nold\n<!-- /bench -->\nend\n";
        let new = replace(readme, "new\n").unwrap();
        assert_eq!(new, "# x\n<!-- bench -->\nnew\n<!-- /bench -->\nend\n");
        assert_eq!(replace(&new, "new\n").unwrap(), new);
        assert!(replace("# x\n", "new\n").is_err());
    }

    #[test]
    fn it_says_when_where_and_how() {
        let part = part(&recorded().found);
        let begin = "Measured on 2026-11-26 with 2 cores of Fast 9000, 7.7 GiB of memory, by `cargo xtask bench`:\n\n|";
        assert!(part.starts_with(begin), "{part}");
    }

    #[test]
    fn our_readme_has_the_place() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let readme = fs::read_to_string(root.join("README.md")).unwrap();
        assert!(replace(&readme, "").is_ok());
    }
}
