//! What restricts a certificate.

use adit_proto::wire;

use crate::certificate::network::Network;

/// What restricts a certificate: one of its critical options,
/// [PROTOCOL.certkeys](https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.certkeys), `critical options`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Restriction {
    /// `force-command`: what is run in place of what the client asks for.
    ForceCommand(String),
    /// `source-address`: where the user must come from.
    SourceAddress(Vec<Network>),
    /// `verify-required`: signatures must have been confirmed by a PIN.
    VerifyRequired,
    /// Any other, by its name. Whoever does not know what it means must refuse the certificate.
    Other(String),
}

impl Restriction {
    /// Parses all of them; `None` where they are malformed or one comes twice.
    pub(super) fn parse_all(mut input: &[u8]) -> Option<Vec<Self>> {
        let (mut restrictions, mut names) = (Vec::new(), Vec::new());
        while !input.is_empty() {
            let (rest, name) = wire::utf8(input).ok()?;
            let (rest, data) = wire::string(rest).ok()?;
            if names.contains(&name) {
                return None;
            }
            names.push(name);
            restrictions.push(Self::parse(name, data)?);
            input = rest;
        }
        Some(restrictions)
    }

    /// The name of the option.
    pub fn name(&self) -> &str {
        match self {
            Self::ForceCommand(_) => "force-command",
            Self::SourceAddress(_) => "source-address",
            Self::VerifyRequired => "verify-required",
            Self::Other(name) => name,
        }
    }

    fn parse(name: &str, data: &[u8]) -> Option<Self> {
        match name {
            "force-command" => Some(Self::ForceCommand(value(data)?.to_owned())),
            "source-address" => networks(value(data)?).map(Self::SourceAddress),
            "verify-required" => data.is_empty().then_some(Self::VerifyRequired),
            other => Some(Self::Other(other.to_owned())),
        }
    }
}

/// The one string that the data of an option is.
fn value(data: &[u8]) -> Option<&str> {
    match wire::utf8(data) {
        Ok(([], value)) => Some(value),
        _ => None,
    }
}

fn networks(list: &str) -> Option<Vec<Network>> {
    list.split(',').map(|item| item.trim().parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use adit_proto::wire::Put;
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn packed(options: &[(&str, &[u8])]) -> Vec<u8> {
        let mut out = Vec::new();
        for (name, data) in options {
            out.put_string(name.as_bytes());
            out.put_string(data);
        }
        out
    }

    fn string(value: &str) -> Vec<u8> {
        let mut out = Vec::new();
        out.put_string(value.as_bytes());
        out
    }

    #[test]
    fn options_are_told_by_their_names() {
        let input = packed(&[
            ("force-command", &string("true")),
            ("new@example.com", b"x"),
            ("source-address", &string("10.0.0.0/8,::1")),
            ("verify-required", b""),
        ]);
        let networks = vec!["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()];
        let expected = [
            Restriction::ForceCommand("true".to_owned()),
            Restriction::Other("new@example.com".to_owned()),
            Restriction::SourceAddress(networks),
            Restriction::VerifyRequired,
        ];
        assert_eq!(Restriction::parse_all(&input).unwrap(), expected);
    }

    #[test]
    fn malformed_options_are_refused() {
        for bad in [
            packed(&[("force-command", b"x")]),
            packed(&[("source-address", &string(""))]),
            packed(&[("source-address", &string("10.0.0.0/8,db"))]),
            packed(&[("source-address", &string("10.0.0.0/8,!10.1.0.0/16"))]),
            packed(&[("verify-required", b"x")]),
            packed(&[("a", b""), ("a", b"")]),
            b"\0\0\0\x01a".to_vec(),
        ] {
            assert_eq!(Restriction::parse_all(&bad), None, "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_options_never_panic(bytes in vec(any::<u8>(), 0..60)) {
            let _ = Restriction::parse_all(&bytes);
        }
    }
}
