//! The keywords.

use std::fmt;

use crate::algorithms::Kind;
use crate::release::Release;
use crate::syntax::{
    ADDRESS_FAMILY, CANONICALIZE, COMPRESSION, CONTROL_MASTER, DIGEST, FACILITY, FLAG, LOG_LEVEL,
    PUBKEY, SESSION_TYPE, STRICT, Syntax, TTY, TUNNEL, WEAK, YES_NO_ASK,
};

/// Makes the enum, its list, and a table of each keyword's syntax and default.
macro_rules! keywords {
    ($($name:ident: $syntax:expr, $default:expr;)*) => {
        /// A keyword that sets something, in the order in which `ssh -G` tells them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Keyword {
            $(#[doc = concat!("`", stringify!($name), "`.")] $name,)*
        }

        impl Keyword {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The name, in the case that Rust wants.
            fn cased(self) -> &'static str {
                match self { $(Self::$name => stringify!($name)),* }
            }

            /// How its values are written.
            pub(crate) fn syntax(self) -> Syntax {
                match self { $(Self::$name => $syntax),* }
            }

            /// What it is where nothing sets it, as it would be written; nothing where it then
            /// is nothing, or depends on other things.
            pub(crate) fn default(self) -> &'static str {
                match self { $(Self::$name => $default),* }
            }
        }
    };
}

keywords! {
    User: Syntax::Text, "";
    HostName: Syntax::Text, "";
    Port: Syntax::Port, "22";
    AddressFamily: Syntax::Choice(ADDRESS_FAMILY), "any";
    BatchMode: Syntax::Choice(FLAG), "no";
    CanonicalizeFallbackLocal: Syntax::Choice(FLAG), "yes";
    CanonicalizeHostname: Syntax::Choice(CANONICALIZE), "no";
    CheckHostIp: Syntax::Choice(FLAG), "no";
    Compression: Syntax::Choice(COMPRESSION), "no";
    ControlMaster: Syntax::Choice(CONTROL_MASTER), "no";
    EnableSshKeysign: Syntax::Choice(FLAG), "no";
    ClearAllForwardings: Syntax::Choice(FLAG), "";
    ExitOnForwardFailure: Syntax::Choice(FLAG), "";
    FingerprintHash: Syntax::Choice(DIGEST), "sha256";
    ForwardX11: Syntax::Choice(FLAG), "no";
    ForwardX11Trusted: Syntax::Choice(FLAG), "yes";
    GatewayPorts: Syntax::Choice(FLAG), "no";
    GssapiAuthentication: Syntax::Choice(FLAG), "no";
    GssapiKeyExchange: Syntax::Choice(FLAG), "no";
    GssapiDelegateCredentials: Syntax::Choice(FLAG), "no";
    GssapiTrustDns: Syntax::Choice(FLAG), "no";
    GssapiRenewalForcesRekey: Syntax::Choice(FLAG), "no";
    GssapiClientIdentity: Syntax::Text, "";
    GssapiServerIdentity: Syntax::Text, "";
    GssapiKexAlgorithms: Syntax::Algorithms(Kind::Gssapi), "";
    HashKnownHosts: Syntax::Choice(FLAG), "no";
    HostbasedAuthentication: Syntax::Choice(FLAG), "no";
    IdentitiesOnly: Syntax::Choice(FLAG), "no";
    KbdInteractiveAuthentication: Syntax::Choice(FLAG), "yes";
    NoHostAuthenticationForLocalhost: Syntax::Choice(FLAG), "no";
    PasswordAuthentication: Syntax::Choice(FLAG), "yes";
    PermitLocalCommand: Syntax::Choice(FLAG), "no";
    ProxyUseFdpass: Syntax::Choice(FLAG), "no";
    PubkeyAuthentication: Syntax::Choice(PUBKEY), "yes";
    RequestTty: Syntax::Choice(TTY), "auto";
    SessionType: Syntax::Choice(SESSION_TYPE), "default";
    StdinNull: Syntax::Choice(FLAG), "no";
    ForkAfterAuthentication: Syntax::Choice(FLAG), "no";
    StreamLocalBindUnlink: Syntax::Choice(FLAG), "no";
    StrictHostKeyChecking: Syntax::Choice(STRICT), "ask";
    TcpKeepAlive: Syntax::Choice(FLAG), "yes";
    Tunnel: Syntax::Choice(TUNNEL), "no";
    VerifyHostKeyDns: Syntax::Choice(YES_NO_ASK), "no";
    VisualHostKey: Syntax::Choice(FLAG), "no";
    UpdateHostKeys: Syntax::Choice(YES_NO_ASK), "";
    EnableEscapeCommandline: Syntax::Choice(FLAG), "no";
    WarnWeakCrypto: Syntax::Choice(WEAK), "yes";
    CanonicalizeMaxDots: Syntax::Number, "1";
    ConnectionAttempts: Syntax::Number, "1";
    ForwardX11Timeout: Syntax::Time, "20m";
    NumberOfPasswordPrompts: Syntax::Number, "3";
    ServerAliveCountMax: Syntax::Number, "3";
    ServerAliveInterval: Syntax::Time, "";
    RequiredRsaSize: Syntax::Number, "1024";
    ObscureKeystrokeTiming: Syntax::KeystrokeTiming, "yes";
    BindAddress: Syntax::Text, "";
    BindInterface: Syntax::Text, "";
    Ciphers: Syntax::Algorithms(Kind::Ciphers), "";
    ControlPath: Syntax::Text, "";
    HostKeyAlgorithms: Syntax::Algorithms(Kind::Keys), "";
    HostKeyAlias: Syntax::Text, "";
    HostbasedAcceptedAlgorithms: Syntax::Algorithms(Kind::Keys), "";
    IdentityAgent: Syntax::Agent, "";
    IgnoreUnknown: Syntax::Text, "";
    KbdInteractiveDevices: Syntax::Text, "";
    KexAlgorithms: Syntax::Algorithms(Kind::KeyExchanges), "";
    CaSignatureAlgorithms: Syntax::Algorithms(Kind::Signatures), "";
    LocalCommand: Syntax::Command, "";
    RemoteCommand: Syntax::Command, "";
    LogLevel: Syntax::Choice(LOG_LEVEL), "info";
    Macs: Syntax::Algorithms(Kind::Macs), "";
    Pkcs11Provider: Syntax::Text, "";
    SecurityKeyProvider: Syntax::Text, "internal";
    PreferredAuthentications: Syntax::Text, "";
    PubkeyAcceptedAlgorithms: Syntax::Algorithms(Kind::Keys), "";
    RevokedHostKeys: Syntax::Revoked, "";
    XauthLocation: Syntax::Text, "/usr/bin/xauth";
    KnownHostsCommand: Syntax::Command, "";
    Tag: Syntax::Text, "";
    VersionAddendum: Syntax::Command, "";
    RefuseConnection: Syntax::Text, "";
    DynamicForward: Syntax::DynamicForward, "";
    LocalForward: Syntax::LocalForward, "";
    RemoteForward: Syntax::RemoteForward, "";
    IdentityFile: Syntax::Text, "";
    CanonicalDomains: Syntax::Domains, "";
    CertificateFile: Syntax::Text, "";
    GlobalKnownHostsFile: Syntax::Files, "/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2";
    UserKnownHostsFile: Syntax::Files, "~/.ssh/known_hosts ~/.ssh/known_hosts2";
    SendEnv: Syntax::SendEnv, "";
    SetEnv: Syntax::SetEnv, "";
    LogVerbose: Syntax::Files, "";
    ChannelTimeout: Syntax::ChannelTimeout, "";
    PermitRemoteOpen: Syntax::RemoteOpen, "any";
    AddKeysToAgent: Syntax::KeysToAgent, "no";
    ForwardAgent: Syntax::ForwardAgent, "no";
    ConnectTimeout: Syntax::Time, "";
    TunnelDevice: Syntax::Device, "any:any";
    CanonicalizePermittedCnames: Syntax::Aliases, "";
    ControlPersist: Syntax::Persist, "no";
    EscapeChar: Syntax::Escape, "~";
    IpQos: Syntax::Qos, "";
    RekeyLimit: Syntax::Rekey, "default";
    StreamLocalBindMask: Syntax::Mask, "0177";
    SyslogFacility: Syntax::Choice(FACILITY), "user";
    ProxyCommand: Syntax::Command, "";
    ProxyJump: Syntax::Jump, "";
}

/// What the first word of a line may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// A keyword that sets something.
    Sets(Keyword),
    /// `Host`.
    Host,
    /// `Match`.
    Match,
    /// `Include`.
    Include,
    /// Something that ssh once knew, and now passes over without a word.
    Past,
    /// Something that ssh knows but was not built with, which it tells.
    Unsupported,
}

/// Names that keywords once had or have besides.
const OTHER_NAMES: [(&str, Keyword); 11] = [
    ("challengeresponseauthentication", Keyword::KbdInteractiveAuthentication),
    ("skeyauthentication", Keyword::KbdInteractiveAuthentication),
    ("tisauthentication", Keyword::KbdInteractiveAuthentication),
    ("dsaauthentication", Keyword::PubkeyAuthentication),
    ("identityfile2", Keyword::IdentityFile),
    ("keepalive", Keyword::TcpKeepAlive),
    ("hostbasedkeytypes", Keyword::HostbasedAcceptedAlgorithms),
    ("pubkeyacceptedkeytypes", Keyword::PubkeyAcceptedAlgorithms),
    ("smartcarddevice", Keyword::Pkcs11Provider),
    // Of Debian only.
    ("protocolkeepalives", Keyword::ServerAliveInterval),
    ("setuptimeout", Keyword::ServerAliveInterval),
];

const PAST: [&str; 10] = [
    "protocol",
    "cipher",
    "fallbacktorsh",
    "globalknownhostsfile2",
    "rhostsauthentication",
    "useblacklistedkeys",
    "userknownhostsfile2",
    "useroaming",
    "usersh",
    "useprivilegedport",
];

const UNSUPPORTED: [&str; 6] = [
    "afstokenpassing",
    "kerberosauthentication",
    "kerberostgtpassing",
    "rsaauthentication",
    "rhostsrsaauthentication",
    "compressionlevel",
];

impl Meaning {
    /// Looks up the first word of a line, in which case does not count.
    pub(crate) fn of(word: &str, release: Release) -> Option<Self> {
        let word = word.to_ascii_lowercase();
        match word.as_str() {
            "host" => return Some(Self::Host),
            "match" => return Some(Self::Match),
            "include" => return Some(Self::Include),
            word if PAST.contains(&word) => return Some(Self::Past),
            word if UNSUPPORTED.contains(&word) => return Some(Self::Unsupported),
            _ => {}
        }
        let other = OTHER_NAMES.iter().find(|(name, _)| *name == word).map(|(_, it)| *it);
        let known = Keyword::ALL.iter().copied();
        let keyword = other.or_else(|| known.into_iter().find(|it| it.is_named(&word)))?;
        match keyword.is_known(release) {
            true => Some(Self::Sets(keyword)),
            false if keyword.is_gssapi() => Some(Self::Unsupported),
            false => None,
        }
    }
}

/// Names that `ssh_config(5)` spells otherwise than Rust would.
const SPELLINGS: [&str; 20] = [
    "CASignatureAlgorithms",
    "CanonicalizePermittedCNAMEs",
    "CheckHostIP",
    "EnableSSHKeysign",
    "GSSAPIAuthentication",
    "GSSAPIClientIdentity",
    "GSSAPIDelegateCredentials",
    "GSSAPIKexAlgorithms",
    "GSSAPIKeyExchange",
    "GSSAPIRenewalForcesRekey",
    "GSSAPIServerIdentity",
    "GSSAPITrustDns",
    "IPQoS",
    "MACs",
    "PKCS11Provider",
    "RequestTTY",
    "RequiredRSASize",
    "TCPKeepAlive",
    "VerifyHostKeyDNS",
    "XAuthLocation",
];

impl Keyword {
    /// The name as `ssh_config(5)` spells it.
    pub fn name(self) -> &'static str {
        let name = self.cased();
        SPELLINGS.into_iter().find(|it| it.eq_ignore_ascii_case(name)).unwrap_or(name)
    }

    /// Whether a release knows it.
    pub(crate) fn is_known(self, release: Release) -> bool {
        let gone = self.is_gssapi() && release >= Release::V10_6;
        self.since() <= release && !gone
    }

    /// Whether it is of GSSAPI, which Debian moved into a package of its own.
    fn is_gssapi(self) -> bool {
        self.cased().starts_with("Gssapi")
    }

    /// The release that knew it first.
    fn since(self) -> Release {
        match self {
            Self::ChannelTimeout
            | Self::ObscureKeystrokeTiming
            | Self::Tag
            | Self::VersionAddendum => Release::V10_0,
            Self::RefuseConnection | Self::WarnWeakCrypto => Release::V10_6,
            _ => Release::V9_2,
        }
    }

    fn is_named(self, word: &str) -> bool {
        self.cased().eq_ignore_ascii_case(word)
    }
}

/// In lower case, as `ssh -G` tells it.
impl fmt::Display for Keyword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.cased().to_ascii_lowercase())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_keyword_is_found_by_its_name() {
        for keyword in Keyword::ALL {
            let release = if keyword.is_gssapi() { Release::V10_0 } else { Release::V10_6 };
            let found = Meaning::of(&keyword.to_string(), release);
            assert_eq!(found, Some(Meaning::Sets(*keyword)));
        }
    }

    #[test]
    fn each_spelling_is_that_of_a_keyword() {
        for spelling in SPELLINGS {
            let named = Keyword::ALL.iter().filter(|it| it.name() == spelling);
            assert_eq!(named.count(), 1, "{spelling}");
        }
    }

    #[test]
    fn case_does_not_count() {
        let port = Some(Meaning::Sets(Keyword::Port));
        assert_eq!(Meaning::of("pORT", Release::V9_2), port);
        assert_eq!(Meaning::of("INCLUDE", Release::V9_2), Some(Meaning::Include));
        assert_eq!(Meaning::of("Fnord", Release::V10_6), None);
    }

    #[test]
    fn what_is_newer_than_the_release_is_unknown() {
        assert_eq!(Meaning::of("Tag", Release::V9_2), None);
        assert_eq!(Meaning::of("GSSAPITrustDNS", Release::V10_6), Some(Meaning::Unsupported));
        assert_eq!(Meaning::of("Tag", Release::V10_0), Some(Meaning::Sets(Keyword::Tag)));
    }
}
