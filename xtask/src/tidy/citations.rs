//! Every wire type says where its form is written down.

use crate::tidy::finding::Finding;
use crate::tidy::source::{Code, attributes, is_test_only};

const RULE: &str = "citation";
const HINT: &str = "link the section, as [RFC 4254 section 5.1](https://www.rfc-editor.org/rfc/\
                    rfc4254#section-5.1), or the PROTOCOL file of openssh-portable";

/// Where the wire types stand.
const FOLDER: &str = "proto/src/message";

/// What a link to a source looks like.
const SOURCES: [&str; 3] = [
    "https://www.rfc-editor.org/rfc/rfc",
    "https://datatracker.ietf.org/doc/",
    "https://github.com/openssh/openssh-portable/blob/master/PROTOCOL",
];

/// Checks the documentation of a file of wire types, and of each public type in it.
pub(crate) fn check(code: &Code) -> Vec<Finding> {
    if !code.path.starts_with(FOLDER) {
        return Vec::new();
    }
    let file = (!cites(&code.tree.attrs))
        .then(|| Finding::new(&code.path, 1, RULE, "no link to a specification in `//!`", HINT));
    let types = code.tree.items.iter().filter_map(|item| {
        let (name, visibility) = type_of(item)?;
        let is_public = matches!(visibility, syn::Visibility::Public(_));
        let attributes = attributes(item);
        if !is_public || is_test_only(attributes) || cites(attributes) {
            return None;
        }
        let text = format!("no link to a specification in the documentation of {name}");
        Some(Finding::new(&code.path, name.span().start().line, RULE, text, HINT))
    });
    file.into_iter().chain(types).collect()
}

fn type_of(item: &syn::Item) -> Option<(&syn::Ident, &syn::Visibility)> {
    match item {
        syn::Item::Struct(item) => Some((&item.ident, &item.vis)),
        syn::Item::Enum(item) => Some((&item.ident, &item.vis)),
        _ => None,
    }
}

fn cites(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().filter_map(doc_text).any(|text| {
        SOURCES.iter().any(|source| {
            // More must follow than the bare address: the number, or the name of the draft.
            text.split(source)
                .skip(1)
                .any(|rest| source.ends_with("PROTOCOL") || rest.starts_with(char::is_alphanumeric))
        })
    })
}

fn doc_text(attribute: &syn::Attribute) -> Option<String> {
    let syn::Meta::NameValue(pair) = &attribute.meta else { return None };
    match &pair.value {
        syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. })
            if pair.path.is_ident("doc") =>
        {
            Some(text.value())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::source::sources;

    const LINK: &str = "[x](https://www.rfc-editor.org/rfc/rfc4254#section-5.1)";

    fn found(path: &str, text: &str) -> Vec<String> {
        sources(&[(path, text)])
            .codes
            .values()
            .flat_map(check)
            .map(|found| found.to_string())
            .collect()
    }

    #[test]
    fn a_type_with_a_link_is_right() {
        let text = format!("//! {LINK}\n/// {LINK}\npub struct A;\nstruct Private;\n");
        assert!(found("proto/src/message/a.rs", &text).is_empty());
        let text = text
            .replace(LINK, "(https://github.com/openssh/openssh-portable/blob/master/PROTOCOL)");
        assert!(found("proto/src/message/a.rs", &text).is_empty());
    }

    #[test]
    fn a_file_without_a_link_is_found() {
        let found = found("proto/src/message/a.rs", "//! words, RFC 4254\n");
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("proto/src/message/a.rs:1: citation: "), "{found:?}");
    }

    #[test]
    fn a_public_type_without_a_link_is_found() {
        let text = format!("//! {LINK}\n/// words\npub struct A;\npub enum B {{}}\n");
        let found = found("proto/src/message/a.rs", &text);
        assert_eq!(found.len(), 2);
        assert!(found[0].starts_with("proto/src/message/a.rs:3: "), "{found:?}");
    }

    #[test]
    fn a_link_without_a_number_is_none() {
        assert_eq!(
            found("proto/src/message/a.rs", "//! https://www.rfc-editor.org/rfc/rfc\n").len(),
            1
        );
    }

    #[test]
    fn other_folders_need_no_links() {
        assert!(found("proto/src/phase.rs", "pub struct A;").is_empty());
    }
}
