//! What is wrong with settings, in words for the user.

use adit_ssh_config::error::Error;
use adit_ssh_config::fault::{Expansion, Fault};
use adit_ssh_config::keyword::Keyword;

use crate::failure::{Exit, Failure};

/// The failure behind an error of the files or of the command line, with what to do.
pub(crate) fn explain(error: &Error) -> Failure {
    let exit = match error {
        Error::NotCanonical(_) | Error::NoAddress(_) => Exit::Unreachable,
        _ => Exit::Usage,
    };
    let failure = Failure::new(exit, error);
    match error {
        Error::Line { fault, .. } => match hint(fault) {
            Some(hint) => failure.hint(hint),
            None => failure,
        },
        Error::Unreadable { .. } => {
            failure.hint("check its name, and that you may read it; -F names another")
        }
        Error::Writable(path) => failure
            .hint(format!("only you and root may write to it: chmod go-w {}", path.display())),
        Error::Expansion { fault, .. } => failure.hint(expansion(fault)),
        Error::NoAlgorithm(keyword) => {
            failure.hint(format!("leave {} out, or take less away by it", keyword.name()))
        }
        Error::NotCanonical(_) => {
            failure.hint("name the host in full, or say CanonicalizeFallbackLocal yes")
        }
        Error::NoAddress(_) => {
            failure.hint("check the host's name, and that names are resolved here")
        }
        Error::Conflict(_) => failure.hint("leave one of the two out for this host"),
        Error::Loop(host) => failure.hint(format!(
            "ProxyJump counts for {host} too: begin its block with Host !{host} *, or say \
             ProxyJump none for it before"
        )),
        Error::User(_) => failure.hint("name the user to log in as: user@host, or -l user"),
    }
}

fn hint(fault: &Fault) -> Option<String> {
    Some(match fault {
        Fault::Unknown(keyword) => {
            format!("where only other programs know it, write IgnoreUnknown {keyword} before it")
        }
        Fault::Value { keyword: Keyword::ProxyJump, .. } => {
            "write [user@]host[:port], and an IPv6 address in brackets".to_owned()
        }
        Fault::Value {
            keyword: Keyword::Ciphers | Keyword::KexAlgorithms | Keyword::Macs, ..
        } => "adit ssh -G HOST tells those that adit has by default".to_owned(),
        Fault::Quotes => "quotes come in pairs; a quote itself is written \\\"".to_owned(),
        Fault::Missing(_) => "write a value behind it, or leave the line out".to_owned(),
        Fault::FilesOnly(_) => "write it into a file, and name that by -F".to_owned(),
        Fault::Refused(_) => "the settings forbid connections to this host".to_owned(),
        Fault::Exec { .. } => "run the command by itself to see what it says".to_owned(),
        Fault::Expansion(fault) => expansion(fault).to_owned(),
        _ => return None,
    })
}

fn expansion(fault: &Expansion) -> &'static str {
    match fault {
        Expansion::Token(_) | Expansion::NoToken => {
            "for a percent sign write %%; TOKENS of ssh_config(5) has those of each keyword"
        }
        Expansion::Unset(_) => "set it in the environment, or write the value itself",
        Expansion::Variable(_) => "the name of a variable is of letters, digits and _",
        Expansion::User(_) => "write the path in full",
    }
}
