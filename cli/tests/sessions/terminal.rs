//! The user at a terminal.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

use crate::adit::PATIENCE;
use crate::caller::{BOTH, Caller, server};

/// A terminal, and who is called at it.
struct Terminal {
    user: File,
    device: OwnedFd,
    child: Child,
    shown: Vec<u8>,
}

impl Terminal {
    fn call(mut command: Command) -> Self {
        let user = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&user).unwrap();
        unlockpt(&user).unwrap();
        let name = ptsname(&user, Vec::new()).unwrap();
        let device = File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap();
        let device = OwnedFd::from(device);
        set_size(&device, 24, 80);
        let end = || device.try_clone().unwrap();
        let child = command.env("TERM", "vt220").stdin(end()).stdout(end()).stderr(end());
        let child = child.spawn().unwrap();
        drop(command);
        Self { user: user.into(), device, child, shown: Vec::new() }
    }

    /// Waits until this is shown, behind what was waited for before.
    fn expect(&mut self, words: &str) {
        let mut buffer = [0; 65_536];
        loop {
            let at = self.shown.windows(words.len()).position(|it| it == words.as_bytes());
            if let Some(at) = at {
                self.shown.drain(..at + words.len());
                return;
            }
            // The device stays open here, so that the end of the call is none of the terminal.
            let mut ready = [PollFd::new(&self.user, PollFlags::IN)];
            let count = poll(&mut ready, Some(&PATIENCE.try_into().unwrap())).unwrap();
            let shown = String::from_utf8_lossy(&self.shown);
            assert!(count > 0, "{words:?} is not shown, but {shown:?}");
            let len = self.user.read(&mut buffer).unwrap();
            self.shown.extend_from_slice(&buffer[..len]);
        }
    }

    fn type_in(&mut self, text: &[u8]) {
        self.user.write_all(text).unwrap();
    }

    fn is_raw(&self) -> bool {
        !tcgetattr(&self.device).unwrap().local_modes.contains(LocalModes::ICANON)
    }

    fn end(mut self) -> Option<i32> {
        let code = self.child.wait().unwrap().code();
        assert!(!self.is_raw(), "the terminal was left raw");
        code
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn set_size(device: &OwnedFd, rows: u16, columns: u16) {
    let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(device, size).unwrap();
}

/// Waits at the server until its terminal has this size, and shows it.
fn until(size: &str) -> String {
    format!("until [ \"$(stty size)\" = \"{size}\" ]; do sleep 0.02; done; stty size")
}

#[test]
fn a_terminal_is_there_with_its_kind_its_modes_and_its_size() {
    let server = server();
    for caller in BOTH {
        let mut terminal = Terminal::call(caller.call(
            &server,
            &["-t"],
            &[&format!("stty -a; echo $TERM; {}; exit 7", until("50 132"))],
        ));
        terminal.expect("rows 24; columns 80");
        terminal.expect("vt220");
        assert!(terminal.is_raw(), "{caller:?}");
        set_size(&terminal.device, 50, 132);
        // It would come by itself at a terminal that controls the process.
        kill_process(Pid::from_child(&terminal.child), Signal::WINCH).unwrap();
        terminal.expect("50 132");
        assert_eq!(terminal.end(), Some(7), "{caller:?}");
    }
}

#[test]
fn a_terminal_that_is_resized_during_output_loses_nothing() {
    let server = server();
    for caller in BOTH {
        let command = format!("seq 30000; {}; echo over", until("39 80"));
        let mut terminal = Terminal::call(caller.call(&server, &["-t"], &[&command]));
        terminal.expect("\n1000\r\n");
        for rows in 25..40 {
            set_size(&terminal.device, rows, 80);
            kill_process(Pid::from_child(&terminal.child), Signal::WINCH).unwrap();
        }
        terminal.expect("\n30000\r\n39 80\r\nover\r\n");
        assert_eq!(terminal.end(), Some(0), "{caller:?}");
    }
}

#[test]
fn keys_that_make_signals_go_to_the_program() {
    let server = server();
    for caller in BOTH {
        let command = "trap 'echo caught; exit 9' INT; echo ready; while :; do sleep 0.1; done";
        let mut terminal = Terminal::call(caller.call(&server, &["-t"], &[command]));
        terminal.expect("ready");
        terminal.type_in(b"\x03");
        terminal.expect("caught");
        assert_eq!(terminal.end(), Some(9), "{caller:?}");
    }
}

#[test]
fn escapes_are_known_at_the_begin_of_a_line_only() {
    let server = server();
    for caller in BOTH {
        let mut terminal = Terminal::call(caller.call(&server, &["-t"], &["echo ready; cat"]));
        terminal.expect("ready");
        terminal.type_in(b"x~.\r");
        terminal.expect("x~.\r\nx~.\r\n");
        terminal.type_in(b"~~.\r");
        terminal.expect("~.\r\n~.\r\n");
        terminal.type_in(b"~?");
        terminal.expect("Supported escape sequences");
        terminal.type_in(b"~#");
        terminal.expect("connection");
        terminal.type_in(b"~R");
        terminal.type_in(b"after\r");
        terminal.expect("after\r\nafter\r\n");
        terminal.type_in(b"~v");
        terminal.expect("[LogLevel VERBOSE]");
        terminal.type_in(b"~.");
        terminal.expect("closed.");
        assert_eq!(terminal.end(), Some(255), "{caller:?}");
    }
}

#[test]
fn without_a_terminal_or_with_none_nothing_is_an_escape() {
    let server = server();
    for caller in BOTH {
        let mut terminal =
            Terminal::call(caller.call(&server, &["-t", "-e", "none"], &["echo ready; head -n 1"]));
        terminal.expect("ready");
        terminal.type_in(b"~.\r");
        terminal.expect("~.\r\n~.\r\n");
        assert_eq!(terminal.end(), Some(0), "{caller:?}");
    }
}

#[test]
fn a_signal_leaves_the_terminal_as_it_was() {
    let server = server();
    let mut terminal =
        Terminal::call(Caller::Adit.call(&server, &["-t"], &["echo ready; sleep 60"]));
    terminal.expect("ready");
    assert!(terminal.is_raw());
    kill_process(Pid::from_child(&terminal.child), Signal::TERM).unwrap();
    assert_eq!(terminal.end(), Some(255));
}
