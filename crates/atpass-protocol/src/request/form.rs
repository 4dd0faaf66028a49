//! Form bodies and query strings, read strictly.

use crate::error::OAuthError;

/// The longest value of one parameter, in bytes.
const LONGEST_VALUE: usize = 32 * 1024;
/// The most parameters of one message.
const MOST_PARAMETERS: usize = 64;

/// The parameters of one message: each name once, no control characters, empty values left out
/// (RFC 6749 sections 3.1 and 3.2).
#[derive(Debug)]
pub struct Form(Vec<(String, String)>);

impl Form {
    /// Reads an `application/x-www-form-urlencoded` body or query string.
    pub fn parse(body: &[u8]) -> Result<Self, OAuthError> {
        let bad = |text: String| Err(OAuthError::invalid_request(text));
        if std::str::from_utf8(body).is_err() {
            return bad("the parameters must be UTF-8 text".into());
        }
        let mut parameters: Vec<(String, String)> = Vec::new();
        for pair in body.split(|&b| b == b'&').filter(|pair| !pair.is_empty()) {
            let Some((name, value)) = form_urlencoded::parse(pair).next() else {
                continue;
            };
            if parameters.len() == MOST_PARAMETERS {
                return bad(format!("more than {MOST_PARAMETERS} parameters"));
            }
            if !is_text(&name) || !is_text(&value) {
                return bad(format!(
                    "parameter {name} has control characters or is not UTF-8"
                ));
            }
            if value.len() > LONGEST_VALUE {
                return bad(format!(
                    "parameter {name} is longer than {LONGEST_VALUE} bytes"
                ));
            }
            if parameters.iter().any(|(known, _)| *known == name) {
                return bad(format!("parameter {name} is given twice"));
            }
            parameters.push((name.into_owned(), value.into_owned()));
        }
        // An empty value is as good as none, but counts when a name is given twice.
        parameters.retain(|(_, value)| !value.is_empty());
        Ok(Self(parameters))
    }

    /// The value of a parameter, if it has one.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// The value of a parameter that must be there.
    pub fn require(&self, name: &str) -> Result<&str, OAuthError> {
        self.get(name)
            .ok_or_else(|| OAuthError::invalid_request(format!("parameter {name} is missing")))
    }
}

/// Nothing that can't be printed, and nothing that wasn't UTF-8.
fn is_text(text: &str) -> bool {
    // Most are, at a glance.
    text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
        || !text.chars().any(|c| c.is_control() || c == '\u{fffd}')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Clauses AS-PAR-02 and AS-PAR-16.
    #[test]
    fn doubles_and_control_characters_are_refused() {
        let form = Form::parse(b"a=1&b=&c=%20x+y&&=z").unwrap();
        assert_eq!(
            (form.get("a"), form.get("b"), form.get("c")),
            (Some("1"), None, Some(" x y"))
        );
        assert!(form.require("b").is_err());
        for bad in [
            &b"a=1&a=1"[..],
            b"a=&a=1",
            b"a=%00",
            b"a=x%0Ay",
            b"%0A=x",
            b"a=%FF",
            b"a=\xff",
        ] {
            assert!(Form::parse(bad).is_err(), "{bad:?}");
        }
        assert!(Form::parse(format!("a={}", "x".repeat(40_000)).as_bytes()).is_err());
        assert!(Form::parse("a&".repeat(70).as_bytes()).is_err());
        let many = (0..70)
            .map(|i| format!("p{i}=x"))
            .collect::<Vec<_>>()
            .join("&");
        assert!(Form::parse(many.as_bytes()).is_err());
    }
}
