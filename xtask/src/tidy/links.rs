//! The documents exist, and the links between them lead somewhere.

use std::collections::BTreeSet;

use crate::tidy::finding::Finding;
use crate::tidy::source::Source;

const RULE: &str = "links";

/// What a newcomer looks for.
const DOCUMENTS: [&str; 5] =
    ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"];

/// Checks the documents among `sources`, all of the project's files.
pub(crate) fn check(sources: &[Source]) -> Vec<Finding> {
    let missing = DOCUMENTS
        .iter()
        .filter(|name| !sources.iter().any(|source| source.path == **name))
        .map(|name| Finding::new(name, 0, RULE, "there is no such document", "write it"));
    let dead = sources
        .iter()
        .filter(|source| source.path.ends_with(".md"))
        .flat_map(|source| check_document(source, sources));
    missing.chain(dead).collect()
}

fn check_document(document: &Source, sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, line) in prose(&document.text) {
        for target in targets(line) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            if let Some(text) = fault(document, target, sources) {
                let hint = "links are relative to the document";
                findings.push(Finding::new(&document.path, index + 1, RULE, text, hint));
            }
        }
    }
    findings
}

/// The lines outside of fenced code.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    text.lines().enumerate().filter(move |(_, line)| {
        let is_fence = line.trim_start().starts_with("```");
        fenced ^= is_fence;
        !fenced && !is_fence
    })
}

/// What stands in `](..)`, and after `[name]: `.
fn targets(line: &str) -> Vec<&str> {
    let inline = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let by_name = line
        .trim_start()
        .strip_prefix('[')
        .and_then(|rest| rest.split_once("]: "))
        .and_then(|(_, target)| target.split_whitespace().next());
    inline.chain(by_name).collect()
}

fn fault(document: &Source, target: &str, sources: &[Source]) -> Option<String> {
    let (file, anchor) = target.split_once('#').map_or((target, None), |(f, a)| (f, Some(a)));
    let path = if file.is_empty() { document.path.clone() } else { join(&document.path, file)? };
    let is_folder = sources.iter().any(|source| source.path.starts_with(&format!("{path}/")));
    let Some(found) = sources.iter().find(|source| source.path == path) else {
        return (!is_folder && !path.is_empty()).then(|| format!("{target} leads nowhere"));
    };
    let anchor = anchor.filter(|_| found.path.ends_with(".md"))?;
    (!anchors(&found.text).contains(anchor)).then(|| format!("{path} has no section #{anchor}"))
}

/// The path that `relative` means in `document`; none if it leaves the project, which is a fault too.
fn join(document: &str, relative: &str) -> Option<String> {
    let folder = document.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in relative.split('/').filter(|part| !part.is_empty() && *part != ".") {
        match part {
            ".." if parts.is_empty() => return Some(relative.to_owned()),
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

/// The anchors that a page makes of its headings.
fn anchors(text: &str) -> BTreeSet<String> {
    prose(text)
        .filter_map(|(_, line)| line.strip_prefix('#'))
        .map(|heading| {
            heading
                .trim_start_matches('#')
                .trim()
                .to_lowercase()
                .chars()
                .filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter))
                .map(|letter| if letter == ' ' { '-' } else { letter })
                .collect()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let mut sources: Vec<Source> = DOCUMENTS
            .iter()
            .filter(|name| !files.iter().any(|(path, _)| path == *name))
            .map(|name| Source { path: (*name).to_owned(), text: String::new() })
            .collect();
        sources.extend(
            files.iter().map(|(path, text)| Source { path: (*path).into(), text: (*text).into() }),
        );
        check(&sources).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_missing_document_is_found() {
        assert_eq!(check(&[]).len(), DOCUMENTS.len());
        assert!(found(&[]).is_empty());
    }

    #[test]
    fn links_that_lead_somewhere_are_right() {
        let readme = "[a](docs/a.md) [b](docs/a.md#two-words) [c](#here) [d](docs) \
                      [e](https://example.org/x)\n# Here\n[f]: ./docs/a.md\n";
        let other = "## Two words!\n[up](../README.md)\n";
        assert!(found(&[("README.md", readme), ("docs/a.md", other)]).is_empty());
    }

    #[test]
    fn links_that_lead_nowhere_are_found_with_their_line() {
        let found_lines = found(&[("README.md", "x\n[a](docs/b.md)\n")]);
        assert_eq!(found_lines.len(), 1);
        assert!(found_lines[0].starts_with("README.md:2: links: docs/b.md"), "{found_lines:?}");
        assert_eq!(found(&[("README.md", "[a](../x.md)\n")]).len(), 1);
        assert_eq!(found(&[("README.md", "[a]: nowhere.md\n")]).len(), 1);
        assert_eq!(found(&[("README.md", "[a](#gone)\n# Here\n")]).len(), 1);
    }

    #[test]
    fn code_is_not_searched_for_links() {
        assert!(found(&[("README.md", "```rust\na[0](b)\n```\n")]).is_empty());
    }
}
