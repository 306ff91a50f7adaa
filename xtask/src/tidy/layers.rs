//! The crates form a line, and each keeps away from what belongs to the others.

use crate::tidy::finding::Finding;
use crate::workspace::{Dependency, Metadata, Package};

const RULE: &str = "layers";

/// What a crate of the line may use.
struct Layer {
    name: &'static str,
    /// The crates of this project that it may depend on.
    may: &'static [&'static str],
    /// Whether its other dependencies are a closed list or all but some.
    others: Others,
}

enum Others {
    Only { ordinary: &'static [&'static str], tests: &'static [&'static str] },
    AllBut(&'static [&'static str]),
}

/// The line, from left to right. What is right of a crate knows it; what is left does not.
const LINE: [Layer; 8] = [
    Layer {
        name: "adit-proto",
        may: &[],
        others: Others::Only { ordinary: &["bytes", "nom", "tracing"], tests: &["proptest"] },
    },
    // Beside the line: it knows no other, and only the last may know it.
    Layer { name: "adit-ssh-config", may: &[], others: Others::AllBut(&["tokio", "ring"]) },
    Layer { name: "adit-transport", may: &["adit-proto"], others: Others::AllBut(&[]) },
    Layer {
        name: "adit-channels",
        may: &["adit-proto", "adit-transport"],
        others: Others::AllBut(&["ring"]),
    },
    Layer {
        name: "adit-forward",
        may: &["adit-transport", "adit-channels"],
        others: Others::AllBut(&["ring"]),
    },
    // Beside the next: what runs programs and what decides on them do not know each other.
    Layer {
        name: "adit-programs",
        may: &["adit-channels", "adit-forward"],
        others: Others::AllBut(&["ring"]),
    },
    Layer {
        name: "adit-gateway",
        may: &["adit-transport", "adit-channels", "adit-forward"],
        others: Others::AllBut(&["ring"]),
    },
    Layer {
        name: "adit",
        may: &[
            "adit-ssh-config",
            "adit-transport",
            "adit-channels",
            "adit-forward",
            "adit-programs",
            "adit-gateway",
        ],
        others: Others::AllBut(&["ring"]),
    },
];

/// Checks the dependencies that the manifests declare.
pub(crate) fn check(metadata: &Metadata, root: &std::path::Path) -> Vec<Finding> {
    let mut findings = Vec::new();
    for layer in &LINE {
        match metadata.packages.iter().find(|package| package.name == layer.name) {
            Some(package) => findings.extend(check_package(layer, package, root)),
            None => findings.push(Finding::new(
                "Cargo.toml",
                0,
                RULE,
                format!("no package {} in the workspace", layer.name),
                "the line of crates is written down in xtask's layers",
            )),
        }
    }
    findings
}

fn check_package(layer: &Layer, package: &Package, root: &std::path::Path) -> Vec<Finding> {
    let manifest = package.manifest_path.strip_prefix(root).unwrap_or(&package.manifest_path);
    package
        .dependencies
        .iter()
        .filter_map(|dependency| {
            let text = fault(layer, dependency)?;
            let path = manifest.to_string_lossy();
            Some(Finding::new(&path, 0, RULE, text, "crates know only what is left of them"))
        })
        .collect()
}

fn fault(layer: &Layer, dependency: &Dependency) -> Option<String> {
    let name = dependency.name.as_str();
    let is_ours = name == "adit" || name.starts_with("adit-");
    let is_test = dependency.kind.as_deref() == Some("dev");
    let allowed = match &layer.others {
        // What whole stacks are tested with knows all crates but the last, whose tests may use it.
        _ if name == "adit-tests" => is_test && layer.name == "adit",
        _ if is_ours => layer.may.contains(&name),
        Others::Only { ordinary, tests } => {
            ordinary.contains(&name) || (is_test && tests.contains(&name))
        }
        Others::AllBut(banned) => !banned.contains(&name),
    };
    let kind = dependency.kind.as_deref().map(|kind| format!("{kind}-")).unwrap_or_default();
    (!allowed).then(|| format!("{} must not have the {kind}dependency {name}", layer.name))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// The line as it should be, with one dependency more.
    fn with(package: &str, name: &str, kind: Option<&str>) -> Vec<String> {
        let packages = LINE
            .iter()
            .map(|layer| Package {
                name: layer.name.to_owned(),
                manifest_path: format!("/w/{}/Cargo.toml", layer.name).into(),
                dependencies: (layer.name == package)
                    .then(|| Dependency { name: name.to_owned(), kind: kind.map(str::to_owned) })
                    .into_iter()
                    .collect(),
                targets: Vec::new(),
            })
            .collect();
        let metadata = Metadata { packages, ..Metadata::default() };
        check(&metadata, Path::new("/w")).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_crate_may_use_what_is_left_of_it() {
        assert!(with("adit-channels", "adit-transport", None).is_empty());
        assert!(with("adit-proto", "nom", None).is_empty());
        assert!(with("adit-proto", "proptest", Some("dev")).is_empty());
    }

    #[test]
    fn a_crate_may_not_use_what_is_right_of_it() {
        let found = with("adit-transport", "adit-channels", None);
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("adit-transport/Cargo.toml:1: layers: "), "{found:?}");
    }

    #[test]
    fn the_upper_crates_may_not_reach_past_their_neighbours() {
        for (package, name) in [
            ("adit-forward", "adit-proto"),
            ("adit-forward", "ring"),
            ("adit-gateway", "adit-proto"),
            ("adit-gateway", "ring"),
            ("adit-gateway", "adit-programs"),
            ("adit-programs", "adit-gateway"),
            ("adit-programs", "adit-transport"),
            ("adit-channels", "ring"),
            ("adit", "adit-proto"),
        ] {
            assert_eq!(with(package, name, None).len(), 1, "{package} {name}");
        }
    }

    #[test]
    fn the_core_may_use_nothing_else_at_all() {
        assert_eq!(with("adit-proto", "thiserror", None).len(), 1);
        assert_eq!(with("adit-proto", "tokio", Some("dev")).len(), 1);
        assert_eq!(with("adit-proto", "proptest", None).len(), 1);
        assert_eq!(with("adit-proto", "cc", Some("build")).len(), 1);
    }

    #[test]
    fn only_the_tests_of_the_last_crate_use_what_whole_stacks_are_tested_with() {
        assert!(with("adit", "adit-tests", Some("dev")).is_empty());
        assert_eq!(with("adit", "adit-tests", None).len(), 1);
        assert_eq!(with("adit-gateway", "adit-tests", Some("dev")).len(), 1);
    }

    #[test]
    fn a_missing_crate_is_a_finding() {
        assert_eq!(check(&Metadata::default(), Path::new("/w")).len(), LINE.len());
    }
}
