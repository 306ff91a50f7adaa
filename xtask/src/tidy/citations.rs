//! Every wire type says where its form is written down.

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::Visit;

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

/// The macro that makes a message of its fields; the type's documentation is in its tokens.
const MACRO: &str = "message";

/// Checks the documentation of each public type in a file of wire types.
pub(crate) fn check(code: &Code) -> Vec<Finding> {
    if !code.path.starts_with(FOLDER) {
        return Vec::new();
    }
    let errors: Vec<String> = code.tree.items.iter().filter_map(error_type).collect();
    let wire_types = code.tree.items.iter().filter(|item| !is_test_only(attributes(item)));
    wire_types
        .filter_map(|item| {
            let (name, line) = wire_type(item)?;
            // An error has no form on the wire.
            if errors.contains(&name) || cites(item) {
                return None;
            }
            let text = format!("no link to a specification in the documentation of {name}");
            Some(Finding::new(&code.path, line, RULE, text, HINT))
        })
        .collect()
}

/// The name and the line of a public type, or of one that [`MACRO`] makes.
fn wire_type(item: &syn::Item) -> Option<(String, usize)> {
    let (ident, visibility) = match item {
        syn::Item::Struct(item) => (&item.ident, &item.vis),
        syn::Item::Enum(item) => (&item.ident, &item.vis),
        syn::Item::Macro(item) if item.mac.path.is_ident(MACRO) => {
            return item.mac.tokens.clone().into_iter().find_map(|token| match token {
                TokenTree::Ident(name) => Some((name.to_string(), name.span().start().line)),
                _ => None,
            });
        }
        _ => return None,
    };
    let is_public = matches!(visibility, syn::Visibility::Public(_));
    is_public.then(|| (ident.to_string(), ident.span().start().line))
}

/// The type for which this item says that it is an error.
fn error_type(item: &syn::Item) -> Option<String> {
    let syn::Item::Impl(item) = item else { return None };
    let is_error = item.trait_.as_ref()?.0.segments.last()?.ident == "Error";
    match (&*item.self_ty, is_error) {
        (syn::Type::Path(path), true) => Some(path.path.segments.last()?.ident.to_string()),
        _ => None,
    }
}

/// Whether a link stands in the documentation of the type, or of one of its fields or variants.
fn cites(item: &syn::Item) -> bool {
    match item {
        syn::Item::Macro(item) => text_of(item.mac.tokens.clone()).iter().any(|text| links(text)),
        _ => {
            let mut links = Links { found: false };
            links.visit_item(item);
            links.found
        }
    }
}

struct Links {
    found: bool,
}

impl<'ast> Visit<'ast> for Links {
    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        self.found |= doc_text(attribute).is_some_and(|text| links(&text));
    }
}

fn links(text: &str) -> bool {
    SOURCES.iter().any(|source| {
        // More must follow than the bare address: the number, or the name of the draft.
        text.split(source)
            .skip(1)
            .any(|rest| source.ends_with("PROTOCOL") || rest.starts_with(char::is_alphanumeric))
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

/// All literals in the tokens of a macro, its documentation among them.
fn text_of(tokens: TokenStream) -> Vec<String> {
    tokens
        .into_iter()
        .flat_map(|token| match token {
            TokenTree::Group(group) => text_of(group.stream()),
            TokenTree::Literal(literal) => vec![literal.to_string()],
            _ => Vec::new(),
        })
        .collect()
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
        let text = format!("/// {LINK}\npub struct A;\nstruct Private;\n");
        assert!(found("proto/src/message/a.rs", &text).is_empty());
        let protocol = "(https://github.com/openssh/openssh-portable/blob/master/PROTOCOL)";
        assert!(found("proto/src/message/a.rs", &text.replace(LINK, protocol)).is_empty());
    }

    #[test]
    fn a_link_of_a_variant_or_a_field_is_enough() {
        let text =
            format!("pub enum A {{\n/// {LINK}\nB }}\npub struct C {{\n/// {LINK}\nd: u8 }}");
        assert!(found("proto/src/message/a.rs", &text).is_empty());
    }

    #[test]
    fn a_public_type_without_a_link_is_found() {
        let text = "//! RFC 4254\n/// words\npub struct A;\npub enum B {}\n";
        let found = found("proto/src/message/a.rs", text);
        assert_eq!(found.len(), 2);
        assert!(found[0].starts_with("proto/src/message/a.rs:3: citation: "), "{found:?}");
    }

    #[test]
    fn a_message_of_the_macro_needs_a_link_as_well() {
        let with = format!("message! {{\n/// {LINK}\nA = NUMBER {{ field: u8, }}\n}}\n");
        assert!(found("proto/src/message/a.rs", &with).is_empty());
        let found = found("proto/src/message/a.rs", &with.replace(LINK, "RFC 4254"));
        assert!(found[0].contains("a.rs:3: ") && found[0].contains("of A"), "{found:?}");
    }

    #[test]
    fn errors_need_no_links() {
        let text = "pub struct A; impl std::error::Error for A {}";
        assert!(found("proto/src/message/a.rs", text).is_empty());
    }

    #[test]
    fn a_link_without_a_number_is_none() {
        let text = "/// https://www.rfc-editor.org/rfc/rfc\npub struct A;\n";
        assert_eq!(found("proto/src/message/a.rs", text).len(), 1);
    }

    #[test]
    fn other_folders_need_no_links() {
        assert!(found("proto/src/phase.rs", "pub struct A;").is_empty());
    }
}
