//! Where a gateway's configuration comes from.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use adit_gateway::calendar::zone::Zone;
use adit_gateway::config::{self, Config};
use adit_gateway::key_line::KeyLine;
use adit_gateway::limits::Limits;
use adit_gateway::limits::penalties::Scale;
use adit_gateway::policy::Policy;
use adit_gateway::register::Register;
use adit_gateway::rule::Rule;
#[cfg(feature = "sessions")]
use adit_gateway::sessions::Sessions;
use adit_gateway::user::{Privilege, User};
use adit_ssh_config::value::{self, Value};
use adit_transport::authorized_keys::AuthorizedKeys;
use adit_transport::config::{Algorithms, Rekey};
use adit_transport::provider;
use adit_transport::provider::preset::Preset;
use rustix::process::geteuid;

use crate::args;
use crate::failure::{Exit, Failure};
use crate::serve::charter::Charter;
use crate::serve::host_keys::HostKeys;
use crate::serve::permits;
use crate::settings;

/// How long connections may go on when a gateway without a file is told to stop.
const STOP_GRACE: Duration = Duration::from_secs(5);

/// How long a login may take without a file: as sshd(8) has it.
const LOGIN_GRACE: Duration = Duration::from_secs(120);

/// Where a gateway's configuration comes from. It can be read again.
#[derive(Debug)]
pub(crate) struct Source {
    form: Form,
    rekey: Rekey,
}

#[derive(Debug)]
enum Form {
    /// The long form: a file.
    File(PathBuf),
    /// The short form: the words of the command line, and the files that they name.
    Words(Box<args::Serve>),
}

impl Source {
    /// What the command line names.
    ///
    /// # Errors
    /// Where a word cannot be understood.
    pub(crate) fn new(args: args::Serve) -> Result<Self, Failure> {
        let rekey = args.rekey_limit.as_deref().map_or(Ok(Rekey::default()), rekey)?;
        let form = match args.config {
            Some(path) => Form::File(path),
            None => Form::Words(Box::new(args)),
        };
        Ok(Self { form, rekey })
    }

    /// Reads it. It blocks on the file system.
    ///
    /// # Errors
    /// Where it is wrong, with all that is and where.
    pub(crate) fn load(&self) -> Result<Charter, Failure> {
        let config = match &self.form {
            Form::File(path) => load(path)?,
            Form::Words(args) => from_words(args)?,
        };
        Charter::new(config, self.rekey)
    }
}

/// Reads the file of a configuration. It blocks on the file system.
///
/// # Errors
/// Where it is wrong, with all that is and where.
pub(crate) fn load(path: &Path) -> Result<Config, Failure> {
    Config::load(path).map_err(|error| {
        let failure = Failure::new(Exit::Usage, &error);
        match error {
            config::Error::Read { .. } => {
                failure.hint("the example in the gateway's folder has every field that there is")
            }
            config::Error::Faults(_) => failure,
        }
    })
}

fn from_words(args: &args::Serve) -> Result<Config, Failure> {
    let host_keys = HostKeys::load(&args.host_key)?;
    let path = args.authorized_keys.as_deref().unwrap_or(Path::new(""));
    let keys = AuthorizedKeys::load(path).map_err(|error| {
        let failure = Failure::new(Exit::Usage, &error);
        match error.hint() {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    })?;
    let open = args.permit.iter().map(|permit| permits::open(permit));
    let listen = args.permit_listen.iter().map(|permit| permits::listen(permit));
    let rules = open.chain(listen).collect::<Result<Vec<_>, _>>()?;
    #[cfg(feature = "sessions")]
    let rules = [rules, permits::sessions(&args.permit_session)?].concat();
    let mut config = short(host_keys, &keys, &path.display().to_string(), rules);
    #[cfg(feature = "sessions")]
    {
        let subsystems = permits::subsystems(&args.subsystem)?;
        config.sessions = Arc::new(Sessions { subsystems, ..Sessions::default() });
    }
    config.listen = vec![args.listen];
    config.algorithms = Preset::by_name(&args.algorithms).unwrap_or_default().server();
    if args.compression {
        config.algorithms.compressions = Algorithms::all(&provider::default()).compressions;
    }
    Ok(config)
}

/// A configuration in short: whoever has one of these keys, of a file with this name, may have what
/// the rules allow. The gateway itself listens nowhere yet.
pub(crate) fn short(
    host_keys: HostKeys,
    keys: &AuthorizedKeys,
    file: &str,
    rules: Vec<Rule>,
) -> Config {
    let lines = KeyLine::of(keys, file, Zone::UTC);
    let mut warnings = keys.warnings().to_vec();
    for line in &lines {
        if let Err(refused) = &line.terms {
            warnings.push(format!("{}: {refused}: this key lets nobody in", line.position));
        }
    }
    let user = User {
        name: "anybody".into(),
        groups: Vec::new(),
        keys: lines,
        authorities: Vec::new(),
        principals: Vec::new(),
        // A port below 1024 has to be named, and the system has to grant it.
        privilege: if geteuid().is_root() {
            Privilege::PrivilegedPorts
        } else {
            Privilege::Ordinary
        },
        account: None,
    };
    Config {
        listen: Vec::new(),
        host_keys: host_keys.0,
        algorithms: Preset::Default.server(),
        host_certificates: Arc::from([]),
        flow_log: None,
        stop_grace: STOP_GRACE,
        register: Arc::new(Register::anybody(user)),
        policy: Arc::new(Policy::new(rules)),
        sessions: Arc::default(),
        limits: Arc::new(limits()),
        warnings,
    }
}

/// As of a gateway with a file, but that all users may well be one, and come from one place; and
/// whoever is on this machine is never turned away.
fn limits() -> Limits {
    let limits = Limits::default();
    let here = ["127.0.0.0/8", "::1"].into_iter().filter_map(|it| it.parse().ok());
    Limits {
        connections_per_source: limits.connections,
        connections_per_user: limits.connections,
        half_open_per_source: limits.half_open,
        login_grace: LOGIN_GRACE,
        penalties: Scale { exempt: here.collect(), ..limits.penalties },
        ..limits
    }
}

fn rekey(limit: &str) -> Result<Rekey, Failure> {
    let value = value::Rekey::parse(limit).ok_or_else(|| {
        Failure::new(Exit::Usage, format!("--rekey-limit: \"{limit}\" is no limit"))
            .hint("write bytes with K, M or G or default, and then a time or none: \"1G 1h\"")
    })?;
    Ok(settings::rekey(Some(&Value::Rekey(value))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_on_this_machine_is_never_turned_away() {
        let limits = limits();
        assert_eq!(limits.penalties.exempt.len(), 2);
        assert_eq!(limits.connections_per_user, limits.connections);
    }
}
