//! The languages of the pages, and which one a page is in.
//!
//! The texts lie in `locales/`, and become part of the program. `fl!` checks ids and arguments
//! against the English ones at compile time; the test below holds the other languages against
//! them.

use std::borrow::Cow;
use std::sync::LazyLock;

use atpass_protocol::request::UiLocales;
use fluent_langneg::{NegotiationStrategy, negotiate_languages};
use i18n_embed::fluent::FluentLanguageLoader;
use i18n_embed::unic_langid::LanguageIdentifier;
use i18n_embed::{I18nAssets, LanguageLoader};

/// A language that the pages speak.
#[derive(Debug)]
pub(crate) struct Language {
    /// Its tag (RFC 5646), also the name of its folder.
    pub(crate) tag: &'static str,
    id: LazyLock<LanguageIdentifier>,
    /// Read when somebody needs it: most servers meet few languages.
    texts: LazyLock<FluentLanguageLoader>,
}

/// A language, by its tag.
macro_rules! language {
    ($tag:literal) => {
        Language {
            tag: $tag,
            id: LazyLock::new(|| $tag.parse().unwrap_or_default()),
            texts: LazyLock::new(|| {
                let file = include_str!(concat!("../../locales/", $tag, "/atpass.ftl"));
                read($tag, file)
            }),
        }
    };
}

/// The first one is for those who read none of them.
static LANGUAGES: [Language; 6] = [
    language!("en"),
    language!("de"),
    language!("es"),
    language!("fr"),
    language!("ja"),
    language!("pt-BR"),
];

/// The one file of a language.
struct File(&'static str);

impl I18nAssets for File {
    fn get_files(&self, _: &str) -> Vec<Cow<'_, [u8]>> {
        vec![Cow::Borrowed(self.0.as_bytes())]
    }

    fn filenames_iter(&self) -> Box<dyn Iterator<Item = String> + '_> {
        Box::new(std::iter::empty())
    }
}

fn read(tag: &str, file: &'static str) -> FluentLanguageLoader {
    let id: LanguageIdentifier = tag.parse().unwrap_or_default();
    let loader = FluentLanguageLoader::new("atpass", id.clone());
    if let Err(error) = loader.load_languages(&File(file), &[id]) {
        tracing::error!(tag, %error, "texts can't be read");
    }
    // The marks would keep a name in one direction of writing apart from a text in the other. All
    // of these languages and names run the same way, and people copy names from pages.
    loader.set_use_isolating(false);
    loader
}

impl Language {
    /// All tags, as they are published.
    pub(crate) fn tags() -> Vec<String> {
        LANGUAGES
            .iter()
            .map(|language| language.tag.to_owned())
            .collect()
    }

    /// Its texts, for `fl!`.
    pub(crate) fn texts(&self) -> &FluentLanguageLoader {
        &self.texts
    }

    /// The best one for what an app asked for, if there is a good one.
    pub(crate) fn of_app(wanted: &UiLocales) -> Option<&'static Self> {
        let wanted: Vec<_> = wanted.tags().filter_map(identifier).collect();
        negotiate(&wanted)
    }

    /// The best one for an `Accept-Language` header, or English.
    pub(crate) fn of_browser(header: Option<&str>) -> &'static Self {
        let [english, ..] = &LANGUAGES;
        header
            .and_then(|header| negotiate(&accepted(header)))
            .unwrap_or(english)
    }
}

impl AsRef<LanguageIdentifier> for Language {
    fn as_ref(&self) -> &LanguageIdentifier {
        &self.id
    }
}

impl PartialEq for Language {
    fn eq(&self, other: &Self) -> bool {
        self.tag == other.tag
    }
}

fn negotiate(wanted: &[LanguageIdentifier]) -> Option<&'static Language> {
    let found = negotiate_languages(wanted, &LANGUAGES, None, NegotiationStrategy::Matching);
    found.into_iter().next()
}

/// What counts of a tag in choosing a language: not its extensions and private parts, which begin
/// with a subtag of one letter.
fn identifier(tag: &str) -> Option<LanguageIdentifier> {
    let subtags: Vec<_> = tag.split('-').take_while(|part| part.len() > 1).collect();
    subtags.join("-").parse().ok()
}

/// The languages of an `Accept-Language` header, the best first (RFC 9110 section 12.5.4). What
/// isn't well-formed is skipped, and `*` too: it means the same as nothing.
///
/// By hand, because the library for negotiation knows no weights, and those that do can't sort
/// `q=NaN`.
fn accepted(header: &str) -> Vec<LanguageIdentifier> {
    const MOST: usize = 32;
    let range = |item: &str| {
        let (tag, weight) = match item.split_once(';') {
            Some((tag, parameter)) => (tag, weight(parameter)?),
            None => (item, 1.0),
        };
        Some((weight, identifier(tag.trim())?))
    };
    let mut ranges: Vec<_> = header.split(',').take(MOST).filter_map(range).collect();
    ranges.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    ranges.into_iter().map(|(_, language)| language).collect()
}

/// A weight above 0, which means "not this one", and up to 1 (RFC 9110 section 12.4.2).
fn weight(parameter: &str) -> Option<f32> {
    let (name, value) = parameter.split_once('=')?;
    let weight: f32 = value.trim().parse().ok()?;
    let fits = name.trim().eq_ignore_ascii_case("q") && weight > 0.0 && weight <= 1.0;
    fits.then_some(weight)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet, HashMap};
    use std::fs;
    use std::path::Path;

    use fluent_syntax::ast::{Entry, Resource};
    use fluent_syntax::{parser, serializer};
    use i18n_embed_fl::fl;

    use super::*;

    fn tag_for(header: &str) -> &'static str {
        Language::of_browser(Some(header)).tag
    }

    #[test]
    fn the_browser_s_language() {
        for (header, tag) in [
            ("de-AT,de;q=0.9", "de"),
            ("en-GB,en;q=0.9,de;q=0.8", "en"),
            ("en;q=0.5, ja;q=0.9, fr;Q=0.7", "ja"),
            ("pt", "pt-BR"),
            ("pt-PT;q=0.8, xx", "pt-BR"),
            ("ES-419", "es"),
            ("fr-u-nu-latn", "fr"),
            ("de;q=0, fr;q=0.1", "fr"),
            ("xx, tlh;q=0.9, *;q=0.1", "en"),
            ("fr;q=NaN, de;q=inf, es;q=2, ja;q=-1, pt-BR;q=x", "en"),
            ("fr;level=1, de;q, ;q=1, ;;, *, -, i-klingon", "en"),
            ("", "en"),
        ] {
            assert_eq!(tag_for(header), tag, "{header}");
        }
        assert_eq!(Language::of_browser(None).tag, "en");
        let weights = ["NaN", "0.3", "1", "0"].map(|weight| format!("de;q={weight}"));
        assert_eq!(tag_for(&weights.join(",").repeat(1000)), "de");
    }

    #[test]
    fn the_app_s_language() {
        let of = |wanted: &str| {
            let wanted = UiLocales::parse(wanted).unwrap();
            Language::of_app(&wanted).map(|language| language.tag)
        };
        assert_eq!(of("xx de fr"), Some("de"));
        assert_eq!(of("fr-CA fr en"), Some("fr"));
        assert_eq!(of("de-CH-1996-u-co-phonebk"), Some("de"));
        assert_eq!(of("xx zh-Hant-TW i-klingon x-own"), None);
    }

    fn folder() -> &'static Path {
        Path::new(env!("CARGO_MANIFEST_DIR"))
    }

    /// Each message of a language, with its variables.
    fn messages(tag: &str) -> BTreeMap<String, BTreeSet<String>> {
        let file = folder().join("locales").join(tag).join("atpass.ftl");
        let source = fs::read_to_string(file).unwrap();
        let resource = parser::parse(source.as_str()).map_err(|(_, errors)| errors);
        let mut messages = BTreeMap::new();
        for entry in resource.unwrap().body {
            let Entry::Message(message) = &entry else {
                continue;
            };
            let id = message.id.name.to_owned();
            let text = serializer::serialize(&Resource { body: vec![entry] });
            let variables = text.split('$').skip(1).map(|after| {
                let end = after.find(|c: char| !c.is_ascii_alphanumeric());
                after[..end.unwrap_or(after.len())].to_owned()
            });
            let twice = messages.insert(id.clone(), variables.collect());
            assert_eq!(twice, None, "{tag}: {id} is there twice");
        }
        messages
    }

    /// Every folder is a language, and every language says the same things with the same
    /// variables.
    #[test]
    fn the_languages_agree() {
        let folders = fs::read_dir(folder().join("locales")).unwrap();
        let folders: BTreeSet<_> = folders
            .map(|folder| folder.unwrap().file_name().into_string().unwrap())
            .collect();
        assert_eq!(folders, Language::tags().into_iter().collect());
        let english = messages("en");
        for language in &LANGUAGES {
            assert_eq!(language.id.to_string(), language.tag);
            assert_eq!(messages(language.tag), english, "{}", language.tag);
            for (id, variables) in &english {
                let values = variables.iter().map(|name| (name.clone(), 2_u64));
                let text = language
                    .texts()
                    .get_args(id, values.collect::<HashMap<_, _>>());
                let fine = !text.is_empty() && !text.contains(['{', '}', '\u{2068}']);
                assert!(
                    fine && !text.contains("No local"),
                    "{}: {text}",
                    language.tag
                );
            }
            let host = fl!(language.texts(), "on-server", host = "\u{fffc}");
            assert_eq!(host.matches('\u{fffc}').count(), 1, "{}", language.tag);
        }
    }

    /// `fl!` shows that what is used is there; this, that what is there is used.
    #[test]
    fn every_text_is_used() {
        let mut sources = String::new();
        for sub in ["src/pages", "templates"] {
            for file in fs::read_dir(folder().join(sub)).unwrap() {
                sources += &fs::read_to_string(file.unwrap().path()).unwrap();
            }
        }
        for id in messages("en").keys() {
            assert!(sources.contains(&format!("\"{id}\"")), "{id}");
        }
    }

    #[test]
    fn numbers() {
        let say = |header, began: i64, used: i64| {
            let texts = Language::of_browser(Some(header)).texts();
            fl!(texts, "account-times", began = began, used = used)
        };
        assert_eq!(
            say("en", 3, 0),
            "Signed in 3 days ago, last used within the last day"
        );
        assert_eq!(say("en", 1, 1), "Signed in a day ago, last used a day ago");
        assert_eq!(
            say("de", 1, 0),
            "Angemeldet vor einem Tag, zuletzt benutzt in den letzten 24 Stunden"
        );
        let wait = |header, minutes: u64| {
            let texts = Language::of_browser(Some(header)).texts();
            fl!(texts, "sign-in-too-many", minutes = minutes)
        };
        assert_eq!(
            wait("en", 1),
            "Too many attempts. Try again in about 1 min."
        );
        assert!(wait("de", 1).contains("etwa einer Minute noch"));
        assert!(wait("de", 5).contains("etwa 5 Minuten noch"));
        assert!(wait("fr", 1).ends_with("1 minute."));
        assert!(wait("es", 2).ends_with("dentro de unos 2 minutos."));
        assert!(wait("ja", 2).contains("約2分後"));
    }
}
