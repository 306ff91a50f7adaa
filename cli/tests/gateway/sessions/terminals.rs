//! Programs on a terminal.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};

use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::house::{Gateway, House};
use crate::sessions::{house, is_root, ssh};

/// `ssh` on a terminal of the test's.
struct Seat {
    master: File,
    child: Child,
    said: String,
}

fn size(rows: u16, columns: u16) -> Winsize {
    Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }
}

impl Seat {
    fn new(house: &House, gateway: &Gateway, command: &str) -> Self {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let master = openpt(flags).unwrap();
        unlockpt(&master).unwrap();
        let slave = ioctl_tiocgptpeer(&master, flags).unwrap();
        tcsetwinsize(&slave, size(33, 77)).unwrap();
        let ssh = ssh(house, gateway, &["-tt"], command);
        let mut on_terminal = Command::new("setsid");
        on_terminal.args(["--ctty", "--wait"]).arg(ssh.get_program()).args(ssh.get_args());
        on_terminal.env("TERM", "vt100").env_remove("SSH_AUTH_SOCK");
        on_terminal.stdin(Stdio::from(slave.try_clone().unwrap()));
        on_terminal.stdout(Stdio::from(slave.try_clone().unwrap())).stderr(Stdio::from(slave));
        let child = on_terminal.spawn().unwrap();
        Self { master: File::from(master), child, said: String::new() }
    }

    /// Waits until this was said.
    fn expect(&mut self, words: &str) {
        let mut piece = [0; 1024];
        while !self.said.contains(words) {
            let len = self.master.read(&mut piece).unwrap_or(0);
            assert!(len > 0, "it ended before it said {words:?}: {:?}", self.said);
            self.said.push_str(&String::from_utf8_lossy(piece.get(..len).unwrap()));
        }
    }

    fn end(mut self) -> i32 {
        let mut piece = [0; 1024];
        while let Ok(1..) = self.master.read(&mut piece) {}
        self.child.wait().unwrap().code().unwrap_or(-1)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_terminal_is_as_the_client_has_it_and_follows_its_size() {
    let house = house();
    let gateway = house.serve();
    let line = "stty size; echo $TERM; test $SSH_TTY = $(tty) && echo same; \
        trap 'stty size' WINCH; trap 'exit 12' INT; echo ready; while :; do sleep 0.05; done";
    let mut seat = Seat::new(&house, &gateway, line);
    for words in ["33 77", "vt100", "same", "ready"] {
        seat.expect(words);
    }
    tcsetwinsize(&seat.master, size(44, 88)).unwrap();
    seat.expect("44 88");
    // Its program is interrupted by a character, which the terminal over there makes a signal of.
    seat.master.write_all(&[3]).unwrap();
    assert_eq!(seat.end(), 12);
}

#[test]
fn the_size_changes_while_much_is_written() {
    let house = house();
    let gateway = house.serve();
    let line = "trap 'stty size; exit 5' WINCH; echo ready; while :; do echo much; done";
    let mut seat = Seat::new(&house, &gateway, line);
    seat.expect("ready");
    tcsetwinsize(&seat.master, size(50, 99)).unwrap();
    seat.expect("50 99");
    assert_eq!(seat.end(), 5);
}

#[test]
fn a_program_whose_terminal_is_gone_is_hung_up() {
    let house = house();
    let gateway = house.serve();
    let path = house.path("hung-up");
    let line =
        format!("trap 'echo yes >{path}; exit' HUP; echo ready; while :; do sleep 0.05; done");
    let mut seat = Seat::new(&house, &gateway, &line);
    seat.expect("ready");
    seat.child.kill().unwrap();
    drop(seat);
    while !house.at().join("hung-up").exists() {
        std::thread::yield_now();
    }
}

#[test]
fn a_terminal_belongs_to_its_user() {
    if !is_root("terminals of other users") {
        return;
    }
    let house = house();
    let gateway = house.serve();
    let mut seat = Seat::new(&house, &gateway, "stat -c '%U %a' $(tty)");
    seat.expect("root 620");
    assert_eq!(seat.end(), 0);
}
