//! What is wrong with who logs in.

use std::fs;
use std::process::Command;

use crate::failures::Case;
use crate::failures::stage::Stage;
use crate::server::user;

fn keygen(words: &[&str]) {
    let made = Command::new("ssh-keygen").arg("-q").args(words).status().unwrap();
    assert!(made.success());
}

/// The words to log in by a certificate that a server's authority signed with these words.
fn by_certificate(stage: &mut Stage, signed: &[&str]) -> Vec<String> {
    let authority = stage.key("authority", "AUTHORITY");
    let server = stage.sshd(&format!(
        "TrustedUserCAKeys {authority}.pub\nPasswordAuthentication no\n\
         KbdInteractiveAuthentication no"
    ));
    fs::write(stage.server(server).file("authorized_keys"), "").unwrap();
    let key = stage.server(server).file("user");
    let mut words = vec!["-s", &authority, "-I", "certified"];
    words.extend(signed);
    let public = format!("{key}.pub");
    words.push(&public);
    keygen(&words);
    let certificate = format!("-oCertificateFile={key}-cert.pub");
    stage.enter(server, &[&certificate])
}

/// The words to log in by keys that a server does not know.
fn strangers(stage: &mut Stage, server: usize) -> Vec<String> {
    let words = stage.enter(server, &[]);
    fs::write(stage.server(server).file("authorized_keys"), "").unwrap();
    words
}

const REFUSED: &str = "127.0.0.1 refused the login: key ssh-ed25519 KEY (USERKEY): refused";

pub(super) const CASES: &[Case] = &[
    Case {
        name: "a key that the server does not know",
        set_up: |stage| {
            let server = stage.sshd("PasswordAuthentication no\nKbdInteractiveAuthentication no");
            strangers(stage, server)
        },
        exit: 13,
        step: "login",
        cause: REFUSED,
        hint: "the server takes publickey; check the user's name, and that the key stands in its \
               authorized_keys",
    },
    Case {
        name: "a key that a gateway does not know",
        set_up: |stage| {
            let server = stage.adit(&[]);
            let stranger = stage.key("stranger", "STRANGER");
            let mut words = stage.enter(server, &[]);
            let at = words.iter().position(|it| it == "-i").unwrap();
            words[at + 1] = stranger;
            words
        },
        exit: 13,
        step: "login",
        cause: "127.0.0.1 refused the login: key ssh-ed25519 STRANGER (DIR/stranger): refused",
        hint: "the server takes publickey; check the user's name, and that the key stands in its \
               authorized_keys",
    },
    Case {
        name: "no key at all",
        set_up: |stage| {
            let server = stage.sshd("PasswordAuthentication no\nKbdInteractiveAuthentication no");
            let mut words = stage.enter(server, &[]);
            let at = words.iter().position(|it| it == "-i").unwrap();
            words.drain(at..at + 2);
            words
        },
        exit: 13,
        step: "login",
        cause: "127.0.0.1 refused the login: nothing to try",
        hint: "the server takes publickey: name a key by -i, or have an agent hold it (ssh-add)",
    },
    Case {
        name: "a key file that is missing",
        set_up: |stage| {
            let server = stage.sshd("PasswordAuthentication no\nKbdInteractiveAuthentication no");
            let mut words = stage.enter(server, &[]);
            let at = words.iter().position(|it| it == "-i").unwrap();
            words[at + 1] = stage.path("missing").display().to_string();
            words
        },
        exit: 13,
        step: "login",
        cause: "127.0.0.1 refused the login: nothing to try",
        hint: "the server takes publickey: name a key by -i, or have an agent hold it (ssh-add)",
    },
    Case {
        name: "a passphrase that nobody is asked for",
        set_up: |stage| {
            let server = stage.sshd("PasswordAuthentication no\nKbdInteractiveAuthentication no");
            let key = stage.server(server).file("user");
            keygen(&["-p", "-P", "", "-N", "secret", "-f", &key]);
            stage.enter(server, &[])
        },
        exit: 13,
        step: "login",
        cause: "127.0.0.1 refused the login: key ssh-ed25519 KEY (USERKEY): nobody could be asked \
                for its passphrase",
        hint: "the server takes publickey: do away with what kept the keys from being tried",
    },
    Case {
        name: "a user who is not let in",
        set_up: |stage| {
            let server = stage.sshd(
                "AllowUsers nobody\nPasswordAuthentication no\n\
                                     KbdInteractiveAuthentication no",
            );
            stage.enter(server, &[])
        },
        exit: 13,
        step: "login",
        cause: REFUSED,
        hint: "the server takes publickey; check the user's name, and that the key stands in its \
               authorized_keys",
    },
    Case {
        name: "a key that may not come from here",
        set_up: |stage| {
            let server = stage.sshd("PasswordAuthentication no\nKbdInteractiveAuthentication no");
            let keys = stage.server(server).file("authorized_keys");
            let line = fs::read_to_string(&keys).unwrap();
            fs::write(&keys, format!("from=\"192.0.2.1\" {line}")).unwrap();
            stage.enter(server, &[])
        },
        exit: 13,
        step: "login",
        cause: REFUSED,
        hint: "the server takes publickey; check the user's name, and that the key stands in its \
               authorized_keys",
    },
    Case {
        name: "too many keys",
        set_up: |stage| {
            let server = stage.sshd("MaxAuthTries 1");
            let words = strangers(stage, server);
            let other = stage.key("other", "OTHER");
            ["-i".to_owned(), other].into_iter().chain(words).collect()
        },
        exit: 13,
        step: "login",
        cause: "127.0.0.1 refused the login: key ssh-ed25519 OTHER (DIR/other): refused; key \
                ssh-ed25519 KEY (USERKEY): not tried any more; then the server ended it: Too many authentication failures",
        hint: "the server counts every key that it is offered: name the right one by -i, with -o \
               IdentitiesOnly=yes",
    },
    Case {
        name: "a password that nobody is asked for",
        set_up: |stage| {
            let server = stage.sshd("PubkeyAuthentication no\nKbdInteractiveAuthentication no");
            stage.enter(server, &["-oPubkeyAuthentication=no"])
        },
        exit: 13,
        step: "login",
        cause: "127.0.0.1 refused the login: nothing to try",
        hint: "the server takes password, for which BatchMode would have to be no",
    },
    Case {
        name: "a second method that is wanted",
        set_up: |stage| {
            let server = stage.sshd("AuthenticationMethods publickey,password");
            stage.enter(server, &[])
        },
        exit: 13,
        step: "login",
        cause: "127.0.0.1 refused the login: key ssh-ed25519 KEY (USERKEY): accepted, but more is \
                wanted",
        hint: "the server wants password as well",
    },
    Case {
        name: "a principal that is not in the certificate",
        set_up: |stage| by_certificate(stage, &["-n", "somebody,else"]),
        exit: 13,
        step: "login",
        cause: "127.0.0.1 refused the login: certificate …: refused, and its principals are \
                somebody, else, without …; key ssh-ed25519 KEY (USERKEY): refused",
        hint: "have the authority sign a certificate that fits",
    },
    Case {
        name: "a certificate that has expired",
        set_up: |stage| {
            let user = user();
            by_certificate(stage, &["-n", &user, "-V", "20200101:20200102"])
        },
        exit: 13,
        step: "login",
        cause: "127.0.0.1 refused the login: certificate …: refused, and it has expired …; key \
                ssh-ed25519 KEY (USERKEY): refused",
        hint: "have the authority sign a certificate that fits",
    },
    Case {
        name: "a certificate of an authority that the server does not trust",
        set_up: |stage| {
            let user = user();
            let words = by_certificate(stage, &["-n", &user]);
            let other = stage.key("another", "ANOTHER");
            let folder = stage.path("authority.pub");
            fs::copy(format!("{other}.pub"), folder).unwrap();
            words
        },
        exit: 13,
        step: "login",
        cause: "127.0.0.1 refused the login: certificate \"certified\" of key ssh-ed25519 KEY \
                (USERKEY): refused; key ssh-ed25519 KEY (USERKEY): refused",
        hint: "the server takes publickey; check the user's name, and that the key stands in its \
               authorized_keys",
    },
];
