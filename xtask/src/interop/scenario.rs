//! What is tried with each peer.

pub(crate) mod algorithms;
mod bulk;
mod half_close;
mod host_keys;
mod listener_taken;
mod many;
mod no_common_algorithm;
mod refused;
mod refused_login;
mod server_gone;
mod sockets;
mod stalled_reader;
mod stock_client;
mod stock_client_algorithms;
mod stock_client_refused;
mod stock_client_sockets;
mod user_keys;
mod wrong_host_key;

use crate::interop::trial::{Stop, Trial};

/// What the peer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The server of `adit open`.
    Server,
    /// The client of `adit serve`.
    Client,
}

/// One thing that must work with every peer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) role: Role,
    pub(crate) about: &'static str,
    pub(crate) run: fn(&mut Trial<'_, '_>) -> Result<(), Stop>,
}

/// All scenarios, in the order of the tables.
pub(crate) const ALL: [Scenario; 18] = [
    Scenario {
        name: "bulk",
        role: Role::Server,
        about: "much down, up and both at once, with RekeyLimit 1M and at defaults",
        run: bulk::run,
    },
    Scenario {
        name: "algorithms",
        role: Role::Server,
        about: "each key exchange and cipher that both have, one by one",
        run: algorithms::run,
    },
    Scenario {
        name: "host-keys",
        role: Role::Server,
        about: "a server with one host key only, of each kind; accept-new",
        run: host_keys::run,
    },
    Scenario {
        name: "user-keys",
        role: Role::Server,
        about: "a login with each kind of key, from its file and by the agent",
        run: user_keys::run,
    },
    Scenario {
        name: "many",
        role: Role::Server,
        about: "a thousand connections at once, each echoing 64 KiB",
        run: many::run,
    },
    Scenario {
        name: "stalled-reader",
        role: Role::Server,
        about: "a program that stops reading stalls no other, and costs bounded memory",
        run: stalled_reader::run,
    },
    Scenario {
        name: "half-close",
        role: Role::Server,
        about: "ends in every order, resets from either side",
        run: half_close::run,
    },
    Scenario {
        name: "refused",
        role: Role::Server,
        about: "a target that refuses, a name that does not exist",
        run: refused::run,
    },
    Scenario {
        name: "server-gone",
        role: Role::Server,
        about: "the server frozen or cut off in the middle of a transfer",
        run: server_gone::run,
    },
    Scenario {
        name: "sockets",
        role: Role::Server,
        about: "TCP and Unix sockets in all four combinations",
        run: sockets::run,
    },
    Scenario {
        name: "wrong-host-key",
        role: Role::Server,
        about: "a changed, an unknown and a revoked host key",
        run: wrong_host_key::run,
    },
    Scenario {
        name: "no-common-algorithm",
        role: Role::Server,
        about: "no common cipher, key exchange or host key algorithm",
        run: no_common_algorithm::run,
    },
    Scenario {
        name: "refused-login",
        role: Role::Server,
        about: "a key that is not authorized, an unknown user",
        run: refused_login::run,
    },
    Scenario {
        name: "listener-taken",
        role: Role::Server,
        about: "a tunnel whose local end cannot be opened",
        run: listener_taken::run,
    },
    Scenario {
        name: "stock-client",
        role: Role::Client,
        about: "the peer's client with each kind of key, from its file and by the agent; bulk",
        run: stock_client::run,
    },
    Scenario {
        name: "stock-client-algorithms",
        role: Role::Client,
        about: "the peer's client with each key exchange and cipher, one by one",
        run: stock_client_algorithms::run,
    },
    Scenario {
        name: "stock-client-sockets",
        role: Role::Client,
        about: "the peer's client with TCP and Unix sockets at either end",
        run: stock_client_sockets::run,
    },
    Scenario {
        name: "stock-client-refused",
        role: Role::Client,
        about: "a target that is not permitted, a key that is not authorized",
        run: stock_client_refused::run,
    },
];

/// Those that `names` asks for, or all.
pub(crate) fn select(names: &[String]) -> Vec<Scenario> {
    let is_named = |scenario: &Scenario| names.iter().any(|name| name == scenario.name);
    ALL.into_iter().filter(|scenario| names.is_empty() || is_named(scenario)).collect()
}

impl Role {
    /// What the peer is, for tables.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Client => "client",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_has_a_name_of_its_own() {
        let mut names: Vec<&str> = ALL.iter().map(|scenario| scenario.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ALL.len());
    }

    #[test]
    fn scenarios_are_taken_by_name_and_all_without_one() {
        assert_eq!(select(&[]).len(), ALL.len());
        let named = select(&["many".to_owned(), "bulk".to_owned()]);
        let names: Vec<&str> = named.iter().map(|scenario| scenario.name).collect();
        assert_eq!(names, ["bulk", "many"]);
    }
}
