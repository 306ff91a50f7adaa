//! Programs that the machine's `ssh` has run by `adit serve`.

mod accounts;
mod beside_sshd;
mod displays;
mod hostile;
mod permits;
mod programs;
mod putty;
mod raw;
mod terminals;

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::house::{Gateway, House};

/// A rule that allows all that sessions have.
pub(crate) const SESSIONS: &str = "[[rule]]\nname = \"sessions\"\naction = \"allow\"\n\
    sessions = [\"shell\", \"exec\", \"pty\", \"agent\", \"x11\", \"subsystem:sftp\"]\n\
    [subsystems]\nsftp = \"/usr/lib/openssh/sftp-server\"\n";

/// The name of who runs this.
pub(crate) fn me() -> String {
    let output = Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A house where ann may have everything, as whoever runs this.
pub(crate) fn house() -> House {
    let house = House::new();
    house.configure(&format!("account = \"{}\"\n{SESSIONS}", me()));
    house
}

/// `ssh` as ann, with these options and this command.
pub(crate) fn ssh(house: &House, gateway: &Gateway, options: &[&str], command: &str) -> Command {
    let mut ssh = house.ssh(gateway, "ann");
    ssh.args(["-o", "LogLevel=ERROR"]).args(options).args(["ann@127.0.0.1", command]);
    ssh
}

/// Runs a command with this input: the exit code, output, errors.
pub(crate) fn exec(
    house: &House,
    gateway: &Gateway,
    command: &str,
    input: &[u8],
) -> (i32, Vec<u8>, String) {
    let mut ssh = ssh(house, gateway, &[], command);
    ssh.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = ssh.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    // A program that reads no input breaks the pipe.
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code().unwrap_or(-1), output.stdout, errors)
}

/// Waits until no process of this number runs any more; one that waits to be collected does not.
pub(crate) fn is_gone(process: &str) {
    let until = Instant::now() + Duration::from_secs(30);
    let state = || {
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        Some(stat.rsplit(')').next()?.trim().chars().next()? != 'Z')
    };
    while state() == Some(true) {
        assert!(Instant::now() < until, "process {process} is still there");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Whether this is root; where not, says what is not tried.
pub(crate) fn is_root(what: &str) -> bool {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        eprintln!("not tried without root: {what}");
    }
    is_root
}
