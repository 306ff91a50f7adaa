//! Specifications as OpenSSH understands them, asked of the machine's own `ssh`.
//!
//! Needs `ssh` in the search path (Debian: openssh-client); without it these tests fail.

#![allow(clippy::expect_used, reason = "a test fails by a panic")]

use std::process::Command;

use adit_forward::entry::{Bind, Entry};
use adit_forward::spec::{Destination, Local, Remote};
use adit_forward::target::Target;

/// Who takes a specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Takes {
    /// Both, and they understand the same.
    Both,
    /// Neither.
    Neither,
    /// Only adit, on purpose.
    Adit,
    /// Only OpenSSH; no connection can come of it.
    OpenSsh,
}

use Takes::{Adit, Both, Neither, OpenSsh};

const LOCAL: &[(&str, Takes)] = &[
    ("8080:h:80", Both),
    ("8080:db.example.org:5432", Both),
    ("[::1]:80:[::2]:90", Both),
    ("*:80:h:90", Both),
    (":80:h:90", Both),
    ("[]:80:h:90", Both),
    ("localhost:80:h:90", Both),
    ("127.0.0.1:80:h:90", Both),
    ("[fe80::1%lo]:80:h:90", Both),
    ("80:/x", Both),
    ("bind:80:/x", Both),
    ("/x:h:22", Both),
    ("/x:/y", Both),
    ("./x:h:90", Both),
    ("~/x:h:90", Both),
    ("[/x]:/y", Both),
    ("[/x:y]:/z", Both),
    ("80:/a\\:b", Both),
    ("80:h\\:x:80", Both),
    ("80:[h]:90", Both),
    ("[80]:[h]:[90]", Both),
    ("80:h:\\90", Both),
    ("80:h\\/x:90", Both),
    ("80:h_x:90", Both),
    ("80:é:90", Both),
    ("80:user@h:90", Both),
    ("80:h:00090", Both),
    ("80:h:65535", Both),
    ("80:h:90:", Both),
    ("80:/x:", Both),
    ("/a:/b:", Both),
    (" 80:h:90", Both),
    ("http:h:https", Both),
    ("80:h:ssh", Both),
    ("80:h:postgresql", Both),
    ("0:h:80", Adit),
    ("0:/x", Adit),
    ("80:h: 90", OpenSsh),
    ("80:h:+90", OpenSsh),
    ("80: h:90", OpenSsh),
    ("80::90", OpenSsh),
    ("80:[]:90", OpenSsh),
    ("80:a]:90", OpenSsh),
    ("80:[/x]:22", OpenSsh),
    ("/x:/y:90", OpenSsh),
    ("/x:80:h:90", OpenSsh),
    ("", Neither),
    (" ", Neither),
    (":", Neither),
    (":::", Neither),
    ("80", Neither),
    ("80:h", Neither),
    ("/x", Neither),
    ("/x:h", Neither),
    ("80:x\\/y", Neither),
    ("80:h:", Neither),
    ("80:h:90::", Neither),
    ("80:h:90 ", Neither),
    ("80:h:90x", Neither),
    ("80:h:0", Neither),
    ("80:h:65536", Neither),
    ("65536:h:80", Neither),
    ("-80:h:90", Neither),
    ("0x50:h:80", Neither),
    ("80:h:nosuchservice", Neither),
    ("a:b:c:d:e", Neither),
    ("::80:h:90", Neither),
    ("[::1:80:h:90", Neither),
    ("80:[a:b]x:90", Neither),
    ("80:[h:90", Neither),
    ("80:h:90\\", Neither),
    ("a:/x:h:90", Neither),
    ("80:/x:/y", Neither),
    ("8080/h/80", Neither),
    ("::1/80/h/90", Neither),
];

const REMOTE: &[(&str, Takes)] = &[
    ("1080", Both),
    ("0", Both),
    ("*:1080", Both),
    (":1080", Both),
    ("[::1]:1080", Both),
    ("localhost:0", Both),
    ("/tmp/sock", Both),
    ("/x:", Both),
    ("socks", Both),
    ("0:h:80", Both),
    ("0:/x", Both),
    ("/x:/y", Both),
    ("/x:h:80", Both),
    ("b:80:/x", Both),
    ("80\\:h:80", Both),
    ("80:h\\\\x:80", Both),
    ("a b:80", OpenSsh),
    ("[/x]:80", OpenSsh),
    ("h:", Neither),
    ("x:y", Neither),
    (":/x", Neither),
    ("127.0.0.1:1080:x", Neither),
    ("\\", Neither),
];

const DYNAMIC: &[(&str, Takes)] = &[
    ("1080", Both),
    ("*:1080", Both),
    (":1080", Both),
    ("[::1]:1080", Both),
    ("/tmp/sock", Both),
    ("80\\:h:80", Both),
    ("0", Adit),
    ("localhost:0", Adit),
    ("1080:h:80", Neither),
    ("h:", Neither),
    ("x:y", Neither),
    (":/x", Neither),
];

#[test]
fn local_forwardings_are_understood_as_openssh_does() {
    compare("-L", "localforward", LOCAL, |text| {
        let local: Local = text.parse().ok()?;
        Some(format!("{} {}", entry(&local.entry), target(&local.target)))
    });
}

#[test]
fn remote_forwardings_are_understood_as_openssh_does() {
    compare("-R", "remoteforward", REMOTE, |text| {
        let remote: Remote = text.parse().ok()?;
        let destination = match &remote.destination {
            Destination::Target(it) => target(it),
            Destination::Asked => "[socks]:0".to_owned(),
        };
        Some(format!("{} {destination}", entry(&remote.entry)))
    });
}

#[test]
fn dynamic_forwardings_are_understood_as_openssh_does() {
    compare("-D", "dynamicforward", DYNAMIC, |text| Some(entry(&text.parse().ok()?)));
}

fn compare(
    option: &str,
    keyword: &str,
    table: &[(&str, Takes)],
    adit: impl Fn(&str) -> Option<String>,
) {
    for (text, takes) in table {
        let (ours, theirs) = (adit(text), openssh(option, keyword, text));
        let seen = match (&ours, &theirs) {
            (Some(ours), Some(theirs)) => {
                assert_eq!(ours, theirs, "{option} {text:?}");
                Both
            }
            (None, None) => Neither,
            (Some(_), None) => Adit,
            (None, Some(_)) => OpenSsh,
        };
        assert_eq!(seen, *takes, "{option} {text:?}: {ours:?} and {theirs:?}");
    }
}

/// What `ssh` says that a specification means; `None` where it refuses it.
fn openssh(option: &str, keyword: &str, text: &str) -> Option<String> {
    let output = Command::new("ssh")
        .args(["-F", "none", "-G", option, text, "host.invalid"])
        .output()
        .expect("this test needs ssh in the search path (Debian: openssh-client)");
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    if !output.status.success() {
        assert!(words.contains("forwarding specification"), "ssh failed otherwise: {words}");
        return None;
    }
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = shown.lines().find_map(|line| line.strip_prefix(keyword)?.strip_prefix(' '));
    // An empty bind address means the same as an asterisk.
    Some(line.expect("ssh shows the forwarding").replace("[]:", "[*]:"))
}

fn entry(entry: &Entry) -> String {
    match entry {
        Entry::Tcp { bind: Bind::Default, port } => port.to_string(),
        Entry::Tcp { bind: Bind::Host(host), port } => format!("[{host}]:{port}"),
        Entry::Tcp { bind, port } => format!("[{bind}]:{port}"),
        Entry::Unix(path) => path.display().to_string(),
    }
}

fn target(target: &Target) -> String {
    match target {
        Target::Tcp { host, port } => format!("[{host}]:{port}"),
        Target::Unix(path) => path.display().to_string(),
    }
}
