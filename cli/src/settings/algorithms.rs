//! Algorithms by their keywords: those that may be named, and those that are left.

use adit_ssh_config::algorithms::{Algorithms as Named, List};
use adit_ssh_config::config::Config;
use adit_ssh_config::keyword::Keyword;
use adit_ssh_config::release::Release;
use adit_transport::config::Algorithms;
use adit_transport::name::NameList;
use adit_transport::provider;

use crate::failure::{Exit, Failure};

/// The algorithms of adit. Those that only ssh has may be named too: files are written for both.
pub(crate) fn known() -> Named {
    let own = Algorithms::of(&provider::default());
    let known = Named::of(Release::default());
    let list = |own: &NameList, known: List| {
        let defaults: Vec<String> = own.iter().map(str::to_owned).collect();
        let others = known.known.into_iter().filter(|it| !defaults.contains(it));
        let known = defaults.iter().cloned().chain(others).collect();
        List { defaults, known }
    };
    // One keyword names the keys of hosts, another those of users, and one list is of both.
    let keys =
        own.host_keys.iter().chain(own.signatures.iter().filter(|it| !own.host_keys.contains(it)));
    let keys = NameList::new(keys).unwrap_or_else(|_| own.host_keys.clone());
    Named {
        ciphers: list(&own.ciphers, known.ciphers),
        // All ciphers of adit authenticate by themselves.
        macs: List { defaults: Vec::new(), known: known.macs.known },
        key_exchanges: list(&own.exchanges, known.key_exchanges),
        keys: list(&keys, known.keys),
        signatures: list(&own.signatures, known.signatures),
    }
}

/// Those that a server's configuration leaves of adit's own.
///
/// # Errors
/// Where a keyword leaves none.
pub(crate) fn chosen(config: &Config) -> Result<Algorithms, Failure> {
    let own = Algorithms::of(&provider::default());
    Ok(Algorithms {
        exchanges: left(config, Keyword::KexAlgorithms, own.exchanges)?,
        host_keys: left(config, Keyword::HostKeyAlgorithms, own.host_keys)?,
        ciphers: left(config, Keyword::Ciphers, own.ciphers)?,
        signatures: left(config, Keyword::PubkeyAcceptedAlgorithms, own.signatures)?,
    })
}

/// The list of a keyword without what only ssh has.
fn left(config: &Config, keyword: Keyword, own: NameList) -> Result<NameList, Failure> {
    let Some(said) = config.mention(keyword) else { return Ok(own) };
    let refuse = |why: &str| {
        Failure::new(
            Exit::Usage,
            format!("{}: {} {}: {why}", said.place, keyword.name(), said.words),
        )
        .hint(format!("adit has {own}"))
    };
    let named = config.text(keyword).unwrap_or_default().split(',');
    let left: Vec<&str> = named.filter(|name| own.contains(name)).collect();
    if left.is_empty() {
        return Err(refuse("adit has none of these algorithms"));
    }
    NameList::new(left).map_err(|error| refuse(&error.to_string()))
}
