//! What is wrong with tunnels.

use crate::failures::Case;
use crate::failures::stage::Stage;
use crate::service::echo;

/// The words to enter a `sshd` with these lines, and then some.
fn sshd(stage: &mut Stage, extra: &str, more: &[&str], target: Option<&str>) -> Vec<String> {
    let server = stage.sshd(extra);
    let mut words = stage.enter(server, more);
    words.extend(target.map(str::to_owned));
    words
}

const NOT_ALLOWED: &str = "the server must allow forwarding there: AllowTcpForwarding and PermitOpen \
                           in its sshd_config, or --permit of adit serve";

pub(super) const CASES: &[Case] = &[
    Case {
        name: "a target that the server may not reach",
        set_up: |stage| sshd(stage, "PermitOpen 192.0.2.1:1", &[], Some("localhost:2")),
        exit: 14,
        step: "tunnel",
        cause: "cannot reach localhost:2: not allowed",
        hint: NOT_ALLOWED,
    },
    Case {
        name: "a target that a gateway does not permit",
        set_up: |stage| {
            let server = stage.adit(&["192.0.2.1:1".to_owned()]);
            let mut words = stage.enter(server, &[]);
            words.push("127.0.0.1:2".to_owned());
            words
        },
        exit: 14,
        step: "tunnel",
        cause: "cannot reach 127.0.0.1:2: not allowed: the policy of the gateway does not permit it",
        hint: "adit explain says at the gateway which of its rules decides",
    },
    Case {
        name: "a target where nobody listens",
        set_up: |stage| {
            let closed = stage.closed().to_string();
            sshd(stage, "", &[], Some(&closed))
        },
        exit: 14,
        step: "tunnel",
        cause: "cannot reach 127.0.0.1:CLOSED: connection refused",
        hint: "the connection is made by the server: check what it can reach",
    },
    Case {
        name: "a target without an address",
        set_up: |stage| sshd(stage, "", &[], Some("nowhere.invalid:1")),
        exit: 14,
        step: "tunnel",
        cause: "cannot reach nowhere.invalid:1: no such name",
        hint: "the name is looked up by the server, and not here",
    },
    Case {
        name: "a socket that is not there",
        set_up: |stage| {
            let socket = stage.path("missing").display().to_string();
            sshd(stage, "", &[], Some(&socket))
        },
        exit: 14,
        step: "tunnel",
        cause: "cannot reach DIR/missing: open failed",
        hint: "sshd does not say why: look whether the socket is there for your user, and \
               AllowStreamLocalForwarding in its sshd_config",
    },
    Case {
        name: "sockets that are not forwarded",
        set_up: |stage| {
            let socket = stage.path("missing").display().to_string();
            sshd(stage, "AllowStreamLocalForwarding no", &[], Some(&socket))
        },
        exit: 14,
        step: "tunnel",
        cause: "cannot reach DIR/missing: open failed",
        hint: "sshd does not say why: look whether the socket is there for your user, and \
               AllowStreamLocalForwarding in its sshd_config",
    },
    Case {
        name: "a port that is taken here",
        set_up: |stage| {
            let taken = stage.taken();
            sshd(stage, "", &["-L", &format!("{taken}:localhost:1")], None)
        },
        exit: 14,
        step: "tunnel",
        cause: "cannot listen on 127.0.0.1:TAKEN: Address already in use (os error 98)",
        hint: "another program listens there; choose another port",
    },
    Case {
        name: "an address to listen on that is none of this machine's",
        set_up: |stage| sshd(stage, "", &["-D", "192.0.2.77:0"], None),
        exit: 14,
        step: "tunnel",
        cause: "cannot listen on 192.0.2.77:0: Cannot assign requested address (os error 99)",
        hint: "no interface of this machine has that address",
    },
    Case {
        name: "a folder that is missing",
        set_up: |stage| {
            let spec = format!("{}:localhost:1", stage.path("no/socket").display());
            sshd(stage, "", &["-L", &spec], None)
        },
        exit: 14,
        step: "tunnel",
        cause: "cannot listen on DIR/no/socket: No such file or directory (os error 2)",
        hint: "make the folder first",
    },
    Case {
        name: "a local tunnel whose target is not reached",
        set_up: |stage| {
            let closed = stage.closed();
            sshd(stage, "", &["-L", &format!("127.0.0.1:0:{closed}")], None)
        },
        exit: 14,
        step: "tunnel",
        cause: "cannot reach 127.0.0.1:CLOSED: connection refused",
        hint: "the connection is made by the server: check what it can reach",
    },
    Case {
        name: "a remote tunnel that is forbidden",
        set_up: |stage| sshd(stage, "AllowTcpForwarding local", &["-R", "0:localhost:1"], None),
        exit: 14,
        step: "tunnel",
        cause: "the server does not listen on 0: it refuses the request",
        hint: "the server may forbid remote forwarding (AllowTcpForwarding, PermitListen, \
               permitlisten)",
    },
    Case {
        name: "a remote port that is taken",
        set_up: |stage| {
            let taken = stage.taken();
            let spec = format!("{taken}:localhost:1");
            sshd(stage, "GatewayPorts clientspecified", &["-R", &spec], None)
        },
        exit: 14,
        step: "tunnel",
        cause: "the server does not listen on 127.0.0.1:TAKEN: it refuses the request",
        hint: "the port may be in use there, the address may be none of the server's, or \
               forwarding may be forbidden (AllowTcpForwarding, PermitListen, GatewayPorts)",
    },
    Case {
        name: "a remote tunnel whose target is not reached from here",
        set_up: |stage| {
            let closed = stage.closed();
            sshd(stage, "", &["-R", &format!("0:{closed}")], None)
        },
        exit: 14,
        step: "tunnel",
        cause: "cannot reach 127.0.0.1:CLOSED from here: connection refused",
        hint: "connections of a remote tunnel go on from this machine: check that something \
               listens there",
    },
    Case {
        name: "the second of two tunnels",
        set_up: |stage| {
            let (good, closed) = (echo(b"!"), stage.closed());
            let good = format!("127.0.0.1:0:{good}");
            sshd(stage, "", &["-L", &good, "-L", &format!("127.0.0.1:0:{closed}")], None)
        },
        exit: 14,
        step: "tunnel",
        cause: "cannot reach 127.0.0.1:CLOSED: connection refused",
        hint: "the connection is made by the server: check what it can reach",
    },
];
