//! What is wrong with the one that answers: it is no server, has no algorithm in common, or is not
//! known.

use std::fs;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::path::Path;

use crate::failures::Case;
use crate::failures::stage::{Stage, at};
use crate::server::keygen;
use crate::service::{service, silence};

/// Somebody who says this, and then waits for the other side to go.
fn says(stage: &mut Stage, words: &'static [u8]) -> SocketAddr {
    let address = service(move |mut stream| {
        let _ = stream.write_all(words);
        let _ = stream.read_to_end(&mut Vec::new());
    });
    stage.name(address.port(), "PORT");
    address
}

/// Somebody who says this and goes.
fn says_and_goes(stage: &mut Stage, words: &'static [u8]) -> SocketAddr {
    let address = service(move |mut stream| {
        let _ = stream.write_all(words);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let _ = stream.read_to_end(&mut Vec::new());
    });
    stage.name(address.port(), "PORT");
    address
}

/// Another key than that of a server, as a line of a file of known hosts.
fn other_key(stage: &mut Stage, server: usize, mark: &str, own: &str) -> Vec<String> {
    let words = stage.enter(server, &[]);
    let other = stage.path("other");
    keygen(&other);
    let public = other.with_extension("pub");
    stage.name_key(&public.display().to_string(), "OTHER");
    let port = stage.server(server).address.port();
    let key = fs::read_to_string(if own.is_empty() { public } else { own.into() }).unwrap();
    let line = format!("{mark}[127.0.0.1]:{port} {key}");
    fs::write(stage.server(server).file("known_hosts"), line).unwrap();
    words
}

/// A server of OpenSSH that ends the connection with words in its first packet.
const FAREWELL: &[u8] = b"SSH-2.0-OpenSSH_9.2\r\n\
    \x00\x00\x00\x1c\x0b\x01\x00\x00\x00\x0b\x00\x00\x00\x03bye\x00\x00\x00\x00\
    \x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00";

pub(super) const CASES: &[Case] = &[
    Case {
        name: "a server of another protocol",
        set_up: |stage| at(says_and_goes(stage, b"HTTP/1.1 400 Bad Request\r\n\r\n"), &[]),
        exit: 11,
        step: "identification",
        cause: "127.0.0.1: the peer does not speak ssh: it says \"HTTP/1.1 400 Bad Request\"",
        hint: "something else than ssh listens there: check the port",
    },
    Case {
        name: "a server that is full",
        set_up: |stage| at(says_and_goes(stage, b"Exceeded MaxStartups\r\n"), &[]),
        exit: 11,
        step: "identification",
        cause: "127.0.0.1: the peer does not speak ssh: it says \"Exceeded MaxStartups\"",
        hint: "the server has too many connections that are not logged in (MaxStartups of sshd), \
               or refuses your address for a while (PerSourcePenalties): try again later",
    },
    Case {
        name: "a server of the old version",
        set_up: |stage| at(says(stage, b"SSH-1.5-old\r\n"), &[]),
        exit: 11,
        step: "identification",
        cause: "127.0.0.1: the peer speaks another version of ssh: \"SSH-1.5-old\"",
        hint: "nothing but version 2 is safe: the server needs newer software",
    },
    Case {
        name: "a server that closes at once",
        set_up: |stage| at(says_and_goes(stage, b""), &[]),
        exit: 15,
        step: "identification",
        cause: "127.0.0.1: the peer closed the connection",
        hint: "the server may have too many connections or refuse your address (MaxStartups, \
               PerSourcePenalties of sshd): look into its log, or try again later",
    },
    Case {
        name: "a server that closes behind its identification",
        set_up: |stage| at(says_and_goes(stage, b"SSH-2.0-x\r\n"), &[]),
        exit: 15,
        step: "algorithms",
        cause: "127.0.0.1: the peer closed the connection",
        hint: "the server may have too many connections or refuse your address (MaxStartups, \
               PerSourcePenalties of sshd): look into its log, or try again later",
    },
    Case {
        name: "a server that says nothing",
        set_up: |stage| {
            let address = silence();
            stage.name(address.port(), "PORT");
            at(address, &["-oConnectTimeout=1"])
        },
        exit: 11,
        step: "identification",
        cause: "127.0.0.1: the key exchange was not finished in time",
        hint: "the server has accepted the connection and says nothing more: it may be \
               overloaded, or something else listen there",
    },
    Case {
        name: "a server that ends it with words",
        set_up: |stage| at(says(stage, FAREWELL), &[]),
        exit: 11,
        step: "algorithms",
        cause: "127.0.0.1: the peer disconnected: bye (…)",
        hint: "the server's log may say more",
    },
    Case {
        name: "a server that sends no packets",
        set_up: |stage| {
            at(says(stage, b"SSH-2.0-x\r\n\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), &[])
        },
        exit: 11,
        step: "algorithms",
        cause: "127.0.0.1: bad packet length 4294967295",
        hint: "the server's software breaks the protocol, or something on the way alters it",
    },
    Case {
        name: "no key exchange method in common",
        set_up: |stage| {
            let server = stage.sshd("KexAlgorithms diffie-hellman-group1-sha1");
            stage.enter(server, &[])
        },
        exit: 11,
        step: "algorithms",
        cause: "127.0.0.1: no common key exchange method: we offer …, the peer offers \
                diffie-hellman-group1-sha1…",
        hint: "look whether your settings leave too few (KexAlgorithms, HostKeyAlgorithms, \
               Ciphers, MACs); else the server needs newer software, or other settings by the \
               same names",
    },
    Case {
        name: "no cipher in common",
        set_up: |stage| {
            let server = stage.sshd("Ciphers aes128-cbc");
            stage.enter(server, &[])
        },
        exit: 11,
        step: "algorithms",
        cause: "127.0.0.1: no common cipher from client to server: we offer …, the peer offers \
                aes128-cbc…",
        hint: "look whether your settings leave too few (KexAlgorithms, HostKeyAlgorithms, \
               Ciphers, MACs); else the server needs newer software, or other settings by the \
               same names",
    },
    Case {
        name: "no host key algorithm in common",
        set_up: |stage| {
            let server = stage.sshd("");
            stage.enter(server, &["-oHostKeyAlgorithms=rsa-sha2-512"])
        },
        exit: 11,
        step: "algorithms",
        cause: "127.0.0.1: no common host key algorithm: we offer rsa-sha2-512, the peer offers \
                ssh-ed25519",
        hint: "look whether your settings leave too few (KexAlgorithms, HostKeyAlgorithms, \
               Ciphers, MACs); else the server needs newer software, or other settings by the \
               same names",
    },
    Case {
        name: "a host that is not known",
        set_up: |stage| {
            let server = stage.sshd("");
            stage.enter(server, &["-oUserKnownHostsFile=none"])
        },
        exit: 12,
        step: "host key",
        cause: "[127.0.0.1]:PORT is not known: its ed25519 key is HOSTKEY",
        hint: "compare the fingerprint with the server's (ssh-keygen -lf on its host key), then \
               connect once with -o StrictHostKeyChecking=accept-new…",
    },
    Case {
        name: "a host key that has changed",
        set_up: |stage| {
            let server = stage.sshd("");
            other_key(stage, server, "", "")
        },
        exit: 12,
        step: "host key",
        cause: "the host key of [127.0.0.1]:PORT has changed: it shows ed25519 HOSTKEY, known is \
                ed25519 OTHER at KNOWN…1",
        hint: "somebody may stand between you and the server; if its key was really replaced, \
               remove the old one: adit trust --remove '[127.0.0.1]:PORT'",
    },
    Case {
        name: "a host key that is revoked",
        set_up: |stage| {
            let server = stage.sshd("");
            let own = Path::new(&stage.server(server).file("host")).with_extension("pub");
            other_key(stage, server, "@revoked ", &own.display().to_string())
        },
        exit: 12,
        step: "host key",
        cause: "the host key HOSTKEY of [127.0.0.1]:PORT is revoked at KNOWN…1",
        hint: "do not use this server until it has another key",
    },
];
