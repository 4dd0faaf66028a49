//! Which tests of the crates name which clauses.
//!
//! A test shows the clauses whose ids stand in it: in its doc comment, the comments above it, and its
//! body. It also shows those in the helpers that it uses. A helper is a function, method, constant or
//! static of test code; a test uses it when its name occurs in the test, or in a helper that the test
//! uses. A test in `src` has the helpers of its own file; a test in `tests` has those of every file of
//! its test program, and of folders beside it that are no program (`tests/common`). The heading of a
//! file (`//!`) counts where the file has one single test.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::list::List;
use super::mention::mentions;
use super::source::{Item, Kind, items};
use super::{Found, Test};
use crate::results::Suite;

/// One file of a crate.
#[derive(Debug)]
struct Source {
    home: Home,
    /// The modules that lead to it, within its program.
    modules: Vec<String>,
    heading: BTreeSet<usize>,
    items: Vec<Item>,
}

/// What a file is compiled into.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Home {
    /// The crate itself.
    Crate,
    /// A test program of this name.
    Program(String),
    /// A folder that test programs share.
    Shared,
}

/// Reads every crate.
pub(crate) fn scan(root: &Path, list: &List, found: &mut Found) -> Result<()> {
    let crates = fs::read_dir(root.join("crates")).context("no folder crates")?;
    for folder in crates {
        let folder = folder?.path();
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let mut sources = Vec::new();
        for file in rust_files(&folder)? {
            let path = relative(&folder, &file);
            let Some((home, modules)) = place(&path, |program| folder.join(program).is_file())
            else {
                continue;
            };
            let text = fs::read_to_string(&file)?;
            let shown = format!("crates/{name}/{}", path.join("/"));
            found.take_faults(&shown, mentions(&text, list).faults);
            let heading: Vec<_> = text
                .lines()
                .filter(|line| line.starts_with("//!"))
                .collect();
            sources.push(Source {
                home,
                modules,
                heading: mentions(&heading.join("\n"), list).clauses,
                items: items(&text, list).with_context(|| format!("cannot read {shown}"))?,
            });
        }
        for source in &sources {
            let helpers = helpers(source, &sources);
            found.tests.extend(tests(&name, source, &helpers, list));
        }
    }
    Ok(())
}

/// The tests of one file.
fn tests(crate_name: &str, source: &Source, helpers: &[&Item], list: &List) -> Vec<Test> {
    let own: Vec<_> = source
        .items
        .iter()
        .filter(|item| item.kind == Kind::Test)
        .collect();
    let alone = own.len() == 1;
    let mut tests = Vec::new();
    for item in own {
        let mut parts = vec![crate_name];
        if let Home::Program(program) = &source.home {
            parts.push(program);
        }
        parts.extend(source.modules.iter().map(String::as_str));
        parts.extend(item.modules.iter().map(String::as_str));
        parts.push(&item.name);
        let name = parts.join("::");
        let mut clauses = reached(item, helpers);
        clauses.extend(named_after(&item.name, list));
        if alone {
            clauses.extend(&source.heading);
        }
        tests.push(Test {
            suite: Suite::Cargo,
            shown_as: name.clone(),
            name,
            clauses,
        });
    }
    tests
}

/// The clause that a test is named after: `rs_tok_06_without_atproto…`.
fn named_after(test: &str, list: &List) -> Option<usize> {
    let words: Vec<_> = test.split('_').collect();
    let number = words
        .iter()
        .position(|word| word.bytes().all(|b| b.is_ascii_digit()))?;
    let id = words.get(..=number)?.join("-").to_uppercase();
    list.place(&id)
}

/// What the test and the helpers that it uses name.
fn reached(test: &Item, helpers: &[&Item]) -> BTreeSet<usize> {
    let mut clauses = test.clauses.clone();
    let mut unread = vec![test];
    let mut names = BTreeSet::new();
    while let Some(item) = unread.pop() {
        for name in item.names.iter().filter(|name| names.insert(*name)) {
            for helper in helpers.iter().filter(|helper| helper.name == *name) {
                clauses.extend(&helper.clauses);
                unread.push(helper);
            }
        }
    }
    clauses
}

/// The helpers that the tests of this file may use.
fn helpers<'s>(source: &'s Source, sources: &'s [Source]) -> Vec<&'s Item> {
    let whole_program = matches!(source.home, Home::Program(_));
    let in_reach: Vec<&Source> = if whole_program {
        let shares = |other: &&Source| other.home == source.home || other.home == Home::Shared;
        sources.iter().filter(shares).collect()
    } else {
        vec![source]
    };
    in_reach
        .into_iter()
        .flat_map(|source| {
            let test_file = source.home != Home::Crate
                || source
                    .modules
                    .last()
                    .is_some_and(|module| module == "tests");
            source.items.iter().filter(move |item| match item.kind {
                Kind::Test => false,
                Kind::Helper { of_tests } => of_tests || test_file,
            })
        })
        .collect()
}

/// What a file of a crate is part of. `is_file` tells whether the crate has a file of this path.
fn place(path: &[String], is_file: impl Fn(&str) -> bool) -> Option<(Home, Vec<String>)> {
    let (folder, inner) = path.split_first()?;
    let (file, folders) = inner.split_last()?;
    let stem = file.strip_suffix(".rs")?;
    let mut modules = folders.to_vec();
    match folder.as_str() {
        "src" => {
            let root = folders.is_empty() && (stem == "lib" || stem == "main");
            if !root && stem != "mod" {
                modules.push(stem.to_owned());
            }
            Some((Home::Crate, modules))
        }
        "tests" => {
            let Some(program) = folders.first() else {
                return Some((Home::Program(stem.to_owned()), vec![]));
            };
            let home = if is_file(&format!("tests/{program}/main.rs"))
                || is_file(&format!("tests/{program}.rs"))
            {
                Home::Program(program.clone())
            } else {
                return Some((Home::Shared, modules));
            };
            modules.remove(0);
            let root = folders.len() == 1 && stem == "main";
            if !root && stem != "mod" {
                modules.push(stem.to_owned());
            }
            Some((home, modules))
        }
        _ => None,
    }
}

/// The Rust files of a crate's `src` and `tests`, in order.
fn rust_files(folder: &Path) -> Result<BTreeSet<PathBuf>> {
    let mut files = BTreeSet::new();
    let mut folders = vec![folder.join("src"), folder.join("tests")];
    while let Some(folder) = folders.pop() {
        // A crate may have no `tests`.
        if !folder.is_dir() {
            continue;
        }
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.insert(path);
            }
        }
    }
    Ok(files)
}

/// The parts of a path below a folder.
fn relative(folder: &Path, file: &Path) -> Vec<String> {
    let inner = file.strip_prefix(folder).unwrap_or(file);
    inner
        .iter()
        .map(|part| part.to_string_lossy().into_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::list::tests::small;
    use super::*;

    fn source(path: &str, text: &str) -> Source {
        let path: Vec<_> = path.split('/').map(str::to_owned).collect();
        let (home, modules) = place(&path, |path| path == "tests/t/main.rs").unwrap();
        Source {
            home,
            modules,
            heading: BTreeSet::from([3]),
            items: items(text, &small()).unwrap(),
        }
    }

    /// The tests of the files and the places of the clauses that they show.
    fn shown(files: &[(&str, &str)]) -> Vec<(String, Vec<usize>)> {
        let sources: Vec<_> = files
            .iter()
            .map(|(path, text)| source(path, text))
            .collect();
        sources
            .iter()
            .flat_map(|source| tests("c", source, &helpers(source, &sources), &small()))
            .map(|test| (test.name, test.clauses.into_iter().collect()))
            .collect()
    }

    #[test]
    fn names_are_those_that_cargo_prints_behind_the_program() {
        let text = "#[test] fn one() {} #[test] fn two() {}";
        for (path, name) in [
            ("src/lib.rs", "c::one"),
            ("src/a/mod.rs", "c::a::one"),
            ("src/a/b.rs", "c::a::b::one"),
            ("tests/p.rs", "c::p::one"),
            ("tests/t/main.rs", "c::t::one"),
            ("tests/t/a/b.rs", "c::t::a::b::one"),
        ] {
            assert_eq!(shown(&[(path, text)])[0].0, name);
        }
    }

    #[test]
    fn a_test_may_be_named_after_a_clause() {
        let text = "#[test] fn as_one_02_holds() {} #[test] fn as_two() {} #[test] fn as_9() {}";
        let shown = shown(&[("tests/p.rs", text)]);
        assert_eq!(shown[0].1, [1]);
        assert!(shown[1].1.is_empty() && shown[2].1.is_empty());
    }

    #[test]
    fn helpers_count_for_the_tests_that_use_them() {
        let text = r#"
            const ROWS: &[&str] = &["AS-ONE-01"];
            fn check() { for row in ROWS {} }
            fn idle() { "AS-ONE-02"; }
            #[test] fn with() { check(); }
            #[test] fn without() { let checked = 1; }
        "#;
        let tests = shown(&[("tests/t/main.rs", text)]);
        assert_eq!(tests[0], ("c::t::with".into(), vec![0]));
        assert_eq!(tests[1], ("c::t::without".into(), vec![]));
    }

    #[test]
    fn helpers_of_the_program_and_of_shared_folders_count() {
        let tests = shown(&[
            (
                "tests/t/main.rs",
                "#[test] fn a() { help(); x.share() } #[test] fn b() {}",
            ),
            ("tests/t/help.rs", "fn help() { \"AS-ONE-01\" }"),
            (
                "tests/common/mod.rs",
                "impl X { fn share(&self) { \"AS-ONE-02\" } }",
            ),
            ("tests/other.rs", "fn help() { \"AS-ONE-03\" }"),
        ]);
        assert_eq!(tests[0], ("c::t::a".into(), vec![0, 1]));
    }

    #[test]
    fn the_program_itself_is_no_helper_of_its_tests() {
        let text = r"
            /// Clause AS-ONE-01.
            fn rule() {}
            #[cfg(test)] mod tests {
                /// Clause AS-ONE-02.
                fn helper() { rule() }
                #[test] fn a() { helper() }
                #[test] fn b() {}
            }";
        assert_eq!(
            shown(&[("src/x.rs", text)])[0],
            ("c::x::tests::a".into(), vec![1])
        );
    }

    #[test]
    fn the_heading_counts_for_a_single_test() {
        let one = "#[test] fn a() {}";
        assert_eq!(shown(&[("tests/p.rs", one)]), [("c::p::a".into(), vec![3])]);
    }
}
