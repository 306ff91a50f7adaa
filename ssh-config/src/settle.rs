//! What is left to do when all files are read: defaults, `none`, and what settings do to others.

use crate::algorithms::{self, Algorithms};
use crate::connection::Connection;
use crate::destination;
use crate::error::Error;
use crate::expand::{self, Tokens};
use crate::fault::Expansion;
use crate::forward::{Forward, Listen, Target};
use crate::jump::Jump;
use crate::keyword::Keyword;
use crate::line::Line;
use crate::options::{Options, is_none};
use crate::read;
use crate::release::Release;
use crate::request::{Request, Session};
use crate::syntax::Syntax;
use crate::value::{Persist, Value};
use crate::world::World;

/// Settles what lines have set for a host with this name.
///
/// # Errors
/// Where settings do not go together, leave no algorithm, or have tokens that mean nothing.
pub(crate) fn settle(
    options: &mut Options,
    host: &str,
    request: &Request,
    user: User,
    world: &dyn World,
) -> Result<(), Error> {
    forwardings(options, request);
    dependent_defaults(options, request);
    plain_defaults(options, request, world)?;
    lists(options, &request.algorithms)?;
    nothing(options);
    settle_user(options, host, request, user, world)?;
    options.set(Keyword::HostName, Value::Text(host.to_owned()));
    jump(options, host)?;
    conflicts(options, request)?;
    expansions(options, host, request, world)
}

/// Who named the user to log in as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum User {
    /// The command line, where tokens mean nothing.
    CommandLine,
    /// A file, or nobody.
    Files,
}

/// Since 10.0 the user that a file names has tokens, but for what the user is part of.
fn settle_user(
    options: &mut Options,
    host: &str,
    request: &Request,
    from: User,
    world: &dyn World,
) -> Result<(), Error> {
    if !options.has(Keyword::User) {
        options.set(Keyword::User, Value::Text(world.user().name.clone()));
    } else if from == User::Files && request.release >= Release::V10_0 {
        let tokens = tokens(options, host, request, world).only("dhijkLlnpu");
        edit(options, Keyword::User, |text| expand::both(text, &tokens, world))?;
    }
    match options.text(Keyword::User).filter(|user| !destination::is_user(user)) {
        Some(user) if request.release >= Release::V10_0 => Err(Error::User(user.to_owned())),
        _ => Ok(()),
    }
}

/// A connection for one target has no other tunnels, unless it is told to.
fn forwardings(options: &mut Options, request: &Request) {
    let stdio = request.session == Session::Stdio;
    let default = Value::Choice(if stdio { "yes" } else { "no" });
    for keyword in [Keyword::ExitOnForwardFailure, Keyword::ClearAllForwardings] {
        if !options.has(keyword) {
            options.set(keyword, default.clone());
        }
    }
    if options.choice(Keyword::ClearAllForwardings) == Some("yes") {
        for keyword in [Keyword::LocalForward, Keyword::DynamicForward, Keyword::RemoteForward] {
            options.remove(keyword);
        }
        options.set(Keyword::Tunnel, Value::Choice("false"));
    }
}

/// Defaults that depend on other settings, before these have theirs.
fn dependent_defaults(options: &mut Options, request: &Request) {
    if !options.has(Keyword::UpdateHostKeys) {
        let usual = match options.list(Keyword::UserKnownHostsFile) {
            None => true,
            Some([only]) => only == "~/.ssh/known_hosts",
            Some(_) => false,
        };
        let by_dns = matches!(options.choice(Keyword::VerifyHostKeyDns), Some("true" | "ask"));
        let update = if usual && !by_dns { "true" } else { "false" };
        options.set(Keyword::UpdateHostKeys, Value::Choice(update));
    }
    if !options.has(Keyword::ServerAliveInterval) {
        // Of Debian: nobody sits before a connection in batch mode.
        let batch = options.choice(Keyword::BatchMode) == Some("yes");
        options.set(Keyword::ServerAliveInterval, Value::Seconds(if batch { 300 } else { 0 }));
    }
    if !options.has(Keyword::IdentityFile) {
        let files = identities(request.release).iter().map(|name| format!("~/.ssh/{name}"));
        options.set(Keyword::IdentityFile, Value::List(files.collect()));
    }
    if !options.has(Keyword::GssapiKexAlgorithms) {
        options.set(Keyword::GssapiKexAlgorithms, Value::Text(algorithms::GSSAPI.to_owned()));
    }
}

fn identities(release: Release) -> &'static [&'static str] {
    match release {
        Release::V9_2 => &[
            "id_rsa",
            "id_ecdsa",
            "id_ecdsa_sk",
            "id_ed25519",
            "id_ed25519_sk",
            "id_xmss",
            "id_dsa",
        ],
        Release::V10_0 => {
            &["id_rsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk", "id_xmss"]
        }
        Release::V10_6 => &[
            "id_rsa",
            "id_ecdsa",
            "id_ecdsa_sk",
            "id_ed25519",
            "id_ed25519_sk",
            "id_mldsa44_ed25519",
        ],
    }
}

/// A default as it would be written.
fn default(keyword: Keyword, release: Release) -> &'static str {
    match (keyword, release) {
        (Keyword::IpQos, Release::V9_2) => "lowdelay throughput",
        (Keyword::IpQos, Release::V10_0) => "ef cs1",
        (Keyword::IpQos, Release::V10_6) => "ef cs0",
        _ => keyword.default(),
    }
}

/// Defaults that are written like values.
fn plain_defaults(
    options: &mut Options,
    request: &Request,
    world: &dyn World,
) -> Result<(), Error> {
    for keyword in Keyword::ALL {
        let text = default(*keyword, request.release);
        if text.is_empty() || options.has(*keyword) {
            continue;
        }
        let words = text.split(' ').map(str::to_owned).collect();
        let line = Line { keyword: keyword.to_string(), rest: text, words };
        let value = read::value(*keyword, line, request, world);
        let place = crate::error::Place::CommandLine;
        if let Some(value) = value.map_err(|fault| Error::Line { place, fault })? {
            options.set(*keyword, value);
        }
    }
    Ok(())
}

/// Lists of algorithms in full.
fn lists(options: &mut Options, algorithms: &Algorithms) -> Result<(), Error> {
    for keyword in Keyword::ALL {
        let Syntax::Algorithms(kind) = keyword.syntax() else { continue };
        let Some(list) = algorithms.list(kind) else { continue };
        let names = list.assemble(options.text(*keyword)).ok_or(Error::NoAlgorithm(*keyword))?;
        options.set(*keyword, Value::Text(names));
    }
    Ok(())
}

/// For some keywords `none` is as if nothing had been said.
fn nothing(options: &mut Options) {
    for keyword in [
        Keyword::LocalCommand,
        Keyword::RemoteCommand,
        Keyword::ProxyCommand,
        Keyword::ControlPath,
        Keyword::Pkcs11Provider,
        Keyword::SecurityKeyProvider,
        Keyword::KnownHostsCommand,
    ] {
        if options.text(keyword).is_some_and(is_none) {
            options.remove(keyword);
        }
    }
    if options.get(Keyword::ProxyJump) == Some(&Value::Jump(Jump::Straight)) {
        options.remove(Keyword::ProxyJump);
    }
    if options.text(Keyword::VersionAddendum).is_some_and(is_none) {
        options.set(Keyword::VersionAddendum, Value::Text(String::new()));
    }
    for keyword in [
        Keyword::RevokedHostKeys,
        Keyword::UserKnownHostsFile,
        Keyword::GlobalKnownHostsFile,
        Keyword::CanonicalDomains,
        Keyword::LogVerbose,
        Keyword::ChannelTimeout,
    ] {
        if matches!(options.list(keyword), Some([only]) if is_none(only)) {
            options.set(keyword, Value::List(Vec::new()));
        }
    }
}

fn jump(options: &mut Options, host: &str) -> Result<(), Error> {
    let Some(Value::Jump(Jump::Over { last, .. })) = options.get(Keyword::ProxyJump) else {
        return Ok(());
    };
    let port = options.number(Keyword::Port).unwrap_or(22);
    let user = options.text(Keyword::User);
    let same_user = last.user.is_none() || last.user.as_deref() == user;
    if last.host == host && u32::from(last.port.unwrap_or(22)) == port && same_user {
        return Err(Error::Loop(host.to_owned()));
    }
    options.set(Keyword::ProxyUseFdpass, Value::Choice("no"));
    Ok(())
}

fn conflicts(options: &mut Options, request: &Request) -> Result<(), Error> {
    if let Some(alias) = options.text(Keyword::HostKeyAlias).map(str::to_ascii_lowercase) {
        options.set(Keyword::HostKeyAlias, Value::Text(alias));
    }
    let yes = |keyword| options.choice(keyword) == Some("yes");
    let command = matches!(request.session, Session::Command(_));
    let remote_command = options.has(Keyword::RemoteCommand);
    let no_session =
        request.session == Session::None || options.choice(Keyword::SessionType) == Some("none");
    if options.text(Keyword::ProxyCommand) == Some("-") && yes(Keyword::ProxyUseFdpass) {
        return Err(Error::Conflict("ProxyCommand - and ProxyUseFdpass do not go together"));
    }
    if options.number(Keyword::ConnectionAttempts) == Some(0) {
        return Err(Error::Conflict("ConnectionAttempts takes a number from 1"));
    }
    if command && remote_command {
        return Err(Error::Conflict("there is a command, and RemoteCommand names another"));
    }
    if yes(Keyword::ForkAfterAuthentication) && !command && !remote_command && !no_session {
        return Err(Error::Conflict("ForkAfterAuthentication needs a command, or no session"));
    }
    let persists = options.get(Keyword::ControlPersist) != Some(&Value::Persist(Persist::No))
        && options.has(Keyword::ControlPath);
    let quiet = matches!(options.choice(Keyword::LogLevel), Some("SILENT" | "FATAL" | "ERROR"));
    let no_tty = options.choice(Keyword::RequestTty) == Some("false");
    let cannot_ask = persists || command || remote_command || quiet || no_tty;
    if options.choice(Keyword::UpdateHostKeys) == Some("ask") && cannot_ask {
        options.set(Keyword::UpdateHostKeys, Value::Choice("false"));
    }
    Ok(())
}

/// Puts in tokens, variables and home folders where they do not depend on the server.
fn expansions(
    options: &mut Options,
    host: &str,
    request: &Request,
    world: &dyn World,
) -> Result<(), Error> {
    let newer = request.release >= Release::V10_0;
    let tokens = tokens(options, host, request, world);
    let path = |text: &str| expand::both(&expand::home(text, world)?, &tokens, world);
    edit(options, Keyword::RemoteCommand, |text| expand::tokens(text, &tokens))?;
    for keyword in [
        Keyword::ControlPath,
        Keyword::IdentityAgent,
        Keyword::ForwardAgent,
        Keyword::UserKnownHostsFile,
    ] {
        edit(options, keyword, path)?;
    }
    if newer {
        edit(options, Keyword::RevokedHostKeys, path)?;
        edit(options, Keyword::VersionAddendum, |text| expand::both(text, &tokens, world))?;
        edit(options, Keyword::SetEnv, |text| match text.split_once('=') {
            Some((name, value)) => Ok(format!("{name}={}", expand::both(value, &tokens, world)?)),
            None => Ok(text.to_owned()),
        })?;
    }
    for keyword in [Keyword::LocalForward, Keyword::DynamicForward, Keyword::RemoteForward] {
        sockets(options, keyword, &tokens).map_err(|fault| Error::Expansion { keyword, fault })?;
    }
    Ok(())
}

/// The tokens of the settled connection.
pub(crate) fn tokens(
    options: &Options,
    host: &str,
    request: &Request,
    world: &dyn World,
) -> Tokens {
    let original = &request.destination.host;
    let connection = Connection {
        host,
        original,
        key_alias: options.text(Keyword::HostKeyAlias).unwrap_or(original),
        user: options.text(Keyword::User).unwrap_or_default(),
    };
    connection.tokens(options, request.release, world)
}

/// Expands a value, and each of a list.
fn edit(
    options: &mut Options,
    keyword: Keyword,
    expand: impl Fn(&str) -> Result<String, Expansion>,
) -> Result<(), Error> {
    let wrong = |fault| Error::Expansion { keyword, fault };
    match options.get_mut(keyword) {
        Some(Value::Text(text)) => *text = expand(text).map_err(wrong)?,
        Some(Value::List(list)) => {
            for text in list {
                *text = expand(text).map_err(wrong)?;
            }
        }
        _ => {}
    }
    Ok(())
}

fn sockets(options: &mut Options, keyword: Keyword, tokens: &Tokens) -> Result<(), Expansion> {
    let Some(Value::Forwards(forwards)) = options.get_mut(keyword) else { return Ok(()) };
    for Forward { listen, target } in forwards {
        if let Listen::Socket(path) = listen {
            *path = expand::tokens(path, tokens)?;
        }
        if let Target::Socket(path) = target {
            *path = expand::tokens(path, tokens)?;
        }
    }
    Ok(())
}
