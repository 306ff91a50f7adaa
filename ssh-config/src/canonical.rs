//! The name that the host is connected to: `HostName`, then `CanonicalizeHostname`.

use crate::address;
use crate::error::Error;
use crate::keyword::Keyword;
use crate::options::Options;
use crate::pattern::{self, Found};
use crate::value::Value;
use crate::world::World;

/// The canonical name of a host, after the first pass.
///
/// # Errors
/// Where the host has no address and the settings say that it then must not be used.
pub(crate) fn name(host: &str, options: &Options, world: &dyn World) -> Result<String, Error> {
    if let Some(address) = address::canonical(host) {
        return Ok(address);
    }
    let host = host.to_ascii_lowercase();
    let wanted = wanted(options);
    let direct = options.is_direct();
    let for_us = direct || wanted == Wanted::Always;
    if wanted != Wanted::No
        && for_us
        && !host.contains(':')
        && let Some(name) = qualified(&host, options, world)?
    {
        return Ok(name);
    }
    if aliases(options).is_empty() || !for_us {
        return Ok(host);
    }
    match world.resolve(&host) {
        Some(canonical) => Ok(followed(host, &canonical, options)),
        // A name behind a proxy need not have an address here.
        None if !direct => Ok(host),
        None => Err(Error::NoAddress(host)),
    }
}

/// `CanonicalizeHostname`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// `no`.
    No,
    /// `yes`: where the host is connected to from here.
    Direct,
    /// `always`: behind proxies too.
    Always,
}

/// Whether names are to be made canonical.
pub(crate) fn wanted(options: &Options) -> Wanted {
    match options.choice(Keyword::CanonicalizeHostname) {
        Some("true") => Wanted::Direct,
        Some("always") => Wanted::Always,
        _ => Wanted::No,
    }
}

/// The name under the first domain under which it has an address; nothing where the name is taken
/// as it is.
fn qualified(host: &str, options: &Options, world: &dyn World) -> Result<Option<String>, Error> {
    let found = |full: String| {
        let canonical = world.resolve(&full)?;
        let plain = full.strip_suffix('.').unwrap_or(&full).to_owned();
        Some(followed(plain, &canonical, options))
    };
    let name = if host.ends_with('.') {
        found(host.to_owned())
    } else {
        let dots = host.matches('.').count();
        let most = options.number(Keyword::CanonicalizeMaxDots).unwrap_or(1);
        if u32::try_from(dots).is_ok_and(|dots| dots > most) || u32::try_from(dots).is_err() {
            return Ok(None);
        }
        let domains = options.list(Keyword::CanonicalDomains).unwrap_or_default();
        let domains = domains.iter().take_while(|domain| *domain != "none");
        domains.map(|domain| format!("{host}.{domain}.")).find_map(found)
    };
    match name {
        None if options.choice(Keyword::CanonicalizeFallbackLocal) == Some("no") => {
            Err(Error::NotCanonical(host.to_owned()))
        }
        name => Ok(name),
    }
}

/// What the name is an alias of, where that may be followed.
fn followed(name: String, canonical: &str, options: &Options) -> String {
    let may = |text: &str, list: &str| pattern::host_list(text, list) == Found::Yes;
    let permitted =
        aliases(options).iter().any(|alias| may(&name, &alias.from) && may(canonical, &alias.to));
    let follow = permitted && wanted(options) != Wanted::No && !canonical.is_empty();
    if follow { canonical.to_owned() } else { name }
}

fn aliases(options: &Options) -> &[crate::value::Alias] {
    match options.get(Keyword::CanonicalizePermittedCnames) {
        Some(Value::Aliases(aliases)) => aliases,
        _ => &[],
    }
}
