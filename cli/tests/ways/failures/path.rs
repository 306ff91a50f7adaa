//! What is wrong on the path to a server.

use std::io::{Read, Write};
use std::net::SocketAddr;

use crate::failures::Case;
use crate::failures::stage::{Stage, at};
use crate::service::{service, speaker};

/// A SOCKS 5 proxy that answers this to the greeting, and this to the request.
fn socks(greeting: &'static [u8], reply: &'static [u8]) -> SocketAddr {
    service(move |mut stream| {
        let mut asked = [0; 256];
        let _ = stream.read(&mut asked);
        let _ = stream.write_all(greeting);
        let _ = stream.read(&mut asked);
        let _ = stream.write_all(reply);
        let _ = stream.read(&mut asked);
    })
}

/// The words to go somewhere by a proxy.
fn by(stage: &mut Stage, proxy: SocketAddr) -> Vec<String> {
    let to = stage.closed();
    stage.name(proxy.port(), "PROXY");
    at(to, &["--proxy", &format!("socks5h://{proxy}")])
}

/// A name for a name that this machine does not have.
fn named(host: &str, more: &[&str]) -> Vec<String> {
    let mut words = at(SocketAddr::from(([127, 0, 0, 1], 22)), more);
    if let Some(last) = words.last_mut() {
        *last = host.to_owned();
    }
    words
}

/// A port that takes no connection any more and refuses none.
fn full(stage: &mut Stage) -> SocketAddr {
    use socket2::{Domain, Socket, Type};

    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    listener.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap().as_socket().unwrap();
    for _ in 0..4 {
        let visitor = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        visitor.set_nonblocking(true).unwrap();
        let _ = visitor.connect(&address.into());
        stage.keep(visitor);
    }
    stage.keep(listener);
    stage.name(address.port(), "PORT");
    address
}

pub(super) const CASES: &[Case] = &[
    Case {
        name: "a name that has no address",
        set_up: |_| named("nowhere.invalid", &[]),
        exit: 10,
        step: "name",
        cause: "cannot connect to nowhere.invalid:22: no such name",
        hint: "check the host's name, and that names are resolved here",
    },
    Case {
        name: "no address of the family",
        set_up: |_| named("127.0.0.1", &["-6"]),
        exit: 10,
        step: "name",
        cause: "cannot connect to 127.0.0.1:22: it has no address of that family",
        hint: "leave out -4 and -6, and AddressFamily",
    },
    Case {
        name: "an address that is none of this machine's",
        set_up: |_| named("127.0.0.1", &["-oBindAddress=192.0.2.77"]),
        exit: 10,
        step: "connection",
        cause: "cannot connect to 127.0.0.1:22: no interface here has the address 192.0.2.77",
        hint: "BindAddress is an address of this machine",
    },
    Case {
        name: "a port where nobody listens",
        set_up: |stage| at(stage.closed(), &[]),
        exit: 10,
        step: "connection",
        cause: "cannot connect to 127.0.0.1:CLOSED: connection refused",
        hint: "check the address and the port, and that a server listens there",
    },
    Case {
        name: "a host that does not answer",
        set_up: |stage| at(full(stage), &["-oConnectTimeout=1"]),
        exit: 10,
        step: "connection",
        cause: "cannot connect to 127.0.0.1:PORT: nothing answered within 1 s",
        hint: "check that no firewall is in the way, or raise ConnectTimeout",
    },
    Case {
        name: "a proxy that is not there",
        set_up: |stage| {
            let proxy = stage.taken();
            let mut words = by(stage, proxy);
            words[1] = format!("socks5h://{}", stage.closed());
            words
        },
        exit: 10,
        step: "connection",
        cause: "cannot connect to 127.0.0.1:CLOSED: cannot connect through the proxy \
                socks5h://127.0.0.1:CLOSED: it cannot be reached: connection refused",
        hint: "check the proxy's address, and that it can reach the server",
    },
    Case {
        name: "a proxy that does not lead there",
        set_up: |stage| by(stage, socks(&[5, 0], &[5, 2, 0, 1, 0, 0, 0, 0, 0, 0])),
        exit: 10,
        step: "connection",
        cause: "cannot connect to 127.0.0.1:CLOSED: cannot connect through the proxy \
                socks5h://127.0.0.1:PROXY: it answered: connection not allowed by its rules (SOCKS5 \
                reply 2)",
        hint: "check the proxy's address, and that it can reach the server",
    },
    Case {
        name: "a proxy that wants a login",
        set_up: |stage| by(stage, socks(&[5, 0xff], &[])),
        exit: 10,
        step: "connection",
        cause: "cannot connect to 127.0.0.1:CLOSED: cannot connect through the proxy \
                socks5h://127.0.0.1:PROXY: it wants a user and a password",
        hint: "put them into its URL: socks5://user:password@host:port",
    },
    Case {
        name: "a proxy that is none",
        set_up: |stage| by(stage, speaker(b"HTTP/1.1 400 Bad Request\r\n\r\n")),
        exit: 10,
        step: "connection",
        cause: "cannot connect to 127.0.0.1:CLOSED: cannot connect through the proxy \
                socks5h://127.0.0.1:PROXY: its answer is not understood: this is not SOCKS5",
        hint: "if it is an HTTP proxy, its URL begins with http://",
    },
    Case {
        name: "a command that ends",
        set_up: |_| named("host", &["-oProxyCommand=sh -c 'exit 7'"]),
        exit: 10,
        step: "identification",
        cause: "host: the peer closed the connection; the proxy command `sh -c 'exit 7'` ended: exit \
                status: 7",
        hint: "run the command by itself to see what it says",
    },
    Case {
        name: "a server on the way that does not forward",
        set_up: |stage| {
            let (outer, inner) = (stage.sshd("AllowTcpForwarding no"), stage.sshd(""));
            over(stage, outer, inner)
        },
        exit: 10,
        step: "connection",
        cause: "hop 2 of 2 (127.0.0.1): cannot connect to 127.0.0.1:PORT2: hop 1 of 2 (127.0.0.1) \
                answers: not allowed",
        hint: "that server must allow forwarding there: AllowTcpForwarding and PermitOpen in its \
               sshd_config, or --permit of adit serve",
    },
    Case {
        name: "a server on the way that finds nobody behind it",
        set_up: |stage| {
            let (outer, closed) = (stage.sshd(""), stage.closed());
            let hop = stage.server(outer).hop();
            let mut words = stage.enter(outer, &["-J", &hop]);
            let at = words.iter().position(|it| it == "-p").unwrap();
            words[at + 1] = closed.port().to_string();
            words
        },
        exit: 10,
        step: "connection",
        cause: "hop 2 of 2 (127.0.0.1): cannot connect to 127.0.0.1:CLOSED: hop 1 of 2 \
                (127.0.0.1) answers: connection refused",
        hint: "the connection is made by that server: check what it can reach",
    },
];

/// The words to enter one server over another.
fn over(stage: &Stage, outer: usize, inner: usize) -> Vec<String> {
    let hop = stage.server(outer);
    let (jump, key) = (hop.hop(), hop.file("user"));
    let words = stage.enter(inner, &["-J", &jump, "-i", &key]);
    let known = stage.server(inner).file("known_hosts");
    std::fs::write(known, hop.known() + &stage.server(inner).known()).unwrap();
    words
}
