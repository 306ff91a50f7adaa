//! What is tried with each peer.

mod agent;
pub(crate) mod algorithms;
mod ansible;
mod bulk;
mod callers;
mod control;
mod fixed_ports;
mod half_close;
mod host_keys;
mod jump;
mod kinds;
mod listener_taken;
mod many;
mod no_common_algorithm;
mod programs;
mod refused;
mod refused_login;
mod remote_sockets;
mod server_gone;
mod session_together;
mod sessions;
mod settings;
mod sockets;
mod stalled_reader;
mod stdio;
mod stock_client;
mod stock_client_algorithms;
mod stock_client_programs;
mod stock_client_refused;
mod stock_client_sessions;
mod stock_client_sockets;
mod together;
mod tunnellers;
mod unclean;
mod user_keys;
mod wrong_host_key;
mod x11;

use crate::interop::role::Role;
use crate::interop::trial::{Stop, Trial};

/// Whether others may run beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Load {
    /// It waits more than it works.
    Light,
    /// Its figures mean something only if nothing else runs.
    Heavy,
}

/// One thing that must work with every peer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) role: Role,
    pub(crate) load: Load,
    pub(crate) about: &'static str,
    pub(crate) run: Run,
}

/// What is done; it sets the stage itself.
pub(crate) type Run = fn(&mut Trial<'_, '_>) -> Result<(), Stop>;

/// All scenarios, in the order of the tables.
pub(crate) const ALL: [Scenario; 53] = [
    server("bulk", "much down and much up; both at once with RekeyLimit 1M", bulk::run).heavy(),
    server(
        "algorithms",
        "each key exchange, cipher, MAC and compression that both have, one by one",
        algorithms::run,
    ),
    server(
        "host-keys",
        "a server with one host key only, of each kind; accept-new",
        host_keys::run,
    ),
    server(
        "user-keys",
        "a login with each kind of key, from its file and by the agent",
        user_keys::run,
    ),
    server("many", "a thousand connections at once, each echoing 64 KiB", many::run).heavy(),
    server(
        "stalled-reader",
        "a program that stops reading stalls no other, and costs bounded memory",
        stalled_reader::run,
    )
    .heavy(),
    server("half-close", "ends in every order, resets from either side", half_close::run),
    server("refused", "a target that refuses, a name that does not exist", refused::run),
    server(
        "server-gone",
        "the server frozen or cut off in the middle of a transfer",
        server_gone::run,
    ),
    server("sockets", "TCP and Unix sockets in all four combinations", sockets::run),
    server("wrong-host-key", "a changed, an unknown and a revoked host key", wrong_host_key::run),
    server(
        "no-common-algorithm",
        "no common cipher, key exchange or host key algorithm",
        no_common_algorithm::run,
    ),
    server("refused-login", "a key that is not authorized, an unknown user", refused_login::run),
    server("listener-taken", "a tunnel whose local end cannot be opened", listener_taken::run),
    server("local", "local tunnels, by IPv4 and IPv6", kinds::local),
    server("dynamic", "dynamic tunnels, by IPv4 and IPv6", kinds::dynamic),
    server(
        "remote",
        "remote tunnels at ports that the server chooses, by IPv4 and IPv6",
        kinds::remote,
    ),
    server("remote-dynamic", "a proxy at the server, by IPv4 and IPv6", kinds::remote_dynamic),
    server("stdio", "standard input and output joined to a target", stdio::run),
    server("imap-143", "imap on its fixed port 143", fixed_ports::imap),
    server(
        "remote-port-80",
        "remote port 80 refused to an ordinary user, granted to root",
        fixed_ports::web_port,
    ),
    server(
        "together",
        "several tunnels of each kind in one connection while bulk goes by",
        together::run,
    ),
    server("remote-sockets", "remote tunnels from and to Unix sockets", remote_sockets::run),
    server(
        "jump",
        "three servers of different versions, each host key checked, each kind of tunnel",
        jump::run,
    ),
    server(
        "frozen",
        "a server that stands still while a remote tunnel is up; its port comes back",
        unclean::frozen,
    ),
    server(
        "programs",
        "curl (http, five kinds of proxy, smtp, imap, pop3) and redis, by IPv4 and IPv6",
        programs::run,
    ),
    server(
        "sessions",
        "commands, subsystems and terminals by adit in the place of ssh",
        sessions::run,
    ),
    server("callers", "git, rsync, scp and sftp with adit as the ssh command", callers::run),
    server("ansible", "a playbook of ansible with adit as its ssh", ansible::run),
    server(
        "sshuttle",
        "a network of the peer's by sshuttle with adit as its ssh",
        tunnellers::sshuttle,
    ),
    server("autossh", "a tunnel that autossh opens again whenever adit ends", tunnellers::autossh),
    server(
        "x11",
        "programs of a session on a display here, twenty at once; the cookie stays here",
        x11::run,
    ),
    server(
        "agent",
        "from the peer to a second server by the agent, with a key for those hosts alone",
        agent::run,
    ),
    server(
        "session-together",
        "a session, its display, the agent and each kind of tunnel in one connection beside bulk",
        session_together::run,
    ),
    server(
        "control",
        "many sessions by one master; tunnels that come and go beside bulk",
        control::run,
    ),
    client("settings", "ssh -G and adit come to the same settings, case by case", settings::run),
    client(
        "stock-client",
        "the peer's client with each kind of key, from its file and by the agent; bulk",
        stock_client::run,
    )
    .heavy(),
    client(
        "stock-client-algorithms",
        "the peer's client with each key exchange, cipher and MAC, one by one",
        stock_client_algorithms::run,
    ),
    client(
        "stock-client-sockets",
        "the peer's client with TCP and Unix sockets at either end",
        stock_client_sockets::run,
    ),
    client(
        "stock-client-local",
        "local tunnels of the peer's client, by IPv4 and IPv6",
        kinds::stock_local,
    ),
    client("stock-client-dynamic", "its dynamic tunnels", kinds::stock_dynamic),
    client("stock-client-remote", "its remote tunnels", kinds::stock_remote),
    client("stock-client-remote-dynamic", "its proxy at the gateway", kinds::stock_remote_dynamic),
    client(
        "stock-client-stdio",
        "its standard input and output joined to a target",
        stdio::run_stock,
    ),
    client("stock-client-imap-143", "imap on its fixed port 143", fixed_ports::stock_imap),
    client(
        "stock-client-remote-port-80",
        "remote port 80 refused, and granted where it is named",
        fixed_ports::stock_web_port,
    ),
    client(
        "stock-client-together",
        "several tunnels of each kind in one connection while bulk goes by",
        together::run_stock,
    ),
    client(
        "stock-client-remote-sockets",
        "its remote tunnels from and to Unix sockets",
        remote_sockets::run_stock,
    ),
    client("stock-client-jump", "three gateways one behind the other", jump::run_stock),
    client(
        "stock-client-takeover",
        "a client that stands still loses its port to the next login of its key",
        unclean::takeover,
    ),
    client(
        "stock-client-programs",
        "the same programs through the tunnels of the peer's client",
        stock_client_programs::run,
    ),
    client(
        "stock-client-refused",
        "a target that is not permitted, a key that is not authorized",
        stock_client_refused::run,
    ),
    client(
        "stock-client-sessions",
        "ssh, scp, sftp, plink, psftp and dbclient at a gateway with sessions; refused by others",
        stock_client_sessions::run,
    ),
];

/// A scenario whose peer is the server.
const fn server(name: &'static str, about: &'static str, run: Run) -> Scenario {
    Scenario { name, role: Role::Server, load: Load::Light, about, run }
}

/// A scenario whose peer is the client.
const fn client(name: &'static str, about: &'static str, run: Run) -> Scenario {
    Scenario { name, role: Role::Client, load: Load::Light, about, run }
}

impl Scenario {
    /// It works the whole machine, or measures it.
    const fn heavy(self) -> Self {
        Self { load: Load::Heavy, ..self }
    }
}

/// Those that `names` asks for, or all.
pub(crate) fn select(names: &[String]) -> Vec<Scenario> {
    let is_named = |scenario: &Scenario| names.iter().any(|name| name == scenario.name);
    ALL.into_iter().filter(|scenario| names.is_empty() || is_named(scenario)).collect()
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
