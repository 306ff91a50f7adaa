//! Where the settings of `adit open` come from: its words, and files.

use adit_ssh_config::destination::Destination;
use adit_ssh_config::keyword::Keyword;
use adit_ssh_config::request::{Session, Setting};

use crate::args;
use crate::failure::{Exit, Failure};
use crate::settings::sources::{self, Sources};

/// The server.
///
/// # Errors
/// Where it is none.
pub(crate) fn destination(text: &str) -> Result<Destination, Failure> {
    Destination::parse(text).ok_or_else(|| {
        let failure = Failure::new(Exit::Usage, format!("\"{text}\" is no destination"));
        failure.hint("write [user@]host, or ssh://[user@]host[:port]")
    })
}

/// The settings of flags, those of `-o` after them, and files, for a connection for this: the first
/// value wins.
///
/// # Errors
/// Where a path cannot be a setting.
pub(crate) fn sources(args: &args::Reach, session: Session) -> Result<Sources, Failure> {
    let word = |keyword, text: &str| Setting::Word(keyword, text.to_owned());
    let mut settings = Vec::new();
    settings.extend(args.port.map(|port| word(Keyword::Port, &port.to_string())));
    settings.extend(args.login.as_deref().map(|user| word(Keyword::User, user)));
    for path in &args.identity {
        let text = path.to_str().ok_or_else(|| {
            Failure::new(Exit::Usage, format!("the path {} is not utf-8", path.display()))
        })?;
        settings.push(word(Keyword::IdentityFile, text));
    }
    settings.extend(args.jump.as_deref().map(|hops| word(Keyword::ProxyJump, hops)));
    settings.extend(args.ipv4.then(|| word(Keyword::AddressFamily, "inet")));
    settings.extend(args.ipv6.then(|| word(Keyword::AddressFamily, "inet6")));
    settings.extend(args.option.iter().cloned().map(Setting::Line));
    Sources::new(settings, sources::files(args.config.as_deref()), session)
}
