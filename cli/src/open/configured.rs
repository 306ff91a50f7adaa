//! The tunnels that files ask for.

use std::path::PathBuf;

use adit_forward::entry::{Bind, Entry};
use adit_forward::spec::{Destination, Local, Remote};
use adit_forward::target;
use adit_ssh_config::config::Config;
use adit_ssh_config::forward::{Forward, Listen, Target};
use adit_ssh_config::keyword::Keyword;

use crate::open::tunnel::{Here, Tunnel};

/// The tunnels of `LocalForward`, `DynamicForward` and `RemoteForward`.
pub(super) fn tunnels(config: &Config) -> Vec<Tunnel> {
    let here = [Keyword::LocalForward, Keyword::DynamicForward];
    let here = here.into_iter().flat_map(|it| config.forwards(it)).map(|forward| {
        let entry = entry(&forward.listen);
        Tunnel::Here(match target(&forward.target) {
            Some(target) => Here::Local(Local { entry, target }),
            None => Here::Dynamic(entry),
        })
    });
    let there =
        config.forwards(Keyword::RemoteForward).iter().map(|Forward { listen, target: to }| {
            let destination = target(to).map_or(Destination::Asked, Destination::Target);
            Tunnel::There(Remote { entry: entry(listen), destination })
        });
    here.chain(there).collect()
}

fn entry(listen: &Listen) -> Entry {
    let bind = |host: &Option<String>| match host.as_deref() {
        None => Bind::Default,
        Some("" | "*") => Bind::All,
        Some("localhost") => Bind::Localhost,
        Some(host) => Bind::Host(host.to_owned()),
    };
    match listen {
        Listen::Tcp { host, port } => Entry::Tcp { bind: bind(host), port: *port },
        Listen::Socket(path) => Entry::Unix(PathBuf::from(path)),
    }
}

/// The target; nothing where each connection says its own.
fn target(target: &Target) -> Option<target::Target> {
    match target {
        Target::Tcp { host, port } => Some(target::Target::Tcp { host: host.clone(), port: *port }),
        Target::Socket(path) => Some(target::Target::Unix(PathBuf::from(path))),
        Target::Dynamic => None,
    }
}

#[cfg(test)]
mod tests {
    use adit_ssh_config::destination::Destination;

    use super::*;
    use crate::settings::sources::tests::words;

    fn tunnels(options: &[&str]) -> Vec<Tunnel> {
        let destination = Destination::parse("host").unwrap();
        super::tunnels(&words(options).destination(destination).unwrap().0)
    }

    #[test]
    fn a_line_of_a_file_asks_for_what_the_flag_does() {
        let local = |spec: &str| Tunnel::Here(Here::Local(spec.parse().unwrap()));
        let dynamic = |spec: &str| Tunnel::Here(Here::Dynamic(spec.parse().unwrap()));
        let remote = |spec: &str| Tunnel::There(spec.parse().unwrap());
        for (option, expected) in [
            ("LocalForward=1 a:2", local("1:a:2")),
            ("LocalForward=[::1]:1 [::2]:3", local("[::1]:1:[::2]:3")),
            ("LocalForward=*:1 /s", local("*:1:/s")),
            ("LocalForward=localhost:1 a:2", local("localhost:1:a:2")),
            ("LocalForward=/s a:2", local("/s:a:2")),
            ("DynamicForward=1080", dynamic("1080")),
            ("RemoteForward=:1 a:2", remote(":1:a:2")),
            ("RemoteForward=0", remote("0")),
        ] {
            assert_eq!(tunnels(&[option]), [expected], "{option}");
        }
    }

    #[test]
    fn forwardings_that_are_cleared_are_not_asked_for() {
        let options = ["LocalForward=1 a:2", "RemoteForward=3", "ClearAllForwardings=yes"];
        assert!(tunnels(&options).is_empty());
    }
}
