//! `adit serve` lends what clients have to programs of its sessions, where the policy says so.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::adit::{Adit, Left, PATIENCE, command, run};
use crate::agents::Agent;
use crate::lent::agent::{admit, onward, place, restricted};
use crate::lent::display::Display;
use crate::lent::ssh;
use crate::lent::x11::CLOCKS;
use crate::server::Server;

/// Who connects.
#[derive(Debug, Clone, Copy)]
enum Client {
    Adit,
    Ssh,
}

const CLIENTS: [Client; 2] = [Client::Adit, Client::Ssh];

impl Client {
    /// A command with the words of `adit ssh`, which are those of ssh.
    fn call(self, words: &[String]) -> Command {
        let mut command = command(words);
        if let Self::Ssh = self {
            let mut stock = Command::new("ssh");
            stock.args(&words[1..]).stdin(Stdio::null());
            stock.stdout(Stdio::piped()).stderr(Stdio::piped());
            for name in ["SSH_AUTH_SOCK", "DISPLAY", "XAUTHORITY"] {
                stock.env_remove(name);
            }
            command = stock;
        }
        command
    }
}

/// Waits until there is nothing any more at a path, which is not told to anybody.
fn goes(path: &Path) {
    let begun = Instant::now();
    while path.exists() {
        assert!(begun.elapsed() < PATIENCE, "{} stays", path.display());
        std::thread::yield_now();
    }
}

#[test]
fn xdpyinfo_and_twenty_clocks_show_on_the_display() {
    let name = "xdpyinfo_and_twenty_clocks_show_on_the_display";
    let Some(display) = Display::start(name) else { return };
    let server = Server::gateway("\"exec\", \"x11\"");
    let said = format!(
        "{CLOCKS} xdpyinfo | grep -c vendor.string; all=; \
         for _ in $(seq 20); do xclock & all=\"$all $!\"; done; clocks 20; kill $all; wait; exit 7"
    );
    for client in CLIENTS {
        let left = run(display.lend(client.call(&ssh(&[&server], &["-Y"], &said))), b"");
        left.expect(7, &[]);
        assert_eq!(left.stdout, b"1\n", "{client:?}");
    }
}

#[test]
fn only_the_announced_cookie_is_known_there_and_it_goes_with_the_session() {
    let name = "only_the_announced_cookie_is_known_there_and_it_goes_with_the_session";
    let Some(display) = Display::start(name) else { return };
    let server = Server::gateway("\"exec\", \"x11\"");
    let said = "echo $XAUTHORITY; xauth list; XAUTHORITY=/nonexistent xdpyinfo >/dev/null; \
                xdpyinfo >/dev/null && echo right";
    for client in CLIENTS {
        let left = run(display.lend(client.call(&ssh(&[&server], &["-Y"], said))), b"");
        left.expect(0, &["unable to open display"]);
        let stdout = String::from_utf8(left.stdout).unwrap();
        let lines: Vec<&str> = stdout.lines().collect();
        let [authority, cookie, "right"] = lines[..] else { panic!("{client:?}: {stdout}") };
        assert!(cookie.contains("MIT-MAGIC-COOKIE-1") && !cookie.contains(&display.cookie));
        goes(Path::new(authority).parent().unwrap());
    }
}

#[test]
fn what_the_policy_does_not_allow_is_not_lent() {
    let name = "what_the_policy_does_not_allow_is_not_lent";
    let Some(display) = Display::start(name) else { return };
    let server = Server::gateway("\"exec\"");
    let agent = Agent::start(&server);
    agent.add(&[&server.file("user")]);
    let said = "echo ${DISPLAY-none} ${SSH_AUTH_SOCK-none}";
    for client in CLIENTS {
        let mut command = display.lend(client.call(&ssh(&[&server], &["-Y", "-A"], said)));
        command.env("SSH_AUTH_SOCK", &agent.socket);
        let left = run(command, b"");
        left.expect(0, &[]);
        assert_eq!(left.stdout, b"none none\n", "{client:?}");
    }
}

fn by(client: Client, agent: &Agent, servers: &[&Server], said: &str) -> Left {
    let mut command = client.call(&ssh(servers, &["-A"], said));
    command.env("SSH_AUTH_SOCK", &agent.socket);
    run(command, b"")
}

#[test]
fn a_key_that_is_good_for_one_way_on_goes_there_and_nowhere_else() {
    let (first, second, other) =
        (Server::gateway("\"exec\", \"agent\""), Server::sshd(""), Server::sshd(""));
    for to in [&second, &other] {
        admit(&first, to);
    }
    let ways = [place(&first), format!("{}>{}", place(&first), place(&second))];
    let agent = restricted(&first, &[&first, &second], &ways);
    for client in CLIENTS {
        let left = by(client, &agent, &[&first], &onward(&second));
        left.expect(0, &[]);
        assert_eq!(left.stdout, b"there\n", "{client:?}");
        by(client, &agent, &[&first], &onward(&other)).expect(255, &["Permission denied"]);
    }
}

#[test]
fn the_socket_of_the_agent_is_private_and_goes_with_the_session() {
    let server = Server::gateway("\"exec\", \"agent\"");
    let agent = Agent::start(&server);
    agent.add(&[&server.file("user")]);
    for client in CLIENTS {
        let said = "stat -c %a $SSH_AUTH_SOCK $(dirname $SSH_AUTH_SOCK); echo $SSH_AUTH_SOCK";
        let left = by(client, &agent, &[&server], said);
        left.expect(0, &[]);
        let stdout = String::from_utf8(left.stdout).unwrap();
        let lines: Vec<&str> = stdout.lines().collect();
        let ["600", "700", socket] = lines[..] else { panic!("{client:?}: {stdout}") };
        goes(Path::new(socket).parent().unwrap());
    }
}

#[test]
fn the_socket_of_the_agent_goes_when_the_connection_dies() {
    let server = Server::gateway("\"exec\", \"agent\"");
    let agent = Agent::start(&server);
    agent.add(&[&server.file("user")]);
    let mut command = command(&ssh(&[&server], &["-A"], "echo at $SSH_AUTH_SOCK >&2; sleep 600"));
    command.env("SSH_AUTH_SOCK", &agent.socket);
    let mut adit = Adit::start(command);
    let socket = PathBuf::from(adit.expect("at "));
    let folder = socket.parent().unwrap();
    assert_eq!(fs::metadata(folder).unwrap().permissions().mode() & 0o777, 0o700);
    adit.child.kill().unwrap();
    goes(folder);
}
