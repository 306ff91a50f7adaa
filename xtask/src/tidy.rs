//! `cargo xtask tidy`: the invariants of ARCHITECTURE.md, each as a check that fails the build.

mod apart;
mod citations;
mod code;
mod cycles;
mod finding;
mod layers;
mod links;
mod modules;
mod portable;
mod purity;
mod scan;
mod source;
mod text;

use crate::error::{Error, Result};
use crate::tidy::finding::Finding;
use crate::tidy::modules::Modules;
use crate::tidy::portable::Portable;
use crate::tidy::source::Sources;
use crate::workspace::{self, Metadata};

/// Checks the workspace, prints what is wrong, and fails if anything is.
pub(crate) fn run() -> Result<()> {
    let report = check()?;
    for finding in &report.findings {
        eprintln!("{finding}");
    }
    for not_run in &report.not_run {
        eprintln!("not checked: {not_run}");
    }
    match report.findings.len() {
        0 => {
            eprintln!("tidy: {} files in order", report.files);
            Ok(())
        }
        count => Err(Error::new(format!("tidy found {count} in {} files", report.files))),
    }
}

/// What the checks found, and which of them this machine could not run.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) findings: Vec<Finding>,
    pub(crate) not_run: Vec<String>,
    files: usize,
}

/// Runs every check over the workspace.
pub(crate) fn check() -> Result<Report> {
    let metadata = workspace::metadata()?;
    let sources = Sources::read(&workspace::root(), &workspace::files()?)?;
    let mut findings = check_sources(&sources, &metadata);
    findings.extend(layers::check(&metadata, &workspace::root()));
    findings.extend(apart::check()?);
    let mut not_run = Vec::new();
    match portable::check()? {
        Portable::Built => {}
        Portable::Broken(finding) => findings.push(finding),
        Portable::NotRun(text) => not_run.push(text),
    }
    findings.sort();
    Ok(Report { findings, not_run, files: sources.texts.len() })
}

fn check_sources(sources: &Sources, metadata: &Metadata) -> Vec<Finding> {
    let mut findings = sources.broken.clone();
    findings.extend(sources.texts.iter().flat_map(text::check));
    findings.extend(links::check(&sources.texts));
    findings.extend(sources.codes.values().flat_map(code::check));
    findings.extend(sources.codes.values().flat_map(citations::check));
    findings.extend(purity::check_table(sources.codes.keys().map(String::as_str)));
    for root in roots(metadata) {
        let modules = Modules::load(&sources.codes, &root);
        findings.extend(cycles::check(&modules));
        findings.extend(purity::check(&modules));
    }
    findings
}

/// The root files of the libraries and programs.
fn roots(metadata: &Metadata) -> Vec<String> {
    let folder = workspace::root();
    let targets = metadata.packages.iter().flat_map(|package| &package.targets);
    targets
        .filter(|target| target.kind.iter().any(|kind| kind == "lib" || kind == "bin"))
        .filter_map(|target| target.src_path.strip_prefix(&folder).ok())
        .map(|path| path.to_string_lossy().into_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workspace_is_tidy() {
        let report = check().unwrap();
        for not_run in &report.not_run {
            crate::test::declare_not_run(&format!("tidy: {not_run}"));
        }
        let lines: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
        assert!(lines.is_empty(), "\n{}", lines.join("\n"));
    }

    #[test]
    fn every_crate_is_looked_at() {
        let roots = roots(&workspace::metadata().unwrap());
        for root in ["proto/src/lib.rs", "cli/src/main.rs", "xtask/src/main.rs"] {
            assert!(roots.iter().any(|path| path == root), "{root} in {roots:?}");
        }
    }
}
