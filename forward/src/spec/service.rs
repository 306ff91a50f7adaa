//! Names of services, which may stand for ports.
//!
//! The names are those of the
//! [IANA registry](https://www.iana.org/assignments/service-names-port-numbers) that people
//! tunnel to. OpenSSH asks the machine (`/etc/services`); a table makes a specification mean
//! the same everywhere, and keeps its parser free of input and output.

/// The port of a service, if its name is known.
pub(super) fn port(name: &str) -> Option<u16> {
    SERVICES.iter().find(|(service, _)| *service == name).map(|(_, port)| *port)
}

const SERVICES: &[(&str, u16)] = &[
    ("ftp", 21),
    ("ssh", 22),
    ("telnet", 23),
    ("smtp", 25),
    ("domain", 53),
    ("http", 80),
    ("kerberos", 88),
    ("pop3", 110),
    ("nntp", 119),
    ("imap", 143),
    ("imap2", 143),
    ("snmp", 161),
    ("irc", 194),
    ("ldap", 389),
    ("https", 443),
    ("microsoft-ds", 445),
    ("submissions", 465),
    ("submission", 587),
    ("ipp", 631),
    ("ldaps", 636),
    ("rsync", 873),
    ("imaps", 993),
    ("pop3s", 995),
    ("socks", 1080),
    ("ms-sql-s", 1433),
    ("mqtt", 1883),
    ("nfs", 2049),
    ("mysql", 3306),
    ("ms-wbt-server", 3389),
    ("svn", 3690),
    ("xmpp-client", 5222),
    ("postgresql", 5432),
    ("amqps", 5671),
    ("amqp", 5672),
    ("rfb", 5900),
    ("x11", 6000),
    ("redis", 6379),
    ("http-alt", 8080),
    ("git", 9418),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_stands_twice() {
        for (at, (name, _)) in SERVICES.iter().enumerate() {
            assert!(SERVICES.iter().skip(at + 1).all(|(other, _)| other != name), "{name}");
        }
    }
}
