//! SIGHUP, while there are connections.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use rustix::process::Signal;

use crate::house::{ALL, Gateway, House, hello, run};

/// A tunnel of the machine's `ssh` that stays, ended with the test.
struct Tunnel {
    child: Child,
    ours: std::process::ChildStdin,
    theirs: std::process::ChildStdout,
}

impl Tunnel {
    fn open(house: &House, gateway: &Gateway, target: &str) -> Self {
        let mut command = house.ssh(gateway, "ann");
        command.args(["-W", target, "ann@127.0.0.1"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let (ours, theirs) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Self { child, ours, theirs }
    }

    /// Sends something and gets it back.
    fn exchange(&mut self) {
        self.ours.write_all(&[7; 4096]).unwrap();
        self.theirs.read_exact(&mut [0; 4096]).unwrap();
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A service that sends back what it gets.
fn echo() -> String {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream: TcpStream = stream.unwrap();
            thread::spawn(move || std::io::copy(&mut stream.try_clone().unwrap(), &mut stream));
        }
    });
    address.to_string()
}

#[test]
fn a_hundred_reloads_under_load_drop_nothing() {
    let house = House::new();
    let mut gateway = house.serve();
    let target = echo();
    let stop = Arc::new(AtomicBool::new(false));
    let rounds = Arc::new(AtomicU64::new(0));
    let busy: Vec<_> = (0..4)
        .map(|_| {
            let mut tunnel = Tunnel::open(&house, &gateway, &target);
            let (stop, rounds) = (Arc::clone(&stop), Arc::clone(&rounds));
            thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    tunnel.exchange();
                    rounds.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for round in 0..100 {
        let before = rounds.load(Ordering::Relaxed);
        house.configure(&format!("{ALL}targets = [\"*:*\"]\n# {round}\n"));
        gateway.signal(Signal::HUP);
        gateway.expect("the configuration was read again");
        while rounds.load(Ordering::Relaxed) == before {
            thread::yield_now();
        }
    }
    stop.store(true, Ordering::Relaxed);
    for thread in busy {
        thread.join().unwrap();
    }
}

#[test]
fn what_is_wrong_is_told_by_its_place_and_changes_nothing() {
    let house = House::new();
    let mut gateway = house.serve();
    let target = hello().to_string();
    house.configure("[[rule]]\nname = \"none\"\naction = \"perhaps\"\n");
    gateway.signal(Signal::HUP);
    let told = gateway.expect("adit-serve.toml:");
    assert!(told.starts_with("10:10: "), "{told}");
    gateway.expect("the configuration stays as it was");
    let mut ssh = house.ssh(&gateway, "ann");
    let (code, said, error) = run(ssh.args(["-W", &target, "ann@127.0.0.1"]));
    assert_eq!((code, &*said), (0, "hello"), "{error}");

    house.configure("");
    gateway.signal(Signal::HUP);
    gateway.expect("the configuration was read again");
    let mut ssh = house.ssh(&gateway, "ann");
    let (code, _, error) = run(ssh.args(["-W", &target, "ann@127.0.0.1"]));
    assert_eq!(code, 255);
    assert!(error.contains("the policy of the gateway does not permit it"), "{error}");
}

#[test]
fn the_addresses_that_are_listened_on_can_change() {
    let house = House::new();
    let mut gateway = house.serve();
    let before = gateway.address;
    let text = house.read("adit-serve.toml").replace("127.0.0.1:0", "127.0.0.2:0");
    std::fs::write(house.at().join("adit-serve.toml"), text).unwrap();
    gateway.signal(Signal::HUP);
    let after = gateway.expect("listening on ");
    gateway.expect("no longer listening on 127.0.0.1:0");
    gateway.expect("the configuration was read again");
    TcpStream::connect(after).unwrap();
    // The socket goes when its task next runs.
    while TcpStream::connect(before).is_ok() {
        thread::yield_now();
    }
}
