//! The settings of a connection to a server: what adit keeps of `ssh_config(5)`.

use std::path::PathBuf;
use std::time::Duration;

use adit_channels::mux::Keepalive;
use adit_forward::unix;
use adit_ssh_config::config::Config;
use adit_ssh_config::error::Error;
use adit_ssh_config::keyword::Keyword;
use adit_ssh_config::qos::Service;
use adit_ssh_config::system::System;
use adit_ssh_config::value::Value;
use adit_transport::config::{Algorithms, Rekey};

use crate::failure::Failure;
use crate::settings::identity_files::IdentityFiles;
use crate::settings::remote_open::RemoteOpen;

pub(crate) mod algorithms;
pub(crate) mod fault;
pub(crate) mod identity_files;
pub(crate) mod remote_open;
pub(crate) mod rule;
pub(crate) mod sources;

/// The settings of a connection to a server, with tokens and paths in full.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// The host as the user named it.
    pub(crate) given: String,
    /// `HostName`, or else the host as the user named it.
    pub(crate) host: String,
    /// `Port`.
    pub(crate) port: u16,
    /// `User`, or else who runs the program.
    pub(crate) user: String,
    /// `AddressFamily`.
    pub(crate) address_family: AddressFamily,
    /// `KexAlgorithms`, `Ciphers`, `HostKeyAlgorithms` and `PubkeyAcceptedAlgorithms`, as far as
    /// adit has them.
    pub(crate) algorithms: Algorithms,
    /// Whether `HostKeyAlgorithms` says which comes first.
    pub(crate) host_key_order: HostKeyOrder,
    /// `RevokedHostKeys`.
    pub(crate) revoked_host_keys: Vec<PathBuf>,
    /// `UpdateHostKeys`.
    pub(crate) update_host_keys: UpdateHostKeys,
    /// `ServerAliveInterval` and `ServerAliveCountMax`.
    pub(crate) alive: Option<Keepalive>,
    /// Whether the user has said of the two.
    pub(crate) alive_named: bool,
    /// `BatchMode`: nothing is asked.
    pub(crate) batch_mode: bool,
    /// `BindAddress`: the address that the first connection comes from.
    pub(crate) bind_address: Option<String>,
    /// `BindInterface`: the interface whose address the first connection comes from, where
    /// `BindAddress` says nothing.
    pub(crate) bind_interface: Option<String>,
    /// `StreamLocalBindMask`: who may connect to a socket that is listened on here.
    pub(crate) bind_mode: unix::Mode,
    /// `StreamLocalBindUnlink`: a dead socket in the way of a listener is removed.
    pub(crate) bind_unlink: bool,
    /// `CertificateFile`.
    pub(crate) certificate_files: Vec<PathBuf>,
    /// `ConnectTimeout`.
    pub(crate) connect_timeout: Option<Duration>,
    /// `ConnectionAttempts`, one a second.
    pub(crate) connection_attempts: u32,
    /// `ExitOnForwardFailure`.
    pub(crate) exit_on_forward_failure: bool,
    /// `GatewayPorts`: local listeners on all addresses where none is named.
    pub(crate) gateway_ports: bool,
    /// `GlobalKnownHostsFile`.
    pub(crate) global_known_hosts: Vec<PathBuf>,
    /// `HashKnownHosts`.
    pub(crate) hash_known_hosts: bool,
    /// `HostKeyAlias`.
    pub(crate) host_key_alias: Option<String>,
    /// `IdentitiesOnly`.
    pub(crate) identities_only: bool,
    /// `IdentityAgent`: a path, `SSH_AUTH_SOCK`, `$NAME` or `none`.
    pub(crate) identity_agent: Option<String>,
    /// `IdentityFile`.
    pub(crate) identity_files: IdentityFiles,
    /// `KbdInteractiveAuthentication`, and `PreferredAuthentications` where it names methods.
    pub(crate) keyboard_interactive: bool,
    /// `PasswordAuthentication`, likewise.
    pub(crate) password: bool,
    /// `NumberOfPasswordPrompts`.
    pub(crate) password_prompts: u32,
    /// `PermitRemoteOpen`.
    pub(crate) permit_remote_open: RemoteOpen,
    /// `ProxyCommand`, with its tokens.
    pub(crate) proxy_command: Option<String>,
    /// `PubkeyAuthentication`, and `PreferredAuthentications` where it names methods.
    pub(crate) pubkey: bool,
    /// `RekeyLimit`.
    pub(crate) rekey: Rekey,
    /// `IPQoS`: the octet of the type of service of a connection without a terminal.
    pub(crate) service: Option<u8>,
    /// `StrictHostKeyChecking`.
    pub(crate) strict_host_keys: StrictHostKeys,
    /// `TCPKeepAlive`.
    pub(crate) tcp_keep_alive: bool,
    /// `UserKnownHostsFile`.
    pub(crate) user_known_hosts: Vec<PathBuf>,
}

/// `AddressFamily`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AddressFamily {
    /// IPv4 and IPv6.
    Any,
    /// IPv4.
    Inet,
    /// IPv6.
    Inet6,
}

/// Which host key algorithms come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HostKeyOrder {
    /// Those of keys that the host is known by.
    Known,
    /// Those that the user named first.
    Named,
}

/// `StrictHostKeyChecking`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StrictHostKeys {
    /// Only known keys.
    Yes,
    /// A key of an unknown host is asked about.
    Ask,
    /// A key of an unknown host is taken and kept.
    AcceptNew,
    /// Any key is taken.
    No,
}

/// `UpdateHostKeys`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UpdateHostKeys {
    /// Keys that the server announces and proves are learned.
    Yes,
    /// The user is asked first.
    Ask,
    /// They are not.
    No,
}

impl Settings {
    /// What a server's configuration comes to.
    ///
    /// # Errors
    /// Where a value cannot be kept.
    pub(crate) fn of(config: &Config, system: &System) -> Result<Self, Failure> {
        let seconds = |keyword| {
            config.number(keyword).map(u64::from).filter(|it| *it > 0).map(Duration::from_secs)
        };
        let paths = |keyword| config.list(keyword).iter().map(PathBuf::from).collect();
        let text = |keyword| config.text(keyword).map(str::to_owned);
        let prefers = |method| prefers(config, method);
        let expand = |error: Error| fault::explain(&error);
        let alive = seconds(Keyword::ServerAliveInterval).map(|interval| Keepalive {
            interval,
            count: config.number(Keyword::ServerAliveCountMax).unwrap_or(3),
        });
        let named = |keyword| config.mention(keyword).is_some();
        Ok(Self {
            given: config.original_host().to_owned(),
            host: config.host().to_owned(),
            port: config.port(),
            user: config.user().to_owned(),
            address_family: family(config),
            algorithms: algorithms::chosen(config)?,
            host_key_order: host_key_order(config),
            alive,
            alive_named: named(Keyword::ServerAliveInterval),
            batch_mode: config.is_yes(Keyword::BatchMode),
            bind_address: text(Keyword::BindAddress),
            bind_interface: text(Keyword::BindInterface),
            bind_mode: bind_mode(config),
            bind_unlink: config.is_yes(Keyword::StreamLocalBindUnlink),
            certificate_files: certificate_files(config, system).map_err(expand)?,
            connect_timeout: seconds(Keyword::ConnectTimeout),
            connection_attempts: config.number(Keyword::ConnectionAttempts).unwrap_or(1),
            exit_on_forward_failure: config.is_yes(Keyword::ExitOnForwardFailure),
            gateway_ports: config.is_yes(Keyword::GatewayPorts),
            global_known_hosts: paths(Keyword::GlobalKnownHostsFile),
            hash_known_hosts: config.is_yes(Keyword::HashKnownHosts),
            host_key_alias: text(Keyword::HostKeyAlias),
            identities_only: config.is_yes(Keyword::IdentitiesOnly),
            identity_agent: text(Keyword::IdentityAgent),
            identity_files: IdentityFiles::of(config, system).map_err(expand)?,
            keyboard_interactive: config.is_yes(Keyword::KbdInteractiveAuthentication)
                && prefers("keyboard-interactive"),
            password: config.is_yes(Keyword::PasswordAuthentication) && prefers("password"),
            password_prompts: config.number(Keyword::NumberOfPasswordPrompts).unwrap_or(3),
            permit_remote_open: RemoteOpen::of(config, system)?,
            proxy_command: text(Keyword::ProxyCommand),
            pubkey: config.choice(Keyword::PubkeyAuthentication) != Some("false")
                && prefers("publickey"),
            revoked_host_keys: paths(Keyword::RevokedHostKeys),
            update_host_keys: update_host_keys(config),
            rekey: rekey(config.value(Keyword::RekeyLimit)),
            service: service(config),
            strict_host_keys: strictness(config),
            tcp_keep_alive: config.is_yes(Keyword::TcpKeepAlive),
            user_known_hosts: paths(Keyword::UserKnownHostsFile),
        })
    }
}

/// `CertificateFile`; `none` is no file.
fn certificate_files(config: &Config, system: &System) -> Result<Vec<PathBuf>, Error> {
    let files = config.list(Keyword::CertificateFile).iter();
    let files = files.filter(|file| !file.eq_ignore_ascii_case("none"));
    files
        .map(|file| config.expanded(Keyword::CertificateFile, file, system).map(PathBuf::from))
        .collect()
}

/// Whether a login method is among those that `PreferredAuthentications` names, if it names any.
fn prefers(config: &Config, method: &str) -> bool {
    let preferred = config.text(Keyword::PreferredAuthentications);
    preferred.is_none_or(|list| list.split(',').any(|it| it == method))
}

fn family(config: &Config) -> AddressFamily {
    match config.choice(Keyword::AddressFamily) {
        Some("inet") => AddressFamily::Inet,
        Some("inet6") => AddressFamily::Inet6,
        _ => AddressFamily::Any,
    }
}

/// A list that only adds or takes away has no order of its own.
fn host_key_order(config: &Config) -> HostKeyOrder {
    match config.mention(Keyword::HostKeyAlgorithms) {
        Some(said) if !said.words.starts_with(['+', '-']) => HostKeyOrder::Named,
        _ => HostKeyOrder::Known,
    }
}

fn bind_mode(config: &Config) -> unix::Mode {
    match config.value(Keyword::StreamLocalBindMask) {
        Some(Value::Mask(mask)) => unix::Mode(0o777 & !mask),
        _ => unix::Mode::default(),
    }
}

fn update_host_keys(config: &Config) -> UpdateHostKeys {
    match config.choice(Keyword::UpdateHostKeys) {
        Some("true") => UpdateHostKeys::Yes,
        Some("ask") => UpdateHostKeys::Ask,
        _ => UpdateHostKeys::No,
    }
}

fn strictness(config: &Config) -> StrictHostKeys {
    match config.choice(Keyword::StrictHostKeyChecking) {
        Some("true") => StrictHostKeys::Yes,
        Some("accept-new") => StrictHostKeys::AcceptNew,
        Some("false") => StrictHostKeys::No,
        _ => StrictHostKeys::Ask,
    }
}

/// Of a limit that nobody named the default is adit's own; of one that is named, 0 bytes are what
/// adit would have, and 0 seconds are never.
pub(crate) fn rekey(value: Option<&Value>) -> Rekey {
    let default = Rekey::default();
    match value {
        Some(Value::Rekey(limit))
            if limit.bytes.is_some_and(|it| it > 0) || limit.seconds.is_some() =>
        {
            Rekey {
                bytes: limit.bytes.filter(|it| *it > 0).unwrap_or(default.bytes),
                time: limit.seconds.filter(|it| *it > 0).map(|it| Duration::from_secs(it.into())),
            }
        }
        _ => default,
    }
}

/// What a connection gets on which no terminal is at work. The default of ssh says nothing here,
/// since networks may carry the traffic of tunnels worse for it.
fn service(config: &Config) -> Option<u8> {
    config.mention(Keyword::IpQos)?;
    match config.value(Keyword::IpQos) {
        Some(Value::Qos(qos)) => match qos.bulk {
            Service::Octet(octet) => Some(octet),
            Service::System => None,
        },
        _ => None,
    }
}
