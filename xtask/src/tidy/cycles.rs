//! No module of a crate may use another that uses it, at whatever distance.
//!
//! A node is a file; a parent and its child are two. An edge is a path that is written in one and
//! leads to an item of the other, whichever re-exports it takes. To declare a module or to give
//! the names of one's own children on is not to use them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::tidy::finding::Finding;
use crate::tidy::modules::{ModulePath, Modules, Place};
use crate::tidy::scan::Reach;

const RULE: &str = "module-cycle";

/// Where one file uses another.
#[derive(Clone, Debug)]
struct Edge {
    line: usize,
    path: String,
}

/// By the using file, then by the used one.
type Graph = BTreeMap<String, BTreeMap<String, Edge>>;

/// One finding for each knot of modules, with the shortest way around it.
pub(crate) fn check(modules: &Modules) -> Vec<Finding> {
    let graph = graph(modules);
    let mut findings = Vec::new();
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    for start in graph.keys() {
        if seen.contains(start.as_str()) {
            continue;
        }
        let knot = knot(&graph, start);
        if knot.is_empty() {
            continue;
        }
        seen.extend(&knot);
        let shortest = knot.iter().filter_map(|file| way_around(&graph, file)).min_by_key(Vec::len);
        findings.extend(shortest.map(|way| describe(&graph, &way, knot.len())));
    }
    findings
}

fn graph(modules: &Modules) -> Graph {
    let mut graph = Graph::new();
    for (module, file) in &modules.files {
        let mut add = |from: &[String], path: &[String], line: usize, used: Used| {
            let Place::Inside(target) = modules.resolve(from, path) else { return };
            let Some(to) = modules.file_of(&target) else { return };
            let gives_on = used == Used::GivenOn && is_below(&target, module);
            if to.path != file.path && !gives_on {
                let edge = Edge { line, path: path.join("::") };
                graph.entry(file.path.clone()).or_default().entry(to.path.clone()).or_insert(edge);
            }
        };
        for import in &file.scan.imports {
            let used = match import.reach {
                Reach::Private => Used::Here,
                Reach::ReExport => Used::GivenOn,
            };
            add(&[module, &import.within[..]].concat(), &import.path, import.line, used);
        }
        for mention in &file.scan.mentions {
            let from = [module, &mention.within[..]].concat();
            add(&from, &mention.path, mention.line, Used::Here);
        }
    }
    graph
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Used {
    Here,
    GivenOn,
}

fn is_below(module: &ModulePath, parent: &ModulePath) -> bool {
    module.len() > parent.len() && module.starts_with(parent)
}

/// The files that `start` reaches and that reach it; none if it is in no cycle.
fn knot<'a>(graph: &'a Graph, start: &str) -> Vec<&'a str> {
    let reached = reach(graph, start);
    reached.iter().copied().filter(|file| reach(graph, file).contains(start)).collect()
}

/// Every file at the end of one or more edges from `start`.
fn reach<'a>(graph: &'a Graph, start: &str) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut open = vec![start];
    while let Some(file) = open.pop() {
        for next in graph.get(file).into_iter().flat_map(BTreeMap::keys) {
            if reached.insert(next.as_str()) {
                open.push(next);
            }
        }
    }
    reached
}

/// The shortest way from `start` back to it, without the repetition of `start` at the end.
fn way_around<'a>(graph: &'a Graph, start: &'a str) -> Option<Vec<&'a str>> {
    let mut open = VecDeque::from([vec![start]]);
    let mut seen = BTreeSet::new();
    while let Some(way) = open.pop_front() {
        let last = way.last()?;
        for next in graph.get(*last).into_iter().flat_map(BTreeMap::keys) {
            if next == start {
                return Some(way);
            }
            if seen.insert(next) {
                open.push_back([&way[..], &[next.as_str()]].concat());
            }
        }
    }
    None
}

fn describe(graph: &Graph, way: &[&str], knot: usize) -> Finding {
    let mut steps = Vec::new();
    let mut first = None;
    for (index, from) in way.iter().enumerate() {
        let to = way.get(index + 1).or(way.first()).copied().unwrap_or_default();
        if let Some(edge) = graph.get(*from).and_then(|edges| edges.get(to)) {
            steps.push(format!("{from}:{} uses {} of {to}", edge.line, edge.path));
            first.get_or_insert((*from, edge.line));
        }
    }
    let (path, line) = first.unwrap_or_default();
    let text = format!("a knot of {knot} modules:\n    {}", steps.join("\n    "));
    Finding::new(path, line, RULE, text, "move what both need into a module of its own")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::source::sources;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let modules = Modules::load(&sources(files).codes, "src/lib.rs");
        check(&modules).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_line_of_modules_is_no_cycle() {
        let files = [
            ("src/lib.rs", "mod a; mod b; pub use a::A; pub use b::B;"),
            ("src/a.rs", "use crate::b::B; pub struct A(B);"),
            ("src/b.rs", "pub struct B;"),
        ];
        assert!(found(&files).is_empty());
    }

    #[test]
    fn two_modules_that_use_each_other_are_a_cycle() {
        let found = found(&[
            ("src/lib.rs", "mod a; mod b;"),
            ("src/a.rs", "use crate::b::B;\npub struct A;"),
            ("src/b.rs", "\npub struct B(crate::a::A);"),
        ]);
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("src/a.rs:1: module-cycle: a knot of 2 modules"), "{found:?}");
        assert!(found[0].contains("src/b.rs:2 uses crate::a::A of src/a.rs"), "{found:?}");
    }

    #[test]
    fn a_long_way_around_is_a_cycle_too() {
        let found = found(&[
            ("src/lib.rs", "mod a; mod b; mod c;"),
            ("src/a.rs", "fn f() { crate::b::g() }"),
            ("src/b.rs", "pub fn g() { println!(\"{}\", crate::c::h()); }"),
            ("src/c.rs", "pub fn h() -> u8 { super::a::X }"),
        ]);
        assert_eq!(found.len(), 1);
        assert!(found[0].contains("a knot of 3 modules"), "{found:?}");
    }

    #[test]
    fn a_parent_and_its_child_are_two() {
        let child = ("src/a/c.rs", "use super::Limit; pub struct C(Limit);");
        let uses = [("src/lib.rs", "mod a;"), ("src/a.rs", "mod c; struct Limit; struct A(c::C);")];
        assert_eq!(found(&[uses[0], uses[1], child]).len(), 1);
        let gives_on = ("src/a.rs", "mod c; pub use c::C; pub struct Limit;");
        assert!(found(&[uses[0], gives_on, child]).is_empty());
        let gives_on_and_uses = ("src/a.rs", "mod c; pub use c::C; pub struct Limit(C);");
        assert_eq!(found(&[uses[0], gives_on_and_uses, child]).len(), 1);
    }

    #[test]
    fn a_way_through_a_re_export_of_the_root_is_seen() {
        let found = found(&[
            ("src/lib.rs", "mod a; mod b; pub use b::B;"),
            ("src/a.rs", "pub struct A; use crate::B;"),
            ("src/b.rs", "pub struct B(crate::a::A);"),
        ]);
        assert_eq!(found.len(), 1);
        assert!(!found[0].contains("lib.rs"), "{found:?}");
    }

    #[test]
    fn the_use_of_an_item_of_the_root_by_what_the_root_uses_is_a_cycle() {
        let root = "mod a; pub struct Root; fn f() { a::g(); }";
        let files = [("src/lib.rs", root), ("src/a.rs", "use crate::Root; pub fn g() {}")];
        assert_eq!(found(&files).len(), 1);
    }

    #[test]
    fn tests_may_use_what_they_like() {
        let files = [
            ("src/lib.rs", "mod a; mod b;"),
            ("src/a.rs", "use crate::b::B;"),
            ("src/b.rs", "pub struct B; #[cfg(test)] mod tests { use crate::a::A; }"),
        ];
        assert!(found(&files).is_empty());
    }
}
