//! Users, authorities and their keys.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use adit_transport::authorized_keys::AuthorizedKeys;
use adit_transport::public_key::PublicKey;
use toml::Spanned;

use crate::calendar::zone::Zone;
use crate::config::document::{self, Document};
use crate::config::report::Report;
use crate::key_line::{KeyLine, Position};
use crate::user::{Authority, Privilege, User};

/// The authorities by their names. Reads their files.
pub(super) fn authorities(
    document: &Document,
    folder: &Path,
    report: &mut Report,
) -> HashMap<String, Arc<Authority>> {
    let mut all = HashMap::new();
    for table in &document.authority {
        let mut keys = Vec::new();
        for key in &table.keys {
            keys.extend(public_key(key, report));
        }
        for file in &table.key_files {
            keys.extend(authority_file(file, &folder.join(file.get_ref()), report));
        }
        if table.keys.is_empty() && table.key_files.is_empty() {
            report.fault(table.name.span(), "this authority has no key");
        }
        let name = table.name.get_ref();
        let authority = Authority { name: name.as_str().into(), keys };
        if all.insert(name.clone(), Arc::new(authority)).is_some() {
            report.fault(table.name.span(), format!("there are two authorities {name:?}"));
        }
    }
    all
}

fn public_key(text: &Spanned<String>, report: &mut Report) -> Option<PublicKey> {
    match PublicKey::parse(text.get_ref().trim()) {
        Ok((key, _comment)) => Some(key),
        Err(invalid) => {
            report.fault(text.span(), invalid.to_string());
            None
        }
    }
}

/// A file of keys of an authority, one on each line, without options.
fn authority_file(file: &Spanned<PathBuf>, path: &Path, report: &mut Report) -> Vec<PublicKey> {
    let Some(keys) = load(file, path, report) else { return Vec::new() };
    if let Some(first) = keys.warnings().first() {
        report.fault(file.span(), first);
    } else if keys.entries().is_empty() {
        report.fault(file.span(), "there is no key in it");
    }
    for entry in keys.entries().iter().filter(|entry| !entry.options.is_empty()) {
        let message = format!("{}:{}: this key must have no options", path.display(), entry.line);
        report.fault(file.span(), message);
    }
    keys.entries().iter().map(|entry| entry.key.clone()).collect()
}

fn load(file: &Spanned<PathBuf>, path: &Path, report: &mut Report) -> Option<AuthorizedKeys> {
    match AuthorizedKeys::load(path) {
        Ok(keys) => Some(keys),
        Err(error) => {
            let message = format!("{}: {}", path.display(), error.cause());
            match error.hint() {
                Some(hint) => report.fault_with_hint(file.span(), message, hint),
                None => report.fault(file.span(), message),
            }
            None
        }
    }
}

/// The users. Reads their files.
pub(super) fn users(
    document: &Document,
    folder: &Path,
    authorities: &HashMap<String, Arc<Authority>>,
    report: &mut Report,
) -> Vec<User> {
    let zone = document.time_zone.as_ref().and_then(|zone| report.value(zone));
    let zone = zone.unwrap_or_default();
    let mut users: Vec<User> = Vec::new();
    for table in &document.user {
        let name = table.name.get_ref();
        if users.iter().any(|other| *other.name == **name) {
            report.fault(table.name.span(), format!("there are two users {name:?}"));
        }
        if name.is_empty() || name.contains(char::is_control) {
            report.fault(table.name.span(), "this is no name");
        }
        users.push(user(table, folder, authorities, zone, report));
    }
    users
}

fn user(
    table: &document::User,
    folder: &Path,
    authorities: &HashMap<String, Arc<Authority>>,
    zone: Zone,
    report: &mut Report,
) -> User {
    let mut keys = Vec::new();
    for line in &table.keys {
        keys.extend(inline_key(line, zone, report));
    }
    for file in &table.authorized_keys {
        keys.extend(key_file(file, &folder.join(file.get_ref()), zone, report));
    }
    let believed = table.authorities.iter().filter_map(|name| {
        let known = authorities.get(name.get_ref()).cloned();
        if known.is_none() {
            report.fault(name.span(), format!("there is no authority {:?}", name.get_ref()));
        }
        known
    });
    let authorities: Vec<_> = believed.collect();
    if keys.is_empty() && authorities.is_empty() {
        let (message, hint) = ("this user cannot log in", "give it keys or authorities");
        report.warn(table.name.span(), message, hint);
    }
    let name = table.name.get_ref();
    User {
        name: name.as_str().into(),
        groups: table.groups.iter().map(|it| it.as_str().into()).collect(),
        keys,
        authorities,
        principals: principals(table, report),
        privilege: if table.privileged_ports {
            Privilege::PrivilegedPorts
        } else {
            Privilege::Ordinary
        },
        account: table.account.as_ref().map(|it| it.get_ref().as_str().into()),
    }
}

fn principals(table: &document::User, report: &mut Report) -> Vec<String> {
    match &table.principals {
        None => vec![table.name.get_ref().clone()],
        Some(names) if names.get_ref().is_empty() => {
            let hint = "leave it out for the user's name";
            report.fault_with_hint(names.span(), "no certificate has none of no names", hint);
            Vec::new()
        }
        Some(names) => names.get_ref().clone(),
    }
}

/// A line of the configuration: what is wrong with it is wrong with the configuration.
fn inline_key(line: &Spanned<String>, zone: Zone, report: &mut Report) -> Vec<KeyLine> {
    let file = report.source.name.clone();
    let parsed = AuthorizedKeys::parse(line.get_ref(), "");
    for warning in parsed.warnings() {
        // It begins with an empty file name and the number of the line.
        let cause = warning.splitn(3, ':').last().unwrap_or_default().trim();
        report.fault(line.span(), cause);
    }
    if parsed.entries().len() + parsed.warnings().len() != 1 {
        report.fault(line.span(), "this is not one line with a key");
    }
    let mut lines = KeyLine::of(&parsed, &file, zone);
    for key in &mut lines {
        key.position = Position { file: file.clone(), line: report.line(line.span()) };
        if let Err(refused) = &key.terms {
            report.fault(line.span(), refused.to_string());
        }
    }
    lines
}

/// A file of keys, which others than the gateway's administrator may have written: a line that is
/// wrong lets nobody in, and the others do.
fn key_file(file: &Spanned<PathBuf>, path: &Path, zone: Zone, report: &mut Report) -> Vec<KeyLine> {
    let Some(keys) = load(file, path, report) else { return Vec::new() };
    report.warnings.extend_from_slice(keys.warnings());
    let lines = KeyLine::of(&keys, &path.display().to_string(), zone);
    for line in &lines {
        if let Err(refused) = &line.terms {
            report.warnings.push(format!("{}: {refused}: this key lets nobody in", line.position));
        }
    }
    lines
}
