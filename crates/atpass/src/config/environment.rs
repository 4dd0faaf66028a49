//! The environment: one variable for each key, which counts before the file.

use serde_json::Value;

use super::file::expected;
use super::keys::{self, Kind};
use super::problem::{Origin, Problem, did_you_mean};
use super::{Found, Values};

/// Every variable of ours begins like this.
const PREFIX: &str = "ATPASS_";
/// Variables of other commands.
const OTHERS: &[&str] = &["ATPASS_CONFIG", "ATPASS_LOG", "ATPASS_PORT"];

/// Reads the variables into `values`. Returns warnings of variables that look misspelt: no more
/// than that, because a cluster sets variables such as `ATPASS_SERVICE_HOST` of its own accord.
pub(super) fn read(
    variables: impl Iterator<Item = (String, String)>,
    values: &mut Values,
    problems: &mut Vec<Problem>,
) -> Vec<Problem> {
    let mut warnings = Vec::new();
    let mut ours: Vec<_> = variables
        .filter(|(name, _)| name.starts_with(PREFIX))
        .collect();
    ours.sort();
    for (variable, text) in ours {
        let origin = Origin::Env {
            variable: variable.clone(),
        };
        let Some(key) = keys::keys().find(|key| key.env == variable) else {
            if OTHERS.contains(&variable.as_str()) {
                continue;
            }
            let name = |variable: &'static str| variable.strip_prefix(PREFIX);
            let known = keys::keys().filter_map(|key| name(&key.env));
            let written = variable.strip_prefix(PREFIX).unwrap_or_default();
            if let Some(near) = did_you_mean(written, known) {
                warnings.push(Problem {
                    origin,
                    key: None,
                    message: format!("means nothing; did you mean {PREFIX}{near}?"),
                });
            }
            continue;
        };
        if let Some(value) = read_value(&key.kind, &text) {
            values.refused.remove(&key.path);
            values.insert(key.path.clone(), Found { value, origin });
        } else {
            let expected = match &key.kind {
                Kind::Text | Kind::List => "another text".into(),
                kind => expected(kind),
            };
            let message = format!("must be {expected}, but is \"{text}\"");
            problems.push(Problem::new(origin, &key.path, message));
            values.refused.insert(key.path.clone());
        }
    }
    warnings
}

/// Lists are separated by commas.
fn read_value(kind: &Kind, text: &str) -> Option<Value> {
    match kind {
        Kind::Text => Some(text.into()),
        Kind::Integer => text.parse::<i64>().ok().map(Value::from),
        Kind::Switch => text.parse::<bool>().ok().map(Value::from),
        Kind::Choice(words) => words.iter().any(|word| word == text).then(|| text.into()),
        Kind::List => {
            let items = text
                .split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty());
            Some(items.collect())
        }
    }
}
