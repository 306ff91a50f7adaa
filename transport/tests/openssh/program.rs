//! The programs of OpenSSH, run to their end.

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Runs a program with this input, in the environment of a test: no agent, no terminal.
pub(crate) fn run<S: AsRef<OsStr>>(command: &mut Command, args: &[S], input: &[u8]) -> Output {
    let mut child = command
        .args(args)
        .env("LC_ALL", "C")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?} must be installed: {error}"));
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

/// Runs `openssl`, which must succeed.
pub(crate) fn openssl(args: &[&str]) {
    let output = run(&mut Command::new("openssl"), args, b"");
    assert!(output.status.success(), "openssl {args:?}: {output:?}");
}

/// What `ssh-keygen` prints; it must succeed.
pub(crate) fn ssh_keygen(args: &[&str], input: &[u8]) -> String {
    let output = run(&mut Command::new("ssh-keygen"), args, input);
    assert!(output.status.success(), "ssh-keygen {args:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// A path as an argument.
pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A fresh key pair in a folder, of the type that `args` say.
pub(crate) fn make_key(folder: &Path, name: &str, passphrase: &str, args: &[&str]) -> PathBuf {
    let path = folder.join(name);
    let fixed = ["-q", "-N", passphrase, "-C", name, "-f", text(&path)];
    ssh_keygen(&[&fixed[..], args].concat(), b"");
    path
}

/// The arguments that make keys of every type that can sign here.
pub(crate) const TYPES: [(&str, &[&str]); 5] = [
    ("ed25519", &["-t", "ed25519"]),
    ("nistp256", &["-t", "ecdsa", "-b", "256"]),
    ("nistp384", &["-t", "ecdsa", "-b", "384"]),
    ("nistp521", &["-t", "ecdsa", "-b", "521"]),
    ("rsa", &["-t", "rsa", "-b", "2048"]),
];
