//! PuTTY's programs.

use std::fs;
use std::process::Command;

use crate::house::{Gateway, House, run};
use crate::sessions::house;

/// `plink` or `psftp` as ann, where they are here.
fn putty(program: &str, house: &House, gateway: &Gateway) -> Option<Command> {
    let ppk = house.path("ann.ppk");
    let mut puttygen = Command::new("puttygen");
    let made = puttygen.args([&house.path("ann"), "-O", "private", "-o", &ppk]).status();
    if !made.is_ok_and(|status| status.success()) {
        eprintln!("not tried: puttygen is not here: apt-get install putty-tools");
        return None;
    }
    let mut shown = Command::new("ssh-keygen");
    let (_, print, _) = run(shown.args(["-l", "-f", &house.path("host.pub")]));
    let print = print.split_whitespace().nth(1).unwrap().to_owned();
    let mut command = Command::new(program);
    command.args(["-batch", "-noagent", "-hostkey", &print, "-i", &ppk]);
    command.args(["-P", &gateway.address.port().to_string()]).env("HOME", house.at());
    Some(command)
}

#[test]
fn plink_runs_commands_and_knows_how_they_ended() {
    let house = house();
    let gateway = house.serve();
    let Some(mut plink) = putty("plink", &house, &gateway) else { return };
    let (code, out, errors) = run(plink.args(["ann@127.0.0.1", "echo out; echo err >&2; exit 7"]));
    assert_eq!((code, out.as_str()), (7, "out\n"), "{errors}");
    assert!(errors.contains("err\n"), "{errors}");
    let mut plink = putty("plink", &house, &gateway).unwrap();
    let (code, out, errors) = run(plink.args(["-t", "ann@127.0.0.1", "test -t 0; echo $TERM $?"]));
    assert_eq!((code, out.trim()), (0, "xterm 0"), "{errors}");
    let mut plink = putty("plink", &house, &gateway).unwrap();
    let (_, out, _) = run(plink.args(["ann@127.0.0.1", "head -c 5000000 /dev/zero"]));
    assert_eq!(out.len(), 5_000_000);
}

#[test]
fn psftp_brings_files() {
    let house = house();
    let gateway = house.serve();
    let bytes: Vec<u8> = (0..=255).cycle().take(3_000_000).collect();
    fs::write(house.path("from"), &bytes).unwrap();
    let at = house.at().display();
    fs::write(house.path("batch"), format!("get {at}/from {at}/got\nput {at}/got {at}/put\n"))
        .unwrap();
    let Some(mut psftp) = putty("psftp", &house, &gateway) else { return };
    let (code, _, errors) = run(psftp.args(["-b", &house.path("batch"), "ann@127.0.0.1"]));
    assert_eq!(code, 0, "{errors}");
    assert!(fs::read(house.path("got")).unwrap() == bytes);
    assert!(fs::read(house.path("put")).unwrap() == bytes);
}
