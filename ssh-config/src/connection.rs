//! What is known of the connection while files are read and after, as tokens.

use std::fmt::Write as _;

use sha1::{Digest, Sha1};

use crate::expand::Tokens;
use crate::keyword::Keyword;
use crate::options::Options;
use crate::release::Release;
use crate::world::World;

/// What is known of the connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Connection<'a> {
    /// The host as it is connected to.
    pub(crate) host: &'a str,
    /// The host as the command line names it.
    pub(crate) original: &'a str,
    /// The name that is looked for in the files of known hosts.
    pub(crate) key_alias: &'a str,
    /// The user to log in as.
    pub(crate) user: &'a str,
}

/// The port of ssh.
const PORT: u32 = 22;

impl Connection<'_> {
    /// The tokens of most keywords: `%C`, `%d`, `%h`, `%i`, `%j`, `%k`, `%L`, `%l`, `%n`, `%p`,
    /// `%r` and `%u`.
    pub(crate) fn tokens(&self, options: &Options, release: Release, world: &dyn World) -> Tokens {
        let local = world.host_name();
        let port = options.number(Keyword::Port).unwrap_or(PORT).to_string();
        let jump = options.jump_host().unwrap_or_default();
        // The jump host became part of the hash, and a token, with 9.4.
        let jump = (release > Release::V9_2).then_some(jump);
        let parts = [&local, self.host, &port, self.user, jump.unwrap_or_default()];
        let user = world.user();
        let tokens = Tokens::new([
            ('C', hash(&parts.concat())),
            ('L', local.split('.').next().unwrap_or_default().to_owned()),
            ('d', user.home.to_string_lossy().into_owned()),
            ('h', self.host.to_owned()),
            ('i', user.id.to_string()),
            ('k', self.key_alias.to_owned()),
            ('l', local),
            ('n', self.original.to_owned()),
            ('p', port),
            ('r', self.user.to_owned()),
            ('u', user.name.clone()),
        ]);
        match jump {
            Some(jump) => tokens.with('j', jump),
            None => tokens,
        }
    }
}

/// A short name of fixed length for a connection. SHA-1 because ssh has it so: control sockets
/// are found by it.
fn hash(text: &str) -> String {
    Sha1::digest(text).iter().fold(String::new(), |mut out, octet| {
        // Writing to a string does not fail.
        let _ = write!(out, "{octet:02x}");
        out
    })
}
