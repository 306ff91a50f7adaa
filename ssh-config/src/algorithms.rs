//! Lists of algorithms: which there are, and how `+`, `-` and `^` change the default.

use crate::pattern::{self, Found};
use crate::release::Release;

/// What a list is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Ciphers.
    Ciphers,
    /// Message authentication codes.
    Macs,
    /// Key exchanges.
    KeyExchanges,
    /// Keys of hosts and users, certificates among them.
    Keys,
    /// Signatures of certification authorities.
    Signatures,
    /// Key exchanges by GSSAPI.
    Gssapi,
}

/// The algorithms that there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Algorithms {
    /// Ciphers.
    pub ciphers: List,
    /// Message authentication codes.
    pub macs: List,
    /// Key exchanges.
    pub key_exchanges: List,
    /// Keys of hosts and users.
    pub keys: List,
    /// Signatures of certification authorities.
    pub signatures: List,
}

/// Algorithms of a kind.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct List {
    /// Those of the default, the preferred first.
    pub defaults: Vec<String>,
    /// All that may be named.
    pub known: Vec<String>,
}

impl List {
    fn new(defaults: &str, known: &str) -> Self {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect();
        Self { defaults: words(defaults), known: words(known) }
    }

    /// Whether a value names only what there is. What is to be taken away need not exist.
    pub(crate) fn admits(&self, value: &str, kind: Kind) -> bool {
        let names = match value.strip_prefix(['+', '^']) {
            Some(names) => names,
            None if value.starts_with('-') => return true,
            None => value,
        };
        let known = |name: &str| self.known.iter().any(|it| it == name);
        let pattern = |name: &str| {
            name.contains(['*', '?']) && self.known.iter().any(|it| pattern::matches(it, name))
        };
        let wild = matches!(kind, Kind::Keys | Kind::Signatures);
        names.split(',').all(|name| known(name) || wild && pattern(name))
    }

    /// The list that a value comes to, with commas between; nothing where none is left.
    ///
    /// `+` puts algorithms behind the default, `^` before it, `-` takes away what patterns mean.
    pub fn assemble(&self, value: Option<&str>) -> Option<String> {
        let defaults = || self.defaults.iter().cloned();
        let Some(value) = value else { return Some(self.defaults.join(",")) };
        let named = |names: &str| {
            let meant = |name: &str| {
                let name = name.to_owned();
                self.known.iter().filter(move |it| pattern::matches(it, &name)).cloned()
            };
            names.split(',').flat_map(meant).collect::<Vec<_>>()
        };
        let all: Vec<String> = if let Some(names) = value.strip_prefix('+') {
            defaults().chain(named(names)).collect()
        } else if let Some(names) = value.strip_prefix('^') {
            named(names).into_iter().chain(defaults()).collect()
        } else if let Some(names) = value.strip_prefix('-') {
            defaults().filter(|it| pattern::list(it, names) != Found::Yes).collect()
        } else {
            named(value)
        };
        let mut once: Vec<String> = Vec::new();
        for name in all {
            if !once.contains(&name) {
                once.push(name);
            }
        }
        // Where there are none to begin with, a change of the default may leave none.
        (!once.is_empty() || self.defaults.is_empty()).then(|| once.join(","))
    }
}

impl Algorithms {
    /// Those of a release of OpenSSH, as Debian ships it.
    pub fn of(release: Release) -> Self {
        let old = release == Release::V9_2;
        let key_exchanges = if old {
            List::new(KEX_9_2, KNOWN_KEX)
        } else {
            let known = format!("mlkem768nistp256-sha256 {KNOWN_KEX} mlkem768x25519-sha256");
            List::new(&format!("mlkem768x25519-sha256 {KEX_9_2}"), &known)
        };
        Self {
            ciphers: List::new(if old { CIPHERS_9_2 } else { CIPHERS_10_0 }, KNOWN_CIPHERS),
            macs: List::new(MACS, KNOWN_MACS),
            key_exchanges,
            keys: match release {
                Release::V9_2 => List::new(KEYS, KNOWN_KEYS_9_2),
                Release::V10_0 => List::new(KEYS, KNOWN_KEYS_10_0),
                Release::V10_6 => List::new(KEYS_10_6, KNOWN_KEYS_10_6),
            },
            signatures: match release {
                Release::V9_2 => List::new(SIGNATURES, KNOWN_SIGNATURES_9_2),
                Release::V10_0 => List::new(SIGNATURES, KNOWN_SIGNATURES_10_0),
                Release::V10_6 => List::new(SIGNATURES_10_6, KNOWN_SIGNATURES_10_6),
            },
        }
    }

    /// The list of a kind; nothing for GSSAPI, whose algorithms are not told apart here.
    pub fn list(&self, kind: Kind) -> Option<&List> {
        match kind {
            Kind::Ciphers => Some(&self.ciphers),
            Kind::Macs => Some(&self.macs),
            Kind::KeyExchanges => Some(&self.key_exchanges),
            Kind::Keys => Some(&self.keys),
            Kind::Signatures => Some(&self.signatures),
            Kind::Gssapi => None,
        }
    }
}

/// What Debian's builds with GSSAPI have as the default of `GSSAPIKexAlgorithms`.
pub(crate) const GSSAPI: &str = "gss-group14-sha256-,gss-group16-sha512-,gss-nistp256-sha256-,\
    gss-curve25519-sha256-,gss-group14-sha1-,gss-gex-sha1-";

// The lists below are in the order of myproposal.h and of `ssh -Q` of each release.

const CIPHERS_9_2: &str = "chacha20-poly1305@openssh.com aes128-ctr aes192-ctr aes256-ctr \
    aes128-gcm@openssh.com aes256-gcm@openssh.com";
const CIPHERS_10_0: &str = "chacha20-poly1305@openssh.com aes128-gcm@openssh.com \
    aes256-gcm@openssh.com aes128-ctr aes192-ctr aes256-ctr";
const KNOWN_CIPHERS: &str = "3des-cbc aes128-cbc aes192-cbc aes256-cbc aes128-ctr aes192-ctr \
    aes256-ctr aes128-gcm@openssh.com aes256-gcm@openssh.com chacha20-poly1305@openssh.com";
const MACS: &str = "umac-64-etm@openssh.com umac-128-etm@openssh.com \
    hmac-sha2-256-etm@openssh.com hmac-sha2-512-etm@openssh.com hmac-sha1-etm@openssh.com \
    umac-64@openssh.com umac-128@openssh.com hmac-sha2-256 hmac-sha2-512 hmac-sha1";
const KNOWN_MACS: &str = "hmac-sha1 hmac-sha1-96 hmac-sha2-256 hmac-sha2-512 hmac-md5 \
    hmac-md5-96 umac-64@openssh.com umac-128@openssh.com hmac-sha1-etm@openssh.com \
    hmac-sha1-96-etm@openssh.com hmac-sha2-256-etm@openssh.com hmac-sha2-512-etm@openssh.com \
    hmac-md5-etm@openssh.com hmac-md5-96-etm@openssh.com umac-64-etm@openssh.com \
    umac-128-etm@openssh.com";
const KEX_9_2: &str = "sntrup761x25519-sha512 sntrup761x25519-sha512@openssh.com \
    curve25519-sha256 curve25519-sha256@libssh.org ecdh-sha2-nistp256 ecdh-sha2-nistp384 \
    ecdh-sha2-nistp521 diffie-hellman-group-exchange-sha256 diffie-hellman-group16-sha512 \
    diffie-hellman-group18-sha512 diffie-hellman-group14-sha256";
const KNOWN_KEX: &str = "diffie-hellman-group1-sha1 diffie-hellman-group14-sha1 \
    diffie-hellman-group14-sha256 diffie-hellman-group16-sha512 diffie-hellman-group18-sha512 \
    diffie-hellman-group-exchange-sha1 diffie-hellman-group-exchange-sha256 ecdh-sha2-nistp256 \
    ecdh-sha2-nistp384 ecdh-sha2-nistp521 curve25519-sha256 curve25519-sha256@libssh.org \
    sntrup761x25519-sha512 sntrup761x25519-sha512@openssh.com";
const KEYS: &str = "ssh-ed25519-cert-v01@openssh.com ecdsa-sha2-nistp256-cert-v01@openssh.com \
    ecdsa-sha2-nistp384-cert-v01@openssh.com ecdsa-sha2-nistp521-cert-v01@openssh.com \
    sk-ssh-ed25519-cert-v01@openssh.com sk-ecdsa-sha2-nistp256-cert-v01@openssh.com \
    rsa-sha2-512-cert-v01@openssh.com rsa-sha2-256-cert-v01@openssh.com ssh-ed25519 \
    ecdsa-sha2-nistp256 ecdsa-sha2-nistp384 ecdsa-sha2-nistp521 sk-ssh-ed25519@openssh.com \
    sk-ecdsa-sha2-nistp256@openssh.com rsa-sha2-512 rsa-sha2-256";
const KEYS_10_6: &str = "ssh-ed25519-cert-v01@openssh.com \
    ecdsa-sha2-nistp256-cert-v01@openssh.com ecdsa-sha2-nistp384-cert-v01@openssh.com \
    ecdsa-sha2-nistp521-cert-v01@openssh.com sk-ssh-ed25519-cert-v01@openssh.com \
    sk-ecdsa-sha2-nistp256-cert-v01@openssh.com \
    webauthn-sk-ecdsa-sha2-nistp256-cert-v01@openssh.com rsa-sha2-512-cert-v01@openssh.com \
    rsa-sha2-256-cert-v01@openssh.com ssh-mldsa44-ed25519-cert ssh-ed25519 ecdsa-sha2-nistp256 \
    ecdsa-sha2-nistp384 ecdsa-sha2-nistp521 sk-ssh-ed25519@openssh.com \
    sk-ecdsa-sha2-nistp256@openssh.com webauthn-sk-ecdsa-sha2-nistp256@openssh.com rsa-sha2-512 \
    rsa-sha2-256 ssh-mldsa44-ed25519";
const SIGNATURES: &str = "ssh-ed25519 ecdsa-sha2-nistp256 ecdsa-sha2-nistp384 \
    ecdsa-sha2-nistp521 sk-ssh-ed25519@openssh.com sk-ecdsa-sha2-nistp256@openssh.com \
    rsa-sha2-512 rsa-sha2-256";
const SIGNATURES_10_6: &str = "ssh-ed25519 ecdsa-sha2-nistp256 ecdsa-sha2-nistp384 \
    ecdsa-sha2-nistp521 sk-ssh-ed25519@openssh.com sk-ecdsa-sha2-nistp256@openssh.com \
    webauthn-sk-ecdsa-sha2-nistp256@openssh.com rsa-sha2-512 rsa-sha2-256";
const KNOWN_KEYS_9_2: &str = "ssh-ed25519 ssh-ed25519-cert-v01@openssh.com \
    sk-ssh-ed25519@openssh.com sk-ssh-ed25519-cert-v01@openssh.com ecdsa-sha2-nistp256 \
    ecdsa-sha2-nistp256-cert-v01@openssh.com ecdsa-sha2-nistp384 \
    ecdsa-sha2-nistp384-cert-v01@openssh.com ecdsa-sha2-nistp521 \
    ecdsa-sha2-nistp521-cert-v01@openssh.com sk-ecdsa-sha2-nistp256@openssh.com \
    sk-ecdsa-sha2-nistp256-cert-v01@openssh.com webauthn-sk-ecdsa-sha2-nistp256@openssh.com \
    ssh-dss ssh-dss-cert-v01@openssh.com ssh-rsa ssh-rsa-cert-v01@openssh.com rsa-sha2-256 \
    rsa-sha2-256-cert-v01@openssh.com rsa-sha2-512 rsa-sha2-512-cert-v01@openssh.com";
const KNOWN_KEYS_10_0: &str = "ssh-ed25519 ssh-ed25519-cert-v01@openssh.com \
    sk-ssh-ed25519@openssh.com sk-ssh-ed25519-cert-v01@openssh.com ecdsa-sha2-nistp256 \
    ecdsa-sha2-nistp256-cert-v01@openssh.com ecdsa-sha2-nistp384 \
    ecdsa-sha2-nistp384-cert-v01@openssh.com ecdsa-sha2-nistp521 \
    ecdsa-sha2-nistp521-cert-v01@openssh.com sk-ecdsa-sha2-nistp256@openssh.com \
    sk-ecdsa-sha2-nistp256-cert-v01@openssh.com webauthn-sk-ecdsa-sha2-nistp256@openssh.com \
    ssh-rsa ssh-rsa-cert-v01@openssh.com rsa-sha2-256 rsa-sha2-256-cert-v01@openssh.com \
    rsa-sha2-512 rsa-sha2-512-cert-v01@openssh.com";
const KNOWN_KEYS_10_6: &str = "ssh-ed25519 ssh-ed25519-cert-v01@openssh.com \
    sk-ssh-ed25519@openssh.com sk-ssh-ed25519-cert-v01@openssh.com ssh-mldsa44-ed25519 \
    ssh-mldsa44-ed25519-cert ecdsa-sha2-nistp256 ecdsa-sha2-nistp256-cert-v01@openssh.com \
    ecdsa-sha2-nistp384 ecdsa-sha2-nistp384-cert-v01@openssh.com ecdsa-sha2-nistp521 \
    ecdsa-sha2-nistp521-cert-v01@openssh.com sk-ecdsa-sha2-nistp256@openssh.com \
    sk-ecdsa-sha2-nistp256-cert-v01@openssh.com webauthn-sk-ecdsa-sha2-nistp256@openssh.com \
    webauthn-sk-ecdsa-sha2-nistp256-cert-v01@openssh.com ssh-rsa ssh-rsa-cert-v01@openssh.com \
    rsa-sha2-256 rsa-sha2-256-cert-v01@openssh.com rsa-sha2-512 \
    rsa-sha2-512-cert-v01@openssh.com";
const KNOWN_SIGNATURES_9_2: &str = "ssh-ed25519 sk-ssh-ed25519@openssh.com ecdsa-sha2-nistp256 \
    ecdsa-sha2-nistp384 ecdsa-sha2-nistp521 sk-ecdsa-sha2-nistp256@openssh.com \
    webauthn-sk-ecdsa-sha2-nistp256@openssh.com ssh-dss ssh-rsa rsa-sha2-256 rsa-sha2-512";
const KNOWN_SIGNATURES_10_0: &str = "ssh-ed25519 sk-ssh-ed25519@openssh.com ecdsa-sha2-nistp256 \
    ecdsa-sha2-nistp384 ecdsa-sha2-nistp521 sk-ecdsa-sha2-nistp256@openssh.com \
    webauthn-sk-ecdsa-sha2-nistp256@openssh.com ssh-rsa rsa-sha2-256 rsa-sha2-512";
const KNOWN_SIGNATURES_10_6: &str = "ssh-ed25519 sk-ssh-ed25519@openssh.com ssh-mldsa44-ed25519 \
    ecdsa-sha2-nistp256 ecdsa-sha2-nistp384 ecdsa-sha2-nistp521 \
    sk-ecdsa-sha2-nistp256@openssh.com webauthn-sk-ecdsa-sha2-nistp256@openssh.com ssh-rsa \
    rsa-sha2-256 rsa-sha2-512";

#[cfg(test)]
mod tests {
    use super::*;

    fn assembled(value: &str) -> Option<String> {
        List::new("b c", "a b c d").assemble(Some(value))
    }

    #[test]
    fn signs_change_the_default() {
        let list = |text: &str| Some(text.to_owned());
        assert_eq!(assembled("+a"), list("b,c,a"));
        assert_eq!(assembled("^d,c"), list("d,c,b"));
        assert_eq!(assembled("-b"), list("c"));
        assert_eq!(assembled("d,a,d"), list("d,a"));
        assert_eq!(assembled("*"), list("a,b,c,d"));
        assert_eq!(assembled("-*"), None);
        assert_eq!(assembled("x"), None);
    }

    #[test]
    fn defaults_are_known() {
        for release in [Release::V9_2, Release::V10_0, Release::V10_6] {
            let all = Algorithms::of(release);
            for list in [all.ciphers, all.macs, all.key_exchanges, all.keys, all.signatures] {
                assert!(list.defaults.iter().all(|it| list.known.contains(it)), "{list:?}");
            }
        }
    }

    #[test]
    fn only_keys_may_be_patterns() {
        let all = Algorithms::of(Release::V10_6);
        assert!(all.keys.admits("ssh-*", Kind::Keys));
        assert!(!all.keys.admits("fnord-*", Kind::Keys));
        assert!(!all.ciphers.admits("aes*", Kind::Ciphers));
        assert!(all.ciphers.admits("-aes*", Kind::Ciphers));
        assert!(all.ciphers.admits("+aes128-cbc", Kind::Ciphers));
        assert!(!all.ciphers.admits("aes128-ctr,fnord", Kind::Ciphers));
    }
}
