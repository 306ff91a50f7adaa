//! Which algorithms were agreed upon with which peer, as a document.

use std::fmt::Write;

use crate::interop::outcome::{Outcome, Run, Verdict};
use crate::interop::scenario::algorithms::{COMPRESSION, KINDS, ZLIB, lacking};

/// The scenarios whose measurements name algorithms, the peer being server and client.
const SERVER: &str = "algorithms";
const CLIENT: &str = "stock-client-algorithms";

const HEAD: &str = "\
# Algorithms

What adit has, and with which peers each was agreed upon and carried data, one by one, with the peer as server and as client.
The table is made by a run:

```sh
cargo xtask interop --scenario algorithms --scenario stock-client-algorithms --table docs/algorithms.md
```

`s`: with the peer as server; `c`: with the peer as client; `-`: the peer has it in neither role. dbclient has no option for its
key exchange and none to insist on compression.

What is offered where nobody names it says a preset. `default` has all but what is marked: those with *client* are offered by
clients alone, since they cost a server much that anybody may ask of it; those with *named* only where they are named, since
they are weaker. `strict` has no NIST curves and no groups of numbers. Clients name algorithms by `Ciphers`, `MACs`,
`KexAlgorithms`, `HostKeyAlgorithms`, `PubkeyAcceptedAlgorithms` and `Compression` of ssh_config, in files and by `-o`; a gateway
does in its file, or takes a preset by `--algorithms`. SHA-1, CBC, RC4, DSA, RSA below 2048 bits and groups below 2048 bits are
never offered.
";

/// Offered by clients alone, and only where they are named.
const OF_CLIENTS: [&str; 3] = [
    "diffie-hellman-group16-sha512",
    "diffie-hellman-group18-sha512",
    "diffie-hellman-group-exchange-sha256",
];
const NAMED: [&str; 4] = ["diffie-hellman-group14-sha256", "hmac-sha2-256", "hmac-sha2-512", ZLIB];

/// The document of a run.
pub(crate) fn markdown(run: &Run) -> String {
    let mut peers: Vec<(&str, &str)> = Vec::new();
    for outcome in run.outcomes.iter().filter(|it| [SERVER, CLIENT].contains(&&*it.scenario)) {
        if !peers.iter().any(|(name, _)| *name == outcome.peer) {
            peers.push((&outcome.peer, &outcome.version));
        }
    }
    let mut text = HEAD.to_owned();
    let kinds = KINDS.iter().map(|kind| (kind.keyword, kind.names));
    for (keyword, names) in kinds.chain([(COMPRESSION, &[ZLIB][..])]) {
        let _ = write!(text, "\n## {keyword}\n\n| |");
        for (name, _) in &peers {
            let _ = write!(text, " {name} |");
        }
        let _ = writeln!(text, "\n|---|{}", "---|".repeat(peers.len()));
        for name in names {
            let _ = write!(text, "| `{name}`{} |", mark(name));
            for (peer, _) in &peers {
                let _ = write!(text, " {} |", cell(run, peer, keyword, name));
            }
            text.push('\n');
        }
    }
    text.push_str("\n## The peers\n\n| | |\n|---|---|\n");
    for (name, version) in &peers {
        let _ = writeln!(text, "| {name} | {version} |");
    }
    text
}

fn mark(name: &str) -> &'static str {
    if OF_CLIENTS.contains(&name) {
        " *client*"
    } else if NAMED.contains(&name) {
        " *named*"
    } else {
        ""
    }
}

fn cell(run: &Run, peer: &str, keyword: &str, name: &str) -> String {
    let of = |scenario: &str| {
        let is = |it: &&Outcome| it.peer == peer && it.scenario == scenario;
        run.outcomes.iter().find(is)
    };
    let names = |outcome: Option<&Outcome>, measurement: &str| {
        let outcome = outcome.filter(|it| it.verdict == Verdict::Pass);
        let mut measured = outcome.into_iter().flat_map(|it| &it.measurements);
        measured.any(|(it, value)| it == measurement && value.split(' ').any(|it| it == name))
    };
    let roles: Vec<&str> = [(SERVER, "s"), (CLIENT, "c")]
        .into_iter()
        .filter(|(scenario, _)| names(of(scenario), keyword))
        .map(|(_, letter)| letter)
        .collect();
    let lacks = [SERVER, CLIENT].into_iter().any(|it| names(of(it), &lacking(keyword)));
    match roles.join(" ") {
        none if none.is_empty() => if lacks { "-" } else { "" }.to_owned(),
        roles => roles,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(scenario: &str, verdict: Verdict, measurements: &[(&str, &str)]) -> Outcome {
        Outcome {
            peer: "openssh-x".to_owned(),
            version: "OpenSSH_9".to_owned(),
            scenario: scenario.to_owned(),
            role: "server",
            verdict,
            milliseconds: 1,
            measurements: measurements
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        }
    }

    fn run(outcomes: Vec<Outcome>) -> Run {
        Run {
            engine: "host".to_owned(),
            program: "adit".to_owned(),
            bytes: 1,
            milliseconds: 1,
            outcomes,
        }
    }

    #[test]
    fn a_cell_tells_the_roles_in_which_it_was_agreed_upon() {
        let text = markdown(&run(vec![
            outcome(
                SERVER,
                Verdict::Pass,
                &[("MACs", "hmac-sha2-256 hmac-sha2-512"), (&lacking("Ciphers"), "aes192-ctr")],
            ),
            outcome(CLIENT, Verdict::Pass, &[("MACs", "hmac-sha2-256")]),
        ]));
        for line in [
            "| | openssh-x |",
            "| `hmac-sha2-256` *named* | s c |",
            "| `hmac-sha2-512` *named* | s |",
            "| `aes192-ctr` | - |",
            "| `aes128-ctr` |  |",
            "| openssh-x | OpenSSH_9 |",
        ] {
            assert!(text.lines().any(|it| it == line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn what_failed_proves_nothing() {
        let failed = Verdict::Fail(String::new());
        let text = markdown(&run(vec![outcome(SERVER, failed, &[("MACs", "hmac-sha2-256")])]));
        assert!(text.contains("| `hmac-sha2-256` *named* |  |"), "{text}");
    }

    #[test]
    fn the_document_that_is_kept_has_every_algorithm_and_shows_it_with_a_peer_in_both_roles() {
        let kept = include_str!("../../../docs/algorithms.md");
        assert!(kept.starts_with(HEAD), "docs/algorithms.md begins otherwise: make it anew");
        for name in KINDS.iter().flat_map(|kind| kind.names).chain([&ZLIB]) {
            let line = format!("| `{name}`{} |", mark(name));
            let row = kept.lines().find(|it| it.starts_with(&line)).unwrap_or_default();
            assert!(row.contains("s c"), "{name}: {row}");
        }
    }
}
