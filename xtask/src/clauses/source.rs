//! What a Rust file holds: its tests and what may help them, with the text of each.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::{Attribute, ImplItem, Meta};

use super::list::List;
use super::mention::mentions;

/// What an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A function that the test harness calls.
    Test,
    /// Another function, a method, a constant or a static.
    Helper {
        /// Whether it is compiled for tests only, as the file itself says.
        of_tests: bool,
    },
}

/// One item of a file.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) kind: Kind,
    /// The modules around it, within its file.
    pub(crate) modules: Vec<String>,
    pub(crate) name: String,
    /// The clauses named in its text, and in the comments above it.
    pub(crate) clauses: BTreeSet<usize>,
    /// Every name that occurs in it.
    pub(crate) names: BTreeSet<String>,
}

/// Reads a file.
pub(crate) fn items(text: &str, list: &List) -> Result<Vec<Item>> {
    let file = syn::parse_file(text).context("this is no Rust")?;
    let mut reader = Reader {
        lines: text.lines().collect(),
        list,
        modules: Vec::new(),
        of_tests: false,
        items: Vec::new(),
    };
    for item in &file.items {
        reader.item(item);
    }
    Ok(reader.items)
}

struct Reader<'t> {
    lines: Vec<&'t str>,
    list: &'t List,
    modules: Vec<String>,
    of_tests: bool,
    items: Vec<Item>,
}

impl Reader<'_> {
    fn item(&mut self, item: &syn::Item) {
        match item {
            syn::Item::Fn(function) => {
                let is_test = function.attrs.iter().any(is_test);
                self.add(&function.sig.ident, is_test, &lines_of(function));
            }
            syn::Item::Const(constant) => self.add(&constant.ident, false, &lines_of(constant)),
            syn::Item::Static(fixed) => self.add(&fixed.ident, false, &lines_of(fixed)),
            syn::Item::Impl(block) => {
                for inner in &block.items {
                    if let ImplItem::Fn(method) = inner {
                        self.add(&method.sig.ident, false, &lines_of(method));
                    }
                }
            }
            syn::Item::Mod(module) => {
                let outside = self.of_tests;
                self.of_tests |= module.attrs.iter().any(is_cfg_test);
                self.modules.push(module.ident.to_string());
                for inner in module.content.iter().flat_map(|(_, items)| items) {
                    self.item(inner);
                }
                self.modules.pop();
                self.of_tests = outside;
            }
            syn::Item::Macro(call) => self.tests_in_macro(&call.mac.tokens),
            _ => {}
        }
    }

    /// Tests inside `proptest! { … }`, whose arguments are no Rust.
    fn tests_in_macro(&mut self, tokens: &TokenStream) {
        let mut start = None;
        let mut test = false;
        let mut name = None;
        let mut tokens = tokens.clone().into_iter().peekable();
        while let Some(token) = tokens.next() {
            start = start.or(Some(token.span().start().line));
            match &token {
                TokenTree::Group(group) if group.delimiter() == Delimiter::Bracket => {
                    test |= group.stream().to_string() == "test";
                }
                TokenTree::Ident(word) if word == "fn" => {
                    if let Some(TokenTree::Ident(word)) = tokens.peek() {
                        name = Some(word.clone());
                    }
                }
                TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
                    if let (Some(name), Some(first)) = (name.take(), start) {
                        let last = group.span_close().end().line;
                        self.add(&name, test, &(first, last, group.stream()));
                    }
                    (start, test) = (None, false);
                }
                _ => {}
            }
        }
    }

    fn add(
        &mut self,
        name: &syn::Ident,
        is_test: bool,
        (first, last, tokens): &(usize, usize, TokenStream),
    ) {
        let above = self.lines.iter().take(first.saturating_sub(1)).rev();
        let comments = above
            .take_while(|line| line.trim_start().starts_with("//") && !is_heading(line))
            .count();
        let text: Vec<&str> = self
            .lines
            .iter()
            .take(*last)
            .skip(first.saturating_sub(1 + comments))
            .copied()
            .collect();
        let mut names = BTreeSet::new();
        collect_names(tokens.clone(), &mut names);
        self.items.push(Item {
            kind: if is_test {
                Kind::Test
            } else {
                Kind::Helper {
                    of_tests: self.of_tests,
                }
            },
            modules: self.modules.clone(),
            name: name.to_string(),
            clauses: mentions(&text.join("\n"), self.list).clauses,
            names,
        });
    }
}

fn is_heading(line: &str) -> bool {
    line.trim_start().starts_with("//!")
}

/// The first and last line of an item, its attributes included, and its tokens.
fn lines_of(item: &(impl Spanned + quote::ToTokens)) -> (usize, usize, TokenStream) {
    let span = item.span();
    (span.start().line, span.end().line, item.to_token_stream())
}

/// `#[test]`, `#[tokio::test]` and their like.
fn is_test(attribute: &Attribute) -> bool {
    let last = attribute.path().segments.last();
    last.is_some_and(|segment| segment.ident == "test")
}

/// `#[cfg(test)]`.
fn is_cfg_test(attribute: &Attribute) -> bool {
    let Meta::List(condition) = &attribute.meta else {
        return false;
    };
    condition.path.is_ident("cfg") && condition.tokens.to_string() == "test"
}

fn collect_names(tokens: TokenStream, names: &mut BTreeSet<String>) {
    for token in tokens {
        match token {
            TokenTree::Ident(name) => drop(names.insert(name.to_string())),
            TokenTree::Group(group) => collect_names(group.stream(), names),
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::list::tests::small;
    use super::*;

    /// Each test's path, and the places of the clauses in it.
    fn tests_of(text: &str) -> Vec<(String, Vec<usize>)> {
        items(text, &small())
            .unwrap()
            .into_iter()
            .filter(|item| item.kind == Kind::Test)
            .map(|item| {
                let path = [item.modules, vec![item.name]].concat().join("::");
                (path, item.clauses.into_iter().collect())
            })
            .collect()
    }

    #[test]
    fn doc_comments_comments_and_strings_count() {
        let text = r#"
            //! C-TWO-01 is the file's.

            // Clause AS-ONE-01.
            /// Clause AS-ONE-02: as it
            /// should be.
            #[test]
            #[expect(x, reason = "a table")]
            fn one() {
                // nothing
                assert!(x, "AS-ONE-03");
            }

            /// C-TWO-01 is the next one's.
            #[tokio::test(flavor = "multi_thread")]
            async fn two() {}
            // AS-ONE-01 is nobody's.
        "#;
        assert_eq!(
            tests_of(text),
            [("one".into(), vec![0, 1, 2]), ("two".into(), vec![3])]
        );
    }

    #[test]
    fn modules_and_macros_are_entered() {
        let text = r"
            #[cfg(test)]
            mod tests {
                mod inner { #[test] fn one() { /* AS-ONE-01 */ } }
                proptest! {
                    #![proptest_config(Config { cases: 4 })]
                    /// Clause AS-ONE-02.
                    #[test]
                    fn any(x in strategy()) {
                        ok(x);
                    }
                    /// Clause AS-ONE-03.
                    fn no_test() {}
                    #[test]
                    fn other(x in strategy()) {}
                }
            }";
        assert_eq!(
            tests_of(text),
            [
                ("tests::inner::one".into(), vec![0]),
                ("tests::any".into(), vec![1]),
                ("tests::other".into(), vec![]),
            ]
        );
    }

    #[test]
    fn helpers_are_told_from_the_program() {
        let text = "fn rule() {} #[cfg(test)] mod tests { const ROWS: u8 = 1; }";
        let kinds: Vec<_> = items(text, &small())
            .unwrap()
            .into_iter()
            .map(|item| (item.name, item.kind))
            .collect();
        let helper = |of_tests| Kind::Helper { of_tests };
        assert_eq!(
            kinds,
            [
                ("rule".into(), helper(false)),
                ("ROWS".into(), helper(true))
            ]
        );
    }
}
