//! The configuration of a gateway: one file in [TOML](https://toml.io), `adit-serve.toml`.
//!
//! [`document`] describes every field. The crate's folder has an example with all of them. What is
//! left out is safe: nothing is allowed, and it is listened on loopback.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use adit_transport::certificate::{Certificate, Kind};
use adit_transport::config::Algorithms;
use adit_transport::identity::private_key::{self, Parsed, PrivateKey};
use adit_transport::public_key::Fingerprint;
use adit_transport::revocation::{self, Revocation};
use toml::Spanned;

use crate::config::document::Document;
use crate::config::fault::{Fault, Source};
use crate::config::report::Report;
use crate::flow;
use crate::limits::Limits;
use crate::policy::Policy;
use crate::register::Register;
use crate::sessions::Sessions;

mod algorithms;
pub mod document;
pub mod fault;
pub mod length;
mod limits;
mod people;
pub mod print;
mod report;
mod rules;
mod sessions;
pub mod size;
pub mod text;

/// Where it is listened unless the file says otherwise.
const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 2222);

/// How long connections may go on when the gateway stops, unless the file says otherwise.
const STOP_GRACE: Duration = Duration::from_secs(30);

/// All that a gateway is told, read and checked at one time. To read it again is to make another
/// one.
#[derive(Debug, Clone)]
pub struct Config {
    /// The addresses and ports to listen on.
    pub listen: Vec<SocketAddr>,
    /// The keys by which clients know the gateway; at least one.
    pub host_keys: Arc<[PrivateKey]>,
    /// Certificates of these keys.
    pub host_certificates: Arc<[Certificate]>,
    /// The algorithms to offer.
    pub algorithms: Algorithms,
    /// Where the flow log goes.
    pub flow_log: Option<flow::Place>,
    /// How long connections may go on when the gateway stops.
    pub stop_grace: Duration,
    /// Who may log in.
    pub register: Arc<Register>,
    /// What they may have.
    pub policy: Arc<Policy>,
    /// What holds for all sessions.
    pub sessions: Arc<Sessions>,
    /// How much of it.
    pub limits: Arc<Limits>,
    /// What looks wrong, of one or more lines each.
    pub warnings: Vec<String>,
}

impl Config {
    /// Reads a file, and the files of keys that it names. It blocks on the file system.
    ///
    /// # Errors
    /// [`Error`].
    pub fn load(path: &Path) -> Result<Self, Error> {
        let name = path.display().to_string();
        let read = || Ok((std::fs::read_to_string(path)?, std::fs::metadata(path)?.mode()));
        let (text, mode) = read().map_err(|cause| Error::Read { name: name.clone(), cause })?;
        let mut config = Self::parse(&text, &name, path.parent().unwrap_or(Path::new("")))?;
        if mode & 0o022 != 0 {
            let warning = format!(
                "{name}: others than its owner can write to it, and let themselves in\n\
                 hint: chmod go-w {name}"
            );
            config.warnings.push(warning);
        }
        Ok(config)
    }

    /// Reads the text of a file with this name, which stands in `folder`, and the files of keys that
    /// it names. It blocks on the file system.
    ///
    /// # Errors
    /// [`Error::Faults`].
    pub fn parse(text: &str, name: &str, folder: &Path) -> Result<Self, Error> {
        let source = Source { name: name.into(), text: text.into() };
        let document = parse(&source)?;
        let mut report = Report::new(source);
        let built = build(&document, folder, &mut report);
        if report.faults.is_empty() {
            return Ok(Self { warnings: report.warnings, ..built });
        }
        report.faults.sort_by_key(Fault::position);
        Err(Error::Faults(report.faults))
    }
}

/// The document, where it has the right form.
fn parse(source: &Source) -> Result<Document, Error> {
    toml::from_str(&source.text).map_err(|error| {
        let span = error.span().unwrap_or_default();
        let message = error.message().trim().replace('\n', ", ");
        Error::Faults(vec![Fault::new(source, span, message)])
    })
}

fn build(document: &Document, folder: &Path, report: &mut Report) -> Config {
    let authorities = people::authorities(document, folder, report);
    let users = people::users(document, folder, &authorities, report);
    let revoked = revoked(document, folder, report);
    let algorithms = algorithms::build(document, report);
    let host_keys = host_keys(document, folder, &algorithms, report);
    let host_certificates = host_certificates(document, folder, &host_keys, report);
    Config {
        listen: listen(document, report),
        host_keys: host_keys.into(),
        host_certificates: host_certificates.into(),
        algorithms,
        flow_log: document.flow_log.as_ref().map(|path| match path.to_str() {
            Some("-") => flow::Place::StandardError,
            _ => flow::Place::File(folder.join(path)),
        }),
        stop_grace: limits::length(document.stop_grace.as_ref(), STOP_GRACE, report),
        register: Arc::new(Register::new(users, revoked)),
        policy: Arc::new(Policy::new(rules::build(document, report))),
        sessions: Arc::new(sessions::build(document, report)),
        limits: Arc::new(limits::build(&document.limits, &document.penalties, report)),
        warnings: Vec::new(),
    }
}

fn revoked(document: &Document, folder: &Path, report: &mut Report) -> Revocation {
    let mut revoked = Revocation::default();
    for text in &document.revoked {
        let Some(print) = report.value(text) else { continue };
        match print.0.parse::<Fingerprint>() {
            Ok(fingerprint) => revoked.add_fingerprint(fingerprint),
            Err(error) => report.fault(text.span.clone(), error.to_string()),
        }
    }
    for file in &document.revoked_keys {
        match revocation::load(&folder.join(file.get_ref())) {
            Ok(more) => revoked.extend(more),
            Err(error) => report.fault(file.span(), error.to_string()),
        }
    }
    revoked
}

fn listen(document: &Document, report: &mut Report) -> Vec<SocketAddr> {
    let Some(listen) = &document.listen else { return vec![LISTEN] };
    if listen.get_ref().is_empty() {
        report.fault(listen.span(), "there is nowhere to listen");
    }
    for text in listen.get_ref() {
        if let Err(message) = &text.value {
            let hint = "write an address and a port: 127.0.0.1:2222 or [::1]:2222";
            report.fault_with_hint(text.span.clone(), message, hint);
        }
    }
    listen.get_ref().iter().filter_map(|text| text.value.clone().ok()).collect()
}

fn host_keys(
    document: &Document,
    folder: &Path,
    algorithms: &Algorithms,
    report: &mut Report,
) -> Vec<PrivateKey> {
    if document.host_keys.get_ref().is_empty() {
        let hint = "ssh-keygen -t ed25519 -N '' -f host_ed25519";
        report.fault_with_hint(document.host_keys.span(), "there is no host key", hint);
    }
    let mut keys = Vec::new();
    for file in document.host_keys.get_ref() {
        keys.extend(host_key(file, folder, report));
    }
    let has_use = |key: &PrivateKey| {
        key.public_key().algorithms().iter().any(|name| algorithms.host_keys.contains(name))
    };
    if !keys.is_empty() && !keys.iter().any(has_use) {
        let message = "no host key can be used with the algorithms that are offered";
        let hint = format!("they are {}", algorithms.host_keys);
        report.fault_with_hint(document.host_keys.span(), message, hint);
    }
    keys
}

fn host_key(file: &Spanned<PathBuf>, folder: &Path, report: &mut Report) -> Option<PrivateKey> {
    match private_key::load(&folder.join(file.get_ref())) {
        Ok(Parsed::Plain(key)) => Some(key),
        Ok(Parsed::Encrypted(_)) => {
            let hint = "take off its passphrase with ssh-keygen -p, or make another key";
            report.fault_with_hint(file.span(), "the host key is encrypted", hint);
            None
        }
        Err(error) => {
            match error.hint() {
                Some(hint) => report.fault_with_hint(file.span(), error.to_string(), hint),
                None => report.fault(file.span(), error.to_string()),
            }
            None
        }
    }
}

fn host_certificates(
    document: &Document,
    folder: &Path,
    keys: &[PrivateKey],
    report: &mut Report,
) -> Vec<Certificate> {
    let mut certificates = Vec::new();
    for file in &document.host_certificates {
        match host_certificate(&folder.join(file.get_ref()), keys) {
            Ok(certificate) => certificates.push(certificate),
            Err(why) => {
                report.fault(file.span(), format!("{}: {why}", file.get_ref().display()));
            }
        }
    }
    certificates
}

fn host_certificate(path: &Path, keys: &[PrivateKey]) -> Result<Certificate, String> {
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    let (certificate, _) = Certificate::parse(&text).map_err(|invalid| invalid.to_string())?;
    if certificate.kind() != Kind::Host {
        return Err("the certificate is a user's and not a host's".to_owned());
    }
    if !keys.iter().any(|key| key.public_key() == certificate.key()) {
        return Err("the certificate is of none of the host keys".to_owned());
    }
    Ok(certificate)
}

/// A configuration cannot be used.
///
/// `Display` shows all faults, with empty lines between them.
#[derive(Debug)]
pub enum Error {
    /// The file cannot be read.
    Read {
        /// Its name.
        name: String,
        /// What the system said.
        cause: io::Error,
    },
    /// The file is wrong in one or more places.
    Faults(Vec<Fault>),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read { name, cause } => write!(f, "{name}: {cause}"),
            Self::Faults(faults) => {
                for (index, fault) in faults.iter().enumerate() {
                    let separator = if index == 0 { "" } else { "\n\n" };
                    write!(f, "{separator}{fault}")?;
                }
                Ok(())
            }
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Read { cause, .. } => Some(cause),
            Self::Faults(_) => None,
        }
    }
}

#[cfg(test)]
mod tests;
