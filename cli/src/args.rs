//! The command line.

#![allow(rustdoc::broken_intra_doc_links, reason = "the comments are the words of --help")]

use std::ffi::OsString;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use adit_transport::provider::preset::Preset;
use clap::builder::PossibleValuesParser;
use clap::{ArgAction, Parser, Subcommand, ValueEnum};

use crate::args::classes::Classes;

mod classes;

/// A Secure Shell tunneller: carries the traffic of other programs through SSH.
#[derive(Debug, Parser)]
#[command(name = "adit", version, propagate_version = true, disable_help_subcommand = true)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct Args {
    /// How much is logged.
    #[command(flatten)]
    pub(crate) log: Log,
    /// What is to be done.
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
   0  success, also when ended by SIGINT or SIGTERM
   1  any failure that has no code of its own; adit explain: it is denied
   2  the command line or a file that it names is wrong
  10  the server has no address or cannot be reached
  11  the peer speaks no ssh, breaks its rules before the login, or has no algorithm in common
  12  the server's host key is not trusted
  13  the login was refused
  14  a tunnel cannot be set up
  15  the connection was lost, or the peer broke the rules of ssh in it";

/// How much is logged, and how.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Logging")]
pub(crate) struct Log {
    /// Logs more to standard error; up to -vvv
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
    /// The form of the log
    #[arg(long = "log-format", global = true, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: LogFormat,
    /// What is logged, as a filter of targets and levels; overrides -v
    #[arg(long = "log", global = true, env = "ADIT_LOG", value_name = "FILTER")]
    pub(crate) filter: Option<String>,
}

/// The form of the log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// Lines for people.
    #[default]
    Text,
    /// A JSON object a line.
    Json,
}

/// What is to be done.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Opens tunnels through a server and keeps them until SIGINT or SIGTERM
    Open(Open),
    /// Walks the way to a server and through tunnels, and says what fails first, and why
    Why(Why),
    /// Serves tunnels and sessions: a gateway, for what is permitted and nothing else
    Serve(Serve),
    /// Says what the rules of a gateway make of a request, and why, without connecting
    Explain(Explain),
    /// Shows a tunnel at work: a server, a service and a tunnel between them, in one process
    Demo(Demo),
    /// Shows, adds, pins and removes the host keys by which a server is known
    Trust(crate::trust::Args),
    /// Does what ssh(1) does, with its options: runs a shell, a command or a subsystem at a server
    Ssh(Ssh),
}

/// `adit open`.
#[derive(Debug, clap::Args)]
pub(crate) struct Open {
    /// The classes of the tunnels. They come first here: whoever reads the words of a flag takes
    /// them out.
    #[command(flatten)]
    pub(crate) classes: Classes,
    /// A local tunnel: [bind:]port:host:hostport, [bind:]port:/socket, /socket:host:hostport
    /// or /socket:/socket; may be given more than once
    #[arg(short = 'L', value_name = "SPEC")]
    pub(crate) local: Vec<String>,
    /// A dynamic tunnel, a proxy for SOCKS 4, 4a, 5 and HTTP CONNECT whose targets the server
    /// connects to: [bind:]port or /socket; may be given more than once
    #[arg(short = 'D', value_name = "[BIND:]PORT")]
    pub(crate) dynamic: Vec<String>,
    /// A remote tunnel, entered at the server: -R takes the forms of -L, and [bind:]port alone or
    /// /socket alone for a proxy like that of -D whose targets are connected to from here; port 0
    /// lets the server choose; may be given more than once
    #[arg(short = 'R', value_name = "SPEC")]
    pub(crate) remote: Vec<String>,
    /// Tells each tunnel that is ready by a line of JSON on standard output: kind (local,
    /// dynamic, remote, remote-dynamic), listen (as asked), port (as it is), bound (the
    /// addresses, where they are known), target; with --connections also those beyond the first:
    /// kind (connection), number (from 2 on), state (open, lost)
    #[arg(long)]
    pub(crate) json: bool,
    /// Connects again where the connection is lost, or cannot be had yet: soon at first, then
    /// less often, up to once a minute. Tunnels that are entered here stay open, and what comes
    /// in meanwhile waits up to 30 seconds; the server is asked for remote tunnels again. The
    /// server is asked for a sign of life every 10 seconds unless ServerAliveInterval says
    /// otherwise
    #[arg(long, conflicts_with = "stdio")]
    pub(crate) reconnect: bool,
    /// Uses so many connections to the server as one, up to 16: what is entered here goes by the
    /// one that has the least to carry, and bulk apart from what is interactive. Those beyond the
    /// first are opened when several tunnelled connections move data at once, without questions,
    /// so by a key that needs none; the server has to show the same host key. Remote tunnels go by
    /// the first. All but the first share the machine's other cores. Where one is lost, what it
    /// carried is, and the others go on
    #[arg(long, value_name = "N", default_value_t = 1, conflicts_with = "stdio", value_parser = clap::value_parser!(u8).range(1..=16))]
    pub(crate) connections: u8,
    /// Joins standard input and output to one target, host:port or /socket, and ends with it
    #[arg(short = 'W', value_name = "HOST:PORT|/SOCKET", conflicts_with_all = ["local", "dynamic", "remote", "json"])]
    pub(crate) stdio: Option<String>,
    /// The server, and the way there.
    #[command(flatten)]
    pub(crate) reach: Reach,
}

/// `adit why`.
#[derive(Debug, clap::Args)]
#[command(after_help = WHY_HELP)]
pub(crate) struct Why {
    /// A local tunnel, as of adit open
    #[arg(short = 'L', value_name = "SPEC")]
    pub(crate) local: Vec<String>,
    /// A dynamic tunnel, as of adit open
    #[arg(short = 'D', value_name = "[BIND:]PORT")]
    pub(crate) dynamic: Vec<String>,
    /// A remote tunnel, as of adit open
    #[arg(short = 'R', value_name = "SPEC")]
    pub(crate) remote: Vec<String>,
    /// Tells all in one object of JSON: ok, exit (the code), cause, hint, and steps, each with at
    /// (the server), step, outcome (ok, no or failed) and text
    #[arg(long)]
    pub(crate) json: bool,
    /// The server, and the way there.
    #[command(flatten)]
    pub(crate) reach: Reach,
    /// A target that the server is to connect to: host:port or /socket
    #[arg(value_name = "HOST:PORT|/SOCKET")]
    pub(crate) target: Option<String>,
}

const WHY_HELP: &str = "\
Each step is told on standard output: the settings, the name and its addresses, the connection,
the identification, what both sides offer, the host key, each key and method tried, and then each
tunnel: it is opened, its target connected to once, and all is closed again. What fails first is
told with its cause and what to do, and is the exit code, as with adit open.";

/// `adit ssh`: its words are those of `ssh(1)`, which reads them by itself.
#[derive(Debug, clap::Args)]
#[command(disable_help_flag = true, disable_version_flag = true)]
pub(crate) struct Ssh {
    /// The words of ssh(1)
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) words: Vec<OsString>,
}

/// A server, and the way there.
#[derive(Debug, clap::Args)]
pub(crate) struct Reach {
    /// The servers to pass through, the nearest first: [user@]host[:port] with commas between
    /// them; each is checked and logged in to from here, with the settings that the files have
    /// for it. Keys, trust, prompts and times of -i and -o hold for all of them, all else for the
    /// last server
    #[arg(short = 'J', value_name = "HOP,...")]
    pub(crate) jump: Option<String>,
    /// A proxy to the first server: socks5://, socks5h:// or http://[user[:password]@]host:port,
    /// or none; ADIT_PROXY names it where this does not. A password here can be read by
    /// everyone on this machine: put it into ADIT_PROXY or a file
    #[arg(long, value_name = "URL")]
    pub(crate) proxy: Option<String>,
    /// A file with user:password for the proxy, which only its owner can read
    #[arg(long, value_name = "FILE")]
    pub(crate) proxy_credentials: Option<PathBuf>,
    /// The server's port
    #[arg(short, value_name = "PORT")]
    pub(crate) port: Option<u16>,
    /// The user to log in as
    #[arg(short, value_name = "USER")]
    pub(crate) login: Option<String>,
    /// A private key to log in with; may be given more than once
    #[arg(short, value_name = "FILE")]
    pub(crate) identity: Vec<PathBuf>,
    /// Reads settings from this file only, or none, in place of ~/.ssh/config and
    /// /etc/ssh/ssh_config
    #[arg(short = 'F', value_name = "FILE|none")]
    pub(crate) config: Option<PathBuf>,
    /// A setting by its name in ssh_config(5), for instance -o ConnectTimeout=10; may be given
    /// more than once, the first value wins
    #[arg(short, value_name = "KEYWORD=VALUE")]
    pub(crate) option: Vec<String>,
    /// Uses IPv4 only
    #[arg(short = '4', conflicts_with = "ipv6")]
    pub(crate) ipv4: bool,
    /// Uses IPv6 only
    #[arg(short = '6')]
    pub(crate) ipv6: bool,
    /// The server: [user@]host, or ssh://[user@]host[:port]
    #[arg(value_name = "[USER@]HOST")]
    pub(crate) destination: String,
}

/// `adit serve`.
///
/// With a file, all that it can say is said there; without, a few words here do for anybody who has
/// one of some keys.
#[derive(Debug, clap::Args)]
#[command(after_help = SERVE_HELP)]
pub(crate) struct Serve {
    /// The configuration: users, rules and limits, in TOML
    #[arg(long, value_name = "FILE")]
    #[arg(conflicts_with_all = ["listen", "host_key", "authorized_keys", "permit", "permit_listen", "algorithms", "compression"])]
    pub(crate) config: Option<PathBuf>,
    /// Looks for mistakes in the configuration, adit-serve.toml unless --config names another,
    /// and does nothing else
    #[arg(long, conflicts_with_all = ["listen", "host_key", "authorized_keys", "permit", "permit_listen", "algorithms", "compression"])]
    pub(crate) check: bool,
    /// The address to listen on; port 0 lets the system choose
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:2222")]
    pub(crate) listen: SocketAddr,
    /// The host key; an ed25519 key is made, readable by its owner only, where the file is
    /// missing; may be given more than once
    #[arg(long, value_name = "FILE", required_unless_present_any = ["config", "check"])]
    pub(crate) host_key: Vec<PathBuf>,
    /// The keys that may log in, in the form of sshd's authorized_keys
    #[arg(long, value_name = "FILE", required_unless_present_any = ["config", "check"])]
    pub(crate) authorized_keys: Option<PathBuf>,
    /// A target that may be connected to: host:port, host:*, *:port, network:port or an absolute
    /// path; may be given more than once; nothing is permitted without
    #[arg(long, value_name = "HOST:PORT|PATH")]
    pub(crate) permit: Vec<String>,
    /// Where remote tunnels may be entered: [address:]port, with * for all addresses and loopback
    /// where there is none, and * for any port from 1024 on, or an absolute path; ports below
    /// 1024 have to be named, and need root; may be given more than once; nothing is permitted
    /// without
    #[arg(long, value_name = "[ADDRESS:]PORT|PATH")]
    pub(crate) permit_listen: Vec<String>,
    /// What sessions may have, as the account that this runs as, or where that is root, as the
    /// account of the user's name: shell, exec, pty, agent, x11, subsystem:NAME; a list, or given
    /// more than once; nothing is permitted without
    #[cfg(feature = "sessions")]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub(crate) permit_session: Vec<String>,
    /// The command line of a subsystem: sftp=/usr/lib/openssh/sftp-server; may be given more than
    /// once
    #[cfg(feature = "sessions")]
    #[arg(long, value_name = "NAME=COMMAND")]
    pub(crate) subsystem: Vec<String>,
    /// Which algorithms are offered: strict leaves out NIST curves, all has those for old clients
    /// too
    #[arg(long, value_name = "PRESET", default_value = "default")]
    #[arg(value_parser = PossibleValuesParser::new(Preset::NAMES))]
    pub(crate) algorithms: String,
    /// Lets clients compress that ask for it
    #[arg(long)]
    pub(crate) compression: bool,
    /// When keys are exchanged again: bytes, with K, M or G, and a time, as RekeyLimit of
    /// sshd_config(5)
    #[arg(long, value_name = "\"BYTES [TIME]\"")]
    pub(crate) rekey_limit: Option<String>,
}

const SERVE_HELP: &str = "\
Signals:
  SIGHUP           reads the configuration and its files again; connections go on, and what they
                   ask for from then on is judged anew; one that is wrong changes nothing
  SIGTERM, SIGINT  takes nothing new, and ends when what runs has ended or the time of grace,
                   `stop-grace`, is over; a second one ends at once";

/// `adit explain`.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("asked").required(true))]
#[command(after_help = "Exit codes: 0 it is allowed, 1 it is denied, 2 something here is wrong")]
pub(crate) struct Explain {
    /// The configuration of the gateway
    #[arg(long, value_name = "FILE", default_value = crate::serve::DEFAULT_CONFIG)]
    pub(crate) config: PathBuf,
    /// The user who asks
    #[arg(long, value_name = "NAME")]
    pub(crate) user: String,
    /// The public key or the certificate that the user logs in with; whether that lets the user in
    /// is looked into first; without, a key without options is supposed
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
    /// The address that the user comes from
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1")]
    pub(crate) from: IpAddr,
    /// A group that the user is supposed to be in, in place of those in the configuration, and
    /// also where no such user is in it; may be given more than once
    #[arg(long, value_name = "NAME", conflicts_with = "key")]
    pub(crate) group: Vec<String>,
    /// When: YYYYMMDD[HHMM[SS]], in UTC; now unless said
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<String>,
    /// What is to be connected to: host:port, [ipv6]:port or /socket
    #[arg(long, value_name = "HOST:PORT|PATH", group = "asked")]
    pub(crate) target: Option<String>,
    /// Where it is to be listened: [bind:]port or /socket
    #[arg(long, value_name = "[BIND:]PORT|PATH", group = "asked")]
    pub(crate) listen: Option<String>,
    /// What a session is to have: shell, exec, pty, agent, x11 or subsystem:NAME
    #[arg(long, value_name = "WHAT", group = "asked")]
    pub(crate) session: Option<String>,
    /// Says it as a JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// `adit demo`.
#[derive(Debug, clap::Args)]
pub(crate) struct Demo {
    /// Leaves the tunnel open afterwards, for programs of your own, until SIGINT or SIGTERM
    #[arg(long)]
    pub(crate) keep: bool,
    /// How much is fetched, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 256, value_parser = clap::value_parser!(u64).range(1..=1_048_576))]
    pub(crate) size: u64,
}
