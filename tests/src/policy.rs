//! The cases of `policy/cases.toml`: what the policy of a gateway says.

use std::collections::BTreeMap;
use std::fs;
use std::net::IpAddr;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::SystemTime;

use adit_forward::target::Target;
use adit_gateway::answers::{Answer, Answers, Wants};
use adit_gateway::ask::Direction;
use adit_gateway::calendar::zone::Zone;
use adit_gateway::config::Config;
use adit_gateway::credential::Credential;
use adit_gateway::socket_path::SocketPath;
use adit_gateway::terms::expiry;
use adit_transport::certificate::Certificate;
use adit_transport::public_key::PublicKey;
use serde::Deserialize;
use tempfile::TempDir;

use crate::keys::{Keys, Type};

const CASES: &str = include_str!("../policy/cases.toml");

/// The table, with keys and certificates made for one run, in a folder that goes with it.
#[derive(Debug)]
pub struct Table {
    folder: TempDir,
    document: Document,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    now: String,
    from: IpAddr,
    keys: Vec<String>,
    links: BTreeMap<String, String>,
    names: BTreeMap<String, Vec<IpAddr>>,
    certificate: Vec<Certified>,
    policy: Vec<Policy>,
    case: Vec<Case>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Certified {
    name: String,
    key: String,
    authority: String,
    id: String,
    #[serde(default)]
    principals: Vec<String>,
    valid: String,
    #[serde(default)]
    options: Vec<String>,
    #[serde(default)]
    host: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Policy {
    name: String,
    config: String,
}

/// One case. What its fields mean stands in the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the file says what they are")]
pub struct Case {
    pub name: String,
    pub policy: String,
    pub user: String,
    pub with: Option<String>,
    pub from: Option<IpAddr>,
    at: Option<String>,
    asked_at: Option<String>,
    open: Option<String>,
    listen: Option<String>,
    pub login: Option<String>,
    allow: Option<Vec<String>>,
    #[serde(default)]
    pub narrowed: bool,
    pub deny: Option<String>,
    pub rule: Option<String>,
}

impl Table {
    /// Reads the table, and makes what it needs.
    ///
    /// # Panics
    /// Where `ssh-keygen` is missing, or the table is not one.
    pub fn load() -> Self {
        let document: Document = toml::from_str(CASES).unwrap_or_else(|error| panic!("{error}"));
        let folder = TempDir::new().expect("a folder for the run");
        let at = folder.path();
        for name in &document.keys {
            Keys::generate(at, name, Type::Ed25519);
        }
        fs::create_dir(at.join("sockets")).expect("a folder for sockets");
        for (link, to) in &document.links {
            symlink(at.join(to), at.join(link)).expect("a link");
        }
        for certified in &document.certificate {
            certify(at, certified);
        }
        Self { folder, document }
    }

    /// All cases.
    pub fn cases(&self) -> &[Case] {
        &self.document.case
    }

    /// The folder of the run.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The names that there are, and their addresses.
    pub fn names(&self) -> &BTreeMap<String, Vec<IpAddr>> {
        &self.document.names
    }

    /// The configuration that a case is about, in TOML.
    ///
    /// # Panics
    /// Where there is none.
    pub fn config_text(&self, case: &Case) -> String {
        let found = self.document.policy.iter().find(|policy| policy.name == case.policy);
        self.fill(&found.unwrap_or_else(|| panic!("{}: no such policy", case.name)).config)
    }

    /// The configuration that a case is about.
    ///
    /// # Panics
    /// Where there is none, or it cannot be read.
    pub fn config(&self, case: &Case) -> Config {
        let parsed = Config::parse(&self.config_text(case), &case.policy, self.folder());
        parsed.unwrap_or_else(|error| panic!("{}: {error}", case.name))
    }

    /// The file of the private key that a case logs in with.
    pub fn private_key(&self, case: &Case) -> PathBuf {
        let with = case.with();
        let certified = self.document.certificate.iter().find(|it| it.name == with);
        self.folder().join(certified.map_or(with, |it| &it.key))
    }

    /// The file of the certificate that a case logs in with, where it does.
    pub fn certificate(&self, case: &Case) -> Option<PathBuf> {
        let certified = self.document.certificate.iter().find(|it| it.name == case.with());
        certified.map(|it| self.folder().join(format!("{}-cert.pub", it.name)))
    }

    /// What a case logs in with.
    ///
    /// # Panics
    /// Where there is no such key.
    pub fn credential(&self, case: &Case) -> Arc<Credential> {
        Arc::new(match self.certificate(case) {
            Some(path) => {
                let text = fs::read_to_string(path).expect("a certificate");
                let (certificate, _comment) = Certificate::parse(&text).expect("a certificate");
                Credential::Certificate(Box::new(certificate))
            }
            None => Credential::Key(self.public_key(case.with())),
        })
    }

    /// Where a case's user comes from.
    pub fn source(&self, case: &Case) -> IpAddr {
        case.from.unwrap_or(self.document.from)
    }

    /// When a case's user logs in, and when it asks.
    pub fn times(&self, case: &Case) -> (SystemTime, SystemTime) {
        let login = case.at.as_ref().unwrap_or(&self.document.now);
        (time(login), time(case.asked_at.as_ref().unwrap_or(login)))
    }

    /// What a case asks for.
    ///
    /// # Panics
    /// Where it asks for nothing.
    pub fn asked(&self, case: &Case) -> (Direction, Target) {
        match (&case.open, &case.listen) {
            (Some(text), None) => (Direction::Open, target(&self.fill(text))),
            (None, Some(text)) => (Direction::Listen, target(&self.fill(text))),
            _ => panic!("{}: it must either open or listen", case.name),
        }
    }

    /// What a case may dial or bind; `None` where that is nothing.
    pub fn allowed(&self, case: &Case) -> Option<Vec<String>> {
        Some(case.allow.as_ref()?.iter().map(|text| self.fill(text)).collect())
    }

    /// What is to be found out, from the names of the table and the links of its folder.
    ///
    /// # Panics
    /// Where a path is none.
    pub fn answers(&self, wants: &Wants) -> Answers {
        let mut answers = Answers::default();
        for name in &wants.names {
            let answer = match self.document.names.get(name.as_str()) {
                Some(addresses) if addresses.is_empty() => Answer::Nothing,
                Some(addresses) => Answer::Addresses(addresses.clone()),
                None => Answer::Unknown,
            };
            answers.set_name(name.clone(), answer);
        }
        for path in &wants.paths {
            let real = SocketPath::new(&real(path.as_path())).expect("a real path");
            answers.set_path(path.clone(), real);
        }
        answers
    }

    fn public_key(&self, name: &str) -> PublicKey {
        let path = self.folder().join(format!("{name}.pub"));
        let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{name}: {error}"));
        PublicKey::parse(text.trim_end()).expect("a public key").0
    }

    fn fill(&self, text: &str) -> String {
        let mut text = text.replace("{dir}", &self.folder().display().to_string());
        for name in &self.document.keys {
            let key = self.public_key(name);
            text = text.replace(&format!("{{key:{name}}}"), &key.to_string());
            text = text.replace(&format!("{{print:{name}}}"), &key.fingerprint().to_string());
        }
        text
    }
}

impl Case {
    /// The key or the certificate that is logged in with.
    pub fn with(&self) -> &str {
        self.with.as_ref().unwrap_or(&self.user)
    }
}

fn certify(folder: &Path, certified: &Certified) {
    let public = folder.join(format!("{}.pub", certified.name));
    fs::copy(folder.join(format!("{}.pub", certified.key)), &public).expect("a public key");
    let mut command = Command::new("ssh-keygen");
    command.args(["-q", "-I", &certified.id, "-V", &certified.valid, "-s"]);
    command.arg(folder.join(&certified.authority));
    if certified.host {
        command.arg("-h");
    }
    if !certified.principals.is_empty() {
        command.args(["-n", &certified.principals.join(",")]);
    }
    for option in &certified.options {
        command.args(["-O", option]);
    }
    let status = command.arg(&public).status();
    assert!(status.is_ok_and(|it| it.success()), "ssh-keygen made no {}", certified.name);
}

fn time(text: &str) -> SystemTime {
    expiry::parse(text, Zone::UTC).unwrap_or_else(|| panic!("{text:?} is no time"))
}

fn target(text: &str) -> Target {
    if text.starts_with('/') {
        return Target::Unix(text.into());
    }
    let (host, port) = text.rsplit_once(':').unwrap_or_else(|| panic!("{text:?} has no port"));
    // As a client sends it.
    let host = host.strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap_or(host);
    let port = port.parse().unwrap_or_else(|_| panic!("{text:?} has no port"));
    Target::Tcp { host: host.to_owned(), port }
}

/// Where a path leads, whether or not something is there.
fn real(path: &Path) -> PathBuf {
    if let Ok(real) = fs::canonicalize(path) {
        return real;
    }
    // A link to nothing leads there too.
    if let Ok(to) = fs::read_link(path) {
        return real_parent(&to);
    }
    real_parent(path)
}

fn real_parent(path: &Path) -> PathBuf {
    match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) => real(parent).join(name),
        _ => path.to_owned(),
    }
}
