//! `adit ssh -G`: what the files of `ssh_config(5)` say of a host.

use std::io::{self, Write as _};

use adit_ssh_config::algorithms::Algorithms;
use adit_ssh_config::config::Config;
use adit_ssh_config::error::Reason;
use adit_ssh_config::release::Release;
use adit_ssh_config::request::Request;

use crate::failure::{Exit, Failure};
use crate::settings::{fault, sources};
use crate::ssh::plan;

/// Prints the settings for a host; as a release of OpenSSH would, where one is named.
///
/// # Errors
/// Where a file or the command line is wrong.
pub(super) fn run(mut request: Request, command: &[u8], like: Option<&str>) -> Result<(), Failure> {
    if let Some(release) = like.map(release).transpose()? {
        request.release = release;
        request.algorithms = Algorithms::of(release);
    }
    let system = sources::system()?;
    let config = Config::read(&request, &system).map_err(|error| fault::explain(&error))?;
    plan::check_command(&config, command)?;
    for notice in config.notices() {
        match notice.why {
            Reason::Unsupported => Failure::new(Exit::Usage, notice).warn(),
            Reason::Past | Reason::Ignored => tracing::debug!("{notice}"),
        }
    }
    let told = io::stdout().lock().write_all(config.to_string().as_bytes());
    told.map_err(|error| Failure::new(Exit::Other, format!("standard output: {error}")))
}

/// A release of OpenSSH: of Debian 12, 13 and 14.
fn release(name: &str) -> Result<Release, Failure> {
    Ok(match name {
        "9.2" => Release::V9_2,
        "10.0" => Release::V10_0,
        "10.6" => Release::V10_6,
        _ => {
            return Err(Failure::new(Exit::Usage, format!("--like {name} is no release"))
                .hint("there are 9.2, 10.0 and 10.6"));
        }
    })
}
