//! The settings that OpenSSH's `ssh_config(5)` files have for a host.
//!
//! Files are read as ssh reads them: the command line first, then the user's file, then the
//! system's, and the first value of a keyword wins; blocks of `Host` and `Match`, `Include`,
//! canonical names and a second pass for them, tokens, variables and defaults. What ssh refuses is
//! refused, with the file and the line.
//!
//! # From a host's name to settings
//!
//! ```text
//!  Request    the host, -o and other words of the command line, which files
//!     |
//!     v       line -> words -> read::value -> Options::apply      for each line that counts
//!  files      Host, Match, Include
//!     |
//!     v       HostName, CanonicalizeHostname: maybe a second pass
//!  settle     defaults, none, lists of algorithms, tokens
//!     |
//!     v
//!  Config     values by keyword; Display is `ssh -G`
//! ```
//!
//! All that is not in the files is asked of a [`world::World`]: whoever implements it needs no
//! machine. [`system::System`] is this machine. Nothing here connects to anything; but note that
//! `Match exec` runs commands, and that canonical names are looked up.
//!
//! Releases of OpenSSH differ: [`release::Release`] says whose keywords and defaults count, and
//! [`algorithms::Algorithms`] which algorithms there are.
//!
//! # Where this is stricter or clearer than ssh
//!
//! - The first line that is wrong ends the reading; ssh goes on, and then gives up.
//! - A line whose keyword has an open quote is wrong; ssh passes over it.
//! - `StreamLocalBindMask` and `SyslogFacility` obey `Host` and `Match`, and the first wins.
//! - Commands of `Match exec` in files that are included where no line counts are not run.
//! - Criteria of `Match` are split into words like all other lines, as ssh does since 9.9.
//!
//! # Example
//!
//! ```no_run
//! use adit_ssh_config::config::Config;
//! use adit_ssh_config::destination::Destination;
//! use adit_ssh_config::keyword::Keyword;
//! use adit_ssh_config::request::Request;
//! use adit_ssh_config::system::System;
//!
//! let system = System::new()?;
//! let destination = Destination::parse("me@example").ok_or("no destination")?;
//! let config = Config::read(&Request::new(destination), &system)?;
//! println!("{}:{}", config.host(), config.port());
//! for path in config.list(Keyword::IdentityFile) {
//!     println!("{}", config.expanded(Keyword::IdentityFile, path, &system)?);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod address;
pub mod algorithms;
mod canonical;
pub mod config;
mod connection;
mod criteria;
pub mod destination;
pub mod error;
mod expand;
pub mod fault;
mod files;
pub mod forward;
pub mod jump;
pub mod keyword;
mod line;
pub mod mention;
mod network;
mod number;
mod options;
mod pattern;
pub mod qos;
mod read;
pub mod release;
pub mod request;
mod settle;
mod syntax;
pub mod system;
pub mod value;
mod words;
pub mod world;
