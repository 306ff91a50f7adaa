//! Who runs the program.

use std::path::PathBuf;

use crate::failure::{Exit, Failure};

/// The home folder.
///
/// # Errors
/// Where there is none.
pub(crate) fn home() -> Result<PathBuf, Failure> {
    etcetera::home_dir()
        .map_err(|_| Failure::new(Exit::Other, "there is no home folder").hint("set HOME"))
}

/// The name of the user, by the system's list of accounts or else by the environment.
///
/// # Errors
/// Where neither knows.
pub(crate) fn user() -> Result<String, Failure> {
    let id = rustix::process::getuid().as_raw().to_string();
    let accounts = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    named(&accounts, &id)
        .map(str::to_owned)
        .or_else(|| std::env::var("LOGNAME").ok())
        .or_else(|| std::env::var("USER").ok())
        .ok_or_else(|| {
            Failure::new(Exit::Usage, "your user name cannot be told")
                .hint("name the user to log in as: user@host, or -l user")
        })
}

/// The first account with this number.
fn named<'a>(accounts: &'a str, id: &str) -> Option<&'a str> {
    accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == id).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_account_of_a_number_counts() {
        let accounts = "root:x:0:0::/root:/bin/sh\nbroken\nme:x:1000:1000:::\nalso:x:1000:1:::\n";
        assert_eq!(named(accounts, "1000"), Some("me"));
        assert_eq!(named(accounts, "7"), None);
    }
}
