//! The form of the file.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use adit_transport::certificate::Network;
use serde::Deserialize;
use toml::Spanned;

use crate::ask::Direction;
use crate::calendar::window::Window;
use crate::calendar::zone::Zone;
use crate::config::length::Length;
use crate::config::print::Print;
use crate::config::size::Size;
use crate::config::text::Text;
use crate::effect::Effect;
use crate::pattern::Pattern;
use crate::service::Service;

/// The whole file. Every field may be left out but `host-keys`; a field that is not one is an
/// error. Relative paths are relative to the folder of the file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Document {
    /// `listen`: the addresses and ports to listen on. Default: `["127.0.0.1:2222"]`.
    #[serde(default)]
    pub listen: Option<Spanned<Vec<Text<SocketAddr>>>>,
    /// `host-keys`: files with private keys, by which clients know the gateway.
    pub host_keys: Spanned<Vec<Spanned<PathBuf>>>,
    /// `host-certificates`: files with certificates of these keys, by which clients know the gateway
    /// that know the authority.
    #[serde(default)]
    pub host_certificates: Vec<Spanned<PathBuf>>,
    /// `algorithms`: which are offered, "default", "strict" for no NIST curves, or "all" for old
    /// clients too. Default: "default".
    #[serde(default)]
    pub algorithms: Option<Spanned<String>>,
    /// `key-exchanges`: key exchange methods in the place of those. Their order does not count: the
    /// client's does, here and in the lists that follow.
    #[serde(default)]
    pub key_exchanges: Option<Spanned<Vec<Spanned<String>>>>,
    /// `ciphers`: ciphers in their place.
    #[serde(default)]
    pub ciphers: Option<Spanned<Vec<Spanned<String>>>>,
    /// `macs`: MACs in their place, for ciphers that need one.
    #[serde(default)]
    pub macs: Option<Spanned<Vec<Spanned<String>>>>,
    /// `host-key-algorithms`: signature algorithms of the host keys in their place.
    #[serde(default)]
    pub host_key_algorithms: Option<Spanned<Vec<Spanned<String>>>>,
    /// `user-key-algorithms`: signature algorithms of users in their place.
    #[serde(default)]
    pub user_key_algorithms: Option<Spanned<Vec<Spanned<String>>>>,
    /// `compression`: whether clients that want it may compress. Default: false.
    #[serde(default)]
    pub compression: bool,
    /// `time-zone`: of times without one, in `expiry-time` of keys: `UTC` or an offset from it.
    /// Default: `UTC`.
    #[serde(default)]
    pub time_zone: Option<Text<Zone>>,
    /// `flow-log`: a file to which one line of JSON is added for each tunnelled connection and each
    /// refusal; `-` is standard error. Default: none is kept.
    #[serde(default)]
    pub flow_log: Option<PathBuf>,
    /// `stop-grace`: how long connections may go on when the gateway is told to stop. Default: 30s.
    #[serde(default)]
    pub stop_grace: Option<Text<Length>>,
    /// `revoked`: keys of users and authorities that are good for nobody, by fingerprint or as they
    /// are.
    #[serde(default)]
    pub revoked: Vec<Text<Print>>,
    /// `revoked-keys`: files of what is good for nobody: public keys, one on each line, or key
    /// revocation lists of `ssh-keygen -k`. One that cannot be read is an error.
    #[serde(default)]
    pub revoked_keys: Vec<Spanned<PathBuf>>,
    /// `[[authority]]`: who signs certificates.
    #[serde(default)]
    pub authority: Vec<Authority>,
    /// `[[user]]`: who may log in.
    #[serde(default)]
    pub user: Vec<User>,
    /// `[[rule]]`: what they may have, in the order in which the rules are asked.
    #[serde(default)]
    pub rule: Vec<Rule>,
    /// `[subsystems]`: the command line of each, by its name. Default: there is none.
    #[serde(default)]
    pub subsystems: Option<Spanned<BTreeMap<String, Spanned<String>>>>,
    /// `accept-env`: names of variables that clients may set for what they have run; `*` in them is
    /// anything, and `?` any one character. Default: `["LANG", "LC_*"]`.
    #[serde(default)]
    pub accept_env: Option<Spanned<Vec<String>>>,
    /// `[limits]`: how much of it.
    #[serde(default)]
    pub limits: Limits,
    /// `[penalties]`: for sources that misbehave.
    #[serde(default)]
    pub penalties: Penalties,
}

/// Who signs certificates.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Authority {
    /// `name`: by which users and rules call it.
    pub name: Spanned<String>,
    /// `keys`: public keys that it signs with.
    #[serde(default)]
    pub keys: Vec<Spanned<String>>,
    /// `key-files`: files of such keys, one on each line. Only their owners may be able to write to
    /// them.
    #[serde(default)]
    pub key_files: Vec<Spanned<PathBuf>>,
}

/// Who may log in.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct User {
    /// `name`: by which the user logs in. It need not be a user of the machine.
    pub name: Spanned<String>,
    /// `groups`: names that rules call several users by.
    #[serde(default)]
    pub groups: Vec<String>,
    /// `keys`: lines as in `authorized_keys`, with their options.
    #[serde(default)]
    pub keys: Vec<Spanned<String>>,
    /// `authorized-keys`: files of such lines. Only their owners may be able to write to them.
    #[serde(default)]
    pub authorized_keys: Vec<Spanned<PathBuf>>,
    /// `authorities`: whose certificates let the user in.
    #[serde(default)]
    pub authorities: Vec<Spanned<String>>,
    /// `principals`: of which such a certificate must have one. Default: the user's name.
    #[serde(default)]
    pub principals: Option<Spanned<Vec<String>>>,
    /// `privileged-ports`: whether the user may listen on ports below 1024. Default: false.
    #[serde(default)]
    pub privileged_ports: bool,
    /// `account`: the machine's account that sessions of the user run as: where the gateway is not
    /// root, its own. Default: the one of the user's name.
    #[serde(default)]
    pub account: Option<Spanned<String>>,
}

/// What users may have, or not. Of each list, one item has to match; a list that is left out
/// matches all.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Rule {
    /// `name`: by which verdicts and the flow log call it.
    pub name: Spanned<String>,
    /// `action`: `allow` or `deny`.
    pub action: Effect,
    /// `direction`: `open` to connect from the gateway, `listen` to listen on it. Default: both.
    #[serde(default)]
    pub direction: Option<Direction>,
    /// `sessions`: what sessions may have, or not: `shell`, `exec`, `subsystem:` and a name, and for
    /// them `pty`, `agent`, `x11`. Such a rule is about sessions only, and has no `direction` and no
    /// targets. Default: it is about tunnels, and where it denies everything, about sessions too.
    #[serde(default)]
    pub sessions: Option<Spanned<Vec<Text<Service>>>>,
    /// `users`: their names.
    #[serde(default)]
    pub users: Option<Spanned<Vec<Spanned<String>>>>,
    /// `groups`: of which the user has to be in one.
    #[serde(default)]
    pub groups: Option<Spanned<Vec<Spanned<String>>>>,
    /// `keys`: by which the user has logged in, certified or not; by fingerprint or as they are.
    #[serde(default)]
    pub keys: Option<Spanned<Vec<Text<Print>>>>,
    /// `certificates`: the key ids of certificates by which the user has logged in.
    #[serde(default)]
    pub certificates: Option<Spanned<Vec<String>>>,
    /// `authorities`: that have signed the certificate; by name, or by fingerprint those of lines
    /// with `cert-authority`.
    #[serde(default)]
    pub authorities: Option<Spanned<Vec<Spanned<String>>>>,
    /// `sources`: networks and addresses that the user comes from.
    #[serde(default)]
    pub sources: Option<Spanned<Vec<Text<Network>>>>,
    /// `times`: [hours of the week](Window).
    #[serde(default)]
    pub times: Option<Spanned<Vec<Text<Window>>>>,
    /// `targets`: [where to](Pattern). Default: everything for `deny`; for `allow` every host and
    /// port to open and loopback addresses to listen on, but no Unix socket.
    #[serde(default)]
    pub targets: Option<Spanned<Vec<Text<Pattern>>>>,
}

/// How much.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Limits {
    /// `connections`: at once. Default: 1024.
    pub connections: Option<Spanned<u32>>,
    /// `connections-per-source`: of one IPv4 address or one IPv6 network of 64 bits. Default: 64.
    pub connections_per_source: Option<Spanned<u32>>,
    /// `connections-per-user`. Default: 64.
    pub connections_per_user: Option<Spanned<u32>>,
    /// `half-open`: connections at once that have not logged in. Beyond it a newcomer pushes out
    /// the oldest of the source that has the most. Default: 128.
    pub half_open: Option<Spanned<u32>>,
    /// `half-open-per-source`. Default: 16.
    pub half_open_per_source: Option<Spanned<u32>>,
    /// `login-attempts`: that may be refused in one connection. Default: 6.
    pub login_attempts: Option<Spanned<u32>>,
    /// `login-grace`: how long a login may take. Default: 30s.
    pub login_grace: Option<Text<Length>>,
    /// `channels`: tunnelled connections at once in one SSH connection. Default: 1024.
    pub channels: Option<Spanned<u32>>,
    /// `listeners`: of one SSH connection at once. Default: 64.
    pub listeners: Option<Spanned<u32>>,
    /// `sessions`: of one SSH connection at once. Default: 10.
    pub sessions: Option<Spanned<u32>>,
    /// `arrivals`: how often one source may connect. Default: as it likes.
    pub arrivals: Option<Spanned<Rate>>,
    /// `opens`: how often one SSH connection may open tunnelled connections. Default: as it likes.
    pub opens: Option<Spanned<Rate>>,
    /// `bytes`: how many one SSH connection may carry, both ways together. Default: as it can.
    pub bytes: Option<Spanned<Rate>>,
    /// `memory`: what all connections together may hold of tunnelled data that are on their way:
    /// not taken yet by whom they are for, or allowed to come. Each connection has a part for
    /// itself, and each tunnelled connection goes on; new ones are refused where nothing is left.
    /// Default: 1G.
    pub memory: Option<Text<Size>>,
    /// `sources`: how many are remembered after they have left. Default: 65536.
    pub sources: Option<Spanned<u32>>,
}

/// So many in so long: `{ count = 10, per = "1s", burst = 20 }`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Rate {
    /// `count`: how many.
    pub count: u32,
    /// `per`: in how long. Default: 1s.
    #[serde(default)]
    pub per: Option<Text<Length>>,
    /// `burst`: how many at once. Default: as many as `count`.
    #[serde(default)]
    pub burst: Option<u32>,
}

/// What misbehaviour costs a source, before anybody has logged in.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Penalties {
    /// `authfail`: a connection whose logins were all refused. Default: 5s.
    pub authfail: Option<Text<Length>>,
    /// `noauth`: a connection that ended without a try to log in. Default: 1s.
    pub noauth: Option<Text<Length>>,
    /// `grace-exceeded`: a connection that did not log in in time. Default: 10s.
    pub grace_exceeded: Option<Text<Length>>,
    /// `crash`: a connection that broke the protocol. Default: 90s.
    pub crash: Option<Text<Length>>,
    /// `threshold`: a source is turned away once its penalties add up to more. Default: 15s.
    pub threshold: Option<Text<Length>>,
    /// `maximum`: they do not add up to more. Default: 10m.
    pub maximum: Option<Text<Length>>,
    /// `exempt`: sources that are never turned away. Default: none.
    pub exempt: Vec<Text<Network>>,
}
