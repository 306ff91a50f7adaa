//! Keys, host trust and agents against the machine's own OpenSSH: `ssh-keygen`, `ssh-agent` and
//! `ssh-add` must be installed.

#[cfg(test)]
mod agent;
#[cfg(test)]
mod certificates;
#[cfg(test)]
mod formats;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod known_hosts;
#[cfg(test)]
mod program;
#[cfg(test)]
mod revocation;
