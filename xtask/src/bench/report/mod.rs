//! What is written about the measurements.
//!
//! | File | holds |
//! | --- | --- |
//! | `found` | what was measured, read |
//! | `lines` | the main table: ours, the peer's, the ratio, and whether the aim is reached |
//! | `page`, `details` | the page, with all tables |
//! | `plots` | the pictures |
//! | `readme` | the part of the README |

mod details;
mod found;
mod lines;
mod page;
mod plots;
mod readme;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use found::Found;

/// A report.
pub(super) struct Report {
    /// As the programs printed it.
    json: Value,
    found: Found,
}

impl Report {
    /// Reads what was measured.
    pub(super) fn read(json: Value) -> Result<Self> {
        let found = serde_json::from_value(json.clone());
        Ok(Self {
            found: found.context("cannot read what was measured")?,
            json,
        })
    }

    /// For programs.
    pub(super) fn json(&self) -> &Value {
        &self.json
    }

    /// For people, in Markdown.
    pub(super) fn page(&self) -> String {
        page::page(&self.found)
    }

    /// Writes the page, the JSON and the pictures. Those of an earlier run go.
    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        let write = |name: &str, text: &str| {
            let path = folder.join(name);
            fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
        };
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        write("report.md", &self.page())?;
        let json = serde_json::to_string_pretty(&self.json)?;
        write("report.json", &(json + "\n"))?;
        for (name, picture) in plots::all(&self.found)? {
            match picture {
                Some(svg) => write(name, &svg)?,
                None => remove(&folder.join(name))?,
            }
        }
        Ok(())
    }

    /// Replaces the table in the README.
    pub(super) fn write_into_readme(&self, root: &Path) -> Result<()> {
        let path = root.join("README.md");
        let text = fs::read_to_string(&path).context("cannot read README.md")?;
        let text = readme::replace(&text, &readme::part(&self.found))?;
        fs::write(&path, text).context("cannot write README.md")
    }
}

fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

/// A table in Markdown. The first column is text, the others are numbers.
pub(super) fn table<const N: usize>(
    head: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    let line = |cells: &[&str]| format!("| {} |\n", cells.join(" | "));
    let mut table = line(&head);
    let mut rule = vec!["---:"; N];
    if let Some(first) = rule.first_mut() {
        *first = "---";
    }
    table += &line(&rule);
    for row in rows {
        table += &line(&row.each_ref().map(String::as_str));
    }
    table
}

/// A whole number with commas: `12,345`.
fn whole(number: f64) -> String {
    let digits = format!("{number:.0}");
    let (sign, digits) = match digits.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", digits.as_str()),
    };
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    format!("{sign}{text}")
}

/// A number with three digits that count, such as `0.42`, `12.3` or `1,234`.
fn short(number: f64) -> String {
    match number.abs() {
        size if size >= 100.0 => whole(number),
        size if size >= 10.0 => format!("{number:.1}"),
        _ => format!("{number:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn recorded() -> Report {
        let text = include_str!("recorded.json");
        Report::read(serde_json::from_str(text).unwrap()).unwrap()
    }

    #[test]
    fn numbers_as_people_read_them() {
        for (number, text) in [
            (0.0, "0"),
            (999.4, "999"),
            (1234.0, "1,234"),
            (1_234_567.0, "1,234,567"),
            (-1234.0, "-1,234"),
        ] {
            assert_eq!(whole(number), text);
        }
        for (number, text) in [(0.416, "0.42"), (12.34, "12.3"), (1234.5, "1,234")] {
            assert_eq!(short(number), text);
        }
    }

    #[test]
    fn tables_in_markdown() {
        let rows = [["a".to_owned(), "1".to_owned()]];
        assert_eq!(
            table(["", "n"], rows),
            "|  | n |\n| --- | ---: |\n| a | 1 |\n"
        );
    }

    #[test]
    fn all_files_are_written_and_old_pictures_go() {
        let folder = tempfile::tempdir().unwrap();
        let names = || {
            let entries = fs::read_dir(folder.path()).unwrap();
            let mut names: Vec<_> = entries
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            names.sort();
            names
        };
        recorded().write(folder.path()).unwrap();
        let whole = [
            "latency.svg",
            "ratios.svg",
            "refresh.svg",
            "report.json",
            "report.md",
        ];
        assert_eq!(names(), whole);
        let head = recorded().json.get("head").unwrap().clone();
        let bare = Report::read(serde_json::json!({ "head": head })).unwrap();
        bare.write(folder.path()).unwrap();
        assert_eq!(names(), ["report.json", "report.md"]);
    }

    #[test]
    fn what_was_measured_is_kept_as_it_was() {
        let text = include_str!("recorded.json");
        let json: Value = serde_json::from_str(text).unwrap();
        assert_eq!(recorded().json(), &json);
    }
}
