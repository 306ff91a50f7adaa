//! The command line.

#![allow(rustdoc::broken_intra_doc_links, reason = "the comments are the words of --help")]

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{ArgAction, Parser, Subcommand, ValueEnum};

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
   1  any failure that has no code of its own
   2  the command line or a file that it names is wrong
  10  the server has no address or cannot be reached
  11  the peer speaks no ssh, breaks the protocol, or has no algorithm in common
  12  the server's host key is not trusted
  13  the login was refused
  14  a tunnel cannot be set up
  15  the connection was lost";

/// How much is logged, and how.
#[derive(Debug, clap::Args)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// Lines for people.
    Text,
    /// A JSON object a line.
    Json,
}

/// What is to be done.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Opens tunnels through a server and keeps them until SIGINT or SIGTERM
    Open(Open),
    /// Serves tunnels: a gateway that only forwards, and only where it is permitted
    Serve(Serve),
    /// Shows a tunnel at work: a server, a service and a tunnel between them, in one process
    Demo(Demo),
}

/// `adit open`.
#[derive(Debug, clap::Args)]
pub(crate) struct Open {
    /// A local tunnel: [bind:]port:host:hostport, [bind:]port:/socket, /socket:host:hostport
    /// or /socket:/socket; may be given more than once
    #[arg(short = 'L', value_name = "SPEC")]
    pub(crate) local: Vec<String>,
    /// A dynamic tunnel, a proxy for SOCKS 4, 4a, 5 and HTTP CONNECT whose targets the server
    /// connects to: [bind:]port or /socket; may be given more than once
    #[arg(short = 'D', value_name = "[BIND:]PORT")]
    pub(crate) dynamic: Vec<String>,
    /// The server's port
    #[arg(short, value_name = "PORT")]
    pub(crate) port: Option<u16>,
    /// The user to log in as
    #[arg(short, value_name = "USER")]
    pub(crate) login: Option<String>,
    /// A private key to log in with; may be given more than once
    #[arg(short, value_name = "FILE")]
    pub(crate) identity: Vec<PathBuf>,
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
#[derive(Debug, clap::Args)]
pub(crate) struct Serve {
    /// The address to listen on; port 0 lets the system choose
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:2222")]
    pub(crate) listen: SocketAddr,
    /// The host key; an ed25519 key is made, readable by its owner only, where the file is
    /// missing; may be given more than once
    #[arg(long, value_name = "FILE", required = true)]
    pub(crate) host_key: Vec<PathBuf>,
    /// The keys that may log in, in the form of sshd's authorized_keys
    #[arg(long, value_name = "FILE")]
    pub(crate) authorized_keys: PathBuf,
    /// A target that may be connected to: host:port, host:*, *:port or an absolute path; may be
    /// given more than once; nothing is permitted without
    #[arg(long, value_name = "HOST:PORT|PATH")]
    pub(crate) permit: Vec<String>,
    /// When keys are exchanged again: bytes, with K, M or G, and a time, as RekeyLimit of
    /// sshd_config(5)
    #[arg(long, value_name = "\"BYTES [TIME]\"")]
    pub(crate) rekey_limit: Option<String>,
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
