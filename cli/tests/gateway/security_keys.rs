//! Logins by security keys: `ssh` shows what an agent signs, and the gateway asks who was there.

use adit_tests::security_key::{SecurityKey, TOUCHED, VERIFIED};

use crate::house::{House, adit, hello, run};

/// Logs in as the holder of a security key whose line has these options.
fn log_in(options: &str, flags: u8) -> (i32, String) {
    let house = House::new();
    let key = SecurityKey::start(house.at(), flags);
    house.configure(&format!(
        "[[user]]\nname = \"bob\"\nkeys = ['''{options}{}''']\n\
         [[rule]]\nname = \"all\"\naction = \"allow\"\n",
        key.public(),
    ));
    let gateway = house.serve();
    let target = hello().to_string();
    let mut ssh = house.ssh(&gateway, "sk.pub");
    ssh.args(["-o", &format!("IdentityAgent={}", key.socket()), "-W", &target, "bob@127.0.0.1"]);
    let (code, said, error) = run(&mut ssh);
    let by_adit = [
        "open",
        "-F",
        "none",
        "-p",
        &gateway.address.port().to_string(),
        "-oBatchMode=yes",
        "-oStrictHostKeyChecking=accept-new",
        "-oGlobalKnownHostsFile=none",
        &format!("-oUserKnownHostsFile={}", house.path("known_hosts")),
        &format!("-oIdentityAgent={}", key.socket()),
        "-W",
        &target,
        "bob@127.0.0.1",
    ]
    .map(str::to_owned);
    let words: Vec<&str> = by_adit.iter().map(String::as_str).collect();
    let (own_code, own_said, own_error) = run(&mut adit(&words));
    let told = format!("{said}{error}{own_said}{own_error}");
    assert_eq!(code == 0, own_code == 0, "ssh and adit do not agree: {told}");
    (code, told)
}

#[test]
fn a_touch_is_asked_for_unless_the_line_waives_it() {
    let (code, told) = log_in("", TOUCHED);
    assert_eq!(code, 0, "{told}");
    let (code, told) = log_in("", 0);
    assert!(code != 0 && told.contains("Permission denied"), "{told}");
    let (code, told) = log_in("no-touch-required ", 0);
    assert_eq!(code, 0, "{told}");
}

#[test]
fn the_holder_must_be_verified_where_the_line_asks_for_it() {
    let (code, told) = log_in("verify-required ", TOUCHED);
    assert!(code != 0 && told.contains("Permission denied"), "{told}");
    let (code, told) = log_in("verify-required ", TOUCHED | VERIFIED);
    assert_eq!(code, 0, "{told}");
}
