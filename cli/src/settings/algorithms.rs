//! Algorithms by their keywords: those that may be named, and those that are left.

use adit_ssh_config::algorithms::{Algorithms as Named, List};
use adit_ssh_config::config::Config;
use adit_ssh_config::keyword::Keyword;
use adit_ssh_config::release::Release;
use adit_transport::config::{Algorithms, NONE};
use adit_transport::name::NameList;
use adit_transport::provider;
use adit_transport::provider::preset::Preset;

use crate::failure::{Exit, Failure};

/// The algorithms of adit. Those that only ssh has may be named too: files are written for both.
pub(crate) fn known() -> Named {
    let usual = Preset::Default.client();
    let all = Algorithms::all(&provider::default());
    let known = Named::of(Release::default());
    let list = |usual: &NameList, all: &NameList, known: List| {
        let defaults: Vec<String> = usual.iter().map(str::to_owned).collect();
        let mut names = defaults.clone();
        for other in all.iter().map(str::to_owned).chain(known.known) {
            if !names.contains(&other) {
                names.push(other);
            }
        }
        List { defaults, known: names }
    };
    // One keyword names the keys of hosts, another those of users, and one list is of both.
    Named {
        ciphers: list(&usual.ciphers, &all.ciphers, known.ciphers),
        macs: list(&usual.macs, &all.macs, known.macs),
        key_exchanges: list(&usual.exchanges, &all.exchanges, known.key_exchanges),
        keys: list(&with_certificates(&usual), &with_certificates(&all), known.keys),
        signatures: list(&usual.signatures, &all.signatures, known.signatures),
    }
}

/// Those that a server's configuration leaves of adit's own.
///
/// # Errors
/// Where a keyword leaves none.
pub(crate) fn chosen(config: &Config) -> Result<Algorithms, Failure> {
    let usual = Preset::Default.client();
    let all = Algorithms::all(&provider::default());
    let usual_keys = with_certificates(&usual);
    let ciphers = left(config, Keyword::Ciphers, usual.ciphers, &all.ciphers)?;
    let macs = match left(config, Keyword::Macs, usual.macs, &all.macs) {
        // Most ciphers need none.
        Err(_) if ciphers.iter().any(|name| provider::default().cipher(name).is_some()) => {
            NameList::default()
        }
        macs => macs?,
    };
    let compressions = match config.is_yes(Keyword::Compression) {
        true => compressed(&all.compressions),
        false => usual.compressions,
    };
    let signatures = Keyword::PubkeyAcceptedAlgorithms;
    Ok(Algorithms {
        exchanges: left(config, Keyword::KexAlgorithms, usual.exchanges, &all.exchanges)?,
        host_keys: left(config, Keyword::HostKeyAlgorithms, usual_keys, &with_certificates(&all))?,
        ciphers,
        macs,
        compressions,
        signatures: left(config, signatures, usual.signatures, &all.signatures)?,
    })
}

/// The compression methods, with `none` as the last: a server need not have any.
fn compressed(all: &NameList) -> NameList {
    let (none, methods): (Vec<&str>, Vec<&str>) = all.iter().partition(|name| *name == NONE);
    NameList::new(methods.into_iter().chain(none)).unwrap_or_default()
}

/// The algorithms of host keys, and those of certificates behind them.
fn with_certificates(own: &Algorithms) -> NameList {
    let keys =
        own.host_keys.iter().chain(own.signatures.iter().filter(|it| !own.host_keys.contains(it)));
    NameList::new(keys).unwrap_or_else(|_| own.host_keys.clone())
}

/// The list of a keyword without what only ssh has.
fn left(
    config: &Config,
    keyword: Keyword,
    usual: NameList,
    all: &NameList,
) -> Result<NameList, Failure> {
    let Some(said) = config.mention(keyword) else { return Ok(usual) };
    let refuse = |why: &str| {
        Failure::new(
            Exit::Usage,
            format!("{}: {} {}: {why}", said.place, keyword.name(), said.words),
        )
        .hint(format!("adit has {all}"))
    };
    let named = config.text(keyword).unwrap_or_default().split(',');
    let left: Vec<&str> = named.filter(|name| all.contains(name)).collect();
    if left.is_empty() {
        return Err(refuse("adit has none of these algorithms"));
    }
    NameList::new(left).map_err(|error| refuse(&error.to_string()))
}
