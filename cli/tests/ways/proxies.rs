//! Proxies on the way to the first server.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::sync::mpsc;
use std::thread;

use crate::adit::{Adit, command, run};
use crate::server::{Server, open};
use crate::service::{echo, nobody, service, silence};

/// A proxy for HTTP CONNECT that tells the head of each request, and lets in who says so.
fn http(login: &'static str) -> (SocketAddr, mpsc::Receiver<String>) {
    let (tell, told) = mpsc::channel();
    let address = service(move |stream| {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut head = String::new();
        while reader.read_line(&mut head).unwrap() > 2 {}
        let mut stream = stream;
        tell.send(head.clone()).unwrap();
        if !head.contains(login) {
            stream.write_all(b"HTTP/1.1 407 Login\r\nContent-Length: 0\r\n\r\n").unwrap();
            return;
        }
        let target = head.split(' ').nth(1).unwrap();
        let mut far = TcpStream::connect(target).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        let (mut to, mut from) = (far.try_clone().unwrap(), stream.try_clone().unwrap());
        let forth = thread::spawn(move || {
            let _ = std::io::copy(&mut from, &mut to);
            let _ = to.shutdown(std::net::Shutdown::Write);
        });
        let _ = std::io::copy(&mut far, &mut stream);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        forth.join().unwrap();
    });
    (address, told)
}

#[test]
fn every_kind_of_proxy_leads_to_the_first_server_and_jumps_go_on_from_there() {
    let target = echo(b"!").to_string();
    let last = Server::adit(std::slice::from_ref(&target));
    let first = Server::adit(&[last.address.to_string()]);
    let beyond = Server::adit(&[first.address.to_string()]);
    let mut proxy = Adit::start(command(&open(&[&beyond], &["-D", "127.0.0.1:0"])));
    let address = proxy.listening();
    for scheme in ["socks5", "socks5h", "http"] {
        let url = format!("{scheme}://{address}");
        let more = ["-W", &target, "--proxy", &url];
        let left = run(command(&open(&[&first, &last], &more)), b"hello");
        left.expect(0, &[]);
        assert_eq!((left.stdout.as_slice(), left.stderr.as_str()), (&b"hello!"[..], ""));
    }
    // It leads nowhere else.
    let url = format!("socks5h://{address}");
    let left = run(command(&open(&[&last], &["-W", &target, "--proxy", &url])), b"");
    left.expect(10, &["through the proxy socks5h://127.0.0.1", "not allowed"]);
}

#[test]
fn the_environment_names_a_proxy_with_its_password_and_nothing_shows_it() {
    let target = echo(b"!").to_string();
    let server = Server::adit(std::slice::from_ref(&target));
    let (proxy, told) = http("Basic YWRhOnNlY3JldA==");
    let words = open(&[&server], &["-vvv", "-W", &target]);
    let with = |words: &[String], url: &str| {
        let mut open = command(words);
        open.env("ADIT_PROXY", url);
        run(open, b"hello")
    };
    let left = with(&words, &format!("http://ada:secret@{proxy}"));
    left.expect(0, &[]);
    assert_eq!(left.stdout, b"hello!");
    assert!(!left.stderr.contains("secret") && !left.stderr.contains("YWRh"), "{}", left.stderr);
    assert!(told.recv().unwrap().starts_with(&format!("CONNECT {} ", server.address)));
    with(&words, &format!("http://ada:wrong@{proxy}")).expect(10, &["user and password"]);
    // What the user says goes before it.
    for way in ["--proxy=none", "-oProxyCommand=false"] {
        let code = with(&open(&[&server], &["-W", &target, way]), "http://nowhere.invalid").code;
        assert_eq!(code, if way.contains("none") { 0 } else { 10 }, "{way}");
    }
}

#[test]
fn a_file_has_the_password_if_nobody_else_can_read_it() {
    let target = echo(b"!").to_string();
    let server = Server::adit(std::slice::from_ref(&target));
    let (proxy, _told) = http("Basic YWRhOnNlY3JldA==");
    let (url, file) = (format!("http://{proxy}"), server.file("login"));
    let more = ["-W", &target, "--proxy", &url, "--proxy-credentials", &file];
    let words = open(&[&server], &more);
    run(command(&words), b"").expect(2, &[&file]);
    fs::write(&file, "ada:secret\n").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    run(command(&words), b"").expect(2, &["others can read"]);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    run(command(&words), b"").expect(0, &[]);
    for wrong in ["ada", ":x", "ada:x\nbob:y\n"] {
        fs::write(&file, wrong).unwrap();
        run(command(&words), b"").expect(2, &["user:password"]);
    }
}

#[test]
fn a_password_that_everybody_can_read_is_warned_of() {
    let server = Server::adit(&[]);
    let url = format!("http://ada:secret@{}", nobody());
    let left = run(command(&open(&[&server], &["-W", "h:1", "--proxy", &url])), b"");
    left.expect(10, &["warning: others", "it cannot be reached: connection refused"]);
    assert!(!left.stderr.contains("secret"), "{}", left.stderr);
}

#[test]
fn a_proxy_that_says_nothing_is_given_up() {
    let server = Server::adit(&[]);
    let url = format!("socks5h://{}", silence());
    let more = ["-W", "h:1", "--proxy", &url, "-oConnectTimeout=1"];
    run(command(&open(&[&server], &more)), b"").expect(10, &["cannot connect to 127.0.0.1:"]);
}

#[test]
fn what_is_no_proxy_or_one_too_many_is_refused() {
    let server = Server::adit(&[]);
    let cases: [(&[&str], &str); 3] = [
        (&["--proxy", "ftp://p"], "--proxy: "),
        (&["--proxy-credentials", "x"], "without a proxy"),
        (&["--proxy", "http://p", "-oProxyCommand=nc"], "both say"),
    ];
    for (more, words) in cases {
        let more = [&["-W", "h:1"], more].concat();
        run(command(&open(&[&server], &more)), b"").expect(2, &[words]);
    }
}

#[test]
fn the_first_connection_comes_from_the_address_that_is_wanted() {
    let (tell, told) = mpsc::channel();
    let witness = service(move |stream| tell.send(stream.peer_addr().unwrap().ip()).unwrap());
    let port = witness.port().to_string();
    let words = ["open", "-W", "h:1", "-oBatchMode=yes", "-oBindAddress=127.0.0.3", "-p", &port];
    let mut words: Vec<_> = words.map(str::to_owned).into();
    words.push("127.0.0.1".to_owned());
    assert_ne!(run(command(&words), b"").code, 0);
    assert_eq!(told.recv().unwrap().to_string(), "127.0.0.3");
}
