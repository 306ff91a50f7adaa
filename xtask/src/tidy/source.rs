//! The files that are checked, read once.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::Path;

use syn::spanned::Spanned;

use crate::error::{Context, Result};
use crate::tidy::finding::Finding;

/// A text file of the project.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// Relative to the workspace, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// A Rust file and its syntax tree.
pub(crate) struct Code {
    pub(crate) path: String,
    pub(crate) text: String,
    pub(crate) tree: syn::File,
}

/// All text files by path, and the Rust files among them parsed.
#[derive(Default)]
pub(crate) struct Sources {
    pub(crate) texts: Vec<Source>,
    pub(crate) codes: BTreeMap<String, Code>,
    /// Rust files that do not parse.
    pub(crate) broken: Vec<Finding>,
}

impl Sources {
    /// Reads `paths` below `root`; files that are not UTF-8 are not text and are left out.
    pub(crate) fn read(root: &Path, paths: &[String]) -> Result<Self> {
        let mut sources = Self::default();
        for path in paths {
            let bytes = std::fs::read(root.join(path)).context(format!("read {path}"))?;
            if let Ok(text) = String::from_utf8(bytes) {
                sources.add(path, text);
            }
        }
        Ok(sources)
    }

    pub(crate) fn add(&mut self, path: &str, text: String) {
        if path.ends_with(".rs") {
            match syn::parse_file(&text) {
                Ok(tree) => {
                    let code = Code { path: path.to_owned(), text: text.clone(), tree };
                    self.codes.insert(path.to_owned(), code);
                }
                Err(error) => self.broken.push(Finding::new(
                    path,
                    error.span().start().line,
                    "syntax",
                    error.to_string(),
                    "make it compile first",
                )),
            }
        }
        self.texts.push(Source { path: path.to_owned(), text });
    }
}

impl Code {
    /// The lines of items that exist only in tests, each counted from 1.
    pub(crate) fn test_lines(&self) -> Vec<RangeInclusive<usize>> {
        self.tree.items.iter().filter(|item| is_test_only(attributes(item))).map(lines).collect()
    }
}

/// Whether an item is compiled only for tests: `#[cfg(test)]`, `#[cfg(all(test, ..))]`, `#[test]`.
pub(crate) fn is_test_only(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let path = attribute.path();
        if path.is_ident("cfg") {
            return attribute.parse_args::<syn::Meta>().is_ok_and(|meta| requires_test(&meta));
        }
        path.segments.last().is_some_and(|last| last.ident == "test")
    })
}

fn requires_test(meta: &syn::Meta) -> bool {
    match meta {
        syn::Meta::Path(path) => path.is_ident("test"),
        syn::Meta::List(list) if list.path.is_ident("all") => list
            .parse_args_with(
                syn::punctuated::Punctuated::<syn::Meta, syn::Token![,]>::parse_terminated,
            )
            .is_ok_and(|parts| parts.iter().any(requires_test)),
        _ => false,
    }
}

fn lines(item: &syn::Item) -> RangeInclusive<usize> {
    let span = item.span();
    span.start().line..=span.end().line
}

/// The attributes of an item, of whatever kind.
pub(crate) fn attributes(item: &syn::Item) -> &[syn::Attribute] {
    match item {
        syn::Item::Const(item) => &item.attrs,
        syn::Item::Enum(item) => &item.attrs,
        syn::Item::ExternCrate(item) => &item.attrs,
        syn::Item::Fn(item) => &item.attrs,
        syn::Item::ForeignMod(item) => &item.attrs,
        syn::Item::Impl(item) => &item.attrs,
        syn::Item::Macro(item) => &item.attrs,
        syn::Item::Mod(item) => &item.attrs,
        syn::Item::Static(item) => &item.attrs,
        syn::Item::Struct(item) => &item.attrs,
        syn::Item::Trait(item) => &item.attrs,
        syn::Item::TraitAlias(item) => &item.attrs,
        syn::Item::Type(item) => &item.attrs,
        syn::Item::Union(item) => &item.attrs,
        syn::Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// Sources made of text, for the tests of the checks.
#[cfg(test)]
pub(crate) fn sources(files: &[(&str, &str)]) -> Sources {
    let mut sources = Sources::default();
    for (path, text) in files {
        sources.add(path, (*text).to_owned());
    }
    sources
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_does_not_parse_is_a_finding_with_its_line() {
        let sources = sources(&[("a.rs", "fn a() {}\nfn b( {}\n")]);
        assert_eq!(sources.broken.len(), 1);
        assert!(sources.broken[0].to_string().starts_with("a.rs:2: syntax: "));
    }

    #[test]
    fn lines_of_tests_are_told_from_the_others() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\n";
        let sources = sources(&[("a.rs", text)]);
        assert_eq!(sources.codes["a.rs"].test_lines(), [2..=5]);
    }

    #[test]
    fn only_what_needs_the_test_flag_is_test_code() {
        let is_test = |text: &str| {
            let item: syn::Item = syn::parse_str(text).unwrap();
            is_test_only(attributes(&item))
        };
        assert!(is_test("#[cfg(test)] mod a {}"));
        assert!(is_test("#[cfg(all(unix, test))] mod a {}"));
        assert!(is_test("#[tokio::test] async fn a() {}"));
        assert!(!is_test("#[cfg(not(test))] mod a {}"));
        assert!(!is_test("#[cfg(any(test, feature = \"x\"))] mod a {}"));
        assert!(!is_test("#[cfg(unix)] mod a {}"));
    }
}
