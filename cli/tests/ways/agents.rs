//! Logins by an agent.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::adit::{command, run};
use crate::server::{Server, keygen, open};
use crate::service::echo;

/// A real `ssh-agent`, ended with the test.
pub(crate) struct Agent {
    child: Child,
    pub(crate) socket: String,
}

impl Agent {
    pub(crate) fn start(server: &Server) -> Self {
        let socket = server.file("agent");
        let mut child = Command::new("ssh-agent")
            .args(["-D", "-a", &socket])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // It says where it listens as soon as it does.
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.starts_with("SSH_AUTH_SOCK="), "{line}");
        Self { child, socket }
    }

    pub(crate) fn add(&self, words: &[&str]) {
        let added = Command::new("ssh-add")
            .arg("-q")
            .args(words)
            .env("SSH_AUTH_SOCK", &self.socket)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(added.status.success(), "{added:?}");
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Logs in by the agent alone, with these settings before all others.
fn by_agent(server: &Server, agent: &Agent, more: &[&str]) -> crate::adit::Left {
    let target = echo(b"!").to_string();
    let socket = format!("-oIdentityAgent={}", agent.socket);
    let mut words = open(&[server], &[&["-W", &target, &socket], more].concat());
    let own = words.iter().position(|word| *word == server.file("user")).unwrap();
    words.drain(own - 1..=own);
    run(command(&words), b"hello")
}

#[test]
fn a_key_that_is_good_for_one_server_only_logs_in_there_and_nowhere_else() {
    let (server, other) = (Server::sshd(""), Server::sshd(""));
    std::fs::copy(server.file("authorized_keys"), other.file("authorized_keys")).unwrap();
    let agent = Agent::start(&server);
    let known = server.file("constraint");
    std::fs::write(&known, server.known()).unwrap();
    let hop = format!("[127.0.0.1]:{}", server.address.port());
    agent.add(&["-H", &known, "-h", &hop, &server.file("user")]);
    let left = by_agent(&server, &agent, &[]);
    left.expect(0, &[]);
    assert_eq!(left.stdout, b"hello!");
    by_agent(&other, &agent, &[]).expect(13, &["it refused"]);
}

#[test]
fn of_a_full_agent_only_the_keys_that_are_named_are_tried() {
    let server = Server::sshd("MaxAuthTries 3");
    let agent = Agent::start(&server);
    for number in 0..6 {
        let wrong = server.file(&format!("wrong{number}"));
        keygen(Path::new(&wrong));
        agent.add(&[&wrong]);
    }
    agent.add(&[&server.file("user")]);
    let left = by_agent(&server, &agent, &[]);
    left.expect(13, &["agent, ", "refused", "not tried any more", "IdentitiesOnly=yes"]);
    let public = server.file("user.pub");
    let left = by_agent(&server, &agent, &["-oIdentitiesOnly=yes", "-i", &public]);
    left.expect(0, &[]);
    // What is named comes first, also where the others may follow.
    by_agent(&server, &agent, &["-i", &public]).expect(0, &[]);
}
