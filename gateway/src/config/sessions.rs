//! What holds for all sessions.

use crate::config::document::Document;
use crate::config::report::Report;
use crate::sessions::Sessions;

/// Fills in what the file leaves out.
pub(super) fn build(document: &Document, report: &mut Report) -> Sessions {
    let mut sessions = Sessions::default();
    if let Some(table) = &document.subsystems {
        for (name, line) in table.get_ref() {
            if line.get_ref().trim().is_empty() || line.get_ref().contains('\0') {
                report.fault(line.span(), "this is no command line");
            }
            sessions.subsystems.insert(name.clone(), line.get_ref().clone());
        }
    }
    if let Some(names) = &document.accept_env {
        sessions.accept_env = names.get_ref().clone();
    }
    if !cfg!(feature = "sessions") {
        refuse(document, report);
    }
    sessions
}

/// This gateway was built without any way to run programs: what is said of sessions would not be
/// so.
fn refuse(document: &Document, report: &mut Report) {
    let rules = document.rule.iter().filter_map(|rule| rule.sessions.as_ref());
    let accounts = document.user.iter().filter_map(|user| user.account.as_ref());
    let spans = rules
        .map(toml::Spanned::span)
        .chain(accounts.map(toml::Spanned::span))
        .chain(document.subsystems.as_ref().map(toml::Spanned::span))
        .chain(document.accept_env.as_ref().map(toml::Spanned::span))
        .chain(document.limits.sessions.as_ref().map(toml::Spanned::span));
    for span in spans {
        let hint = "take this out, or build with the feature `sessions`";
        report.fault_with_hint(span, "this gateway was built without sessions", hint);
    }
}
