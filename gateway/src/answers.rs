//! What was found out about names and paths, so that the policy need not ask anybody.

use std::collections::{BTreeSet, HashMap};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::host::Name;
use crate::socket_path::SocketPath;

/// The most addresses of a name that are looked at.
const MOST: usize = 64;

/// What has to be found out before a question can be judged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wants {
    /// Names whose addresses are needed: what is asked for, and names in rules.
    pub names: BTreeSet<Name>,
    /// Paths whose links are to be followed: what is asked for, and paths in rules.
    pub paths: BTreeSet<SocketPath>,
}

impl Wants {
    /// Whether nothing has to be found out.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty() && self.paths.is_empty()
    }
}

/// What was found out.
#[derive(Debug, Clone, Default)]
pub struct Answers {
    names: HashMap<Name, Answer>,
    paths: HashMap<SocketPath, SocketPath>,
}

/// What a name means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// These addresses, in the order in which they are to be tried.
    Addresses(Vec<IpAddr>),
    /// Nothing: there is no such name.
    Nothing,
    /// It could not be found out. Where a resolver does not tell this from [`Answer::Nothing`], this
    /// is the safe one to take: a rule that denies the name then denies all that it could be.
    Unknown,
}

impl Answers {
    /// Takes down what a name means. IPv4 addresses in the form of IPv6 become IPv4 addresses;
    /// 0.0.0.0 and `::`, by which some resolvers block a name, are left out; of more than 64
    /// addresses, the first count.
    pub fn set_name(&mut self, name: Name, answer: Answer) {
        let answer = match answer {
            Answer::Addresses(found) => {
                let mut addresses: Vec<IpAddr> = Vec::new();
                for address in found.into_iter().map(|it| it.to_canonical()).take(MOST) {
                    if !address.is_unspecified() && !addresses.contains(&address) {
                        addresses.push(address);
                    }
                }
                Answer::Addresses(addresses)
            }
            other => other,
        };
        self.names.insert(name, answer);
    }

    /// Takes down where a path leads when all links are followed. Where nothing is there, that is
    /// the path itself with the links of the folder followed.
    pub fn set_path(&mut self, path: SocketPath, real: SocketPath) {
        self.paths.insert(path, real);
    }

    /// What a name means: always this machine where [it does](Name::is_localhost), and unknown
    /// where nothing was found out.
    pub fn name(&self, name: &Name) -> Answer {
        if name.is_localhost() {
            return Answer::Addresses(vec![Ipv6Addr::LOCALHOST.into(), Ipv4Addr::LOCALHOST.into()]);
        }
        self.names.get(name).cloned().unwrap_or(Answer::Unknown)
    }

    /// Where a path leads; `None` where it was not found out.
    pub fn path(&self, path: &SocketPath) -> Option<&SocketPath> {
        self.paths.get(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Host;

    fn name(text: &str) -> Name {
        match text.parse() {
            Ok(Host::Name(name)) => name,
            other => panic!("{other:?}"),
        }
    }

    fn addresses(texts: &[&str]) -> Answer {
        Answer::Addresses(texts.iter().map(|it| it.parse().unwrap()).collect())
    }

    #[test]
    fn addresses_are_kept_in_one_spelling() {
        let mut answers = Answers::default();
        let found = ["::ffff:10.0.0.1", "0.0.0.0", "10.0.0.1", "::", "10.0.0.2"];
        answers.set_name(name("db"), addresses(&found));
        assert_eq!(answers.name(&name("db")), addresses(&["10.0.0.1", "10.0.0.2"]));
        assert_eq!(answers.name(&name("other")), Answer::Unknown);
    }

    #[test]
    fn localhost_is_this_machine_whatever_a_resolver_says() {
        let mut answers = Answers::default();
        answers.set_name(name("localhost"), addresses(&["192.0.2.1"]));
        for text in ["localhost", "x.localhost"] {
            assert_eq!(answers.name(&name(text)), addresses(&["::1", "127.0.0.1"]));
        }
    }
}
