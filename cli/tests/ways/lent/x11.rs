//! Programs at the server show windows on a display here.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::thread;

use crate::adit::{Left, command, run};
use crate::lent::display::Display;
use crate::lent::ssh;
use crate::server::Server;

/// Waits until so many clocks are seen on the display.
pub(super) const CLOCKS: &str = "\
clocks() { until [ $(xwininfo -root -tree | grep -c '\"xclock\"') = $1 ]; do sleep 0.1; done; }; ";

/// An `sshd` that forwards displays, or not.
pub(super) fn sshd(forwards: &str) -> Server {
    let server = Server::sshd("");
    let config = std::fs::read_to_string(server.file("sshd_config")).unwrap();
    let more = format!("X11Forwarding {forwards}\n");
    std::fs::write(server.file("sshd_config"), config + &more).unwrap();
    server
}

fn show(display: &Display, server: &Server, more: &[&str], said: &str) -> Left {
    run(display.lend(command(&ssh(&[server], more, said))), b"")
}

#[test]
fn xdpyinfo_and_xclock_show_on_the_display() {
    let Some(display) = Display::start("xdpyinfo_and_xclock_show_on_the_display") else { return };
    let server = sshd("yes");
    let said = format!(
        "{CLOCKS} xdpyinfo | grep -c vendor.string; xclock & clock=$!; clocks 1; kill $clock; \
         wait; exit 7"
    );
    let left = show(&display, &server, &["-Y"], &said);
    left.expect(7, &[]);
    assert_eq!(left.stdout, b"1\n");
}

#[test]
fn twenty_clients_show_at_once() {
    let Some(display) = Display::start("twenty_clients_show_at_once") else { return };
    let said = format!(
        "{CLOCKS} all=; for _ in $(seq 20); do xclock & all=\"$all $!\"; done; clocks 20; \
         kill $all; wait; echo seen"
    );
    let left = show(&display, &sshd("yes"), &["-Y"], &said);
    left.expect(0, &[]);
    assert_eq!(left.stdout, b"seen\n");
}

#[test]
fn a_wrong_cookie_and_none_are_refused() {
    let Some(display) = Display::start("a_wrong_cookie_and_none_are_refused") else { return };
    let said = "cp $XAUTHORITY $XAUTHORITY.wrong; XAUTHORITY=$XAUTHORITY.wrong; \
                xauth -q add $DISPLAY MIT-MAGIC-COOKIE-1 00112233445566778899aabbccddeeff; \
                xdpyinfo >/dev/null; XAUTHORITY=/nonexistent xdpyinfo >/dev/null; \
                XAUTHORITY=${XAUTHORITY%.wrong} xdpyinfo >/dev/null && echo right";
    let left = show(&display, &sshd("yes"), &["-Y"], said);
    left.expect(0, &["refused an X11 connection: the cookie is wrong"]);
    assert_eq!(left.stderr.matches("unable to open display").count(), 2, "{}", left.stderr);
    assert_eq!(left.stdout, b"right\n");
}

#[test]
fn without_forwarding_there_is_no_display_and_a_word_of_it() {
    let name = "without_forwarding_there_is_no_display_and_a_word_of_it";
    let Some(display) = Display::start(name) else { return };
    let said = "echo ${DISPLAY-none}";
    let left = show(&display, &sshd("no"), &["-Y"], said);
    left.expect(0, &["the server forwards no X11"]);
    assert_eq!(left.stdout, b"none\n");
    let server = sshd("yes");
    for more in [&[][..], &["-x"], &["-Y", "-x"]] {
        let left = show(&display, &server, more, said);
        left.expect(0, &[]);
        assert_eq!(left.stdout, b"none\n", "{more:?}");
    }
    let left = run(command(&ssh(&[&server], &["-Y"], said)), b"");
    left.expect(0, &["X11 is not forwarded: DISPLAY is not set"]);
}

#[test]
fn untrusted_programs_see_little_and_not_for_long() {
    let name = "untrusted_programs_see_little_and_not_for_long";
    let Some(display) = Display::start(name) else { return };
    let server = sshd("yes");
    let more = ["-X", "-oForwardX11Trusted=no", "-oForwardX11Timeout=4"];
    // What they may not see is among the extensions; the time is that of the client.
    let said = "xdpyinfo | grep -c -e XTEST -e SECURITY; \
                until ! xdpyinfo >/dev/null 2>&1; do sleep 0.2; done; echo over";
    let left = show(&display, &server, &more, said);
    left.expect(0, &["refused an X11 connection: the time for X11 is over"]);
    assert_eq!(left.stdout, b"0\nover\n");
}

#[test]
fn where_no_untrusted_cookie_can_be_made_nothing_is_forwarded() {
    let name = "where_no_untrusted_cookie_can_be_made_nothing_is_forwarded";
    let Some(display) = Display::start(name) else { return };
    let more = ["-X", "-oForwardX11Trusted=no", "-oXAuthLocation=/nonexistent/xauth"];
    let left = show(&display, &sshd("yes"), &more, "echo ${DISPLAY-none}");
    left.expect(0, &["X11 is not forwarded: xauth makes no cookie", "hint: ", "-Y"]);
    assert_eq!(left.stdout, b"none\n");
}

#[test]
fn a_display_is_reached_in_the_abstract_namespace_alone() {
    let name = "a_display_is_reached_in_the_abstract_namespace_alone";
    let Some(display) = Display::start_with(name, &["-nolisten", "unix"]) else { return };
    let left = show(&display, &sshd("yes"), &["-Y"], "xdpyinfo | grep -c vendor.string");
    left.expect(0, &[]);
    assert_eq!(left.stdout, b"1\n");
}

#[test]
fn a_display_that_is_forwarded_over_tcp_is_forwarded_further() {
    let name = "a_display_that_is_forwarded_over_tcp_is_forwarded_further";
    let Some(display) = Display::start(name) else { return };
    let (first, second) = (sshd("yes"), sshd("yes"));
    let words = ssh(&[&second], &["-Y"], "echo $DISPLAY; xdpyinfo | grep -c vendor.string");
    let quoted: String = words.iter().map(|word| format!(" '{word}'")).collect();
    let said = format!("echo $DISPLAY; exec {}{quoted}", env!("CARGO_BIN_EXE_adit"));
    let left = show(&display, &first, &["-Y"], &said);
    left.expect(0, &[]);
    let stdout = String::from_utf8(left.stdout).unwrap();
    let lines: Vec<&str> = stdout.lines().collect();
    let [one, two, "1"] = lines[..] else { panic!("{stdout}") };
    assert!(one.starts_with("localhost:") && two.starts_with("localhost:") && one != two);
}

/// Takes one connection, passes it on to this port, and writes down all that goes either way.
fn recorder(to: u16) -> (u16, Arc<Mutex<Vec<u8>>>) {
    let mut ports = 6_500..;
    let (listener, port) = ports
        .find_map(|port| Some((TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok()?, port)))
        .unwrap();
    let record = Arc::new(Mutex::new(Vec::new()));
    let written = Arc::clone(&record);
    thread::spawn(move || {
        let (near, _) = listener.accept().unwrap();
        let far = TcpStream::connect((Ipv4Addr::LOCALHOST, to)).unwrap();
        let copy = |mut from: TcpStream, mut to: TcpStream, record: Arc<Mutex<Vec<u8>>>| {
            thread::spawn(move || {
                let mut bytes = [0; 4096];
                while let Ok(len @ 1..) = from.read(&mut bytes) {
                    record.lock().unwrap().extend(&bytes[..len]);
                    if to.write_all(&bytes[..len]).is_err() {
                        break;
                    }
                }
                let _ = to.shutdown(std::net::Shutdown::Write);
            })
        };
        let _there =
            copy(near.try_clone().unwrap(), far.try_clone().unwrap(), Arc::clone(&written));
        let _back = copy(far, near, written);
    });
    (port, record)
}

fn bytes(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks(2);
    pairs.map(|it| u8::from_str_radix(str::from_utf8(it).unwrap(), 16).unwrap()).collect()
}

#[test]
fn the_real_cookie_is_never_seen_at_the_server() {
    let name = "the_real_cookie_is_never_seen_at_the_server";
    let Some(display) = Display::start(name) else { return };
    let server = sshd("yes");
    // What the program says, and hears, goes by somebody who writes it down.
    let said = "xauth list; echo $DISPLAY; read -r number; \
                set -- $(xauth list | head -1); xauth -q add localhost:$number $2 $3; \
                DISPLAY=localhost:$number xdpyinfo | grep vendor.string; env; set";
    let mut adit = display
        .lend(command(&ssh(&[&server], &["-Y"], said)))
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(adit.stdout.take().unwrap());
    let (mut list, mut place) = (String::new(), String::new());
    stdout.read_line(&mut list).unwrap();
    stdout.read_line(&mut place).unwrap();
    let announced = list.split_whitespace().last().unwrap().to_owned();
    let number: u16 =
        place.trim().strip_prefix("localhost:").unwrap().trim_end_matches(".0").parse().unwrap();
    let (port, record) = recorder(6000 + number);
    writeln!(adit.stdin.take().unwrap(), "{}", port - 6000).unwrap();
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    assert!(adit.wait().unwrap().success());
    assert!(rest.contains("vendor string"), "{rest}");
    let record = record.lock().unwrap();
    let has = |cookie: &str| record.windows(16).any(|it| it == bytes(cookie));
    assert!(has(&announced) && !has(&display.cookie));
    let all = list + &rest;
    assert!(all.contains(&announced) && !all.contains(&display.cookie), "{all}");
}
