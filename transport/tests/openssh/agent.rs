//! A real `ssh-agent`.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use adit_proto::wire;
use adit_transport::identity::agent::Cause;
use adit_transport::identity::{Agent, Error, Identity};
use adit_transport::provider;

use crate::program::{TYPES, make_key, run, ssh_keygen, text};

/// An agent that ends with the test.
struct Running {
    child: Child,
    socket: PathBuf,
    folder: tempfile::TempDir,
}

impl Running {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("agent");
        let mut child = Command::new("ssh-agent")
            .args(["-D", "-a", text(&socket)])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("ssh-agent must be installed: {error}"));
        let said = child.stdout.take();
        let running = Self { child, socket, folder };
        // It says where it listens as soon as it does.
        let mut line = String::new();
        BufReader::new(said.unwrap()).read_line(&mut line).unwrap();
        assert!(line.starts_with("SSH_AUTH_SOCK="), "{line}");
        running
    }

    fn agent(&self) -> Agent {
        Agent::new(&self.socket)
    }

    fn ssh_add(&self, args: &[&str], input: &[u8]) {
        let mut command = Command::new("ssh-add");
        command.env("SSH_AUTH_SOCK", &self.socket).env("SSH_ASKPASS_REQUIRE", "never");
        let output = run(&mut command, args, input);
        assert!(output.status.success(), "ssh-add {args:?}: {output:?}");
    }

    fn add(&self, key: &Path) {
        self.ssh_add(&["-q", text(key)], b"");
    }

    async fn identities(&self) -> Vec<Identity> {
        let keys = self.agent().keys().await.unwrap();
        keys.into_iter().map(|key| Identity::from_agent(self.agent(), key)).collect()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself, and then there is nothing to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn keys_in_an_agent_sign_by_all_their_algorithms() {
    let running = Running::start();
    for (name, args) in TYPES {
        running.add(&make_key(running.folder.path(), name, "", args));
    }
    let identities = running.identities().await;
    let origins: Vec<_> = identities.iter().map(Identity::origin).collect();
    let names = TYPES.map(|(name, _)| format!("agent, {name}"));
    assert_eq!(origins, names);
    let provider = provider::default();
    for identity in &identities {
        for algorithm in identity.algorithms() {
            let signature = identity.sign(algorithm, b"data").await.unwrap();
            let (signature, name) = wire::utf8(&signature).unwrap();
            assert_eq!(name, algorithm);
            let verifier = provider.verifier(algorithm).unwrap();
            let key = identity.public_key().wire();
            assert_eq!(verifier.verify(key, b"data", signature), Ok(()), "{algorithm}");
        }
    }
}

#[tokio::test]
async fn an_agent_signs_for_many_at_once() {
    let running = Running::start();
    running.add(&make_key(running.folder.path(), "key", "", &["-t", "ed25519"]));
    let identity = running.identities().await.remove(0);
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..50_u8 {
        let identity = identity.clone();
        tasks.spawn(async move { identity.sign("ssh-ed25519", &[number]).await.is_ok() });
    }
    assert_eq!(tasks.join_all().await, [true; 50]);
}

#[tokio::test]
async fn a_key_that_was_taken_out_does_not_sign() {
    let running = Running::start();
    running.add(&make_key(running.folder.path(), "key", "", &["-t", "ed25519"]));
    let identity = running.identities().await.remove(0);
    running.ssh_add(&["-q", "-D"], b"");
    let error = identity.sign("ssh-ed25519", b"data").await.unwrap_err();
    assert_eq!(error.to_string(), format!("ssh-agent at {}: it refused", running.socket.display()),);
    assert!(matches!(error, Error::Agent(error) if matches!(error.cause(), Cause::Refused)));
    assert!(running.identities().await.is_empty());
}

#[tokio::test]
async fn certificates_sign_as_their_keys() {
    let running = Running::start();
    let folder = running.folder.path();
    let authority = make_key(folder, "authority", "", &["-t", "ed25519"]);
    let key = make_key(folder, "key", "", &["-t", "ed25519"]);
    let public = key.with_extension("pub");
    ssh_keygen(&["-q", "-s", text(&authority), "-I", "me", "-n", "me", text(&public)], b"");
    running.add(&key);
    let identities = running.identities().await;
    let certified: Vec<_> = identities.iter().map(|it| it.certificate().is_some()).collect();
    assert_eq!(certified, [false, true]);
    assert_eq!(identities[0].public_key(), identities[1].public_key());
    let certificate = identities[1].certificate().unwrap();
    assert_eq!(certificate.key_id(), "me");
    let signature = identities[1].sign("ssh-ed25519", b"data").await.unwrap();
    let (signature, _) = wire::utf8(&signature).unwrap();
    let provider = provider::default();
    let verifier = provider.verifier(certificate.key_type()).unwrap();
    assert_eq!(verifier.verify(certificate.wire(), b"data", signature), Ok(()));
}

#[tokio::test]
async fn an_agent_that_is_gone_is_told() {
    let running = Running::start();
    let agent = running.agent();
    drop(running);
    let error = agent.keys().await.unwrap_err();
    assert!(matches!(error.cause(), Cause::Connect(_)), "{error}");
}
