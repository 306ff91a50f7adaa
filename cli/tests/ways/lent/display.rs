//! A display of this machine, without a screen.

use std::env;
use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// What the tests of X11 call.
const PROGRAMS: [&str; 5] = ["Xvfb", "xauth", "xdpyinfo", "xclock", "xwininfo"];

/// A display that lets in who knows its cookie, ended with the test.
pub(super) struct Display {
    folder: TempDir,
    child: Child,
    pub(super) number: String,
    pub(super) cookie: String,
}

impl Display {
    /// Starts one. `None` where the machine lacks a program, which is told: `test` is not run then.
    pub(super) fn start(test: &str) -> Option<Self> {
        Self::start_with(test, &[])
    }

    /// The same, with more words for `Xvfb`.
    pub(super) fn start_with(test: &str, more: &[&str]) -> Option<Self> {
        if let Some(absent) = PROGRAMS.iter().find(|it| !is_there(it)) {
            declare_not_run(&format!("{test}: no {absent}"));
            return None;
        }
        let folder = TempDir::new().unwrap();
        let cookie: String =
            std::iter::repeat_with(|| format!("{:02x}", fastrand::u8(..))).take(16).collect();
        let server = folder.path().join("server");
        // The server takes the cookie of any display in its file.
        add(&server, ":0", &cookie);
        let mut child = Command::new("Xvfb")
            .args(["-displayfd", "1", "-nolisten", "tcp", "-noreset", "-auth"])
            .arg(&server)
            .args(more)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // It says its number as soon as it can be used.
        let mut number = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut number).unwrap();
        let number = number.trim().to_owned();
        assert!(number.parse::<u16>().is_ok(), "Xvfb ended");
        let display = Self { folder, child, number, cookie };
        add(&display.authority(), &display.name(), &display.cookie);
        Some(display)
    }

    /// What `DISPLAY` is.
    pub(super) fn name(&self) -> String {
        format!(":{}", self.number)
    }

    /// What `XAUTHORITY` is.
    pub(super) fn authority(&self) -> PathBuf {
        self.folder.path().join("client")
    }

    /// Lets a command use it.
    pub(super) fn lend(&self, mut command: Command) -> Command {
        command.env("DISPLAY", self.name()).env("XAUTHORITY", self.authority());
        command
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Adds a cookie to a file of `xauth`.
fn add(file: &Path, display: &str, cookie: &str) {
    let mut child = Command::new("xauth")
        .args(["-q", "-f"])
        .arg(file)
        .arg("-")
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    writeln!(stdin, "add {display} MIT-MAGIC-COOKIE-1 {cookie}").unwrap();
    drop(stdin);
    assert!(child.wait().unwrap().success());
}

fn is_there(program: &str) -> bool {
    env::split_paths(&env::var_os("PATH").unwrap()).any(|folder| folder.join(program).exists())
}

/// Says that a test is not run, as `cargo xtask test` tells it.
fn declare_not_run(line: &str) {
    eprintln!("not run: {line}");
    if let Some(path) = env::var_os("ADIT_TEST_NOT_RUN") {
        let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
        writeln!(file, "{line}").unwrap();
    }
}
