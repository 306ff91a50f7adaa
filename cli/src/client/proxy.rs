//! A proxy that leads to the first server.

use std::env::VarError;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use adit_forward::credentials::Credentials;
use adit_forward::upstream::Upstream;
use zeroize::Zeroizing;

use crate::failure::{Exit, Failure};

/// Where a proxy is named when no flag does.
const ENVIRONMENT: &str = "ADIT_PROXY";

/// Longest file with a user and a password: SOCKS5 has room for 255 bytes of each.
const LONGEST: u16 = 1024;

/// How a proxy was named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Proxy {
    /// By a flag.
    Asked(Upstream),
    /// By the environment, which yields to whatever the user says of the way.
    Usual(Upstream),
}

/// The proxy that `--proxy` names, else that of the environment. `none` and nothing are no proxy.
///
/// # Errors
/// Where the URL is none, or the credentials cannot be had.
pub(crate) fn choose(
    flag: Option<&str>,
    credentials: Option<&Path>,
) -> Result<Option<Proxy>, Failure> {
    let environment = match std::env::var(ENVIRONMENT).map(Zeroizing::new) {
        Ok(text) => text,
        Err(VarError::NotPresent) => Zeroizing::default(),
        Err(VarError::NotUnicode(_)) => {
            return Err(Failure::new(Exit::Usage, format!("{ENVIRONMENT} is not utf-8")));
        }
    };
    let (text, name) = match flag {
        Some(text) => (text, "--proxy"),
        None => (environment.as_str(), ENVIRONMENT),
    };
    let proxy = if text.is_empty() || text.eq_ignore_ascii_case("none") {
        None
    } else {
        Some(parse(text, name)?)
    };
    let (mut upstream, file) = match (proxy, credentials) {
        (None, None) => return Ok(None),
        (None, Some(_)) => {
            return Err(Failure::new(Exit::Usage, "--proxy-credentials without a proxy")
                .hint("name it by --proxy or ADIT_PROXY"));
        }
        (Some(upstream), file) => (upstream, file),
    };
    let secret = upstream.credentials.as_ref().is_some_and(|it| !it.password().is_empty());
    match file {
        Some(_) if upstream.credentials.is_some() => {
            return Err(Failure::new(
                Exit::Usage,
                format!("both {name} and --proxy-credentials name a user"),
            )
            .hint("leave the user out of the URL"));
        }
        Some(file) => upstream.credentials = Some(read(file)?),
        None if secret && flag.is_some() => {
            Failure::new(Exit::Usage, "others on this machine can read the password of --proxy")
                .hint("put the URL into ADIT_PROXY, or the login into --proxy-credentials FILE")
                .warn();
        }
        None => {}
    }
    Ok(Some(if flag.is_some() { Proxy::Asked(upstream) } else { Proxy::Usual(upstream) }))
}

fn parse(text: &str, name: &str) -> Result<Upstream, Failure> {
    text.parse().map_err(|invalid: adit_forward::upstream::Invalid| {
        Failure::new(Exit::Usage, format!("{name}: {invalid}")).hint(invalid.hint())
    })
}

/// Reads `user:password`, one line of a file that only its owner can read.
fn read(path: &Path) -> Result<Credentials, Failure> {
    let bad = |why: &str| Failure::new(Exit::Usage, format!("{}: {why}", path.display()));
    let cannot = |error: std::io::Error| bad(&error.to_string());
    let file = File::open(path).map_err(cannot)?;
    if file.metadata().map_err(cannot)?.mode() & 0o077 != 0 {
        return Err(bad("others can read the proxy's password").hint("chmod 600 it"));
    }
    // It does not grow beyond this, so no part of it is left behind.
    let mut text = Zeroizing::new(String::with_capacity(2 * usize::from(LONGEST)));
    file.take(u64::from(LONGEST) + 1).read_to_string(&mut text).map_err(cannot)?;
    let form = || bad("this is no login for a proxy").hint("write user:password on one line");
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    match line.split_once(':') {
        Some((user, password))
            if !user.is_empty()
                && !line.contains(['\n', '\r'])
                && text.len() <= usize::from(LONGEST) =>
        {
            Ok(Credentials::new(user, password))
        }
        _ => Err(form()),
    }
}
