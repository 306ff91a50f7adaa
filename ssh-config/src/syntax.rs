//! How the values of keywords are written.

use crate::algorithms::Kind;

/// How the values of a keyword are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Syntax {
    /// One of some words.
    Choice(Choices),
    /// A plain number.
    Number,
    /// A port, by number or name.
    Port,
    /// A time, or `none`, which sets nothing.
    Time,
    /// One word.
    Text,
    /// The rest of the line as it is.
    Command,
    /// A list of algorithms.
    Algorithms(Kind),
    /// Words, or `none` alone.
    Files,
    /// `CanonicalDomains`.
    Domains,
    /// `CanonicalizePermittedCNAMEs`.
    Aliases,
    /// `LocalForward`.
    LocalForward,
    /// `RemoteForward`.
    RemoteForward,
    /// `DynamicForward`.
    DynamicForward,
    /// `PermitRemoteOpen`.
    RemoteOpen,
    /// `SendEnv`.
    SendEnv,
    /// `SetEnv`.
    SetEnv,
    /// `ChannelTimeout`.
    ChannelTimeout,
    /// `ObscureKeystrokeTiming`.
    KeystrokeTiming,
    /// `RevokedHostKeys`.
    Revoked,
    /// `AddKeysToAgent`.
    KeysToAgent,
    /// `ForwardAgent`.
    ForwardAgent,
    /// `IdentityAgent`.
    Agent,
    /// `TunnelDevice`.
    Device,
    /// `ControlPersist`.
    Persist,
    /// `EscapeChar`.
    Escape,
    /// `IPQoS`.
    Qos,
    /// `RekeyLimit`.
    Rekey,
    /// `StreamLocalBindMask`.
    Mask,
    /// `ProxyJump`.
    Jump,
}

/// Words that a keyword takes, and for each the one that `ssh -G` tells.
pub(crate) type Choices = &'static [(&'static str, &'static str)];

pub(crate) const FLAG: Choices = &[("yes", "yes"), ("no", "no"), ("true", "yes"), ("false", "no")];
pub(crate) const WEAK: Choices =
    &[("yes", "yes"), ("no", "no"), ("true", "yes"), ("false", "no"), ("no-pq-kex", "no")];
pub(crate) const COMPRESSION: Choices = &[("yes", "yes"), ("no", "no")];
pub(crate) const YES_NO_ASK: Choices =
    &[("yes", "true"), ("no", "false"), ("true", "true"), ("false", "false"), ("ask", "ask")];
pub(crate) const STRICT: Choices = &[
    ("yes", "true"),
    ("no", "false"),
    ("true", "true"),
    ("false", "false"),
    ("off", "false"),
    ("ask", "ask"),
    ("accept-new", "accept-new"),
];
pub(crate) const CANONICALIZE: Choices =
    &[("yes", "true"), ("no", "false"), ("true", "true"), ("false", "false"), ("always", "always")];
pub(crate) const CONTROL_MASTER: Choices = &[
    ("yes", "true"),
    ("no", "false"),
    ("true", "true"),
    ("false", "false"),
    ("auto", "auto"),
    ("ask", "ask"),
    ("autoask", "autoask"),
];
pub(crate) const PUBKEY: Choices = &[
    ("yes", "true"),
    ("no", "false"),
    ("true", "true"),
    ("false", "false"),
    ("unbound", "unbound"),
    ("host-bound", "host-bound"),
];
pub(crate) const TTY: Choices = &[
    ("yes", "true"),
    ("no", "false"),
    ("true", "true"),
    ("false", "false"),
    ("force", "force"),
    ("auto", "auto"),
];
pub(crate) const TUNNEL: Choices = &[
    ("yes", "point-to-point"),
    ("no", "false"),
    ("true", "point-to-point"),
    ("false", "false"),
    ("point-to-point", "point-to-point"),
    ("ethernet", "ethernet"),
];
pub(crate) const SESSION_TYPE: Choices =
    &[("none", "none"), ("subsystem", "subsystem"), ("default", "default")];
pub(crate) const ADDRESS_FAMILY: Choices = &[("any", "any"), ("inet", "inet"), ("inet6", "inet6")];
pub(crate) const DIGEST: Choices = &[
    ("md5", "MD5"),
    ("sha1", "SHA1"),
    ("sha256", "SHA256"),
    ("sha384", "SHA384"),
    ("sha512", "SHA512"),
];
pub(crate) const LOG_LEVEL: Choices = &[
    ("silent", "SILENT"),
    ("quiet", "SILENT"),
    ("fatal", "FATAL"),
    ("error", "ERROR"),
    ("info", "INFO"),
    ("verbose", "VERBOSE"),
    ("debug", "DEBUG"),
    ("debug1", "DEBUG"),
    ("debug2", "DEBUG2"),
    ("debug3", "DEBUG3"),
];
pub(crate) const FACILITY: Choices = &[
    ("daemon", "DAEMON"),
    ("user", "USER"),
    ("auth", "AUTH"),
    ("authpriv", "AUTHPRIV"),
    ("local0", "LOCAL0"),
    ("local1", "LOCAL1"),
    ("local2", "LOCAL2"),
    ("local3", "LOCAL3"),
    ("local4", "LOCAL4"),
    ("local5", "LOCAL5"),
    ("local6", "LOCAL6"),
    ("local7", "LOCAL7"),
];
pub(crate) const KEYS_TO_AGENT: Choices = &[
    ("yes", "true"),
    ("no", "false"),
    ("true", "true"),
    ("false", "false"),
    ("ask", "ask"),
    ("confirm", "confirm"),
];

/// What a word comes to; case does not count.
pub(crate) fn choose(choices: Choices, word: &str) -> Option<&'static str> {
    choices.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)).map(|(_, told)| *told)
}

/// The words in a sentence of what a keyword takes.
pub(crate) fn expected(choices: Choices) -> &'static str {
    match choices {
        FLAG | COMPRESSION => "yes or no",
        WEAK => "yes, no or no-pq-kex",
        YES_NO_ASK => "yes, no or ask",
        STRICT => "yes, ask, accept-new or no",
        CANONICALIZE => "yes, no or always",
        CONTROL_MASTER => "yes, no, ask, auto or autoask",
        PUBKEY => "yes, no, unbound or host-bound",
        TTY => "yes, no, force or auto",
        TUNNEL => "yes, no, point-to-point or ethernet",
        SESSION_TYPE => "none, subsystem or default",
        ADDRESS_FAMILY => "any, inet or inet6",
        DIGEST => "md5 or sha256",
        LOG_LEVEL => "a level from quiet to debug3",
        FACILITY => "daemon, user, auth, authpriv or local0 to local7",
        _ => "another word",
    }
}
