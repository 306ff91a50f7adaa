//! Text files: white space, and paths of somebody's machine.

use crate::tidy::finding::Finding;
use crate::tidy::source::Source;

/// Names in `/home/<name>` that are examples and nobody's.
const EXAMPLES: [&str; 7] = ["user", "adit", "alice", "bob", "example", "me", "you"];

/// Folders of a machine; in pieces, so that this file is not found.
const MACHINE: [&str; 3] = [concat!("/", "root/"), concat!("/", "work/"), concat!("/", "Users/")];
const HOMES: &str = concat!("/", "home/");

/// Checks one file, line by line.
pub(crate) fn check(source: &Source) -> Vec<Finding> {
    // Cargo writes the one, and lawyers wrote the other.
    if source.path.ends_with("Cargo.lock") || source.path.starts_with("LICENSE") {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for (index, line) in source.text.lines().enumerate() {
        let mut add = |rule, text: String, hint| {
            findings.push(Finding::new(&source.path, index + 1, rule, text, hint));
        };
        if line.contains('\t') && !source.path.ends_with("Makefile") {
            add("white-space", "a tab".to_owned(), "use spaces");
        }
        if line.ends_with([' ', '\t', '\r']) {
            add("white-space", "white space at the end of the line".to_owned(), "take it away");
        }
        if let Some(path) = machine_path(line) {
            let hint = "write a path relative to the workspace, or ask for it at run time";
            add("machine-path", format!("the path {path} of some machine"), hint);
        }
    }
    if !source.text.is_empty() && !source.text.ends_with('\n') {
        let line = source.text.lines().count();
        let text = "no end of line at the end of the file";
        findings.push(Finding::new(&source.path, line, "white-space", text, "add it"));
    }
    findings
}

fn machine_path(line: &str) -> Option<&str> {
    let homes = starts(line, HOMES).filter(|path| {
        let name =
            path.trim_start_matches(HOMES).split(|letter: char| !is_of_a_name(letter)).next();
        name.is_some_and(|name| !name.is_empty() && !EXAMPLES.contains(&name))
    });
    MACHINE
        .iter()
        .flat_map(|folder| starts(line, folder))
        .chain(homes)
        .next()
        .and_then(|path| path.split([' ', '"', '\'', '`', ')']).next())
}

/// The rest of the line from each place where `folder` begins a path, not in the middle of one.
fn starts<'a>(line: &'a str, folder: &'a str) -> impl Iterator<Item = &'a str> {
    line.match_indices(folder).filter_map(move |(index, _)| {
        let before = line.get(..index)?.chars().next_back();
        let begins =
            !before.is_some_and(|letter| is_of_a_name(letter) || "./}>~*".contains(letter));
        if begins { line.get(index..) } else { None }
    })
}

fn is_of_a_name(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_' || letter == '-'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let source = Source { path: "a.md".to_owned(), text: text.to_owned() };
        check(&source).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn tabs_and_spaces_at_the_end_are_found() {
        assert!(found("a b\n").is_empty());
        assert!(found("\ta\n")[0].starts_with("a.md:1: white-space: a tab"));
        assert!(found("b\na \n")[0].starts_with("a.md:2: white-space: "));
        assert_eq!(found("a").len(), 1);
    }

    #[test]
    fn paths_of_a_machine_are_found() {
        for folder in MACHINE {
            assert_eq!(found(&format!("see {folder}x\n")).len(), 1, "{folder}");
            assert_eq!(found(&format!("\"{folder}x\"\n")).len(), 1, "{folder}");
        }
        assert_eq!(found(&format!("cd {HOMES}jane/x\n")).len(), 1);
    }

    #[test]
    fn examples_addresses_and_parts_of_paths_are_not() {
        for line in [
            format!("{HOMES}alice/.ssh/config"),
            format!("{HOMES}<name>/.ssh"),
            format!("https://example.org{}x", MACHINE[1]),
            format!("target{}x and ~{}x", MACHINE[1], MACHINE[0]),
        ] {
            assert!(found(&format!("{line}\n")).is_empty(), "{line}");
        }
    }
}
