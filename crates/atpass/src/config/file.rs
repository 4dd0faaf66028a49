//! The TOML file: every key is looked up in the schema, and every fault is told with its line.

use std::path::Path;

use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::keys::{self, Key, Kind};
use super::problem::{Origin, Problem, did_you_mean};
use super::{Found, Values};

/// Reads the text of `file` into `values`. What can't be read is told in `problems` and left out.
pub(super) fn read(file: &Path, text: &str, values: &mut Values, problems: &mut Vec<Problem>) {
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut reading = Reading {
        file: file.display().to_string(),
        text,
        values,
        problems,
    };
    for error in errors {
        let origin = reading.origin(error.span().map_or(0, |span| span.start));
        let message = error.message().trim().replace('\n', ", ");
        reading.problems.push(Problem {
            origin,
            key: None,
            message,
        });
    }
    reading.table(None, table.get_ref());
}

struct Reading<'a> {
    file: String,
    text: &'a str,
    values: &'a mut Values,
    problems: &'a mut Vec<Problem>,
}

impl Reading<'_> {
    fn origin(&self, offset: usize) -> Origin {
        let before = self.text.get(..offset).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        Origin::File {
            file: self.file.clone(),
            line,
        }
    }

    fn table(&mut self, section: Option<&str>, table: &DeTable<'_>) {
        for (name, value) in table {
            let origin = self.origin(name.span().start);
            let name = name.get_ref();
            let path =
                section.map_or_else(|| name.to_string(), |section| format!("{section}.{name}"));
            if let Some((_, keys)) = keys::repeated().find(|(known, _)| *known == path) {
                self.repeated(&path, keys, origin, value);
                continue;
            }
            match (keys::find(&path), value.get_ref()) {
                (Some(key), _) => self.value(key, origin, value),
                (None, DeValue::Table(table)) if section.is_none() && keys::is_section(name) => {
                    self.table(Some(name), table);
                }
                (None, _) if section.is_none() && keys::is_section(name) => {
                    let message = format!("is a section: write [{name}] and its keys below");
                    self.problems.push(Problem::new(origin, &path, message));
                }
                (None, _) => {
                    let message = unknown(section, name);
                    self.problems.push(Problem::new(origin, &path, message));
                }
            }
        }
    }

    /// Several sections of one name. What can't be read of one is left out of it.
    fn repeated(&mut self, name: &str, keys: &[Key], origin: Origin, value: &Spanned<DeValue<'_>>) {
        let tables = value.get_ref().as_array().into_iter().flatten();
        let tables: Option<Vec<_>> = tables.map(|table| table.get_ref().as_table()).collect();
        let Some(tables) = tables.filter(|tables| !tables.is_empty()) else {
            let message = format!("there may be several: write [[{name}]] and the keys below");
            self.problems.push(Problem::new(origin, name, message));
            return;
        };
        let mut values = Vec::new();
        for (place, table) in tables.into_iter().enumerate() {
            let mut read = serde_json::Map::new();
            for (key, value) in table {
                let (origin, key) = (self.origin(key.span().start), key.get_ref());
                let path = format!("{name}[{place}].{key}");
                let known = keys.iter().find(|known| known.section_and_name().1 == key);
                let problem = match known {
                    None => {
                        let names = keys.iter().map(|key| key.section_and_name().1);
                        let near = did_you_mean(key, names);
                        near.map_or("there is no such key".into(), |near| {
                            format!("there is no such key; did you mean {near}?")
                        })
                    }
                    Some(known) => match read_value(&known.kind, value.get_ref()) {
                        Some(value) => {
                            read.insert(key.to_string(), value);
                            self.values.places.insert(path, origin);
                            continue;
                        }
                        None => format!(
                            "must be {}, but is {}",
                            expected(&known.kind),
                            found(value.get_ref())
                        ),
                    },
                };
                self.problems.push(Problem::new(origin, &path, problem));
                self.values.refused.insert(path);
            }
            values.push(Value::Object(read));
        }
        let value = Value::Array(values);
        self.values.insert(name.to_owned(), Found { value, origin });
    }

    fn value(&mut self, key: &Key, origin: Origin, value: &Spanned<DeValue<'_>>) {
        if let Some(value) = read_value(&key.kind, value.get_ref()) {
            self.values
                .insert(key.path.clone(), Found { value, origin });
        } else {
            let message = format!(
                "must be {}, but is {}",
                expected(&key.kind),
                found(value.get_ref())
            );
            self.problems.push(Problem::new(origin, &key.path, message));
            self.values.refused.insert(key.path.clone());
        }
    }
}

fn read_value(kind: &Kind, value: &DeValue<'_>) -> Option<Value> {
    match kind {
        Kind::Text => value.as_str().map(Value::from),
        Kind::Choice(words) => {
            let word = value.as_str()?;
            words.iter().any(|known| known == word).then(|| word.into())
        }
        Kind::Switch => value.as_bool().map(Value::from),
        Kind::Integer => {
            let integer = value.as_integer()?;
            let number = i64::from_str_radix(integer.as_str(), integer.radix()).ok()?;
            Some(number.into())
        }
        Kind::List => {
            let items = value.as_array()?.iter();
            items
                .map(|item| item.get_ref().as_str().map(Value::from))
                .collect()
        }
    }
}

/// What a key of this kind takes, for people.
pub(super) fn expected(kind: &Kind) -> String {
    match kind {
        Kind::Text => "a text in quotes".into(),
        Kind::Integer => "a whole number".into(),
        Kind::Switch => "true or false".into(),
        Kind::List => "a list of texts, such as [\"a\", \"b\"]".into(),
        Kind::Choice(words) => format!("one of \"{}\"", words.join("\", \"")),
    }
}

/// What stands there instead, for people.
fn found(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("\"{text}\""),
        DeValue::Array(_) => "a list with something else in it".into(),
        DeValue::Table(_) => "a section".into(),
        DeValue::Integer(number) => number.as_str().to_owned(),
        DeValue::Boolean(value) => value.to_string(),
        DeValue::Float(_) | DeValue::Datetime(_) => value.type_str().to_owned(),
    }
}

fn unknown(section: Option<&str>, name: &str) -> String {
    let elsewhere = keys::keys().find(|key| key.section_and_name().1 == name);
    if let Some(key) = elsewhere {
        return match key.section_and_name().0 {
            Some(right) => format!("there is no such key here; it belongs under [{right}]"),
            None => "there is no such key here; it belongs at the top, before all sections".into(),
        };
    }
    let here = keys::keys().map(Key::section_and_name);
    let here = here.filter(|(of, _)| *of == section).map(|(_, name)| name);
    let sections = keys::sections()
        .iter()
        .filter_map(|section| section.name.as_deref());
    let sections = sections.filter(|_| section.is_none());
    match did_you_mean(name, here.chain(sections)) {
        Some(near) => format!("there is no such key; did you mean {near}?"),
        None => "there is no such key; `atpass config schema --markdown` lists them all".into(),
    }
}
