//! Where settings come from: the command line, and files.

use std::path::Path;

use adit_ssh_config::config::Config;
use adit_ssh_config::destination::Destination;
use adit_ssh_config::error::{Place, Reason};
use adit_ssh_config::keyword::Keyword;
use adit_ssh_config::release::Release;
use adit_ssh_config::request::{Files, Request, Session, Setting};
use adit_ssh_config::system::System;

use crate::failure::{Exit, Failure};
use crate::settings::{Settings, StrictHostKeys, algorithms, fault, rule};

/// Where the settings of servers come from: the command line, and files.
#[derive(Debug)]
pub(crate) struct Sources {
    /// What the command line sets, in its order.
    pub(crate) settings: Vec<Setting>,
    /// The files.
    pub(crate) files: Files,
    /// What the connection to the destination is for.
    pub(crate) session: Session,
    system: System,
    /// What has been told of these sources.
    told: Vec<String>,
    /// Whether another process has told all of it.
    told_before: bool,
}

impl Sources {
    /// These, on this machine.
    ///
    /// # Errors
    /// Where it cannot be told who runs the program.
    pub(crate) fn new(
        settings: Vec<Setting>,
        files: Files,
        session: Session,
    ) -> Result<Self, Failure> {
        Ok(Self {
            settings,
            files,
            session,
            system: system()?,
            told: Vec::new(),
            told_before: false,
        })
    }

    /// Tells nothing of what is not kept: another process has.
    pub(crate) fn hush(&mut self) {
        self.told_before = true;
    }

    /// The settings for the destination.
    ///
    /// # Errors
    /// Where something is wrong, or must not be passed over.
    pub(crate) fn destination(
        &mut self,
        destination: Destination,
    ) -> Result<(Config, Settings), Failure> {
        let mut request = self.request(destination);
        request.session = self.session.clone();
        request.settings.clone_from(&self.settings);
        self.read(&request)
    }

    /// The settings for a server on the way, which is reached over others, if any are named
    /// `before`. As with ssh it has settings of its own; but how you log in and whom you trust you
    /// need not say again.
    ///
    /// # Errors
    /// Where something is wrong, or must not be passed over.
    pub(crate) fn passing(
        &mut self,
        hop: Destination,
        before: Option<String>,
    ) -> Result<(Config, Settings), Failure> {
        let mut request = self.request(hop);
        request.session = Session::Stdio;
        let before = before.map(|before| Setting::Word(Keyword::ProxyJump, before));
        request.settings.extend(before);
        request.settings.extend(self.settings.iter().filter(|it| is_for_passing(it)).cloned());
        let (config, mut settings) = self.read(&request)?;
        let said = config.mention(Keyword::StrictHostKeyChecking).map(|it| &it.place);
        if settings.strict_host_keys == StrictHostKeys::No && said == Some(&Place::CommandLine) {
            // That any key of the destination will do says nothing of those before it.
            settings.strict_host_keys = StrictHostKeys::AcceptNew;
        }
        Ok((config, settings))
    }

    fn request(&self, destination: Destination) -> Request {
        let mut request = Request::new(destination);
        request.files.clone_from(&self.files);
        request.algorithms = algorithms::known();
        request
    }

    fn read(&mut self, request: &Request) -> Result<(Config, Settings), Failure> {
        let config = Config::read(request, &self.system).map_err(|error| fault::explain(&error))?;
        let quiet = self.told_before
            || matches!(config.choice(Keyword::LogLevel), Some("SILENT" | "FATAL" | "ERROR"));
        let passed_over = config.notices().iter().filter_map(|notice| match notice.why {
            // Debian's own file asks for it, of a ssh that may have it.
            Reason::Unsupported if !is_gssapi(&notice.keyword) => Some(notice.to_string()),
            _ => {
                tracing::debug!("{notice}");
                None
            }
        });
        for warning in passed_over.chain(rule::judge(&config)?) {
            if quiet {
                tracing::info!("{warning}");
            } else if !self.told.contains(&warning) {
                Failure::new(Exit::Usage, &warning).warn();
                self.told.push(warning);
            }
        }
        let settings = Settings::of(&config, &self.system)?;
        Ok((config, settings))
    }
}

/// The files that `-F` means.
pub(crate) fn files(named: Option<&Path>) -> Files {
    match named {
        None => Files::Usual,
        Some(file) if file.as_os_str().eq_ignore_ascii_case("none") => Files::None,
        Some(file) => Files::Only(file.to_owned()),
    }
}

/// The machine.
///
/// # Errors
/// Where it cannot be told who runs the program.
pub(crate) fn system() -> Result<System, Failure> {
    System::new().map_err(|error| {
        Failure::new(Exit::Other, format!("who you are cannot be told: {error}"))
            .hint("set LOGNAME and HOME")
    })
}

fn is_gssapi(keyword: &str) -> bool {
    keyword.get(..6).is_some_and(|it| it.eq_ignore_ascii_case("gssapi"))
}

/// Whether a setting of the command line says anything of servers that are only passed: keys, trust, questions,
/// times and sockets of this machine hold for all of them; who and where the destination is, its
/// algorithms, and what is forwarded do not.
fn is_for_passing(setting: &Setting) -> bool {
    use Keyword as K;

    matches!(
        setting.keyword(Release::default()),
        Some(
            K::AddressFamily
                | K::BatchMode
                | K::BindAddress
                | K::BindInterface
                | K::CertificateFile
                | K::ConnectTimeout
                | K::ConnectionAttempts
                | K::GlobalKnownHostsFile
                | K::HashKnownHosts
                | K::IdentitiesOnly
                | K::IdentityAgent
                | K::IdentityFile
                | K::IgnoreUnknown
                | K::IpQos
                | K::KbdInteractiveAuthentication
                | K::LogLevel
                | K::NumberOfPasswordPrompts
                | K::PasswordAuthentication
                | K::PreferredAuthentications
                | K::PubkeyAuthentication
                | K::RevokedHostKeys
                | K::ServerAliveCountMax
                | K::ServerAliveInterval
                | K::StrictHostKeyChecking
                | K::TcpKeepAlive
                | K::UpdateHostKeys
                | K::UserKnownHostsFile
        )
    )
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Sources without files.
    pub(crate) fn words(options: &[&str]) -> Sources {
        let lines = options.iter().map(|it| Setting::Line((*it).to_owned())).collect();
        Sources::new(lines, Files::None, Session::None).unwrap()
    }

    /// The settings of a host by these options.
    pub(crate) fn settings(host: &str, options: &[&str]) -> Settings {
        words(options).destination(Destination::parse(host).unwrap()).unwrap().1
    }

    /// The same as it was read.
    pub(crate) fn config(host: &str, options: &[&str]) -> Config {
        words(options).destination(Destination::parse(host).unwrap()).unwrap().0
    }

    fn passing(options: &[&str]) -> Settings {
        let hop = Destination::parse("hop").unwrap();
        words(options).passing(hop, None).unwrap().1
    }

    #[test]
    fn who_and_where_the_destination_is_does_not_hold_on_the_way() {
        let options = [
            "User=root",
            "Port=7",
            "HostName=x",
            "HostKeyAlias=y",
            "IdentityFile=/k",
            "BatchMode yes",
        ];
        let here = settings("host", &options);
        assert_eq!((&*here.user, here.port, &*here.host), ("root", 7, "x"));
        let passing = passing(&options);
        assert_eq!((passing.port, &*passing.host, passing.host_key_alias), (22, "hop", None));
        assert_eq!(passing.identity_files, here.identity_files);
        assert!(passing.batch_mode);
    }

    #[test]
    fn no_changed_key_is_taken_on_the_way() {
        use crate::settings::StrictHostKeys::{AcceptNew, No, Yes};

        for off in ["=no", " \"no\"", "=Off", "  'false' ", "=no # any"] {
            let option = format!("StrictHostKeyChecking{off}");
            assert_eq!(settings("host", &[&option]).strict_host_keys, No, "{option}");
            assert_eq!(passing(&[&option]).strict_host_keys, AcceptNew, "{option}");
        }
        assert_eq!(passing(&["StrictHostKeyChecking=yes"]).strict_host_keys, Yes);
        assert_eq!(passing(&["StrictHostKeyChecking=accept-new"]).strict_host_keys, AcceptNew);
    }

    #[test]
    fn algorithms_of_ssh_may_be_named_beside_those_of_adit() {
        let settings = settings("host", &["Ciphers=aes128-cbc,aes256-gcm@openssh.com"]);
        assert_eq!(settings.algorithms.ciphers.to_string(), "aes256-gcm@openssh.com");
        let mut none = words(&["Ciphers=aes128-cbc"]);
        let refused = none.destination(Destination::parse("host").unwrap()).unwrap_err();
        let told = format!("{refused:?}");
        assert!(told.contains("command line: Ciphers aes128-cbc: adit has none"), "{told}");
    }

    #[test]
    fn algorithms_that_are_not_usual_are_to_be_had_by_their_names() {
        let chosen = |options: &[&str]| settings("host", options).algorithms;
        let usual = chosen(&[]);
        assert!(!usual.macs.contains("hmac-sha2-256") && usual.compressions.as_str() == "none");
        assert!(!usual.exchanges.contains("diffie-hellman-group14-sha256"));
        let more = chosen(&[
            "MACs=+hmac-sha2-256",
            "KexAlgorithms=^diffie-hellman-group14-sha256",
            "Compression=yes",
        ]);
        assert_eq!(more.macs.as_str(), format!("{},hmac-sha2-256", usual.macs));
        assert_eq!(more.exchanges.first(), Some("diffie-hellman-group14-sha256"));
        assert_eq!(more.compressions.as_str(), "zlib@openssh.com,none");
        // Those of ssh alone are left out; most ciphers need none.
        assert_eq!(chosen(&["MACs=umac-128-etm@openssh.com"]).macs.as_str(), "");
        let mut none = words(&["MACs=umac-128-etm@openssh.com", "Ciphers=aes128-ctr"]);
        assert!(none.destination(Destination::parse("host").unwrap()).is_err());
    }

    #[test]
    fn rekeying_is_by_default_as_adit_does_it() {
        let default = adit_transport::config::Rekey::default();
        assert_eq!(settings("host", &[]).rekey, default);
        assert_eq!(settings("host", &["RekeyLimit=default none"]).rekey, default);
        let limit = settings("host", &["RekeyLimit=1G 1h"]).rekey;
        assert_eq!((limit.bytes, limit.time.unwrap().as_secs()), (1 << 30, 3600));
        assert_eq!(settings("host", &["RekeyLimit=16K"]).rekey.time, None);
    }

    #[test]
    fn methods_that_are_not_preferred_are_not_tried() {
        let settings = settings("host", &["PreferredAuthentications=publickey,hostbased"]);
        assert!(settings.pubkey && !settings.password && !settings.keyboard_interactive);
    }
}
