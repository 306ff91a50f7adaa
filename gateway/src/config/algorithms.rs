//! Which algorithms the gateway offers.

use adit_transport::config::{Algorithms, NONE};
use adit_transport::name::NameList;
use adit_transport::provider;
use adit_transport::provider::preset::Preset;
use toml::Spanned;

use crate::config::document::Document;
use crate::config::report::Report;

/// Those of the preset, with the lists in their places that the file has.
pub(super) fn build(document: &Document, report: &mut Report) -> Algorithms {
    let preset = preset(document, report).server();
    let all = Algorithms::all(&provider::default());
    let mut list = |given: &Option<Names>, usual: &NameList, all: &NameList| match given {
        Some(given) => names(given, all, report),
        None => usual.clone(),
    };
    Algorithms {
        exchanges: list(&document.key_exchanges, &preset.exchanges, &all.exchanges),
        host_keys: list(&document.host_key_algorithms, &preset.host_keys, &all.host_keys),
        ciphers: list(&document.ciphers, &preset.ciphers, &all.ciphers),
        macs: list(&document.macs, &preset.macs, &all.macs),
        compressions: if document.compression { all.compressions } else { names_of([NONE]) },
        signatures: list(&document.user_key_algorithms, &preset.signatures, &all.signatures),
    }
}

type Names = Spanned<Vec<Spanned<String>>>;

fn preset(document: &Document, report: &mut Report) -> Preset {
    let Some(given) = &document.algorithms else { return Preset::default() };
    Preset::by_name(given.get_ref()).unwrap_or_else(|| {
        let hint = "write \"default\", \"strict\" or \"all\", and lists of names beside it: key-exchanges, \
                    ciphers, macs, host-key-algorithms, user-key-algorithms";
        report.fault_with_hint(given.span(), "there is no such choice of algorithms", hint);
        Preset::default()
    })
}

/// Names that must be known.
fn names(given: &Names, all: &NameList, report: &mut Report) -> NameList {
    for name in given.get_ref() {
        if !all.contains(name.get_ref()) {
            let message = format!("\"{}\" is not known", name.get_ref().escape_debug());
            report.fault_with_hint(name.span(), message, format!("there are {all}"));
        }
    }
    if given.get_ref().is_empty() {
        report.fault_with_hint(given.span(), "no algorithm is left", format!("there are {all}"));
    }
    let known = given.get_ref().iter().map(|name| name.get_ref().as_str());
    names_of(known.filter(|name| all.contains(name)))
}

fn names_of<'a>(names: impl IntoIterator<Item = &'a str>) -> NameList {
    NameList::new(names).unwrap_or_default()
}
