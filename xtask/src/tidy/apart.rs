//! A gateway that is built without sessions has no code that starts programs for peers.

use std::time::Duration;

use crate::error::Result;
use crate::tidy::finding::Finding;
use crate::{process, workspace};

const RULE: &str = "apart";

/// The crate that starts programs.
const STARTS: &str = "adit-programs";

const LIMIT: Duration = Duration::from_secs(60);

/// Looks whether that crate is in the program without its default features, and with them.
pub(crate) fn check() -> Result<Vec<Finding>> {
    let without = names(&tree(&["--no-default-features"])?);
    let with = names(&tree(&[])?);
    Ok(findings(&without, &with))
}

fn tree(options: &[&str]) -> Result<String> {
    let mut command = workspace::cargo();
    command.args(["tree", "--package", "adit", "--edges", "normal", "--prefix", "none"]);
    command.args(options);
    process::succeed(command, LIMIT)
}

/// The first word of each line is a package.
fn names(tree: &str) -> Vec<String> {
    tree.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

fn findings(without: &[String], with: &[String]) -> Vec<Finding> {
    let has = |names: &[String]| names.iter().any(|name| name == STARTS);
    let mut findings = Vec::new();
    if has(without) {
        let text = format!("{STARTS} is in adit without its default features");
        let hint = "let only the feature `sessions` bring it in";
        findings.push(Finding::new("cli/Cargo.toml", 0, RULE, text, hint));
    }
    if !has(with) {
        let text = format!("{STARTS} is not in adit, so that this check says nothing");
        findings.push(Finding::new("cli/Cargo.toml", 0, RULE, text, "mend the check"));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_starts_programs_is_found_by_its_name() {
        let with =
            names("adit v0.1.0 (/w/cli)\nadit-programs v0.1.0 (/w/programs)\nbytes v1.0.0\n");
        let without = names("adit v0.1.0 (/w/cli)\nadit-gateway v0.1.0 (/w/gateway)\n");
        assert_eq!(findings(&without, &with).len(), 0);
        assert_eq!(findings(&with, &with).len(), 1);
        assert_eq!(findings(&without, &without).len(), 1);
    }
}
