//! Every key that can be configured, read from the schema: where it stands, its variable, its kind.

use std::sync::LazyLock;

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use super::settings::Settings;

/// What a key takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Integer,
    Switch,
    List,
    Choice(Vec<String>),
}

/// A key of the configuration.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    /// With its section: `network.dns`.
    pub(crate) path: String,
    /// The environment variable that counts before the file.
    pub(crate) env: String,
    pub(crate) kind: Kind,
    pub(crate) default: Value,
    pub(crate) doc: String,
}

impl Key {
    /// Section and name; keys at the top have none.
    pub(crate) fn section_and_name(&self) -> (Option<&str>, &str) {
        match self.path.split_once('.') {
            Some((section, name)) => (Some(section), name),
            None => (None, &self.path),
        }
    }
}

/// A section, in the order of the documentation.
#[derive(Clone, Debug)]
pub(crate) struct Section {
    pub(crate) name: Option<String>,
    /// Whether there may be several, `[[name]]`. Such a section has no variables.
    pub(crate) is_repeated: bool,
    pub(crate) doc: String,
    pub(crate) keys: Vec<Key>,
}

/// The JSON schema of the configuration.
pub(crate) fn schema() -> Value {
    let settings =
        SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    settings
        .into_generator()
        .into_root_schema_for::<Settings>()
        .to_value()
}

/// The sections; the first one has no name.
pub(crate) fn sections() -> &'static [Section] {
    static SECTIONS: LazyLock<Vec<Section>> = LazyLock::new(|| read(&schema()));
    &SECTIONS
}

/// All keys but those of repeated sections.
pub(crate) fn keys() -> impl Iterator<Item = &'static Key> {
    let once = sections().iter().filter(|section| !section.is_repeated);
    once.flat_map(|section| &section.keys)
}

/// The sections of which there may be several.
pub(crate) fn repeated() -> impl Iterator<Item = (&'static str, &'static [Key])> {
    let repeated = sections().iter().filter(|section| section.is_repeated);
    repeated.filter_map(|section| Some((section.name.as_deref()?, section.keys.as_slice())))
}

pub(crate) fn find(path: &str) -> Option<&'static Key> {
    keys().find(|key| key.path == path)
}

pub(crate) fn is_section(name: &str) -> bool {
    let named = |section: &Section| section.name.as_deref() == Some(name);
    sections().iter().any(named)
}

fn read(schema: &Value) -> Vec<Section> {
    let mut top = Section {
        name: None,
        is_repeated: false,
        doc: String::new(),
        keys: Vec::new(),
    };
    let mut named = Vec::new();
    for (name, schema) in properties(schema) {
        let items = schema.get("items").filter(|items| is_object(items));
        if items.is_some() || is_object(schema) {
            let keys = properties(items.unwrap_or(schema));
            let keys = keys.map(|(key, schema)| read_key(Some(name), key, schema));
            named.push(Section {
                name: Some(name.clone()),
                is_repeated: items.is_some(),
                doc: doc(schema),
                keys: keys.collect(),
            });
        } else {
            top.keys.push(read_key(None, name, schema));
        }
    }
    std::iter::once(top).chain(named).collect()
}

fn is_object(schema: &Value) -> bool {
    schema.get("type").and_then(Value::as_str) == Some("object")
}

fn properties(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    let members = schema.get("properties").and_then(Value::as_object);
    members.into_iter().flat_map(Map::iter)
}

fn read_key(section: Option<&str>, name: &str, schema: &Value) -> Key {
    let path = match section {
        Some(section) => format!("{section}.{name}"),
        None => name.to_owned(),
    };
    let by_rule = || format!("ATPASS_{}", path.replace('.', "_").to_uppercase());
    let env = schema.get("x-env").and_then(Value::as_str);
    Key {
        env: env.map_or_else(by_rule, ToOwned::to_owned),
        kind: kind(schema),
        default: schema.get("default").cloned().unwrap_or_default(),
        doc: doc(schema),
        path,
    }
}

/// The kind of an optional key is that of its value.
fn kind(schema: &Value) -> Kind {
    if let Some(choices) = choices(schema) {
        return Kind::Choice(choices);
    }
    let one = schema.get("type").and_then(|of| match of {
        Value::Array(several) => several.first().and_then(Value::as_str),
        one => one.as_str(),
    });
    match one {
        Some("integer") => Kind::Integer,
        Some("boolean") => Kind::Switch,
        Some("array") => Kind::List,
        _ => Kind::Text,
    }
}

fn choices(schema: &Value) -> Option<Vec<String>> {
    let words = schema.get("enum")?.as_array()?;
    Some(
        words
            .iter()
            .filter_map(Value::as_str)
            .map(ToOwned::to_owned)
            .collect(),
    )
}

/// The comment as one paragraph.
fn doc(schema: &Value) -> String {
    let text = schema.get("description").and_then(Value::as_str);
    text.unwrap_or_default()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_documented_and_has_its_own_variable() {
        let mut variables = std::collections::BTreeSet::new();
        for key in keys() {
            assert!(!key.doc.is_empty(), "{}", key.path);
            assert!(variables.insert(&key.env), "{}", key.env);
        }
        assert!(variables.len() > 20);
    }

    #[test]
    fn keys_are_as_their_settings_say() {
        let seen = |path: &str| {
            let key = find(path).unwrap();
            (key.env.as_str(), key.kind.clone(), key.default.to_string())
        };
        assert_eq!(seen("issuer"), ("ATPASS_ISSUER", Kind::Text, "null".into()));
        assert_eq!(
            seen("drain_seconds"),
            ("ATPASS_DRAIN_SECONDS", Kind::Integer, "30".into())
        );
        assert_eq!(
            seen("lifetimes.code"),
            ("ATPASS_LIFETIMES_CODE", Kind::Integer, "60".into())
        );
        assert_eq!(
            seen("network.dns"),
            ("ATPASS_DNS", Kind::Text, "null".into())
        );
        assert_eq!(
            seen("network.allow_http"),
            ("ATPASS_ALLOW_HTTP", Kind::Switch, "false".into())
        );
        let format = Kind::Choice(vec!["text".into(), "json".into()]);
        assert_eq!(
            seen("log.format"),
            ("ATPASS_LOG_FORMAT", format, "\"text\"".into())
        );
        assert_eq!(
            seen("clients.trusted"),
            ("ATPASS_CLIENTS_TRUSTED", Kind::List, "[]".into())
        );
    }
}
