//! What becomes of each keyword of `ssh_config(5)`.

use adit_ssh_config::config::Config;
use adit_ssh_config::keyword::Keyword as K;
use adit_ssh_config::mention::Mention;
use adit_ssh_config::value::Value;

use crate::failure::{Exit, Failure};

/// What becomes of a keyword.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Rule {
    /// It does what it does with ssh.
    Kept,
    /// It does so in `adit ssh`, and says nothing of tunnels.
    OfSessions,
    /// It says nothing of tunnels, or nothing that could matter here, for this reason.
    Idle(&'static str),
    /// It is not done, which is told where this is the case, for this reason.
    Warned(Case, &'static str),
    /// It cannot be done, and to go on without would be less safe than what was asked for, or of
    /// no use. Where this is the case it is an error, for this reason, and with this hint.
    Refused(Case, &'static str, &'static str),
}

/// Whether a value matters. Only values that somebody has set are looked at.
type Case = fn(&Config) -> bool;

/// Keywords that do what they do with ssh.
const KEPT: &[K] = &[
    K::AddressFamily,
    K::BatchMode,
    K::BindAddress,
    K::BindInterface,
    K::CanonicalDomains,
    K::CanonicalizeFallbackLocal,
    K::CanonicalizeHostname,
    K::CanonicalizeMaxDots,
    K::CanonicalizePermittedCnames,
    K::CertificateFile,
    K::Ciphers,
    K::ClearAllForwardings,
    K::Compression,
    K::ConnectTimeout,
    K::ConnectionAttempts,
    K::DynamicForward,
    K::ExitOnForwardFailure,
    K::GatewayPorts,
    K::GlobalKnownHostsFile,
    K::HashKnownHosts,
    K::HostKeyAlgorithms,
    K::HostKeyAlias,
    K::HostName,
    K::IdentitiesOnly,
    K::IdentityAgent,
    K::IdentityFile,
    K::IgnoreUnknown,
    K::IpQos,
    K::KbdInteractiveAuthentication,
    K::KexAlgorithms,
    K::LocalForward,
    K::Macs,
    K::NumberOfPasswordPrompts,
    K::PasswordAuthentication,
    K::PermitRemoteOpen,
    K::Port,
    K::PreferredAuthentications,
    K::ProxyCommand,
    K::ProxyJump,
    K::PubkeyAcceptedAlgorithms,
    K::PubkeyAuthentication,
    K::RefuseConnection,
    K::RekeyLimit,
    K::RemoteForward,
    K::RevokedHostKeys,
    K::ServerAliveCountMax,
    K::ServerAliveInterval,
    K::StreamLocalBindMask,
    K::StreamLocalBindUnlink,
    K::StrictHostKeyChecking,
    K::Tag,
    K::TcpKeepAlive,
    K::UpdateHostKeys,
    K::User,
    K::UserKnownHostsFile,
];

/// Keywords for sessions, and for sharing their connections.
const OF_SESSIONS: &[K] = &[
    K::ControlMaster,
    K::ControlPath,
    K::ControlPersist,
    K::EscapeChar,
    K::ForkAfterAuthentication,
    K::ForwardAgent,
    K::ForwardX11,
    K::ForwardX11Timeout,
    K::ForwardX11Trusted,
    K::LocalCommand,
    K::LogLevel,
    K::PermitLocalCommand,
    K::RemoteCommand,
    K::RequestTty,
    K::SendEnv,
    K::SessionType,
    K::SetEnv,
    K::StdinNull,
    K::XauthLocation,
];

/// Keywords for GSSAPI, which Debian has on by default.
const OF_GSSAPI: &[K] = &[
    K::GssapiAuthentication,
    K::GssapiClientIdentity,
    K::GssapiDelegateCredentials,
    K::GssapiKexAlgorithms,
    K::GssapiKeyExchange,
    K::GssapiRenewalForcesRekey,
    K::GssapiServerIdentity,
    K::GssapiTrustDns,
];

/// All other keywords.
const OTHERS: &[(K, Rule)] = &[
    (
        K::AddKeysToAgent,
        Rule::Warned(
            |it| match it.value(K::AddKeysToAgent) {
                Some(Value::KeysToAgent(keys)) => keys.mode != "false",
                _ => true,
            },
            "keys are not added to the agent",
        ),
    ),
    (
        K::CaSignatureAlgorithms,
        Rule::Refused(
            |it| it.mention(K::CaSignatureAlgorithms).is_some_and(|it| !it.words.starts_with('+')),
            "signatures of authorities could be taken that it does not allow",
            "leave it out for this host",
        ),
    ),
    (
        K::ChannelTimeout,
        Rule::Warned(
            |it| !it.list(K::ChannelTimeout).is_empty(),
            "connections through tunnels stay open however long they are idle",
        ),
    ),
    (
        K::CheckHostIp,
        Rule::Warned(
            |it| it.is_yes(K::CheckHostIp),
            "the host's name is looked for among the known hosts, its address is not",
        ),
    ),
    (
        K::EnableEscapeCommandline,
        Rule::Warned(
            |it| it.is_yes(K::EnableEscapeCommandline),
            "the escape ~C has no command line",
        ),
    ),
    (K::EnableSshKeysign, Rule::Idle("see HostbasedAuthentication")),
    (
        K::FingerprintHash,
        Rule::Warned(
            |it| it.choice(K::FingerprintHash) != Some("SHA256"),
            "fingerprints are shown as SHA256",
        ),
    ),
    (K::HostbasedAcceptedAlgorithms, Rule::Idle("see HostbasedAuthentication")),
    (
        K::HostbasedAuthentication,
        Rule::Warned(
            |it| it.is_yes(K::HostbasedAuthentication),
            "adit logs in by keys, keyboard-interactive or a password",
        ),
    ),
    (K::KbdInteractiveDevices, Rule::Warned(always, "the server chooses the devices")),
    (
        K::KnownHostsCommand,
        Rule::Warned(
            |it| it.text(K::KnownHostsCommand).is_some(),
            "the command is not run: host keys are looked for in files only",
        ),
    ),
    (K::LogVerbose, Rule::Idle("-v and --log say what is logged")),
    (
        K::NoHostAuthenticationForLocalhost,
        Rule::Warned(
            |it| it.is_yes(K::NoHostAuthenticationForLocalhost),
            "the host key is checked there too",
        ),
    ),
    (K::ObscureKeystrokeTiming, Rule::Idle("keystrokes are sent when they come")),
    (
        K::Pkcs11Provider,
        Rule::Warned(
            |it| it.text(K::Pkcs11Provider).is_some(),
            "keys of PKCS#11 are used by way of an agent only: ssh-add -s",
        ),
    ),
    (
        K::ProxyUseFdpass,
        Rule::Refused(
            |it| it.is_yes(K::ProxyUseFdpass) && it.text(K::ProxyCommand).is_some(),
            "adit takes no open connection over from a command",
            "let the command carry the bytes, as with nc in place of nc -F",
        ),
    ),
    (
        K::RequiredRsaSize,
        Rule::Refused(
            |it| it.number(K::RequiredRsaSize).is_some_and(|it| it > LEAST_RSA),
            "adit takes rsa keys from 2048 bits on",
            "take rsa away by HostKeyAlgorithms -rsa-* and PubkeyAcceptedAlgorithms -rsa-* in its \
             place",
        ),
    ),
    (
        K::SecurityKeyProvider,
        Rule::Warned(
            |it| it.text(K::SecurityKeyProvider).is_some_and(|it| it != "internal"),
            "security keys are used by way of an agent only: ssh-add",
        ),
    ),
    (K::SyslogFacility, Rule::Idle("-v and --log say what is logged")),
    (
        K::Tunnel,
        Rule::Warned(|it| it.choice(K::Tunnel) != Some("false"), "no network devices are joined"),
    ),
    (K::TunnelDevice, Rule::Idle("see Tunnel")),
    (
        K::VerifyHostKeyDns,
        Rule::Warned(
            |it| it.choice(K::VerifyHostKeyDns) != Some("false"),
            "host keys are looked for among the known hosts, and not in the DNS",
        ),
    ),
    (
        K::VersionAddendum,
        Rule::Warned(
            |it| it.text(K::VersionAddendum).is_some_and(|it| !it.is_empty()),
            "nothing is added to the version",
        ),
    ),
    (K::VisualHostKey, Rule::Idle("fingerprints are shown in letters")),
    (K::WarnWeakCrypto, Rule::Idle("adit offers no weak algorithms")),
];

/// The shortest rsa key that adit takes, in bits.
const LEAST_RSA: u32 = 2048;

fn always(_: &Config) -> bool {
    true
}

impl Rule {
    /// The rule for a keyword.
    pub(crate) fn of(keyword: K) -> Self {
        if KEPT.contains(&keyword) {
            Self::Kept
        } else if OF_GSSAPI.contains(&keyword) {
            Self::Idle("adit has no GSSAPI: it logs in by other methods, and checks host keys")
        } else if OF_SESSIONS.contains(&keyword) {
            Self::OfSessions
        } else {
            let other = OTHERS.iter().find(|(it, _)| *it == keyword).map(|(_, rule)| *rule);
            other.unwrap_or(Self::Warned(always, "adit does not know it"))
        }
    }

    /// What it makes of a mention: nothing, or words for the user.
    fn judge(self, keyword: K, said: &Mention, config: &Config) -> Result<Option<String>, Failure> {
        let told = |why| format!("{}: {} {}: {why}", said.place, keyword.name(), said.words);
        match self {
            Self::Refused(case, why, hint) if case(config) => {
                Err(Failure::new(Exit::Usage, told(why)).hint(hint))
            }
            Self::Warned(case, why) if case(config) => Ok(Some(told(why))),
            Self::Idle(why) => {
                tracing::debug!("{} (without effect)", told(why));
                Ok(None)
            }
            _ => Ok(None),
        }
    }
}

/// What a host's configuration asks for that is not kept, in words for the user.
///
/// # Errors
/// Where it must not be passed over.
pub(crate) fn judge(config: &Config) -> Result<Vec<String>, Failure> {
    let mut warnings = Vec::new();
    for keyword in K::ALL {
        if let Some(said) = config.mention(*keyword) {
            warnings.extend(Rule::of(*keyword).judge(*keyword, said, config)?);
        }
    }
    Ok(warnings)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::fs;
    use std::path::Path;

    use adit_ssh_config::config::Config;
    use adit_ssh_config::destination::Destination;
    use adit_ssh_config::request::{Files, Request, Setting};
    use adit_ssh_config::system::System;

    use super::*;

    /// The table in the documentation.
    const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/ssh_config.md");

    fn judged(options: &[&str]) -> Result<Vec<String>, Failure> {
        let mut request = Request::new(Destination::parse("host").unwrap());
        request.files = Files::None;
        request.settings = options.iter().map(|it| Setting::Line((*it).to_owned())).collect();
        judge(&Config::read(&request, &System::new().unwrap()).unwrap())
    }

    #[test]
    fn every_keyword_has_one_rule() {
        for keyword in K::ALL {
            let others = OTHERS.iter().filter(|(it, _)| it == keyword).count();
            let lists = [KEPT, OF_SESSIONS, OF_GSSAPI];
            let listed = lists.iter().flat_map(|it| it.iter()).filter(|it| *it == keyword).count();
            assert_eq!(others + listed, 1, "{}", keyword.name());
        }
    }

    #[test]
    fn what_is_not_kept_is_told_with_its_words_unless_it_asks_for_nothing() {
        let told = judged(&["FingerprintHash md5", "SendEnv=LANG"]).unwrap();
        let expected = ["command line: FingerprintHash md5: fingerprints are shown as SHA256"];
        assert_eq!(told, expected);
        let nothing = ["ControlMaster auto", "AddKeysToAgent=no", "Tunnel=no"];
        assert!(judged(&nothing).unwrap().is_empty());
    }

    #[test]
    fn what_would_be_less_safe_is_refused() {
        for option in ["CASignatureAlgorithms=ssh-ed25519", "RequiredRSASize=4096"] {
            let refused = format!("{:?}", judged(&[option]).unwrap_err());
            assert!(refused.contains("hint: Some"), "{refused}");
        }
        assert!(
            judged(&["RequiredRSASize=2048", "RevokedHostKeys=/etc/ssh/revoked"])
                .unwrap()
                .is_empty()
        );
        let passed = ["ProxyUseFdpass=yes", "ProxyCommand=nc -F %h %p"];
        assert!(judged(&passed).is_err() && judged(&passed[..1]).unwrap().is_empty());
    }

    /// The table as the documentation has it.
    fn table() -> String {
        let mut keywords: Vec<K> = K::ALL.to_vec();
        keywords.sort_by_key(|it| it.name().to_ascii_lowercase());
        let mut table = "| keyword | with adit |\n|---|---|\n".to_owned();
        for keyword in keywords {
            let what = match Rule::of(keyword) {
                Rule::Kept => "as with ssh".to_owned(),
                Rule::OfSessions => "as with ssh, in `adit ssh`".to_owned(),
                Rule::Idle(why) => format!("without effect: {why}"),
                Rule::Warned(_, why) => format!("a warning: {why}"),
                Rule::Refused(_, why, hint) => format!("an error: {why}; {hint}"),
            };
            writeln!(table, "| `{}` | {what} |", keyword.name()).unwrap();
        }
        table
    }

    #[test]
    fn the_documentation_has_this_table() {
        let (path, table) = (Path::new(DOCUMENT), table());
        let text = fs::read_to_string(path).unwrap();
        let start = text.find("| keyword |").unwrap();
        if std::env::var_os("ADIT_WRITE_DOCS").is_some() {
            let end = text[start..].find("\n\n").map_or(text.len(), |at| start + at + 1);
            fs::write(path, format!("{}{table}{}", &text[..start], &text[end..])).unwrap();
            return;
        }
        assert!(
            text.contains(&table),
            "docs/ssh_config.md has another table; ADIT_WRITE_DOCS=1 cargo test -p adit \
             documentation writes it"
        );
    }
}
