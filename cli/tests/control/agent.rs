//! The agent, lent by a master to the programs of its clients.

use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};

use crate::adit::Adit;
use crate::stage::{Stage, wait_until};

/// An agent that holds the key of the server's user.
struct Agent {
    child: Child,
    socket: String,
}

impl Agent {
    fn start(stage: &Stage) -> Self {
        let socket = stage.server.file("agent");
        let mut agent = Command::new("ssh-agent");
        agent.args(["-D", "-a", &socket]).stdout(Stdio::null());
        let child = agent.spawn().unwrap();
        wait_until("there is no agent", || UnixStream::connect(&socket).is_ok());
        let mut add = Command::new("ssh-add");
        add.args(["-q", &stage.server.file("user")]).env("SSH_AUTH_SOCK", &socket);
        assert!(add.status().unwrap().success());
        Self { child, socket }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn programs_reach_the_agent_where_their_call_and_the_master_say_so() {
    let stage = Stage::new();
    let agent = Agent::start(&stage);
    let mut master = stage.ssh(&["-M", "-N", "-A"], &[]);
    master.env("SSH_AUTH_SOCK", &agent.socket);
    let _master = Adit::start(master);
    stage.wait_for_socket();
    let list = |options: &[&str]| {
        let mut client = stage.ssh(options, &["ssh-add -l"]);
        client.env("SSH_AUTH_SOCK", &agent.socket);
        crate::adit::run(client, b"")
    };
    for _ in 0..2 {
        let listed = list(&["-A"]);
        assert_eq!(listed.code, 0, "{}", listed.stderr);
        assert!(String::from_utf8(listed.stdout).unwrap().contains("ED25519"));
    }
    // sshd has one socket for all sessions of a connection; behind it there is no agent now.
    assert_ne!(list(&["-a"]).code, 0);
    assert_eq!(stage.server.connections(), 1);
}
