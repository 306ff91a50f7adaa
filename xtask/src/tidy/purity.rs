//! The pure parts touch no socket, file, clock, thread or random number: bytes and time come in as
//! arguments, bytes and events go out.

use crate::tidy::finding::Finding;
use crate::tidy::modules::{File, Modules, Place};

const RULE: &str = "purity";

/// The files that are pure. A name ending in `*` stands for all files that begin so.
const PURE: [&str; 18] = [
    "proto/src/*",
    "channels/src/mux*",
    "forward/src/connect*",
    "forward/src/credentials.rs",
    "forward/src/entry.rs",
    "forward/src/escape.rs",
    "forward/src/host.rs",
    "forward/src/origin.rs",
    "forward/src/prefix.rs",
    "forward/src/socks4*",
    "forward/src/socks5*",
    "forward/src/spec*",
    "forward/src/target.rs",
    "forward/src/upstream/url*",
    "forward/src/x11/cookie.rs",
    "forward/src/x11/display.rs",
    "forward/src/x11/display/*",
    "forward/src/x11/setup*",
];

/// What a pure file may not name, and what it does instead.
const BANNED: [(&str, &str); 21] = [
    ("tokio", "leave waiting to the caller"),
    ("mio", "leave waiting to the caller"),
    ("futures", "leave waiting to the caller"),
    ("futures_util", "leave waiting to the caller"),
    ("socket2", "leave sockets to the caller"),
    ("rustix", "leave the system to the caller"),
    ("ring", "ask the provider"),
    ("rand", "ask the provider for randomness"),
    ("getrandom", "ask the provider for randomness"),
    ("std::net::TcpStream", "take bytes as an argument"),
    ("std::net::TcpListener", "take bytes as an argument"),
    ("std::net::UdpSocket", "take bytes as an argument"),
    ("std::net::ToSocketAddrs", "leave name resolution to the caller"),
    ("std::os", "leave the system to the caller"),
    ("std::fs", "take bytes as an argument"),
    ("std::env", "take settings as an argument"),
    ("std::process", "return an error"),
    ("std::thread", "leave threads to the caller"),
    ("std::time::SystemTime", "take the time as an argument"),
    ("std::time::Instant::now", "take the time as an argument"),
    ("std::io::stdin", "take bytes as an argument"),
];

/// Methods and macros that do the same under a name without a path.
const BANNED_METHODS: [(&str, &str); 1] = [("elapsed", "subtract from the time that is given")];
const BANNED_MACROS: [(&str, &str); 4] = [
    ("print", "return it or trace it"),
    ("println", "return it or trace it"),
    ("eprint", "return it or trace it"),
    ("eprintln", "return it or trace it"),
];

/// Checks the pure files of a crate.
pub(crate) fn check(modules: &Modules) -> Vec<Finding> {
    modules
        .files
        .iter()
        .filter(|(_, file)| is_pure(&file.path))
        .flat_map(|(module, file)| check_file(modules, module, file))
        .collect()
}

/// A name in the table that no file has: the table would be a promise that nobody keeps.
pub(crate) fn check_table<'a>(files: impl Iterator<Item = &'a str> + Clone) -> Vec<Finding> {
    PURE.iter()
        .filter(|pattern| !files.clone().any(|file| matches(pattern, file)))
        .map(|pattern| {
            let text = format!("no file is named {pattern}");
            Finding::new("xtask/src/tidy/purity.rs", 0, RULE, text, "mend the table of pure files")
        })
        .collect()
}

fn is_pure(path: &str) -> bool {
    PURE.iter().any(|pattern| matches(pattern, path))
}

fn matches(pattern: &str, path: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => path.starts_with(start) && path.ends_with(".rs"),
        None => pattern == path,
    }
}

fn check_file(modules: &Modules, module: &[String], file: &File) -> Vec<Finding> {
    let scan = &file.scan;
    let imports = scan.imports.iter().map(|import| (&import.within, &import.path, import.line));
    let mentions = scan.mentions.iter().map(|seen| (&seen.within, &seen.path, seen.line));
    let paths = imports.chain(mentions).filter_map(|(within, path, line)| {
        let Place::Outside(full) = modules.resolve(&[module, within].concat(), path) else {
            return None;
        };
        let name = full.join("::").replace("core::", "std::");
        let (_, instead) = BANNED.iter().find(|(banned, _)| begins_with(&name, banned))?;
        Some((line, name, *instead))
    });
    let methods = scan.methods.iter().filter_map(|called| {
        let (name, instead) = BANNED_METHODS.iter().find(|(name, _)| *name == called.name)?;
        Some((called.line, format!("{name}()"), *instead))
    });
    let macros = scan.macros.iter().filter_map(|called| {
        let (name, instead) = BANNED_MACROS.iter().find(|(name, _)| *name == called.name)?;
        Some((called.line, format!("{name}!"), *instead))
    });
    let mut found: Vec<(usize, String, &str)> = paths.chain(methods).chain(macros).collect();
    found.sort();
    found.dedup_by_key(|(line, ..)| *line);
    found
        .into_iter()
        .map(|(line, name, instead)| {
            let text = format!("{name} in a pure file");
            Finding::new(&file.path, line, RULE, text, instead)
        })
        .collect()
}

fn begins_with(path: &str, start: &str) -> bool {
    path.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::source::sources;

    fn found(path: &str, text: &str) -> Vec<String> {
        let modules = Modules::load(&sources(&[(path, text)]).codes, path);
        check(&modules).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_clock_is_seen_however_it_is_named() {
        for text in [
            "fn f() { std::time::Instant::now(); }",
            "use std::time::Instant; fn f() { Instant::now(); }",
            "use std::time; fn f() { g(time::Instant::now); }",
            "use std::time::{Instant as T}; fn f() { assert!(T::now() > x); }",
            "fn f(start: std::time::Instant) { start.elapsed(); }",
        ] {
            assert_eq!(found("proto/src/lib.rs", text).len(), 1, "{text}");
        }
    }

    #[test]
    fn the_time_as_an_argument_is_pure() {
        let text = "use std::time::Instant; pub fn handle_timeout(now: Instant) {}";
        assert!(found("proto/src/lib.rs", text).is_empty());
    }

    #[test]
    fn sockets_files_threads_and_randomness_are_seen() {
        for text in [
            "use tokio::io::AsyncRead;",
            "use std::net::TcpStream;",
            "use std::{fs, io}; fn f() { fs::read(x); }",
            "fn f() { std::thread::spawn(g); }",
            "fn f() { rand::random::<u8>(); }",
            "#[tokio::main] async fn f() {}",
            "fn f() { eprintln!(\"x\"); }",
        ] {
            assert!(!found("channels/src/mux.rs", text).is_empty(), "{text}");
        }
    }

    #[test]
    fn addresses_are_values_and_pure() {
        let text = "use std::net::{IpAddr, SocketAddr}; pub fn parse(a: IpAddr) {}";
        assert!(found("channels/src/mux.rs", text).is_empty());
    }

    #[test]
    fn other_files_and_tests_may_do_as_they_like() {
        let impure = "use std::fs;";
        assert!(found("transport/src/lib.rs", impure).is_empty());
        let tests = "#[cfg(test)] mod tests { use std::fs; }";
        assert!(found("proto/src/lib.rs", tests).is_empty());
    }

    #[test]
    fn a_finding_names_the_line_and_the_way_out() {
        let found = found("proto/src/lib.rs", "\nuse std::fs;\n");
        assert!(found[0].starts_with("proto/src/lib.rs:2: purity: std::fs in a pure file"));
        assert!(found[0].contains("hint: take bytes as an argument"));
    }

    #[test]
    fn a_name_in_the_table_that_no_file_has_is_a_finding() {
        assert_eq!(check_table(["proto/src/lib.rs"].into_iter()).len(), PURE.len() - 1);
        let all = PURE.map(|pattern| pattern.replace('*', "/a.rs"));
        assert!(check_table(all.iter().map(String::as_str)).is_empty());
    }
}
