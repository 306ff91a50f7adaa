//! The programs before the tunnels: curl for the web and mail, the tools of Redis.

use std::net::{IpAddr, SocketAddr};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::interop::place::Place;
use crate::interop::services::FILE;
use crate::process::{self, Finished};
use crate::traffic::pattern::Pattern;

/// For one call of a program.
const LIMIT: Duration = Duration::from_secs(60);

/// What a program is told of it, in seconds.
const PATIENCE: &str = "50";

/// By when the mail that was sent must be in the box.
const DELIVERY: Duration = Duration::from_secs(30);

const PAUSE: Duration = Duration::from_millis(100);

/// Lines of a mail, and how long each is.
const LINES: usize = 1000;
const COLUMNS: usize = 72;

/// What Redis keeps under one name.
const VALUE_BYTES: usize = 1 << 20;

/// A way of curl to a proxy, and whether it leaves names to it.
pub(crate) type Scheme = (&'static str, Names);

/// Those that ssh's proxy speaks.
pub(crate) const SOCKS: [Scheme; 4] = [
    ("socks4", Names::Resolved),
    ("socks4a", Names::Asked),
    ("socks5", Names::Resolved),
    ("socks5h", Names::Asked),
];

/// Those that adit's proxy speaks.
pub(crate) const PROXIES: [Scheme; 5] = {
    let [a, b, c, d] = SOCKS;
    [a, b, c, d, ("http", Names::Asked)]
};

/// What a proxy is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Names {
    /// An address, which curl looked up itself.
    Resolved,
    /// A name, as the user wrote it.
    Asked,
}

/// Programs that run in a place which has them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Programs<'a> {
    pub(crate) place: &'a dyn Place,
}

impl Programs<'_> {
    /// Fetches the web server's file at `host`, and compares it.
    pub(crate) fn fetch(self, host: &str, words: &[&str], expected: &[u8]) -> Result<()> {
        let url = format!("http://{host}/{FILE}");
        let fetched = self.curl(&[words, &["--fail", &url]].concat(), &[])?;
        let same = fetched.stdout.len() == expected.len() && fetched.stdout == expected;
        if same {
            return Ok(());
        }
        let (is, should) = (fetched.stdout.len(), expected.len());
        Err(Error::new(format!("{url}: {is} bytes came that are not the {should} of the file")))
    }

    /// As [`Self::fetch`], by way of a proxy.
    pub(crate) fn fetch_by(
        self,
        scheme: &str,
        proxy: SocketAddr,
        host: &str,
        expected: &[u8],
    ) -> Result<()> {
        let proxy = format!("{scheme}://{proxy}");
        let words = ["--proxytunnel", "--proxy", &proxy];
        // Only a proxy that speaks HTTP has to be asked for a tunnel.
        let words = if scheme == "http" { &words[..] } else { words.get(1..).unwrap_or_default() };
        self.fetch(host, words, expected).map_err(|error| error.context(format!("by {scheme}")))
    }

    /// Sends a mail, finds it by IMAP and by POP3, and compares it.
    pub(crate) fn mail(self, smtp: SocketAddr, imap: SocketAddr, pop3: SocketAddr) -> Result<()> {
        let text = letter();
        let url = format!("smtp://{smtp}");
        let sender = ["--mail-from", "adit@interop.test", "--mail-rcpt", "adit@interop.test"];
        self.curl(&[&sender[..], &["--upload-file", "-", &url]].concat(), text.as_bytes())?;
        // The last one of the box.
        let by_imap = format!("imap://{imap}/INBOX;MAILINDEX=*");
        let by_pop3 = format!("pop3://{pop3}/1");
        let body = body(&text);
        let deadline = Instant::now() + DELIVERY;
        for url in [by_imap, by_pop3] {
            let words = ["--user", "adit:secret", url.as_str()];
            loop {
                let fetched = self.try_curl(&words, &[])?;
                let is_there = self::body(&fetched.stdout_text()) == body;
                if fetched.status.success() && is_there {
                    break;
                }
                if Instant::now() > deadline {
                    let said = fetched.stderr_text();
                    return Err(Error::new(format!("{url}: no such mail: {}", said.trim())));
                }
                process::check_interrupt()?;
                std::thread::sleep(PAUSE);
            }
        }
        // The next one is to be the first again.
        self.curl(
            &["--head", "--user", "adit:secret", "--request", "DELE", &format!("pop3://{pop3}/1")],
            &[],
        )
        .map(drop)
    }

    /// Logs in by IMAP, and sees that there is a box.
    pub(crate) fn log_in(self, imap: SocketAddr) -> Result<()> {
        let url = format!("imap://{imap}/");
        let listed = self.curl(&["--user", "adit:secret", &url], &[])?.stdout_text();
        if listed.contains("INBOX") { Ok(()) } else { Err(Error::new(format!("{url}: {listed}"))) }
    }

    /// Keeps a value, gets it back and compares it.
    pub(crate) fn redis(self, at: SocketAddr) -> Result<()> {
        let mut value = vec![0; VALUE_BYTES];
        Pattern::new(1).fill(0, &mut value);
        let (host, port) = (at.ip().to_string(), at.port().to_string());
        let cli = ["redis-cli", "-h", &host, "-p", &port];
        self.run(&[&cli[..], &["-x", "set", "key"]].concat(), &value)?;
        let kept = self.run(&[&cli[..], &["--raw", "get", "key"]].concat(), &[])?;
        if kept.stdout.strip_suffix(b"\n") == Some(&value) {
            return Ok(());
        }
        Err(Error::new(format!("redis gave back {} bytes that differ", kept.stdout.len())))
    }

    /// Many requests over many connections; what the tool says of their rate.
    pub(crate) fn redis_benchmark(self, at: SocketAddr) -> Result<String> {
        let (host, port) = (at.ip().to_string(), at.port().to_string());
        let words = ["redis-benchmark", "-h", &host, "-p", &port, "--csv"];
        let load = ["-n", "2000", "-c", "20", "-d", "512", "-t", "set,get"];
        let said = self.run(&[&words[..], &load].concat(), &[])?.stdout_text();
        let rate = |line: &str| {
            let mut cells = line.split(',').map(|cell| cell.trim_matches('"').to_owned());
            let (name, rate) = (cells.next()?, cells.next()?);
            rate.parse::<f64>().is_ok().then(|| format!("{name} {rate}"))
        };
        let rates: Vec<String> = said.lines().filter_map(rate).collect();
        if rates.len() == 2 { Ok(rates.join(", ")) } else { Err(Error::new(said)) }
    }

    fn curl(self, words: &[&str], input: &[u8]) -> Result<Finished> {
        let finished = self.try_curl(words, input)?;
        finished_well("curl", words, finished)
    }

    fn try_curl(self, words: &[&str], input: &[u8]) -> Result<Finished> {
        let ours = ["curl", "--silent", "--show-error", "--globoff", "--max-time", PATIENCE];
        process::run(self.command(&[&ours[..], words].concat()), input, LIMIT)
    }

    fn run(self, words: &[&str], input: &[u8]) -> Result<Finished> {
        let finished = process::run(self.command(words), input, LIMIT)?;
        let name = words.first().copied().unwrap_or_default();
        finished_well(name, words, finished)
    }

    fn command(self, words: &[&str]) -> Command {
        self.place.own(words)
    }
}

fn finished_well(name: &str, words: &[&str], finished: Finished) -> Result<Finished> {
    if finished.status.success() {
        return Ok(finished);
    }
    let said = finished.stderr_text();
    let words = words.join(" ");
    Err(Error::new(format!("{name} {words}: {}: {}", finished.status, said.trim())))
}

/// An address as it stands before a port in a URL or a specification.
pub(crate) fn host(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}

/// A mail with a long body that no other mail of this run has.
fn letter() -> String {
    let seed = u64::from(crate::interop::leftover::serial());
    let mut bytes = vec![0; LINES * COLUMNS];
    Pattern::new(seed).fill(0, &mut bytes);
    let letters: Vec<char> = bytes.iter().map(|byte| char::from(b'a' + byte % 26)).collect();
    let lines = letters.chunks(COLUMNS).map(|line| line.iter().collect::<String>());
    let body: String = lines.map(|line| line + "\r\n").collect();
    format!("From: adit@interop.test\r\nTo: adit@interop.test\r\nSubject: {seed}\r\n\r\n{body}")
}

/// What stands below the first empty line, without the ends of lines.
fn body(mail: &str) -> String {
    let lines = mail.lines().skip_while(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join("\n").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_is_the_same_with_more_lines_above_it_and_other_ends_of_lines() {
        let sent = letter();
        let delivered = format!("Return-Path: <x>\n{}", sent.replace("\r\n", "\n"));
        assert_eq!(body(&sent), body(&delivered));
        assert!(body(&sent).len() > LINES * COLUMNS);
        assert_ne!(body(&sent), body(&letter()));
        assert_ne!(body(&sent), body(&sent.replace("aa", "ab")));
        assert_eq!(body("no mail at all"), "");
    }

    #[test]
    fn addresses_of_version_6_stand_in_brackets() {
        assert_eq!(host("::1".parse().unwrap()), "[::1]");
        assert_eq!(host("127.0.0.1".parse().unwrap()), "127.0.0.1");
    }
}
