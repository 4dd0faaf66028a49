//! How the client would like the pages to appear (`OpenID Connect Core` section 3.1.2.1).

use oxilangtag::LanguageTag;
use serde::{Deserialize, Serialize};

use super::Form;
use crate::error::OAuthError;
use crate::text::shown;

/// The most languages of one request.
const MOST_LANGUAGES: usize = 16;
/// The longest tag, in bytes: room for every registered one (RFC 5646 section 4.4.1).
const LONGEST_TAG: usize = 35;

/// The values of `display`. All get the same pages, which fit every window from a phone's to
/// a desktop's and need no script; so the value is checked, and then forgotten.
pub const DISPLAY_VALUES: [&str; 4] = ["page", "popup", "touch", "wap"];

/// Refuses a `display` that nobody knows.
pub(super) fn check_display(form: &Form) -> Result<(), OAuthError> {
    match form.get("display") {
        Some(value) if !DISPLAY_VALUES.contains(&value) => Err(OAuthError::invalid_request(
            "display must be page, popup, touch or wap",
        )),
        _ => Ok(()),
    }
}

/// `ui_locales`: the languages that the person reads, the best first. Well-formed tags (RFC 5646),
/// of languages that the server may or may not speak.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UiLocales(Vec<LanguageTag<String>>);

impl UiLocales {
    /// Reads tags with one space between them.
    pub fn parse(text: &str) -> Result<Self, OAuthError> {
        let bad = |why: String| OAuthError::invalid_request(format!("ui_locales: {why}"));
        let mut tags = Vec::new();
        for tag in text.split(' ') {
            if tags.len() == MOST_LANGUAGES {
                return Err(bad(format!("more than {MOST_LANGUAGES} languages")));
            }
            let parsed = (tag.len() <= LONGEST_TAG)
                .then(|| LanguageTag::parse(tag.to_owned()).ok())
                .flatten();
            let not_a_tag = || bad(format!("'{}' is not a language tag (RFC 5646)", shown(tag)));
            tags.push(parsed.ok_or_else(not_a_tag)?);
        }
        Ok(Self(tags))
    }

    /// The tags, the best first.
    pub fn tags(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(LanguageTag::as_str)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_in_order() {
        let text = "de-AT pt-BR xx zh-cmn-Hans-CN sl-rozaj-biske de-u-co-phonebk i-klingon x-own";
        let locales = UiLocales::parse(text).unwrap();
        assert_eq!(locales.tags().collect::<Vec<_>>().join(" "), text);
        let json = serde_json::to_string(&locales).unwrap();
        assert_eq!(
            serde_json::from_str::<UiLocales>(&json).unwrap(),
            locales,
            "as it is stored"
        );
        assert!(UiLocales::parse(&["de"; MOST_LANGUAGES].join(" ")).is_ok());
    }

    /// Clause AS-PAR-16: what isn't a list of tags, or is too much, is refused by name.
    #[test]
    fn garbage_is_refused() {
        let many = ["de"; MOST_LANGUAGES + 1].join(" ");
        let long = format!("de-x-{}", ["abcdefgh"; 4].join("-"));
        for bad in [
            "",
            " ",
            "de  fr",
            " de",
            "de ",
            "de,fr",
            "de_DE",
            "d",
            "dé",
            "日本語",
            "*",
            "../en",
            "de\tfr",
            "<b>",
            "--",
            "de-",
            &many,
            &long,
        ] {
            let error = UiLocales::parse(bad).unwrap_err();
            assert_eq!(error.code, crate::error::OAuthErrorCode::InvalidRequest);
            assert!(error.description.contains("ui_locales"), "{bad:?}: {error}");
        }
    }
}
