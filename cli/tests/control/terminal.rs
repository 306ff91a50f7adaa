//! Clients at a terminal.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, Command};

use rustix::fs::{Mode, OFlags, open};
use rustix::process::Signal;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

use crate::stage::{Stage, wait_until};

/// A terminal, and a program that has it as its controlling one.
struct Screen {
    here: File,
    there: OwnedFd,
    child: Child,
    shown: Vec<u8>,
}

impl Screen {
    fn start(command: &Command) -> Self {
        let here = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&here).unwrap();
        unlockpt(&here).unwrap();
        let name = ptsname(&here, Vec::new()).unwrap();
        let there = open(&*name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
        tcsetwinsize(&here, size(80, 24)).unwrap();
        let stream = || there.try_clone().unwrap();
        // Nothing else gives a process a terminal that it controls.
        let child = Command::new("setsid")
            .args(["--ctty", "--wait"])
            .arg(command.get_program())
            .args(command.get_args())
            .env("TERM", "vt220")
            .env_remove("SSH_AUTH_SOCK")
            .stdin(stream())
            .stdout(stream())
            .stderr(stream())
            .spawn()
            .unwrap();
        Self { here: File::from(here), there, child, shown: Vec::new() }
    }

    /// Waits until these words are shown.
    fn expect(&mut self, words: &str) {
        let mut chunk = [0; 4096];
        while !self.text().contains(words) {
            let len = self.here.read(&mut chunk).unwrap();
            self.shown.extend_from_slice(&chunk[..len]);
        }
        let shown = self.text();
        let (_, rest) = shown.split_once(words).unwrap();
        self.shown = rest.into();
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.shown).into_owned()
    }

    fn types(&mut self, text: &str) {
        self.here.write_all(text.as_bytes()).unwrap();
    }

    fn is_raw(&self) -> bool {
        !tcgetattr(self.there.as_fd()).unwrap().local_modes.contains(LocalModes::ICANON)
    }

    fn end(mut self) -> i32 {
        self.child.wait().unwrap().code().unwrap_or(-1)
    }
}

fn size(columns: u16, rows: u16) -> Winsize {
    Winsize { ws_col: columns, ws_row: rows, ws_xpixel: 0, ws_ypixel: 0 }
}

#[test]
fn a_terminal_is_resized_and_escapes_work_by_way_of_a_master() {
    let stage = Stage::new();
    let _master = stage.master(&[]);
    let mut screen = Screen::start(&stage.ssh(&["-tt"], &["echo $TERM; stty size; exec sh"]));
    screen.expect("vt220");
    screen.expect("24 80");
    assert!(screen.is_raw());
    tcsetwinsize(&screen.here, size(100, 30)).unwrap();
    // Nothing tells that the size has arrived.
    wait_until("the size does not change", || {
        screen.types("stty size; echo th\"\"ere\r");
        let mut shown = String::new();
        let mut chunk = [0; 4096];
        while !shown.contains("there") {
            let len = screen.here.read(&mut chunk).unwrap();
            shown.push_str(&String::from_utf8_lossy(&chunk[..len]));
        }
        shown.contains("30 100")
    });
    screen.types("\r~?");
    screen.expect("Supported escape sequences");
    screen.types("exit 11\r");
    screen.expect("Shared connection to 127.0.0.1 closed.");
    assert_eq!(screen.end(), 11);
    let mut screen = Screen::start(&stage.ssh(&["-t"], &["echo runs; cat"]));
    screen.expect("runs");
    screen.types("~.");
    assert_eq!(screen.end(), 255);
    stage.order("check", &[]).expect(0, &[]);
}

#[test]
fn the_terminal_is_as_it_was_when_the_master_was_killed() {
    let stage = Stage::new();
    let master = stage.master(&[]);
    let mut screen = Screen::start(&stage.ssh(&["-t"], &["echo runs; cat"]));
    screen.expect("runs");
    assert!(screen.is_raw());
    master.signal(Signal::KILL);
    screen.expect("the master of the connection has ended");
    wait_until("the terminal stays raw", || !screen.is_raw());
    assert_eq!(screen.end(), 255);
}

#[test]
fn a_master_in_the_background_leaves_the_terminal() {
    let stage = Stage::new();
    let options = ["-o", "ControlMaster=auto", "-o", "ControlPersist=yes", "-t"];
    let mut screen = Screen::start(&stage.ssh(&options, &["echo runs; tty; exit 12"]));
    screen.expect("runs");
    screen.expect("Shared connection to 127.0.0.1 closed.");
    assert_eq!(screen.end(), 12);
    stage.order("check", &[]).expect(0, &[]);
    stage.order("exit", &[]).expect(0, &[]);
    stage.server.wait();
}
