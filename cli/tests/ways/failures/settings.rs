//! What is wrong with the words and the files.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::failures::Case;
use crate::failures::stage::Stage;

fn words(words: &[&str]) -> Vec<String> {
    words.iter().copied().map(str::to_owned).collect()
}

/// A host by a file.
fn file(stage: &Stage, text: &str) -> Vec<String> {
    words(&["-F", &stage.file("config", text), "host"])
}

pub(super) const CASES: &[Case] = &[
    Case {
        name: "a keyword that is none",
        set_up: |stage| file(stage, "Port 1\nFnord yes\n"),
        exit: 2,
        step: "settings",
        cause: "DIR/config line 2: unknown keyword \"Fnord\"",
        hint: "where only other programs know it, write IgnoreUnknown Fnord before it",
    },
    Case {
        name: "a value that a keyword does not take",
        set_up: |stage| file(stage, "Host host\n AddressFamily ipx\n"),
        exit: 2,
        step: "settings",
        cause: "DIR/config line 2: addressfamily takes any, inet or inet6, which \"ipx\" is not",
        hint: "",
    },
    Case {
        name: "a quote that is open",
        set_up: |stage| file(stage, "User \"me\nPort 1\n"),
        exit: 2,
        step: "settings",
        cause: "DIR/config line 1: a quote is not closed",
        hint: "quotes come in pairs; a quote itself is written \\\"",
    },
    Case {
        name: "a file that is missing",
        set_up: |stage| words(&["-F", &stage.path("none").display().to_string(), "host"]),
        exit: 2,
        step: "settings",
        cause: "DIR/none cannot be read: No such file or directory (os error 2)",
        hint: "check its name, and that you may read it; -F names another",
    },
    Case {
        name: "a file that others can change",
        set_up: |stage| {
            let part = stage.file("part", "Port 1\n");
            fs::set_permissions(&part, fs::Permissions::from_mode(0o666)).unwrap();
            file(stage, &format!("Include {part}\n"))
        },
        exit: 2,
        step: "settings",
        cause: "bad owner or permissions on DIR/part",
        hint: "only you and root may write to it: chmod go-w DIR/part",
    },
    Case {
        name: "a keyword that must not be passed over",
        set_up: |stage| file(stage, "RequiredRSASize 4096\n"),
        exit: 2,
        step: "settings",
        cause: "DIR/config line 1: RequiredRSASize 4096: adit takes rsa keys from 2048 bits on",
        hint: "take rsa away by HostKeyAlgorithms -rsa-*…",
    },
    Case {
        name: "ciphers of which adit has none",
        set_up: |stage| file(stage, "Ciphers 3des-cbc,aes128-cbc\n"),
        exit: 2,
        step: "settings",
        cause: "DIR/config line 1: Ciphers 3des-cbc,aes128-cbc: adit has none of these algorithms",
        hint: "adit has …aes256-gcm@openssh.com…",
    },
    Case {
        name: "a cipher that is none",
        set_up: |stage| file(stage, "Ciphers rot13\n"),
        exit: 2,
        step: "settings",
        cause: "DIR/config line 1: ciphers takes algorithms, with commas between, which \"rot13\" \
                is not",
        hint: "adit ssh -G HOST tells those that adit has by default",
    },
    Case {
        name: "a destination that is none",
        set_up: |_| words(&["-F", "none", "a b"]),
        exit: 2,
        step: "settings",
        cause: "\"a b\" is no destination",
        hint: "write [user@]host, or ssh://[user@]host[:port]",
    },
    Case {
        name: "a host that is its own jump host",
        set_up: |stage| file(stage, "Host *\n ProxyJump bastion\n"),
        exit: 2,
        step: "settings",
        cause: "on the way, bastion: the jump host \"bastion\" is the host itself",
        hint: "ProxyJump counts for bastion too: begin its block with Host !bastion *, or say \
               ProxyJump none for it before",
    },
    Case {
        name: "a token that means nothing",
        set_up: |stage| file(stage, "IdentityFile ~/.ssh/%z\n"),
        exit: 2,
        step: "settings",
        cause: "identityfile: the token %z means nothing here",
        hint: "for a percent sign write %%; TOKENS of ssh_config(5) has those of each keyword",
    },
    Case {
        name: "a tunnel that is none",
        set_up: |_| words(&["-F", "none", "-L", "80", "host"]),
        exit: 2,
        step: "settings",
        cause: "-L 80: the target is missing, in `80`",
        hint: "write [bind:]port:host:hostport, or /path in place of either pair",
    },
    Case {
        name: "a proxy and a command for one way",
        set_up: |_| {
            words(&["-F", "none", "--proxy", "socks5://p:1", "-oProxyCommand=nc %h %p", "host"])
        },
        exit: 2,
        step: "settings",
        cause: "--proxy and ProxyCommand both say how to reach the server",
        hint: "leave one of them out, or write --proxy none",
    },
];
