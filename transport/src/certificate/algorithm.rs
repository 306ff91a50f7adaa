//! The names that go with certificates.
//!
//! A certificate of an RSA key has one key type and two signature algorithms, as the key itself
//! has ([RFC 8332 section 3](https://www.rfc-editor.org/rfc/rfc8332#section-3)). The signature that a
//! login carries names the algorithm of the plain key.

/// How a certified key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Algorithm {
    /// The name under which it is negotiated and asked for, for instance
    /// `rsa-sha2-512-cert-v01@openssh.com`.
    pub name: &'static str,
    /// The type of the certificate, for instance `ssh-rsa-cert-v01@openssh.com`.
    pub key_type: &'static str,
    /// The type of the certified key, for instance `ssh-rsa`.
    pub plain_key_type: &'static str,
    /// The algorithm that the signature itself is of and names, for instance `rsa-sha2-512`.
    pub signature: &'static str,
}

/// All that there are, the preferred first among those of one type.
pub const ALL: [Algorithm; 8] = [
    Algorithm {
        name: "ssh-ed25519-cert-v01@openssh.com",
        key_type: "ssh-ed25519-cert-v01@openssh.com",
        plain_key_type: "ssh-ed25519",
        signature: "ssh-ed25519",
    },
    Algorithm {
        name: "ecdsa-sha2-nistp256-cert-v01@openssh.com",
        key_type: "ecdsa-sha2-nistp256-cert-v01@openssh.com",
        plain_key_type: "ecdsa-sha2-nistp256",
        signature: "ecdsa-sha2-nistp256",
    },
    Algorithm {
        name: "ecdsa-sha2-nistp384-cert-v01@openssh.com",
        key_type: "ecdsa-sha2-nistp384-cert-v01@openssh.com",
        plain_key_type: "ecdsa-sha2-nistp384",
        signature: "ecdsa-sha2-nistp384",
    },
    Algorithm {
        name: "ecdsa-sha2-nistp521-cert-v01@openssh.com",
        key_type: "ecdsa-sha2-nistp521-cert-v01@openssh.com",
        plain_key_type: "ecdsa-sha2-nistp521",
        signature: "ecdsa-sha2-nistp521",
    },
    Algorithm {
        name: "sk-ssh-ed25519-cert-v01@openssh.com",
        key_type: "sk-ssh-ed25519-cert-v01@openssh.com",
        plain_key_type: "sk-ssh-ed25519@openssh.com",
        signature: "sk-ssh-ed25519@openssh.com",
    },
    Algorithm {
        name: "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com",
        key_type: "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com",
        plain_key_type: "sk-ecdsa-sha2-nistp256@openssh.com",
        signature: "sk-ecdsa-sha2-nistp256@openssh.com",
    },
    Algorithm {
        name: "rsa-sha2-512-cert-v01@openssh.com",
        key_type: "ssh-rsa-cert-v01@openssh.com",
        plain_key_type: "ssh-rsa",
        signature: "rsa-sha2-512",
    },
    Algorithm {
        name: "rsa-sha2-256-cert-v01@openssh.com",
        key_type: "ssh-rsa-cert-v01@openssh.com",
        plain_key_type: "ssh-rsa",
        signature: "rsa-sha2-256",
    },
];

/// The algorithm of this name.
pub fn named(name: &str) -> Option<Algorithm> {
    ALL.into_iter().find(|it| it.name == name)
}

/// The algorithms of certificates of this type; none where it is no such type.
pub fn of_type(key_type: &str) -> impl Iterator<Item = Algorithm> {
    ALL.into_iter().filter(move |it| it.key_type == key_type)
}

/// Whether a public key as on the wire is a certificate of a type that is known here, by the name
/// that it begins with.
pub fn is_certificate(key_type: &str) -> bool {
    of_type(key_type).next().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rsa_certificates_sign_with_sha2_only() {
        let names: Vec<_> = of_type("ssh-rsa-cert-v01@openssh.com").map(|it| it.name).collect();
        assert_eq!(
            names,
            ["rsa-sha2-512-cert-v01@openssh.com", "rsa-sha2-256-cert-v01@openssh.com"],
        );
        assert_eq!(named("ssh-rsa-cert-v01@openssh.com"), None);
        assert_eq!(named("rsa-sha2-512-cert-v01@openssh.com").unwrap().signature, "rsa-sha2-512");
    }

    #[test]
    fn plain_keys_are_no_certificates() {
        assert!(is_certificate("ssh-ed25519-cert-v01@openssh.com"));
        assert!(!is_certificate("ssh-ed25519"));
        assert!(!is_certificate(""));
    }
}
