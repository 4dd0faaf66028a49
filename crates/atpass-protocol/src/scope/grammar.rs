//! The form of a scope value, before any meaning: a resource, and named fields
//! (permission spec, "Scope String Syntax").

use std::fmt::{self, Write as _};

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use serde_json::{Map, Value};

use super::ScopeError;

/// The fields of one permission, from its string or its JSON form. Each is taken once; what is left
/// over at the end is not known here, and then the permission means nothing.
#[derive(Debug)]
pub(super) struct Fields {
    positional: Option<String>,
    named: Vec<(String, Vec<String>)>,
}

/// The characters of a scope value (RFC 6749 section 3.3).
pub(super) fn is_scope_token(text: &str) -> bool {
    let allowed = |b: u8| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    !text.is_empty() && text.bytes().all(allowed)
}

/// What is encoded: what would mean something else, and what a scope value can't hold.
const ENCODED: AsciiSet = CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'&')
    .add(b'<')
    .add(b'=')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// Parts a scope value into its resource and the text of its fields.
pub(super) fn resource_of(text: &str) -> (&str, &str) {
    let end = text.find([':', '?']).unwrap_or(text.len());
    text.split_at(end)
}

impl Fields {
    /// Reads what stands behind the resource: `[:positional][?name=value&…]`.
    pub(super) fn parse(text: &str) -> Result<Self, ScopeError> {
        let (positional, query) = text.split_once('?').unwrap_or((text, ""));
        let positional = positional.strip_prefix(':').map(decode).transpose()?;
        let mut fields = Self {
            positional,
            named: Vec::new(),
        };
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            fields.push(decode(name)?, decode(value)?);
        }
        Ok(fields)
    }

    /// Reads the JSON form. Texts and lists of texts only; `type` and `resource` are left out.
    pub(super) fn from_json(object: &Map<String, Value>) -> Result<Self, ScopeError> {
        let mut fields = Self {
            positional: None,
            named: Vec::new(),
        };
        let members = object
            .iter()
            .filter(|(name, _)| !matches!(name.as_str(), "type" | "resource"));
        for (name, value) in members {
            let odd = || ScopeError::Value {
                field: name.clone(),
                expected: "a text or a list of texts",
            };
            match value {
                Value::String(text) => fields.push(name.clone(), text.clone()),
                Value::Array(list) if !list.is_empty() => {
                    for item in list {
                        let text = item.as_str().ok_or_else(odd)?;
                        fields.push(name.clone(), text.to_owned());
                    }
                }
                _ => return Err(odd()),
            }
        }
        Ok(fields)
    }

    fn push(&mut self, name: String, value: String) {
        match self.named.iter_mut().find(|(known, _)| *known == name) {
            Some((_, values)) => values.push(value),
            None => self.named.push((name, vec![value])),
        }
    }

    fn take(&mut self, name: &str) -> Option<Vec<String>> {
        let place = self.named.iter().position(|(known, _)| known == name)?;
        Some(self.named.swap_remove(place).1)
    }

    /// The field that may stand behind the colon as well. Given in both ways it is an error
    /// (clause SC-SYN-02).
    pub(super) fn positional(&mut self, name: &'static str) -> Result<Vec<String>, ScopeError> {
        match (self.positional.take(), self.take(name)) {
            (Some(_), Some(_)) => Err(ScopeError::Twice(name)),
            (Some(value), None) => Ok(vec![value]),
            (None, Some(values)) => Ok(values),
            (None, None) => Err(ScopeError::Missing(name)),
        }
    }

    /// The same, where only one value makes sense.
    pub(super) fn positional_one(&mut self, name: &'static str) -> Result<String, ScopeError> {
        only(self.positional(name)?, name)
    }

    /// A field that may be given more than once.
    pub(super) fn many(&mut self, name: &'static str) -> Vec<String> {
        self.take(name).unwrap_or_default()
    }

    /// A field that may be given once.
    pub(super) fn one(&mut self, name: &'static str) -> Result<Option<String>, ScopeError> {
        self.take(name).map(|values| only(values, name)).transpose()
    }

    /// Nothing may be left.
    pub(super) fn finish(self) -> Result<(), ScopeError> {
        if self.positional.is_some() {
            return Err(ScopeError::Unknown("a part after the colon".to_owned()));
        }
        match self.named.into_iter().next() {
            Some((name, _)) => Err(ScopeError::Unknown(format!("the parameter {name}"))),
            None => Ok(()),
        }
    }
}

fn only(values: Vec<String>, name: &'static str) -> Result<String, ScopeError> {
    match <[String; 1]>::try_from(values) {
        Ok([value]) => Ok(value),
        Err(_) => Err(ScopeError::Twice(name)),
    }
}

/// Undoes percent-encoding, which must be right. A `+` is a `+`.
fn decode(text: &str) -> Result<String, ScopeError> {
    let is_hex = |piece: &str| {
        let digits = piece.as_bytes().get(..2);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    if !text.split('%').skip(1).all(is_hex) {
        return Err(ScopeError::Encoding);
    }
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map(Into::into).map_err(|_| ScopeError::Encoding)
}

/// Writes scope values in their canonical form.
pub(super) struct Writer<'f, 'a> {
    f: &'f mut fmt::Formatter<'a>,
    has_query: bool,
}

impl<'f, 'a> Writer<'f, 'a> {
    pub(super) fn new(f: &'f mut fmt::Formatter<'a>, resource: &str) -> Result<Self, fmt::Error> {
        f.write_str(resource)?;
        Ok(Self {
            f,
            has_query: false,
        })
    }

    /// The positional field: behind the colon if it has one value, else by its name.
    pub(super) fn positional<V: fmt::Display>(
        &mut self,
        name: &str,
        values: impl ExactSizeIterator<Item = V>,
    ) -> fmt::Result {
        let alone = values.len() == 1;
        for value in values {
            if alone {
                self.f.write_char(':')?;
                self.encode(&value)?;
            } else {
                self.named(name, &value)?;
            }
        }
        Ok(())
    }

    pub(super) fn named(&mut self, name: &str, value: &dyn fmt::Display) -> fmt::Result {
        let mark = if self.has_query { '&' } else { '?' };
        self.has_query = true;
        write!(self.f, "{mark}{name}=")?;
        self.encode(value)
    }

    fn encode(&mut self, value: &dyn fmt::Display) -> fmt::Result {
        let encoded = value.to_string();
        write!(self.f, "{}", utf8_percent_encode(&encoded, &ENCODED))
    }
}
