//! Programs at the server log in further by the agent here.

use std::fs;
use std::path::Path;

use crate::adit::{Left, command, run};
use crate::agents::Agent;
use crate::lent::{known, ssh};
use crate::server::{Server, home, user};

/// The command that logs in to another server from the one where it runs, by an agent only.
pub(super) fn onward(to: &Server) -> String {
    let known = to.file("known_by_others");
    fs::write(&known, to.known()).unwrap();
    format!(
        "ssh -F none -o BatchMode=yes -o StrictHostKeyChecking=yes -o UserKnownHostsFile={known} \
         -o GlobalKnownHostsFile=none -o IdentityFile=none -p {} {}@127.0.0.1 echo there",
        to.address.port(),
        user()
    )
}

/// Lets whoever has the key of the first log in to the other.
pub(super) fn admit(key_of: &Server, to: &Server) {
    let read = |path| fs::read_to_string(path).unwrap();
    let (so_far, key) = (read(to.file("authorized_keys")), read(key_of.file("user.pub")));
    fs::write(to.file("authorized_keys"), so_far + &home(Path::new(&to.file(""))) + &key).unwrap();
}

/// An agent that holds the key of a server's user, good for these ways only.
pub(super) fn restricted(server: &Server, servers: &[&Server], ways: &[String]) -> Agent {
    let agent = Agent::start(server);
    let file = server.file("constraint");
    fs::write(&file, known(servers)).unwrap();
    let mut words = vec!["-H", &file];
    words.extend(ways.iter().flat_map(|way| ["-h", way]));
    let key = server.file("user");
    words.push(&key);
    agent.add(&words);
    agent
}

pub(super) fn place(server: &Server) -> String {
    format!("[127.0.0.1]:{}", server.address.port())
}

fn by(agent: &Agent, servers: &[&Server], more: &[&str], said: &str) -> Left {
    let mut command = command(&ssh(servers, more, said));
    command.env("SSH_AUTH_SOCK", &agent.socket);
    run(command, b"")
}

#[test]
fn a_key_that_is_good_for_one_way_on_goes_there_and_nowhere_else() {
    let (first, second, other) = (Server::sshd(""), Server::sshd(""), Server::sshd(""));
    for to in [&second, &other] {
        admit(&first, to);
    }
    let ways = [place(&first), format!("{}>{}", place(&first), place(&second))];
    let agent = restricted(&first, &[&first, &second], &ways);
    let left = by(&agent, &[&first], &["-A"], &onward(&second));
    left.expect(0, &[]);
    assert_eq!(left.stdout, b"there\n");
    by(&agent, &[&first], &["-A"], &onward(&other)).expect(255, &["Permission denied"]);
}

#[test]
fn a_key_that_is_for_no_way_on_stays_here() {
    let (first, second) = (Server::sshd(""), Server::sshd(""));
    admit(&first, &second);
    let agent = restricted(&first, &[&first], &[place(&first)]);
    by(&agent, &[&first], &[], "true").expect(0, &[]);
    by(&agent, &[&first], &["-A"], &onward(&second)).expect(255, &["Permission denied"]);
}

#[test]
fn the_agent_is_told_of_the_last_of_several_servers() {
    let (jump, last, beyond) = (Server::sshd(""), Server::sshd(""), Server::sshd(""));
    for to in [&last, &beyond] {
        admit(&jump, to);
    }
    let ways = [place(&jump), place(&last), format!("{}>{}", place(&last), place(&beyond))];
    let agent = restricted(&jump, &[&jump, &last, &beyond], &ways);
    let left = by(&agent, &[&jump, &last], &["-A"], &onward(&beyond));
    left.expect(0, &[]);
    assert_eq!(left.stdout, b"there\n");
}

#[test]
fn the_agent_is_lent_where_it_is_asked_for_and_allowed() {
    let (server, strict) = (Server::sshd(""), Server::sshd("AllowAgentForwarding no"));
    let agent = Agent::start(&server);
    agent.add(&[&server.file("user")]);
    let named = format!("-oForwardAgent={}", agent.socket);
    let said = "[ -n \"$SSH_AUTH_SOCK\" ] && ssh-add -l | wc -l";
    for (to, more, lends) in [
        (&server, &["-A"][..], true),
        (&server, &[&named], true),
        (&server, &["-oForwardAgent=$SSH_AUTH_SOCK"], true),
        (&server, &[], false),
        (&server, &["-A", "-a"], false),
        (&server, &["-oForwardAgent=$NOWHERE"], false),
        (&strict, &["-A"], false),
    ] {
        let left = by(&agent, &[to], more, said);
        let (code, stdout) = if lends { (0, &b"1\n"[..]) } else { (1, &b""[..]) };
        left.expect(code, &[]);
        assert_eq!(left.stdout, stdout, "{more:?}");
    }
    let left = by(&agent, &[&server], &["-oForwardAgent=/nonexistent/agent"], said);
    left.expect(1, &["the agent /nonexistent/agent is not forwarded"]);
}
