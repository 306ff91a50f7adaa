//! What a Rust file mentions: modules, imports, paths, methods, macros. Code of tests is left out.

use proc_macro2::{TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use crate::tidy::source::{attributes, is_test_only};

/// Everything that one file mentions.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    /// The names of the items that stand here.
    pub(crate) items: Vec<String>,
    pub(crate) modules: Vec<Declared>,
    pub(crate) imports: Vec<Import>,
    pub(crate) mentions: Vec<Mention>,
    pub(crate) methods: Vec<Called>,
    pub(crate) macros: Vec<Called>,
}

/// `mod name;` or `mod name { .. }`.
#[derive(Debug)]
pub(crate) struct Declared {
    /// The modules within the file that stand around it, outermost first.
    pub(crate) within: Vec<String>,
    pub(crate) name: String,
    pub(crate) body: Body,
}

/// Where the items of a module stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    Inline,
    OwnFile,
}

/// One name brought in by `use`, or all of them.
#[derive(Debug)]
pub(crate) struct Import {
    pub(crate) within: Vec<String>,
    pub(crate) path: Vec<String>,
    /// `None` for `*`.
    pub(crate) name: Option<String>,
    pub(crate) reach: Reach,
    pub(crate) line: usize,
}

/// Whether a `use` is for this module alone or gives the name on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    Private,
    ReExport,
}

/// A path anywhere else: in a type, an expression, a pattern, an attribute or a macro's tokens.
#[derive(Debug)]
pub(crate) struct Mention {
    pub(crate) within: Vec<String>,
    pub(crate) path: Vec<String>,
    pub(crate) line: usize,
}

/// A method or macro that is called, by its last name.
#[derive(Debug)]
pub(crate) struct Called {
    pub(crate) name: String,
    pub(crate) line: usize,
}

impl Scan {
    /// Whether an item of this name stands in the file.
    pub(crate) fn defines(&self, name: &str) -> bool {
        self.items.iter().any(|item| item == name)
    }
}

/// Reads the syntax tree of a file.
pub(crate) fn scan(tree: &syn::File) -> Scan {
    let mut scanner = Scanner::default();
    scanner.visit_file(tree);
    scanner.scan
}

#[derive(Default)]
struct Scanner {
    within: Vec<String>,
    scan: Scan,
}

impl Scanner {
    fn mention(&mut self, path: Vec<String>, line: usize) {
        self.scan.mentions.push(Mention { within: self.within.clone(), path, line });
    }

    fn import(&mut self, tree: &syn::UseTree, prefix: &[String], reach: Reach) {
        let line = tree.span().start().line;
        let (last, name) = match tree {
            syn::UseTree::Path(path) => {
                let longer = [prefix, &[path.ident.to_string()]].concat();
                return self.import(&path.tree, &longer, reach);
            }
            syn::UseTree::Group(group) => {
                return group.items.iter().for_each(|tree| self.import(tree, prefix, reach));
            }
            syn::UseTree::Name(name) if name.ident == "self" => (None, prefix.last().cloned()),
            syn::UseTree::Rename(rename) if rename.ident == "self" => {
                (None, Some(rename.rename.to_string()))
            }
            syn::UseTree::Name(name) => {
                (Some(name.ident.to_string()), Some(name.ident.to_string()))
            }
            syn::UseTree::Rename(rename) => {
                (Some(rename.ident.to_string()), Some(rename.rename.to_string()))
            }
            _ => (None, None),
        };
        let path = prefix.iter().cloned().chain(last).collect();
        self.scan.imports.push(Import { within: self.within.clone(), path, name, reach, line });
    }

    /// Macros are not parsed: every `a::b` in their tokens is taken for a path.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut start = 0;
        let mut colons = 0;
        for token in tokens {
            match &token {
                TokenTree::Ident(ident) => {
                    if path.is_empty() || colons != 2 {
                        self.end_of_path(&mut path, start);
                        start = ident.span().start().line;
                    }
                    path.push(ident.to_string());
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Punct(punct) if punct.as_char() == '!' && !path.is_empty() => {
                    let name = path.last().cloned().unwrap_or_default();
                    self.scan.macros.push(Called { name, line: start });
                    self.end_of_path(&mut path, start);
                }
                TokenTree::Group(group) => {
                    self.end_of_path(&mut path, start);
                    self.tokens(group.stream());
                }
                _ => self.end_of_path(&mut path, start),
            }
        }
        self.end_of_path(&mut path, start);
    }

    /// Single words are not taken: most of them are fields, variables and keywords.
    fn end_of_path(&mut self, path: &mut Vec<String>, line: usize) {
        let path = std::mem::take(path);
        if path.len() > 1 {
            self.mention(path, line);
        }
    }
}

impl<'ast> Visit<'ast> for Scanner {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if !is_test_only(attributes(item)) {
            self.scan.items.extend(name_of(item));
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if !is_test_only(&item.attrs) {
            visit::visit_impl_item_fn(self, item);
        }
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        let name = item.ident.to_string();
        let body = if item.content.is_some() { Body::Inline } else { Body::OwnFile };
        self.scan.modules.push(Declared { within: self.within.clone(), name: name.clone(), body });
        self.within.push(name);
        visit::visit_item_mod(self, item);
        self.within.pop();
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let reach = match item.vis {
            syn::Visibility::Inherited => Reach::Private,
            _ => Reach::ReExport,
        };
        self.import(&item.tree, &[], reach);
    }

    fn visit_vis_restricted(&mut self, _: &'ast syn::VisRestricted) {
        // `pub(crate)` and `pub(super)` say who may look, not what is used.
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.mention(names, path.span().start().line);
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, called: &'ast syn::Macro) {
        if let Some(last) = called.path.segments.last() {
            let line = called.path.span().start().line;
            self.scan.macros.push(Called { name: last.ident.to_string(), line });
        }
        self.visit_path(&called.path);
        self.tokens(called.tokens.clone());
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        let line = call.method.span().start().line;
        self.scan.methods.push(Called { name: call.method.to_string(), line });
        visit::visit_expr_method_call(self, call);
    }
}

fn name_of(item: &syn::Item) -> Option<String> {
    let ident = match item {
        syn::Item::Const(item) => &item.ident,
        syn::Item::Enum(item) => &item.ident,
        syn::Item::Fn(item) => &item.sig.ident,
        syn::Item::Macro(item) => item.ident.as_ref()?,
        syn::Item::Static(item) => &item.ident,
        syn::Item::Struct(item) => &item.ident,
        syn::Item::Trait(item) => &item.ident,
        syn::Item::Type(item) => &item.ident,
        syn::Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(ident.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Scan {
        scan(&syn::parse_file(text).unwrap())
    }

    fn mentions(text: &str) -> Vec<String> {
        of(text).mentions.iter().map(|mention| mention.path.join("::")).collect()
    }

    #[test]
    fn every_form_of_use_is_taken_apart() {
        let scan = of("use a::{self, b::{C as D, *}};\npub(crate) use crate::e::F;\n");
        let seen: Vec<(String, Option<&str>, Reach)> = scan
            .imports
            .iter()
            .map(|import| (import.path.join("::"), import.name.as_deref(), import.reach))
            .collect();
        assert_eq!(
            seen,
            [
                ("a".to_owned(), Some("a"), Reach::Private),
                ("a::b::C".to_owned(), Some("D"), Reach::Private),
                ("a::b".to_owned(), None, Reach::Private),
                ("crate::e::F".to_owned(), Some("F"), Reach::ReExport),
            ]
        );
    }

    #[test]
    fn paths_are_seen_in_types_expressions_patterns_and_generics() {
        let seen = mentions(
            "fn f(a: x::A) -> Vec<x::B> { match a { x::C { .. } => x::d(x::E), _ => vec![] } }",
        );
        for path in ["x::A", "x::B", "x::C", "x::d", "x::E"] {
            assert!(seen.contains(&path.to_owned()), "{path} in {seen:?}");
        }
    }

    #[test]
    fn paths_are_seen_in_the_tokens_of_macros() {
        let seen = mentions("fn f() { println!(\"{}\", g(crate::a::b(1), c: d, super::E)); }");
        assert!(seen.contains(&"crate::a::b".to_owned()), "{seen:?}");
        assert!(seen.contains(&"super::E".to_owned()), "{seen:?}");
        assert!(!seen.contains(&"c::d".to_owned()), "{seen:?}");
    }

    #[test]
    fn visibility_is_not_a_mention() {
        assert!(mentions("pub(crate) struct A;\npub(in crate::b) struct C;").is_empty());
    }

    #[test]
    fn code_of_tests_is_left_out() {
        let scan = of("#[cfg(test)]\nmod tests { use a::b; fn f() { c::d() } }\n\
             struct S;\nimpl S { #[cfg(test)] fn g() { e::f() } }");
        assert!(scan.imports.is_empty() && scan.modules.is_empty());
        assert!(scan.mentions.iter().all(|mention| mention.path == ["S"]), "{scan:?}");
    }

    #[test]
    fn methods_and_macros_are_listed_with_their_lines() {
        let scan = of("fn f() {\n    a.elapsed();\n    assert!(todo!());\n}");
        assert_eq!((scan.methods[0].name.as_str(), scan.methods[0].line), ("elapsed", 2));
        let macros: Vec<&str> = scan.macros.iter().map(|called| called.name.as_str()).collect();
        assert_eq!(macros, ["assert", "todo"]);
    }
}
