//! The files of `ssh_config(5)`: what `adit open` makes of them.

use std::fs;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::Signal;
use tempfile::TempDir;

use crate::adit::{Adit, PATIENCE, command, run};
use crate::server::{Server, user};
use crate::service::echo;

/// A folder with a file of settings.
struct Settings {
    folder: TempDir,
}

impl Settings {
    fn new(text: &str) -> Self {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("config"), text).unwrap();
        Self { folder }
    }

    fn file(&self) -> String {
        self.folder.path().join("config").display().to_string()
    }

    /// The words of `adit open` by this file.
    fn open(&self, words: &[&str]) -> Vec<String> {
        let mut all = vec!["open".to_owned(), "-F".to_owned(), self.file()];
        all.extend(words.iter().copied().map(str::to_owned));
        all
    }
}

/// A block with all that is needed to enter a server, which is known to its own file only.
fn block(name: &str, server: &Server, more: &str) -> String {
    fs::write(server.file("known_hosts"), server.known()).unwrap();
    format!(
        "Host {name}\n HostName 127.0.0.1\n Port {}\n User {}\n IdentityFile {}\n \
         UserKnownHostsFile {}\n{more}\n",
        server.address.port(),
        user(),
        server.file("user"),
        server.file("known_hosts"),
    )
}

/// What holds for all: nobody is asked, and no other key or file counts.
const ALL: &str = "Host *\n BatchMode yes\n IdentitiesOnly yes\n IdentityAgent none\n \
                   StrictHostKeyChecking yes\n GlobalKnownHostsFile none\n";

fn carries(socket: &Path) {
    let mut stream = UnixStream::connect(socket).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(b"hello").unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut heard = Vec::new();
    stream.read_to_end(&mut heard).unwrap();
    assert_eq!(heard, b"hello!");
}

#[test]
fn each_server_on_the_way_has_settings_of_its_own_and_tunnels_are_those_of_the_last() {
    let servers = ["", "", ""].map(Server::sshd);
    let [outer, middle, inner] = &servers;
    let folder = TempDir::new().unwrap();
    let socket = folder.path().join("entry");
    let target = echo(b"!");
    // The way to the middle one is said by its own block.
    let settings = Settings::new(
        &[
            block(
                "inner",
                inner,
                &format!(" ProxyJump middle\n LocalForward {} {target}", socket.display()),
            ),
            block("middle", middle, " ProxyJump outer\n LocalForward 127.0.0.1:1 a:1"),
            block("outer", outer, ""),
            ALL.to_owned(),
        ]
        .concat(),
    );
    let mut adit = Adit::start(command(&settings.open(&["inner"])));
    adit.expect("listening on ");
    carries(&socket);
    adit.signal(Signal::INT);
    adit.end().expect(0, &[]);
    for server in &servers {
        server.wait();
        assert!(server.log().contains("Accepted publickey"), "{}", server.log());
    }
    // With the same file ssh gets there too.
    let mut ssh = Command::new("/usr/bin/ssh");
    ssh.args(["-F", &settings.file(), "-W", &target.to_string(), "inner"]).stderr(Stdio::piped());
    ssh.stdout(Stdio::piped());
    let left = run(ssh, b"ssh");
    assert_eq!(left.stdout, b"ssh!", "{}", left.stderr);
}

#[test]
fn flags_and_options_win_over_files() {
    let server = Server::sshd("");
    let target = echo(b"!").to_string();
    let wrong = " Ciphers aes256-gcm@openssh.com\n ConnectTimeout 1";
    let block = block("server", &server, wrong).replace("Port ", "Port 1\n #");
    let settings = Settings::new(&(block + ALL));
    let port = server.address.port().to_string();
    let words = settings.open(&[
        "-p",
        &port,
        "-oCiphers=aes128-gcm@openssh.com",
        "-W",
        &target,
        "server",
        "-v",
    ]);
    let left = run(command(&words), b"hello");
    left.expect(0, &["aes128-gcm@openssh.com"]);
    assert_eq!(left.stdout, b"hello!");
}

#[test]
fn blocks_of_match_and_included_files_count() {
    let server = Server::sshd("");
    let target = echo(b"!").to_string();
    let settings = Settings::new("");
    let part = settings.folder.path().join("part");
    fs::write(&part, block("nick", &server, "")).unwrap();
    let text = format!(
        "Match originalhost nick exec \"test %n = other\"\n Port 1\n\
         Match originalhost nick exec \"test %n = nick\"\n Include {}\n\
         Match all\n Port 1\n{ALL}",
        part.display()
    );
    fs::write(settings.file(), text).unwrap();
    let left = run(command(&settings.open(&["-W", &target, "nick"])), b"hello");
    left.expect(0, &[]);
    assert_eq!(left.stdout, b"hello!");
}

#[test]
fn remote_tunnels_of_files_go_to_their_targets_and_sockets_have_their_masks() {
    let server = Server::sshd("");
    let folder = TempDir::new().unwrap();
    let (there, here) = (folder.path().join("there"), folder.path().join("here"));
    let target = echo(b"!");
    let more = format!(
        " RemoteForward {} {target}\n LocalForward {} {target}\n StreamLocalBindMask 0117",
        there.display(),
        here.display()
    );
    let settings = Settings::new(&(block("server", &server, &more) + ALL));
    let mut adit = Adit::start(command(&settings.open(&["server"])));
    adit.expect("listening on ");
    adit.expect("the server listens on ");
    carries(&there);
    carries(&here);
    assert_eq!(fs::metadata(&here).unwrap().permissions().mode() & 0o777, 0o660);
    adit.signal(Signal::INT);
    adit.end().expect(0, &[]);
}

#[test]
fn what_is_not_kept_is_told_with_its_line_and_what_is_unsafe_is_refused() {
    let server = Server::sshd("");
    let target = echo(b"!").to_string();
    let told = |more: &str| {
        let settings = Settings::new(&(block("server", &server, more) + ALL));
        (run(command(&settings.open(&["-W", &target, "server"])), b"hello"), settings.file())
    };
    let (left, file) = told(" AddKeysToAgent yes\n ForwardX11 yes");
    left.expect(0, &[]);
    let warning = "AddKeysToAgent yes: keys are not added to the agent";
    assert_eq!(left.stderr, format!("adit: warning: {file} line 7: {warning}\n"));
    let (left, _) = told(" AddKeysToAgent yes\n LogLevel quiet");
    assert_eq!((left.code, &*left.stderr), (0, ""));
    let (left, file) = told(" RequiredRSASize 4096");
    let refused = format!("{file} line 7: RequiredRSASize 4096: adit takes rsa keys");
    left.expect(2, &[&refused, "hint: "]);
    let (left, file) = told(" Fnord yes");
    left.expect(2, &[&format!("{file} line 7: unknown keyword \"Fnord\""), "IgnoreUnknown Fnord"]);
    told(" IgnoreUnknown Fno*\n Fnord yes").0.expect(0, &[]);
}

#[test]
fn the_first_connection_comes_from_the_interface_that_is_wanted() {
    let server = Server::sshd("");
    let target = echo(b"!").to_string();
    let by = |interface: &str| {
        let more = format!(" BindInterface {interface}");
        let settings = Settings::new(&(block("server", &server, &more) + ALL));
        run(command(&settings.open(&["-W", &target, "server"])), b"hello")
    };
    by("lo").expect(0, &[]);
    by("none0").expect(10, &["no interface none0 with such an address is up", "hint: "]);
}

#[test]
fn a_way_that_goes_in_a_circle_is_refused() {
    let settings =
        Settings::new("Host a\n ProxyJump b\nHost b\n ProxyJump c\nHost c\n ProxyJump a\n");
    let left = run(command(&settings.open(&["-W", "h:1", "a"])), b"");
    left.expect(2, &["the way leads over more than 16 servers", "hint: "]);
    let settings = Settings::new("Host *\n ProxyJump b\n");
    let left = run(command(&settings.open(&["-W", "h:1", "a"])), b"");
    left.expect(2, &["on the way, b: the jump host \"b\" is the host itself", "Host !b *"]);
}

#[test]
fn one_tunnel_that_cannot_be_opened_is_the_end_where_the_file_says_so() {
    let server = Server::sshd("");
    let folder = TempDir::new().unwrap();
    let (good, bad) = (folder.path().join("good"), folder.path().join("no/such/folder"));
    let more = format!(
        " LocalForward {} a:1\n LocalForward {} a:1\n ExitOnForwardFailure yes",
        good.display(),
        bad.display()
    );
    let settings = Settings::new(&(block("server", &server, &more) + ALL));
    let left = run(command(&settings.open(&["server"])), b"");
    left.expect(14, &["cannot listen on", "no/such/folder"]);
}
