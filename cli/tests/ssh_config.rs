//! `adit ssh -G` beside the machine's own `ssh -G`: the same words, the same files, the same text.

#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use std::fs;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

const SSH: &str = "/usr/bin/ssh";

const FILE: &str = "Host web
  HostName %h.example.org
  User me
Match exec \"test %n = web\" user root,me
  Port 2222
  ControlPath ~/.ssh/%C
Match localuser nobodyofthisname
  Port 1
Include part*
Host *
  ProtocolKeepAlives 30
  RSAAuthentication yes
";

/// Which release the machine's ssh is of, where that is one that adit knows.
fn release() -> Option<&'static str> {
    let said = Command::new(SSH).arg("-V").output().ok()?.stderr;
    let said = String::from_utf8_lossy(&said).into_owned();
    ["9.2", "10.0", "10.6"].into_iter().find(|it| said.starts_with(&format!("OpenSSH_{it}")))
}

fn run(mut command: Command, words: &[&str]) -> Output {
    command.args(words).stdin(Stdio::null()).output().unwrap()
}

fn adit() -> Command {
    let mut adit = Command::new(env!("CARGO_BIN_EXE_adit"));
    adit.args(["ssh", "-G"]);
    adit
}

#[test]
fn the_settings_are_those_of_ssh() {
    let Some(release) = release() else {
        println!("not compared: {SSH} of OpenSSH 9.2, 10.0 or 10.6 is missing");
        return;
    };
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("config");
    fs::write(&file, FILE).unwrap();
    let file = file.to_str().unwrap();
    for words in [
        &["web"][..],
        &["-F", file, "web"],
        &["-F", file, "you@web"],
        &["-F", file, "-l", "you", "-p", "3", "web"],
        &["-F", "none", "-o", "Port=4", "-p", "5", "host"],
        &["-F", "none", "-p5", "-oPort=4", "ssh://u%40v@host:6"],
        &["-F", "none", "-46", "-o", "AddressFamily=any", "host"],
        &["-F", "none", "-o", "Ciphers=aes128-ctr", "-c", "aes256-ctr", "-A", "-a", "host"],
        &["-Fnone", "-ACgnX", "-i", file, "-i", "/no where", "host"],
        &["-F", "none", "-Y", "-T", "-q", "-b", "192.0.2.1", "-B", "eth0", "host"],
        &["-F", "none", "-L", "1:a:2", "-R", "3:b:4", "-R", "5", "-D", "[::1]:6", "host"],
        &["-F", "none", "-W", "a:1", "-L", "1:a:2", "host"],
        &["-F", "none", "-N", "-f", "-J", "a,me@b:3", "host"],
        &["-F", "none", "-s", "host", "sftp"],
        &[
            "-F",
            "none",
            "-c",
            "+aes128-cbc",
            "-m",
            "hmac-sha2-256",
            "-e",
            "none",
            "host",
            "ls",
            "-l",
        ],
        &["-F", "none", "-M", "-S", "~/%h", "-I", "/lib/x.so", "host"],
    ] {
        let mut ssh = Command::new(SSH);
        ssh.arg("-G");
        let theirs = run(ssh, words);
        let ours = run(adit(), &[&["--like", release], words].concat());
        assert!(theirs.status.success() && ours.status.success(), "{words:?}: {ours:?}");
        let text = |output: Output| String::from_utf8(output.stdout).unwrap();
        assert_eq!(text(ours), text(theirs), "{words:?}");
    }
}

/// Command lines, one a line; `\\s` is a space in a word. Not among them is what adit takes or
/// refuses on purpose where ssh does not: a host of no letters, a port of no digits in `-J`, and
/// addresses in `ssh://`.
const WORDS: &str = include_str!("ssh_config/words.txt");

#[test]
fn command_lines_are_taken_and_refused_as_by_ssh() {
    let Some(release) = release().filter(|it| *it == "9.2") else {
        println!("not compared: {SSH} of OpenSSH 9.2 is missing");
        return;
    };
    let mut differ = Vec::new();
    for line in WORDS.lines() {
        let words: Vec<String> = line.split(' ').map(|word| word.replace("\\s", " ")).collect();
        let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
        if !words.iter().any(|word| word.starts_with("-F")) {
            words.splice(0..0, ["-F", "none"]);
        }
        let mut ssh = Command::new(SSH);
        ssh.arg("-G");
        let theirs = run(ssh, &words);
        let ours = run(adit(), &[&["--like", release], &*words].concat());
        let same = ours.status.code() == theirs.status.code()
            && (!theirs.status.success() || ours.stdout == theirs.stdout);
        if !same {
            differ.push(format!("{line}: {:?}, and ssh: {:?}", ours.status, theirs.status));
        }
    }
    assert!(WORDS.lines().count() >= 100 && differ.is_empty(), "{}", differ.join("\n"));
}

#[test]
fn what_is_wrong_is_named_with_its_line() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("config");
    let wrong = |text: &str, words: &[&str]| {
        fs::write(&file, text).unwrap();
        let output = run(adit(), &[&["-F", file.to_str().unwrap()], words].concat());
        assert_eq!(output.status.code(), Some(255), "{output:?}");
        assert!(output.stdout.is_empty());
        let at = file.display().to_string();
        String::from_utf8(output.stderr).unwrap().replace(&at, "FILE")
    };
    assert_eq!(
        wrong("Port 1\n\nFnord yes\n", &["host"]),
        "adit: FILE line 3: unknown keyword \"Fnord\"\nhint: where only other programs know it, \
         write IgnoreUnknown Fnord before it\n"
    );
    assert_eq!(
        wrong("Host x\n Port many\n", &["host"]),
        "adit: FILE line 2: port takes a port from 1 to 65535, which \"many\" is not\n"
    );
    assert_eq!(
        wrong("", &["-o", "Match=all", "host"]),
        "adit: command line: Match is for files only\nhint: write it into a file, and name that by -F\n"
    );
}

#[test]
fn what_is_not_supported_is_told() {
    let output = run(adit(), &["-F", "none", "-o", "RSAAuthentication=yes", "host"]);
    assert_eq!(output.status.code(), Some(0));
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said, "adit: warning: command line: RSAAuthentication is not supported\n");
}
