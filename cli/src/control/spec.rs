//! Tunnels and targets in words.

use adit_forward::spec;
use adit_forward::target::Target;

use crate::failure::{Exit, Failure};
use crate::open::tunnel::{Here, Tunnel};

/// The letter of the flag that asks for a tunnel, and what stands behind it.
pub(super) fn words(tunnel: &Tunnel) -> (String, String) {
    let (flag, words) = match tunnel {
        Tunnel::Here(Here::Local(local)) => ("L", local.to_string()),
        Tunnel::Here(Here::Dynamic(entry)) => ("D", entry.to_string()),
        Tunnel::There(remote) => ("R", remote.to_string()),
    };
    (flag.to_owned(), words)
}

/// The tunnel that a flag asks for.
///
/// # Errors
/// Where it asks for none.
pub(super) fn tunnel(flag: &str, words: &str) -> Result<Tunnel, Failure> {
    let wrong = |error: spec::Error| wrong(&format!("-{flag} {words}"), &error);
    match flag {
        "L" => words.parse().map(|it| Tunnel::Here(Here::Local(it))).map_err(wrong),
        "D" => words.parse().map(|it| Tunnel::Here(Here::Dynamic(it))).map_err(wrong),
        "R" => words.parse().map(Tunnel::There).map_err(wrong),
        _ => Err(Failure::new(Exit::Usage, "no flag for tunnels")),
    }
}

/// The target that `-W` names.
///
/// # Errors
/// Where it is none.
pub(super) fn target(words: &str) -> Result<Target, Failure> {
    words.parse().map_err(|error| wrong(&format!("-W {words}"), &error))
}

fn wrong(words: &str, error: &spec::Error) -> Failure {
    Failure::new(Exit::Usage, format!("{words}: {error}")).hint(error.hint())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tunnel_is_read_as_it_was_said() {
        for (flag, spec) in [
            ("L", "8080:host:80"),
            ("L", "*:8080:/run/s"),
            ("D", "[::1]:1080"),
            ("R", "0"),
            ("R", "/s:[::1]:80"),
        ] {
            let tunnel = tunnel(flag, spec).unwrap();
            assert_eq!(words(&tunnel), (flag.to_owned(), spec.to_owned()));
        }
        assert!(tunnel("X", "1").is_err() && tunnel("L", "x").is_err());
    }
}
