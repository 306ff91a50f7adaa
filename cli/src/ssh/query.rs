//! `adit ssh -Q`: which algorithms there are.

use adit_transport::config::Algorithms;
use adit_transport::name::NameList;
use adit_transport::provider;

use crate::failure::{Exit, Failure};

/// The kinds, with the keywords that mean them too.
const KINDS: [(&str, &[&str]); 10] = [
    ("cipher", &["Ciphers"]),
    ("cipher-auth", &[]),
    ("compression", &[]),
    ("kex", &["KexAlgorithms"]),
    ("key", &["HostKeyAlgorithms", "PubkeyAcceptedAlgorithms", "PubkeyAcceptedKeyTypes"]),
    ("key-cert", &[]),
    ("key-plain", &[]),
    ("key-sig", &["HostbasedAcceptedAlgorithms", "HostbasedKeyTypes", "HostbasedAcceptedKeyTypes"]),
    ("mac", &["MACs"]),
    ("sig", &["CASignatureAlgorithms"]),
];

/// The version of the protocol, which is asked for as if there were several.
const PROTOCOL: &str = "protocol-version";

/// The algorithms of a kind, one a line.
///
/// # Errors
/// Where there is no such kind.
pub(super) fn list(kind: &str) -> Result<String, Failure> {
    if kind.eq_ignore_ascii_case("help") {
        let kinds: Vec<&str> = KINDS.iter().map(|(kind, _)| *kind).chain([PROTOCOL]).collect();
        return Ok(lines(&kinds));
    }
    if kind.eq_ignore_ascii_case(PROTOCOL) {
        return Ok(lines(&["2"]));
    }
    let is_meant = |name: &str| name.eq_ignore_ascii_case(kind);
    let found = KINDS
        .iter()
        .find(|(name, others)| is_meant(name) || others.iter().any(|other| is_meant(other)));
    let Some((kind, _)) = found else {
        return Err(Failure::new(Exit::Usage, format!("-Q knows no \"{kind}\""))
            .hint("-Q help lists what it knows"));
    };
    let all = Algorithms::all(&provider::default());
    Ok(match *kind {
        "cipher" => names(&all.ciphers),
        "cipher-auth" => {
            let seals = |name: &&str| provider::default().cipher(name).is_some();
            lines(&all.ciphers.iter().filter(seals).collect::<Vec<_>>())
        }
        "compression" => names(&all.compressions),
        "kex" => names(&all.exchanges),
        "mac" => names(&all.macs),
        kind => keys(kind, &all.signatures),
    })
}

/// Those of the keys of users, among which those of hosts are.
fn keys(kind: &str, all: &NameList) -> String {
    let is_certificate = |name: &str| name.contains("-cert-v0");
    let wanted = |name: &&str| match kind {
        "key-cert" => is_certificate(name),
        "key-plain" | "sig" => !is_certificate(name),
        _ => true,
    };
    lines(&all.iter().filter(wanted).collect::<Vec<_>>())
}

fn names(list: &NameList) -> String {
    lines(&list.iter().collect::<Vec<_>>())
}

fn lines(names: &[&str]) -> String {
    names.iter().flat_map(|name| [name, "\n"]).collect()
}
