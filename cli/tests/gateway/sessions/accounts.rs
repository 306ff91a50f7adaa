//! A gateway that is root, and as whom it runs programs.

use std::process::Command;

use crate::house::{Gateway, House, run};
use crate::sessions::{SESSIONS, exec, is_root};

/// An account of the machine, removed with the test.
struct Account {
    name: String,
}

impl Account {
    fn new(name: &str) -> Self {
        let name = format!("adit-{name}-{}", std::process::id());
        let words = ["--create-home", "--shell", "/bin/sh", "--password", "*", &name];
        assert!(Command::new("useradd").args(words).status().unwrap().success());
        Self { name }
    }

    fn change(&self, words: &[&str]) {
        let mut usermod = Command::new("usermod");
        assert!(usermod.args(words).arg(&self.name).status().unwrap().success());
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        // What it leaves is told by the program itself.
        let _ = Command::new("userdel").args(["--remove", "--force", &self.name]).output();
    }
}

#[test]
fn a_program_is_its_users_own() {
    if !is_root("programs of other users") {
        return;
    }
    let account = Account::new("own");
    account.change(&["--append", "--groups", "games"]);
    let house = House::new();
    house.configure_key("", &format!("account = \"{}\"\n{SESSIONS}", account.name));
    let gateway = house.serve();
    let line = "id -un; id -Gn; pwd; echo $HOME $USER $SHELL $PATH; umask; touch mine; \
        stat -c %U mine; cat /etc/shadow";
    let (code, out, errors) = exec(&house, &gateway, line, b"");
    let name = &account.name;
    let expected = format!(
        "{name}\n{name} games\n/home/{name}\n/home/{name} {name} /bin/sh \
         /usr/local/bin:/usr/bin:/bin\n0022\n{name}\n",
    );
    assert_eq!(String::from_utf8(out).unwrap(), expected, "{errors}");
    assert_eq!(code, 1);
    assert!(errors.contains("Permission denied"), "{errors}");
}

#[test]
fn who_must_not_log_in_is_told_why() {
    if !is_root("locked accounts") {
        return;
    }
    let account = Account::new("barred");
    let house = House::new();
    let configured = |name: &str| house.configure(&format!("account = \"{name}\"\n{SESSIONS}"));
    configured(&account.name);
    let gateway = house.serve();
    let told = |words: &str| {
        let (code, _, errors) = exec(&house, &gateway, "true", b"");
        assert_eq!(code, 254, "{errors}");
        assert!(errors.contains(words), "{errors}");
    };
    assert_eq!(exec(&house, &gateway, "true", b"").0, 0);
    account.change(&["--lock"]);
    told("is locked");
    account.change(&["--unlock"]);
    account.change(&["--password", "*", "--expiredate", "2020-01-01"]);
    told("has expired");
    account.change(&["--expiredate", "", "--shell", "/nonexistent"]);
    told("the login shell /nonexistent cannot be run");
    account.change(&["--shell", "/usr/sbin/nologin"]);
    let (code, out, _) = exec(&house, &gateway, "true", b"");
    assert_eq!(code, 1);
    assert!(String::from_utf8(out).unwrap().contains("not available"));
    account.change(&["--shell", "/bin/sh", "--home", "/nonexistent"]);
    let (code, out, errors) = exec(&house, &gateway, "pwd", b"");
    assert_eq!((code, out.as_slice()), (0, b"/\n".as_slice()));
    assert!(errors.contains("cannot change to the folder /nonexistent"), "{errors}");
    assert!(house.flows(gateway).contains("is locked"));
}

#[test]
fn a_gateway_that_is_not_root_runs_programs_as_itself_only() {
    if !is_root("a gateway of another user") {
        return;
    }
    let account = Account::new("self");
    let house = House::new();
    house.configure(&format!(
        "account = \"{}\"\n[[user]]\nname = \"bob\"\naccount = \"root\"\nkeys = ['''{}''']\n\
         {SESSIONS}",
        account.name,
        house.read("ann.pub").trim_end(),
    ));
    let at = house.at().display().to_string();
    let given = Command::new("chown").args(["-R", &account.name, &at]).status().unwrap();
    assert!(given.success());
    // The program has to be where that user can get to it.
    let program = format!("{at}/adit");
    std::fs::copy(env!("CARGO_BIN_EXE_adit"), &program).unwrap();
    let mut serve = Command::new("setpriv");
    serve.args(["--reuid", &account.name, "--regid", &account.name, "--init-groups", "--"]);
    serve.args([&program, "serve", "--config", &house.path("adit-serve.toml")]);
    let gateway = Gateway::start(serve);
    let (code, out, errors) = exec(&house, &gateway, "id -un; tty; exit 3", b"");
    let expected = format!("{}\nnot a tty\n", account.name).into_bytes();
    assert_eq!((code, out), (3, expected), "{errors}");
    let mut ssh = house.ssh(&gateway, "ann");
    let (code, _, errors) = run(ssh.args(["bob@127.0.0.1", "id -un"]));
    assert_eq!(code, 254, "{errors}");
    assert!(errors.contains("programs run here as adit-self-"), "{errors}");
}

#[test]
fn who_is_not_there_is_told() {
    let house = House::new();
    house.configure(SESSIONS);
    let gateway = house.serve();
    let (code, _, errors) = exec(&house, &gateway, "true", b"");
    assert_eq!(code, 254, "{errors}");
    assert!(errors.contains("there is no account \"ann\" on this machine"), "{errors}");
}
