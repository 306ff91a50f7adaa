//! `adit trust`: what is known of a server's host keys, shown and changed.

#![allow(rustdoc::broken_intra_doc_links, reason = "the comments are the words of --help")]

use std::path::PathBuf;

use adit_ssh_config::destination::Destination;
use adit_ssh_config::keyword::Keyword;
use adit_ssh_config::request::{Session, Setting};
use adit_transport::known_hosts::edit::Edit;
use adit_transport::known_hosts::file::NameForm;
use adit_transport::known_hosts::host::Host;
use adit_transport::known_hosts::{KnownHosts, Says, Verdict};
use adit_transport::prompt::Prompt;
use adit_transport::public_key::{Fingerprint, PublicKey};

use crate::client::chain::Chain;
use crate::client::{self, Route};
use crate::failure::{Exit, Failure};
use crate::prompt::{Mode, Terminal};
use crate::runtime;
use crate::settings::sources::{self, Sources};

/// `adit trust`.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("what"))]
#[command(after_help = "Without --add, --pin and --remove it shows what is known of the server.")]
pub(crate) struct Args {
    /// Connects to the server, shows its host key, and adds it to the known hosts when you say yes
    #[arg(long, group = "what")]
    add: bool,
    /// Connects to the server, and adds the host key with this fingerprint, if the server has it
    #[arg(long, value_name = "SHA256:...", group = "what")]
    pin: Option<Fingerprint>,
    /// Removes the server's host keys from your known hosts
    #[arg(long, group = "what")]
    remove: bool,
    /// The server's port
    #[arg(short, value_name = "PORT")]
    port: Option<u16>,
    /// A setting of ssh_config(5), for instance -o HashKnownHosts=yes; may be given more than once
    #[arg(short, value_name = "KEYWORD=VALUE")]
    option: Vec<String>,
    /// Reads the settings from this file only, or from none
    #[arg(short = 'F', value_name = "FILE|none")]
    file: Option<PathBuf>,
    /// The server: host, [host]:port as known hosts have it, or ssh://host[:port]
    #[arg(value_name = "HOST")]
    host: String,
}

/// Shows or changes what is known of a server.
///
/// # Errors
/// Where the server cannot be reached or shows another key, or the files cannot be changed.
pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let affair = Affair::new(args)?;
    if args.remove {
        affair.remove()
    } else if let Some(pin) = args.pin {
        runtime::run(affair.pin(pin))
    } else if args.add {
        runtime::run(affair.add())
    } else {
        affair.show()
    }
}

/// A server, and the files that know it.
struct Affair {
    route: Route,
    host: Host,
    known: KnownHosts,
    /// The file of the user that is written to.
    file: Option<PathBuf>,
    form: NameForm,
}

/// The types of host keys in the order in which they are asked for.
const TYPES: [&[&str]; 5] = [
    &["ssh-ed25519"],
    &["ecdsa-sha2-nistp256"],
    &["ecdsa-sha2-nistp384"],
    &["ecdsa-sha2-nistp521"],
    &["rsa-sha2-512", "rsa-sha2-256"],
];

impl Affair {
    fn new(args: &Args) -> Result<Self, Failure> {
        let (name, port) = split(&args.host);
        let word = |keyword, text: String| Setting::Word(keyword, text);
        let port = args.port.or(port).map(|port| word(Keyword::Port, port.to_string()));
        let settings = port.into_iter().chain(args.option.iter().cloned().map(Setting::Line));
        let files = sources::files(args.file.as_deref());
        let mut sources = Sources::new(settings.collect(), files, Session::None)?;
        let destination = Destination::parse(name).ok_or_else(|| {
            Failure::new(Exit::Usage, format!("\"{}\" is no server", args.host))
                .hint("write host, [host]:port or ssh://host[:port]")
        })?;
        let (route, _) = Route::plan(&mut sources, destination, None)?;
        let settings = route.settings();
        let files = settings.user_known_hosts.iter().chain(&settings.global_known_hosts);
        let known = KnownHosts::load(files);
        for warning in known.warnings() {
            eprintln!("adit: warning: {warning}");
        }
        let file = settings.user_known_hosts.first().cloned();
        let form = if settings.hash_known_hosts { NameForm::Hashed } else { NameForm::Plain };
        Ok(Self { host: route.host(), route, known, file, form })
    }

    fn show(&self) -> Result<(), Failure> {
        let mut lines = self.known.of_host(&self.host).peekable();
        if lines.peek().is_none() {
            return Err(Failure::new(Exit::HostKey, format!("{} is not known", self.host))
                .hint(format!("add its key: adit trust --add '{}'", self.host)));
        }
        for line in lines {
            let says = match line.says {
                Says::Key => "key",
                Says::Authority => "authority",
                Says::Revoked => "revoked",
            };
            let (key_type, fingerprint) = (line.key.key_type(), line.key.fingerprint());
            println!("{says} {key_type} {fingerprint} {}", line.place);
        }
        Ok(())
    }

    fn remove(&self) -> Result<(), Failure> {
        let file = self.file()?;
        let lines = self.known.of_host(&self.host);
        let own = lines.filter(|it| it.says == Says::Key && it.place.file() == file);
        let remove: Vec<PublicKey> = own.map(|it| it.key.clone()).collect();
        if remove.is_empty() {
            let message = format!("{} is not known in {}", self.host, file.display());
            return Err(Failure::new(Exit::HostKey, message));
        }
        self.edit(&Edit { remove: remove.clone(), add: Vec::new() })?;
        for key in remove {
            self.tell("removed", &key);
        }
        Ok(())
    }

    async fn add(self) -> Result<(), Failure> {
        let key = self.look(None).await?;
        if self.is_known(&key)? {
            return Ok(());
        }
        let mut terminal = Terminal::new(Mode::Ask);
        let (host, fingerprint) = (&self.host, key.fingerprint());
        terminal.tell(&format!("the host key of {host} is {} {fingerprint}", key.key_type()));
        let answer = terminal.ask("is it the right one (yes/no/the fingerprint)? ").await;
        match answer.as_deref().map(str::trim) {
            Some("yes") => self.write_down(&key),
            Some(answer) if answer == fingerprint.to_string() => self.write_down(&key),
            Some(_) => Err(Failure::new(Exit::HostKey, "the host key was not added")),
            None => Err(Failure::new(Exit::HostKey, "nobody can be asked whether it is right")
                .hint(format!("adit trust --pin {fingerprint} '{host}' asks nothing"))),
        }
    }

    async fn pin(self, pin: Fingerprint) -> Result<(), Failure> {
        let key = self.look(Some(pin)).await?;
        if self.is_known(&key)? { Ok(()) } else { self.write_down(&key) }
    }

    /// The host key that the server shows, or the one with this fingerprint.
    async fn look(&self, pin: Option<Fingerprint>) -> Result<PublicKey, Failure> {
        let mut shown: Vec<PublicKey> = Vec::new();
        let mut failed = None;
        let all: Vec<&str> = TYPES.concat();
        let rounds = if pin.is_some() { TYPES.to_vec() } else { vec![&all[..]] };
        for algorithms in rounds {
            let mut chain = Chain::default();
            let looked = client::look(&self.route, algorithms, &mut chain).await;
            chain.close().await;
            match looked {
                Ok(key) if pin.is_none_or(|pin| key.fingerprint() == pin) => return Ok(key),
                Ok(key) => shown.push(key),
                // It has no key of this type.
                Err(failure) if pin.is_some() && failure.exit == Exit::Protocol => {
                    failed = Some(failure);
                }
                Err(failure) => return Err(failure),
            }
        }
        if let (true, Some(failure)) = (shown.is_empty(), failed) {
            return Err(failure);
        }
        let shown = shown.iter().map(|key| format!("{} {}", key.key_type(), key.fingerprint()));
        let shown = shown.collect::<Vec<_>>().join(", ");
        Err(Failure::new(
            Exit::HostKey,
            format!("{} has no host key with this fingerprint; it shows {shown}", self.host),
        )
        .hint("somebody may stand between you and the server: compare with the server's own"))
    }

    /// Whether there is nothing to be done about a key.
    fn is_known(&self, key: &PublicKey) -> Result<bool, Failure> {
        match self.known.check(&self.host, key) {
            Verdict::Known { at } => {
                eprintln!("adit: {} is known by this key at {at}", self.host);
                Ok(true)
            }
            Verdict::Unknown => Ok(false),
            Verdict::Changed { at, known } => Err(Failure::new(
                Exit::HostKey,
                format!(
                    "{} shows {} {}, and is known by {} {} at {at}",
                    self.host,
                    key.key_type(),
                    key.fingerprint(),
                    known.key_type(),
                    known.fingerprint(),
                ),
            )
            .hint(format!(
                "if its key was really replaced, remove the old one first: adit trust --remove '{}'",
                self.host
            ))),
            Verdict::Revoked { at } => Err(Failure::new(
                Exit::HostKey,
                format!("the host key {} of {} is revoked at {at}", key.fingerprint(), self.host),
            )),
        }
    }

    fn write_down(&self, key: &PublicKey) -> Result<(), Failure> {
        self.edit(&Edit { add: vec![key.clone()], remove: Vec::new() })?;
        self.tell("added", key);
        Ok(())
    }

    fn edit(&self, edit: &Edit) -> Result<(), Failure> {
        edit.apply(self.file()?, &self.host, self.form)
            .map_err(|error| Failure::new(Exit::Other, error))
    }

    fn file(&self) -> Result<&PathBuf, Failure> {
        self.file.as_ref().ok_or_else(|| {
            Failure::new(Exit::Usage, "there is no file of known hosts to change")
                .hint("name one: -o UserKnownHostsFile=FILE")
        })
    }

    fn tell(&self, what: &str, key: &PublicKey) {
        let (key_type, fingerprint) = (key.key_type(), key.fingerprint());
        let file = self.file.as_ref().map(|file| file.display().to_string()).unwrap_or_default();
        eprintln!("adit: {what} {key_type} {fingerprint} of {} in {file}", self.host);
    }
}

/// The name and the port of a host as files of known hosts have it.
fn split(host: &str) -> (&str, Option<u16>) {
    let within = host.strip_prefix('[').and_then(|rest| rest.split_once("]:"));
    match within.map(|(name, port)| (name, port.parse().ok())) {
        Some((name, Some(port))) => (name, Some(port)),
        _ => (host, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_may_be_written_as_in_a_file() {
        assert_eq!(split("[::1]:2222"), ("::1", Some(2222)));
        assert_eq!(split("[a.example]:22"), ("a.example", Some(22)));
        for other in ["a.example", "::1", "[::1]", "[a]:x", "me@a"] {
            assert_eq!(split(other), (other, None));
        }
    }
}
