//! The clauses themselves, read from `docs/clauses.toml`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// Where the clauses stand.
pub(crate) const FILE: &str = "docs/clauses.toml";

/// The file, as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    sections: Vec<FileSection>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileSection {
    name: String,
    title: String,
    clauses: Vec<Clause>,
}

/// How strongly a clause binds (RFC 2119).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Level {
    /// Always.
    Must,
    /// Unless there is a reason.
    Should,
    /// As one likes.
    May,
}

impl Level {
    /// As in the file.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Must => "MUST",
            Self::Should => "SHOULD",
            Self::May => "MAY",
        }
    }
}

/// One requirement.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Clause {
    /// Such as `AS-REF-05`.
    pub(crate) id: String,
    pub(crate) level: Level,
    /// One short sentence.
    pub(crate) says: String,
    /// Why no test shows it yet.
    pub(crate) why_untested: Option<String>,
}

/// Clauses that belong together.
#[derive(Debug)]
pub(crate) struct Section {
    pub(crate) name: String,
    pub(crate) title: String,
    /// How many clauses of the list it has.
    pub(crate) size: usize,
}

/// All clauses, in the order of the file. A clause is named by its place in this order.
#[derive(Debug)]
pub(crate) struct List {
    pub(crate) sections: Vec<Section>,
    pub(crate) clauses: Vec<Clause>,
    places: BTreeMap<String, usize>,
    families: BTreeSet<String>,
}

impl List {
    /// Reads the file of this repository.
    pub(crate) fn read(root: &Path) -> Result<Self> {
        let text = fs::read_to_string(root.join(FILE)).with_context(|| format!("no {FILE}"))?;
        Self::parse(&text).with_context(|| format!("{FILE} is not as it should be"))
    }

    pub(crate) fn parse(text: &str) -> Result<Self> {
        let file: File = toml::from_str(text)?;
        let mut list = Self {
            sections: Vec::new(),
            clauses: Vec::new(),
            places: BTreeMap::new(),
            families: BTreeSet::new(),
        };
        for section in file.sections {
            list.sections.push(Section {
                name: section.name,
                title: section.title,
                size: section.clauses.len(),
            });
            for clause in section.clauses {
                list.add(clause)?;
            }
        }
        Ok(list)
    }

    fn add(&mut self, clause: Clause) -> Result<()> {
        let id = clause.id.clone();
        let Some((family, _)) = split(&id) else {
            bail!("{id} is no clause id");
        };
        self.families.insert(family.to_owned());
        if self.places.insert(id.clone(), self.clauses.len()).is_some() {
            bail!("{id} stands there twice");
        }
        self.clauses.push(clause);
        Ok(())
    }

    /// The place of a clause.
    pub(crate) fn place(&self, id: &str) -> Option<usize> {
        self.places.get(id).copied()
    }

    /// Whether a word has the form of an id of this list, be it in the list or not.
    pub(crate) fn looks_like_id(&self, word: &str) -> bool {
        split(word).is_some_and(|(family, _)| self.families.contains(family))
    }
}

/// The first part of an id (`AS` of `AS-REF-05`) and the number; none if it isn't one.
fn split(word: &str) -> Option<(&str, &str)> {
    let mut parts = word.split('-');
    let (family, topic, number) = (parts.next()?, parts.next()?, parts.next()?);
    let letters = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_uppercase());
    let digits = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    let is_id = parts.next().is_none() && letters(family) && letters(topic) && digits;
    is_id.then_some((family, number))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A small list for the tests of the other modules.
    pub(crate) fn small() -> List {
        List::parse(
            r#"
            [[sections]]
            name = "AS-ONE"
            title = "the first"
            clauses = [
              { id = "AS-ONE-01", level = "MUST", says = "One." },
              { id = "AS-ONE-02", level = "SHOULD", says = "Two." },
              { id = "AS-ONE-03", level = "MUST", says = "Three.", why_untested = "comes later" },
            ]
            [[sections]]
            name = "C"
            title = "the second"
            clauses = [{ id = "C-TWO-01", level = "MAY", says = "Four." }]
            "#,
        )
        .unwrap()
    }

    #[test]
    fn clauses_are_found_by_id() {
        let list = small();
        assert_eq!(list.place("AS-ONE-02"), Some(1));
        assert_eq!(list.place("C-TWO-01"), Some(3));
        assert_eq!(list.place("AS-ONE-04"), None);
        assert_eq!(list.sections[0].size, 3);
    }

    #[test]
    fn a_word_may_look_like_an_id_and_be_none() {
        let list = small();
        for id in ["AS-ONE-01", "AS-ONE-9", "AS-ELSE-01", "C-TWO-100"] {
            assert!(list.looks_like_id(id), "{id}");
        }
        for word in [
            "RS-ONE-01",
            "AS-ONE",
            "AS-ONE-",
            "AS--01",
            "as-one-01",
            "AS-ONE-1-2",
        ] {
            assert!(!list.looks_like_id(word), "{word}");
        }
    }

    #[test]
    fn a_doubled_or_misshapen_id_is_refused() {
        for (id, why) in [("AS-A-01", "twice"), ("AS-A", "no clause id")] {
            let clause = format!("{{ id = \"{id}\", level = \"MUST\", says = \"\" }}");
            let text =
                format!("[[sections]]\nname = \"A\"\ntitle = \"\"\nclauses = [{clause}, {clause}]");
            let error = List::parse(&text).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn the_list_of_this_repository_can_be_read() {
        let list = List::read(&crate::repository_root().unwrap()).unwrap();
        assert!(list.place("AS-REF-05").is_some());
        for section in &list.sections {
            assert!(section.size > 0, "{}", section.name);
        }
    }
}
