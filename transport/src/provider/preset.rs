//! Which of all algorithms are offered where nobody names them.

use adit_proto::config::Algorithms;
use adit_proto::name::NameList;

/// A choice of algorithms by one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Preset {
    /// What is good, and meets every peer that is kept up.
    #[default]
    Default,
    /// Of these, key exchange by post-quantum methods or curve25519 alone, and no NIST curves:
    /// what is left leans on no constants that nobody has explained.
    Strict,
    /// All that there is, those included that are weaker, or cost a server much: for old peers.
    All,
}

impl Preset {
    /// The names of all presets.
    pub const NAMES: [&str; 3] = ["default", "strict", "all"];

    /// The preset of this name.
    pub fn by_name(name: &str) -> Option<Self> {
        match name {
            "default" => Some(Self::Default),
            "strict" => Some(Self::Strict),
            "all" => Some(Self::All),
            _ => None,
        }
    }

    /// What a client offers. Of the default, it is more than what a server does: a client has no
    /// crowd to reckon for.
    pub fn client(self) -> Algorithms {
        self.choose(Algorithms::of_client(&super::default()))
    }

    /// What a server offers.
    pub fn server(self) -> Algorithms {
        self.choose(Algorithms::of(&super::default()))
    }

    fn choose(self, usual: Algorithms) -> Algorithms {
        let only = |names: &NameList| {
            NameList::new(names.iter().filter(|name| is_strict(name))).unwrap_or_default()
        };
        match self {
            Self::Default => return usual,
            Self::Strict => {}
            Self::All => {
                // Nobody has asked for compression.
                let Algorithms { compressions, .. } = usual;
                return Algorithms { compressions, ..Algorithms::all(&super::default()) };
            }
        }
        Algorithms {
            exchanges: only(&usual.exchanges),
            host_keys: only(&usual.host_keys),
            signatures: only(&usual.signatures),
            ..usual
        }
    }
}

/// Whether a method or signature is without NIST curves and without groups of numbers.
fn is_strict(name: &str) -> bool {
    !name.contains("nistp") && !name.starts_with("diffie-hellman-")
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRICT: &str = "mlkem768x25519-sha256,sntrup761x25519-sha512,\
                          sntrup761x25519-sha512@openssh.com,curve25519-sha256,\
                          curve25519-sha256@libssh.org";
    const CURVES: &str = "ecdh-sha2-nistp256,ecdh-sha2-nistp384,ecdh-sha2-nistp521";
    const NUMBERS: &str = "diffie-hellman-group16-sha512,diffie-hellman-group18-sha512,\
                           diffie-hellman-group-exchange-sha256";

    #[test]
    fn the_strict_preset_has_no_nist_curves_and_no_groups_of_numbers() {
        for algorithms in [Preset::Strict.client(), Preset::Strict.server()] {
            assert_eq!(algorithms.exchanges.as_str(), STRICT);
            for names in [&algorithms.host_keys, &algorithms.signatures] {
                assert!(names.contains("ssh-ed25519") && names.contains("rsa-sha2-512"));
                assert!(!names.as_str().contains("nistp"), "{names}");
            }
        }
    }

    #[test]
    fn a_server_offers_no_groups_of_numbers_and_a_client_offers_them_last() {
        let (client, server) = (Preset::Default.client(), Preset::Default.server());
        assert_eq!(server.exchanges.as_str(), format!("{STRICT},{CURVES}"));
        assert_eq!(client.exchanges.as_str(), format!("{STRICT},{CURVES},{NUMBERS}"));
    }

    #[test]
    fn a_mac_is_over_what_is_sent_and_nothing_is_compressed() {
        for preset in [Preset::Default, Preset::Strict] {
            for algorithms in [preset.client(), preset.server()] {
                assert_eq!(
                    algorithms.macs.as_str(),
                    "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com",
                );
                assert_eq!(algorithms.compressions.as_str(), "none");
            }
        }
    }

    #[test]
    fn what_is_weak_is_not_even_known() {
        let all = Algorithms::all(&super::super::default());
        let lists =
            [all.exchanges, all.host_keys, all.ciphers, all.macs, all.signatures, all.compressions];
        for name in lists.iter().flat_map(NameList::iter) {
            let weak = ["sha1", "group1-", "cbc", "arcfour", "md5", "ssh-dss", "umac"];
            assert!(weak.iter().all(|weak| !name.contains(weak)), "{name}");
            assert!(!["ssh-rsa", "zlib"].contains(&name), "{name}");
        }
    }

    #[test]
    fn presets_go_by_their_names() {
        assert_eq!(Preset::by_name("strict"), Some(Preset::Strict));
        assert_eq!(Preset::by_name("default"), Some(Preset::default()));
        assert_eq!(Preset::by_name("Strict"), None);
        assert!(Preset::NAMES.iter().all(|name| Preset::by_name(name).is_some()));
        let all = Algorithms::all(&super::super::default());
        assert_eq!(Preset::All.server().exchanges, all.exchanges);
        assert_eq!(
            (Preset::All.client().macs, Preset::All.client().ciphers),
            (all.macs, all.ciphers)
        );
    }
}
