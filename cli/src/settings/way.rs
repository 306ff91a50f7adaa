//! How a server is reached, by `ProxyJump` and `ProxyCommand` of `ssh_config(5)`.

use crate::client::destination::Destination;
use crate::failure::Failure;

/// What `ProxyJump` takes.
pub(super) const JUMPS: &str = "[user@]host[:port] with commas between them, or none";

/// How a server is reached. `ProxyJump` and `ProxyCommand` exclude each other, as with ssh: the
/// first value of either is that of both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Way {
    /// By nothing of the kind.
    Direct,
    /// Through other servers, the nearest first.
    Jumps(Vec<Destination>),
    /// By the standard input and output of a command.
    Command(String),
}

impl Way {
    /// Reads what `ProxyJump` and `-J` take.
    ///
    /// # Errors
    /// Where a part of it is no destination.
    pub(crate) fn jumps(value: &str) -> Result<Self, Failure> {
        if value.eq_ignore_ascii_case("none") {
            return Ok(Self::Direct);
        }
        value.split(',').map(Destination::parse_hop).collect::<Result<_, _>>().map(Self::Jumps)
    }

    /// Reads what `ProxyCommand` takes.
    pub(super) fn command(value: &str) -> Self {
        if value.eq_ignore_ascii_case("none") {
            Self::Direct
        } else {
            Self::Command(value.to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hops_are_read_in_their_order() {
        let Way::Jumps(hops) = Way::jumps("a,me@b:2222,ssh://[::1]:22").unwrap() else { panic!() };
        let shown: Vec<_> = hops.iter().map(|hop| (hop.to_string(), hop.port)).collect();
        let expected = [("a", None), ("me@b", Some(2222)), ("::1", Some(22))];
        assert_eq!(shown, expected.map(|(hop, port)| (hop.to_owned(), port)));
    }

    #[test]
    fn a_hop_that_is_none_is_named() {
        for jumps in ["", "a,", "a,-oX", "::1", "a:b", "[::1"] {
            assert!(Way::jumps(jumps).is_err(), "{jumps}");
        }
    }
}
