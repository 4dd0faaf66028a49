//! Permission sets: what `include:` stands for (permission spec, "Permission Sets"; lexicon spec).

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::grammar::Fields;
use super::{IncludeScope, Names, RepoScope, RpcAudience, RpcScope, Scope};
use crate::id::Nsid;

/// A permission set as it is published: titles, and permissions that are judged one by one when an
/// `include:` is expanded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PermissionSet {
    nsid: Nsid,
    title: Localized,
    detail: Localized,
    permissions: Vec<Map<String, Value>>,
}

/// A text in several languages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Localized {
    text: Option<String>,
    by_language: BTreeMap<String, String>,
}

/// Why a document is no permission set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PermissionSetError {
    /// Not a lexicon document with a main definition of this type.
    #[error("not a lexicon document of a permission set: {0}")]
    Malformed(String),
    /// Another name than the one that was asked for.
    #[error("the document is of {0}")]
    Name(String),
    /// Larger than anything sensible.
    #[error("the permission set has {0} permissions; at most {MOST_PERMISSIONS} are read")]
    TooMany(usize),
}

/// The most permissions in one set.
const MOST_PERMISSIONS: usize = 1000;

/// The longest title and detail that is shown, in characters.
const LONGEST_TITLE: usize = 100;
const LONGEST_DETAIL: usize = 500;

#[derive(Deserialize)]
struct Document {
    lexicon: u64,
    id: String,
    defs: Definitions,
}

#[derive(Deserialize)]
struct Definitions {
    main: Main,
}

#[derive(Deserialize)]
struct Main {
    r#type: String,
    #[serde(default)]
    title: Option<String>,
    #[serde(default, rename = "title:lang")]
    title_lang: Option<BTreeMap<String, String>>,
    #[serde(default)]
    detail: Option<String>,
    #[serde(default, rename = "detail:lang")]
    detail_lang: Option<BTreeMap<String, String>>,
    permissions: Vec<Value>,
}

impl PermissionSet {
    /// Reads the document that was published under this name.
    pub fn from_document(nsid: &Nsid, document: &Value) -> Result<Self, PermissionSetError> {
        let malformed = |text: &str| PermissionSetError::Malformed(text.to_owned());
        let read = Document::deserialize(document);
        let document = read.map_err(|error| malformed(&crate::text::shown(&error.to_string())))?;
        let main = document.defs.main;
        if document.lexicon != 1 {
            return Err(malformed("lexicon must be 1"));
        }
        if main.r#type != "permission-set" {
            return Err(malformed(
                "the type of its main definition must be permission-set",
            ));
        }
        if document.id != nsid.as_str() {
            return Err(PermissionSetError::Name(crate::text::shown(&document.id)));
        }
        if main.permissions.len() > MOST_PERMISSIONS {
            return Err(PermissionSetError::TooMany(main.permissions.len()));
        }
        // What isn't even an object is ignored like any other unknown permission.
        let permissions = main
            .permissions
            .into_iter()
            .filter_map(|value| match value {
                Value::Object(object) => Some(object),
                _ => None,
            });
        Ok(Self {
            nsid: nsid.clone(),
            title: Localized::new(main.title, main.title_lang, LONGEST_TITLE),
            detail: Localized::new(main.detail, main.detail_lang, LONGEST_DETAIL),
            permissions: permissions.collect(),
        })
    }

    /// Its name.
    pub const fn nsid(&self) -> &Nsid {
        &self.nsid
    }

    /// What it is called, in the first of these languages that it speaks (BCP 47, wanted most
    /// first), or else as its author first wrote it.
    pub fn title(&self, languages: &[&str]) -> Option<&str> {
        self.title.best(languages)
    }

    /// What it is about.
    pub fn detail(&self, languages: &[&str]) -> Option<&str> {
        self.detail.best(languages)
    }

    /// The scopes that the include stands for (clauses SC-INC-02 to SC-INC-04). A permission that
    /// isn't wholly understood, or lies outside the set's own group, is left out whole.
    pub fn expand(&self, include: &IncludeScope) -> Vec<Scope> {
        debug_assert_eq!(include.nsid, self.nsid);
        let permissions = self.permissions.iter();
        permissions
            .filter_map(|permission| expand_one(permission, include))
            .collect()
    }
}

fn expand_one(permission: &Map<String, Value>, include: &IncludeScope) -> Option<Scope> {
    let text = |name: &str| permission.get(name).and_then(Value::as_str);
    if text("type") != Some("permission") {
        return None;
    }
    let within = |names: &Names| match names {
        Names::All => false,
        Names::These(names) => names.iter().all(|name| include.has_authority_over(name)),
    };
    match text("resource")? {
        "repo" => {
            let repo = RepoScope::read(Fields::from_json(permission).ok()?).ok()?;
            within(&repo.collections).then_some(Scope::Repo(repo))
        }
        "rpc" => {
            let rpc = RpcScope::read(rpc_fields(permission, include)?).ok()?;
            within(&rpc.methods).then_some(Scope::Rpc(rpc))
        }
        _ => None,
    }
}

/// The fields of an `rpc` permission, with the audience that it inherits.
fn rpc_fields(permission: &Map<String, Value>, include: &IncludeScope) -> Option<Fields> {
    let mut permission = permission.clone();
    let inherit = match permission.remove("inheritAud") {
        None | Some(Value::Bool(false)) => false,
        Some(Value::Bool(true)) => true,
        Some(_) => return None,
    };
    match (inherit, permission.get("aud")) {
        (true, None) => {
            let aud = RpcAudience::Service(include.audience.clone()?);
            permission.insert("aud".into(), aud.as_str().into());
        }
        // No set decides by itself which service is called.
        (false, Some(Value::String(aud))) if aud == "*" => {}
        _ => return None,
    }
    Fields::from_json(&permission).ok()
}

impl Localized {
    fn new(
        text: Option<String>,
        by_language: Option<BTreeMap<String, String>>,
        longest: usize,
    ) -> Self {
        let tidy = |text: String| -> Option<String> {
            let line: String = text
                .chars()
                .filter(|c| !c.is_control() && !is_direction_mark(*c))
                .take(longest)
                .collect();
            let line = line.trim().to_owned();
            (!line.is_empty()).then_some(line)
        };
        let by_language = by_language.unwrap_or_default().into_iter();
        Self {
            text: text.and_then(tidy),
            by_language: by_language
                .filter_map(|(language, text)| Some((language.to_ascii_lowercase(), tidy(text)?)))
                .collect(),
        }
    }

    fn best(&self, languages: &[&str]) -> Option<&str> {
        let exact_or_base = languages.iter().find_map(|language| {
            let language = language.to_ascii_lowercase();
            let base = language.split('-').next().unwrap_or_default();
            self.by_language
                .get(&language)
                .or_else(|| self.by_language.get(base))
        });
        exact_or_base.or(self.text.as_ref()).map(String::as_str)
    }
}

/// Marks that turn the text around them (Unicode Bidirectional Algorithm): a title can't reach
/// beyond itself.
const fn is_direction_mark(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
