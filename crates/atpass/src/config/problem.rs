//! What is wrong with a configuration, and where.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;
use url::Url;

/// Where a value comes from.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
#[serde(tag = "from", rename_all = "lowercase")]
pub(crate) enum Origin {
    /// A line of the file, counted from 1.
    File { file: String, line: usize },
    /// An environment variable.
    Env { variable: String },
    /// Nobody said anything.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { file, line } => write!(f, "{file}:{line}"),
            Self::Env { variable } => f.write_str(variable),
            Self::Default => f.write_str("default"),
        }
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Problem {
    #[serde(flatten)]
    pub(crate) origin: Origin,
    /// The key, where it is about one.
    pub(crate) key: Option<String>,
    /// What is wrong, and what to do.
    pub(crate) message: String,
}

impl Problem {
    pub(crate) fn new(origin: Origin, key: &str, message: impl fmt::Display) -> Self {
        Self {
            origin,
            key: Some(key.to_owned()),
            message: message.to_string(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.origin != Origin::Default {
            write!(f, "{}: ", self.origin)?;
        }
        if let Some(key) = &self.key {
            write!(f, "{key}: ")?;
        }
        f.write_str(&self.message)
    }
}

/// Everything that is wrong with a configuration.
#[derive(Debug, thiserror::Error)]
pub(crate) struct Problems {
    /// The file, if there is one.
    pub(crate) file: Option<PathBuf>,
    pub(crate) problems: Vec<Problem>,
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.problems.len();
        write!(
            f,
            "the configuration has {count} problem{}",
            if count == 1 { "" } else { "s" }
        )?;
        for problem in &self.problems {
            write!(f, "\n  {problem}")?;
        }
        if self.file.is_none() {
            f.write_str("\nThere is no configuration file; name one with --config FILE.")?;
        }
        Ok(())
    }
}

/// How alike two words must be for the one to be taken for the other, misspelt.
const ALIKE: f64 = 0.65;

/// The candidate that was meant, if one is near to what was written.
pub(crate) fn did_you_mean<'a>(
    written: &str,
    candidates: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    let likeness = |candidate| strsim::normalized_damerau_levenshtein(written, candidate);
    let near = candidates.map(|candidate| (likeness(candidate), candidate));
    near.filter(|(likeness, _)| *likeness >= ALIKE)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, candidate)| candidate)
}

/// The text, where it is a URL without the name and password that may be in it.
pub(crate) fn without_password(text: &str) -> String {
    match Url::parse(text) {
        Ok(url) if url.password().is_some() || !url.username().is_empty() => {
            let place = text.rfind('@').map_or(0, |at| at + 1);
            let rest = text.get(place..).unwrap_or_default();
            format!("{}://[hidden]@{rest}", url.scheme())
        }
        _ => text.to_owned(),
    }
}
