//! What fails on the way to a server and through tunnels, each with the exact cause and hint that
//! `adit why` tells.

use serde_json::Value;

use crate::adit::{command, run};
use crate::failures::stage::Stage;

mod login;
mod path;
mod peer;
mod settings;
mod stage;
mod tunnels;

/// A failure.
struct Case {
    /// What fails.
    name: &'static str,
    /// Brings it about, and yields the words of `adit why` behind those that ask for JSON.
    set_up: fn(&mut Stage) -> Vec<String>,
    /// The exit code.
    exit: i32,
    /// The step that fails.
    step: &'static str,
    /// The cause, in which names of the stage stand for what is different each time, and `…` for
    /// anything.
    cause: &'static str,
    /// What to do, in the same way; empty where nothing is told.
    hint: &'static str,
}

impl Case {
    /// What is wrong with what was told; nothing where all is well.
    fn fault(&self) -> Option<String> {
        let mut stage = Stage::new();
        let mut words = vec!["why".to_owned(), "--json".to_owned()];
        words.extend((self.set_up)(&mut stage));
        let left = run(command(&words), b"");
        let told: Value = match serde_json::from_slice(&left.stdout) {
            Ok(told) => told,
            Err(error) => return Some(format!("{}: no json: {error}: {left:?}", self.name)),
        };
        let failed = told["steps"].as_array().and_then(|steps| {
            steps.iter().find(|it| it["outcome"] == "failed").and_then(|it| it["step"].as_str())
        });
        let text = |key: &str| stage.plain(told[key].as_str().unwrap_or_default());
        let (cause, hint) = (text("cause"), text("hint"));
        let good = left.code == self.exit
            && failed == Some(self.step)
            && matches(self.cause, &cause)
            && matches(self.hint, &hint);
        let shown = format!(
            "{}: exit {}, step {failed:?}\n  cause: {cause}\n  hint: {hint}\n  stderr: {}",
            self.name, left.code, left.stderr
        );
        (!good).then_some(shown)
    }
}

/// Whether a text is a pattern with anything in the place of each `…`.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('…') {
        None => pattern == text,
        Some((head, tail)) => text.strip_prefix(head).is_some_and(|rest| {
            let ends = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
            ends.into_iter().any(|at| matches(tail, &rest[at..]))
        }),
    }
}

fn check(cases: &[Case]) {
    let faults: Vec<String> = cases.iter().filter_map(Case::fault).collect();
    assert!(faults.is_empty(), "{} of {}:\n{}", faults.len(), cases.len(), faults.join("\n"));
}

#[test]
fn what_is_wrong_with_settings_is_told_with_its_cause_and_what_to_do() {
    check(settings::CASES);
}

#[test]
fn a_server_that_is_not_reached_is_told_with_its_cause_and_what_to_do() {
    check(path::CASES);
}

#[test]
fn a_peer_with_which_one_cannot_speak_is_told_with_its_cause_and_what_to_do() {
    check(peer::CASES);
}

#[test]
fn a_login_that_is_refused_is_told_with_its_cause_and_what_to_do() {
    check(login::CASES);
}

#[test]
fn a_tunnel_that_cannot_be_used_is_told_with_its_cause_and_what_to_do() {
    check(tunnels::CASES);
}

#[test]
fn there_are_forty_of_them_and_no_two_of_a_name() {
    let all = [settings::CASES, path::CASES, peer::CASES, login::CASES, tunnels::CASES];
    let mut names: Vec<_> = all.iter().flat_map(|cases| cases.iter().map(|it| it.name)).collect();
    names.sort_unstable();
    assert!(names.len() >= 40, "{}", names.len());
    let all = names.len();
    names.dedup();
    assert_eq!(names.len(), all);
}

#[test]
fn each_address_that_does_not_answer_is_told() {
    let closed = crate::service::nobody();
    let words = ["why", "-oBatchMode=yes", "-p", &closed.port().to_string(), "127.0.0.1"];
    let left = run(command(&words.map(str::to_owned)), b"");
    left.expect(10, &[]);
    let told = String::from_utf8(left.stdout).unwrap();
    let address = format!("  no      connection      {closed}: connection refused\n");
    assert!(told.contains(&address), "{told}");
}

#[test]
fn what_goes_well_is_told_step_by_step() {
    use crate::server::Server;
    use crate::service::echo;

    let servers = [Server::sshd(""), Server::sshd("")];
    let target = echo(b"!");
    let [outer, inner] = &servers;
    let words = crate::server::open(&[outer, inner], &["-L", &format!("127.0.0.1:0:{target}")]);
    let mut why = vec!["why".to_owned(), "-R0".to_owned()];
    why.extend(words.into_iter().skip(1).chain([target.to_string()]));
    let left = run(command(&why), b"");
    left.expect(0, &[]);
    let told = String::from_utf8(left.stdout).unwrap();
    for words in [
        "ok      settings",
        "hop 1 of 2 (127.0.0.1)\n",
        "ok      name            127.0.0.1 is 127.0.0.1\n",
        "ok      connection      127.0.0.1:",
        "ok      identification  SSH-2.0-OpenSSH_",
        "offer   key exchange methods\n",
        "ok      algorithms      ",
        "ok      host key        ssh-ed25519 SHA256:",
        "hop 2 of 2 (127.0.0.1)\n",
        "ok      connection      the server before it leads there, after ",
        ": accepted\n",
        "ok      tunnel          the server reaches 127.0.0.1:",
        " can be listened on, and the server reaches ",
        "ok      tunnel          the server listens on ",
    ] {
        assert!(told.contains(words), "{words:?} is missing in\n{told}");
    }
    assert!(!told.contains("failed"), "{told}");
}
