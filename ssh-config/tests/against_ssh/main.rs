//! The same files, read here and by the machine's own `ssh -G`: what comes out must be the same,
//! keyword by keyword, and what one refuses the other refuses in the same line.
//!
//! The cases are in `tests/cases`. Each run of ssh sees the case's files as its home folder,
//! `/etc/ssh` and `/etc/hosts`, in namespaces of its own without a network. Other releases of ssh
//! are held against too where `ADIT_SSH_ROOTS` names folders with their systems; `cargo xtask
//! interop --scenario settings` does that with the peers'.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where it cannot go on")]

mod case;
mod machine;
mod rooted;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write as _};

use adit_ssh_config::algorithms::Algorithms;
use adit_ssh_config::config::Config;

use crate::case::Case;
use crate::machine::{Answer, Machine};
use crate::rooted::Rooted;

/// Something that differs.
struct Difference {
    case: &'static str,
    /// The keyword, or [`REFUSAL`].
    of: &'static str,
    /// Why; it goes for all releases.
    #[expect(dead_code, reason = "it is for who reads this")]
    why: &'static str,
}

/// In place of a keyword: one refuses, and the other does not.
const REFUSAL: &str = "refusal";

const DIFFERENCES: [Difference; 8] = [
    Difference {
        case: "switches in all their words",
        of: "syslogfacility",
        why: "ssh takes it from blocks that do not count",
    },
    Difference {
        case: "masks and devices",
        of: "streamlocalbindmask",
        why: "ssh takes it from blocks that do not count, and the last of several",
    },
    Difference {
        case: "tunnels of sockets",
        of: "dynamicforward",
        why: "ssh -G shows all tunnels to sockets as dynamic ones besides",
    },
    Difference {
        case: "no cipher is left",
        of: REFUSAL,
        why: "ssh goes on with no cipher, and finds out when it is connected",
    },
    Difference {
        case: "a certificate does not sign certificates",
        of: REFUSAL,
        why: "ssh goes on with no algorithm, and finds out when it is connected",
    },
    Difference {
        case: "criteria are words like others",
        of: REFUSAL,
        why: "before 9.9 ssh splits these lines in a way of their own, in which nothing is escaped",
    },
    Difference {
        case: "the whole of GSSAPI",
        of: REFUSAL,
        why: "Debian 14 took it out; files of others that name it are still read, with a notice",
    },
    Difference {
        case: "an address in a URI",
        of: REFUSAL,
        why: "ssh knows no IPv6 addresses in URIs, and there is nothing else that they could mean",
    },
];

fn is_known(case: &str, of: &str) -> bool {
    DIFFERENCES.iter().any(|it| it.case == case && it.of == of)
}

#[test]
fn ssh_comes_to_the_same_settings() {
    let mut compared = Vec::new();
    for machine in Machine::all() {
        match machine {
            Ok(machine) => compared.push(hold_against(&machine)),
            // The words of a test that passes are not shown; these are.
            Err(lacks) => writeln!(io::stderr(), "not compared with ssh -G: {lacks}").unwrap(),
        }
    }
    for (version, runs, failures) in &compared {
        println!("{version}: {runs} runs, {} differ", failures.len());
        assert!(*runs >= 80, "only {runs} runs");
        failures.iter().for_each(|failure| println!("{failure}"));
    }
    assert!(compared.iter().all(|(_, _, failures)| failures.is_empty()), "settings differ");
}

/// Runs all cases with an ssh: its version, how many runs there were, and what differs.
fn hold_against(machine: &Machine) -> (String, usize, Vec<String>) {
    let mut failures = Vec::new();
    let mut runs = 0;
    for case in case::all() {
        for words in &case.runs {
            runs += 1;
            if let Err(failure) = compare(machine, &case, words) {
                failures.push(format!("{}: ssh {}\n{failure}", case.name, words.join(" ")));
            }
        }
    }
    (format!("{} in {}", machine.version, machine.root.display()), runs, failures)
}

fn compare(machine: &Machine, case: &Case, words: &[String]) -> Result<(), String> {
    let root = Rooted::new(case, machine.services());
    let theirs = machine.ask(&root, words);
    // Commands of Match exec may have left something behind.
    let root = Rooted::new(case, machine.services());
    let mut request = match case::request(words, root.home()) {
        Some(request) => request,
        None if theirs.is_refusal() => return Ok(()),
        None => return Err("refused here, and not by ssh".to_owned()),
    };
    request.release = machine.release;
    request.version = machine.version.split(',').next().unwrap_or_default().to_owned();
    request.algorithms = Algorithms::of(machine.release);
    match (Config::read(&request, &root), theirs) {
        (Ok(_), Answer::Refusal(_)) | (Err(_), Answer::Settings(_))
            if is_known(&case.name, REFUSAL) =>
        {
            Ok(())
        }
        (Ok(ours), Answer::Settings(theirs)) => equal(&case.name, &ours.to_string(), &theirs),
        (Err(ours), Answer::Refusal(theirs)) => same_line(&ours.to_string(), &theirs),
        (Ok(_), Answer::Refusal(theirs)) => Err(format!("refused by ssh only: {theirs}")),
        (Err(ours), Answer::Settings(_)) => Err(format!("refused here only: {ours}")),
    }
}

/// Compares keyword by keyword.
fn equal(case: &str, ours: &str, theirs: &str) -> Result<(), String> {
    let (ours, theirs) = (by_keyword(ours), by_keyword(theirs));
    let mut differences = String::new();
    for keyword in ours.keys().chain(theirs.keys()).collect::<BTreeSet<_>>() {
        let (own, other) = (ours.get(keyword), theirs.get(keyword));
        if own != other && !is_known(case, keyword) {
            differences.push_str(&format!("  {keyword}: here {own:?}, ssh {other:?}\n"));
        }
    }
    if differences.is_empty() { Ok(()) } else { Err(differences) }
}

fn by_keyword(text: &str) -> BTreeMap<&str, Vec<&str>> {
    let mut all: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for line in text.lines() {
        let (keyword, value) = line.split_once(' ').unwrap_or((line, ""));
        all.entry(keyword).or_default().push(value);
    }
    all
}

/// Where ssh names a line, the error names it too.
fn same_line(ours: &str, theirs: &str) -> Result<(), String> {
    let line = |text: &str| {
        let (_, rest) = text.split_once("line ")?;
        rest.split(|it: char| !it.is_ascii_digit()).next()?.parse::<u32>().ok()
    };
    match (line(ours), line(theirs)) {
        // On the command line all is line 0.
        (_, None | Some(0)) => Ok(()),
        (own, other) if own == other => Ok(()),
        _ => Err(format!("refused in different lines: here {ours}, ssh {theirs}")),
    }
}
