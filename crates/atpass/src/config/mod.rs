//! The configuration: a TOML file and the environment, read against one schema.
//!
//! | File | holds |
//! | --- | --- |
//! | `settings` | what can be configured, and its documentation |
//! | `keys` | the same as a list, read from the schema |
//! | `file`, `environment` | where values come from |
//! | `check`, `database`, `entryway` | from plain values to types; finds every problem at once |
//! | `markdown` | the documentation as a page |

mod check;
mod database;
mod entryway;
mod environment;
mod file;
pub(crate) mod keys;
mod markdown;
mod problem;
mod settings;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

pub(crate) use check::Config;
pub(crate) use entryway::EntrywayPlan;
pub(crate) use markdown::markdown;
pub(crate) use problem::{Origin, Problem, Problems, without_password};
pub(crate) use settings::{LogFormat, LogLevel, Settings};

/// The file that is read when none is named.
const DEFAULT_FILE: &str = "atpass.toml";

/// A value, and where it comes from.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) value: Value,
    pub(crate) origin: Origin,
}

/// What was configured, by path.
#[derive(Debug, Default)]
pub(crate) struct Values {
    found: BTreeMap<String, Found>,
    /// Where the keys of repeated sections stand: `pds[0].origin`.
    places: BTreeMap<String, Origin>,
    /// Keys whose value couldn't be read: they aren't missing.
    refused: BTreeSet<String>,
}

impl Values {
    fn insert(&mut self, path: String, found: Found) {
        self.found.insert(path, found);
    }

    /// The value that counts, and where it comes from.
    pub(crate) fn effective(&self, key: &keys::Key) -> Found {
        self.found.get(&key.path).cloned().unwrap_or_else(|| Found {
            value: key.default.clone(),
            origin: Origin::Default,
        })
    }

    /// The repeated sections of this name, if there are any.
    pub(crate) fn whole(&self, name: &str) -> Option<(Value, Origin)> {
        let found = self.found.get(name)?;
        Some((found.value.clone(), found.origin.clone()))
    }

    fn origin(&self, path: &str) -> Origin {
        let found = self.found.get(path).map(|found| &found.origin);
        found
            .or_else(|| self.places.get(path))
            .cloned()
            .unwrap_or(Origin::Default)
    }

    /// The values as one tree, without what is missing.
    fn tree(&self) -> Value {
        let mut tree = Map::new();
        for (path, found) in &self.found {
            let (section, name) = path
                .split_once('.')
                .map_or((None, path.as_str()), |(section, name)| {
                    (Some(section), name)
                });
            let table = match section {
                None => &mut tree,
                Some(section) => {
                    let entry = tree
                        .entry(section)
                        .or_insert_with(|| Value::Object(Map::new()));
                    let Value::Object(table) = entry else {
                        continue;
                    };
                    table
                }
            };
            table.insert(name.to_owned(), found.value.clone());
        }
        Value::Object(tree)
    }
}

/// The variables of this process. What isn't text is nobody's.
fn variables() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

/// A configuration as it was read, before it is checked.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// The file, if there is one.
    pub(crate) file: Option<PathBuf>,
    pub(crate) values: Values,
    pub(crate) settings: Settings,
    /// What couldn't be read.
    pub(crate) problems: Vec<Problem>,
    /// What is no fault, but suspicious.
    pub(crate) warnings: Vec<Problem>,
}

impl Loaded {
    /// Reads the file (`atpass.toml` in the current folder, if it is there and none is named) and
    /// the environment.
    pub(crate) fn read(file: Option<&Path>) -> Loaded {
        let file = match file {
            Some(file) => Some(file.to_owned()),
            None => Some(PathBuf::from(DEFAULT_FILE)).filter(|file| file.exists()),
        };
        let text = file.as_ref().map(std::fs::read_to_string);
        Self::from_parts(file, text, variables())
    }

    /// Reads the environment alone.
    pub(crate) fn from_environment() -> Loaded {
        Self::from_parts(None, None, variables())
    }

    fn from_parts(
        file: Option<PathBuf>,
        text: Option<std::io::Result<String>>,
        variables: impl Iterator<Item = (String, String)>,
    ) -> Self {
        let (mut values, mut problems) = (Values::default(), Vec::new());
        match (&file, text) {
            (Some(path), Some(Ok(text))) => file::read(path, &text, &mut values, &mut problems),
            (Some(path), Some(Err(error))) => problems.push(Problem {
                origin: Origin::Default,
                key: None,
                message: format!("the file {} can't be read: {error}", path.display()),
            }),
            _ => {}
        }
        let warnings = environment::read(variables, &mut values, &mut problems);
        let settings = serde_json::from_value(values.tree()).unwrap_or_else(|error| {
            // Every value was held against the schema; this is for what the schema can't say.
            problems.push(Problem {
                origin: Origin::Default,
                key: None,
                message: error.to_string(),
            });
            Settings::default()
        });
        Self {
            file,
            values,
            settings,
            problems,
            warnings,
        }
    }

    /// The folder from which relative paths are taken.
    fn base(&self) -> &Path {
        let folder = self.file.as_deref().and_then(Path::parent);
        folder.unwrap_or(Path::new(""))
    }

    /// All problems as one error, in the order of the file.
    pub(crate) fn fail(&self, mut problems: Vec<Problem>) -> Problems {
        problems.sort_by_key(|problem| match problem.origin {
            Origin::File { line, .. } => line,
            Origin::Env { .. } | Origin::Default => 0,
        });
        Problems {
            file: self.file.clone(),
            problems,
        }
    }
}
