//! Why a private key file cannot be used.

use std::{fmt, io};

/// Why a private key file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// It cannot be read or written.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// It is a directory, a pipe or a device.
    #[error("it is not a regular file")]
    NotAFile,
    /// It is longer than any private key.
    #[error("it is longer than any private key file")]
    TooLong,
    /// Others than its owner may read or write it.
    #[error("others than its owner have access to it: its mode is {0:04o}")]
    Permissions(u32),
    /// It is nothing that looks like a private key.
    #[error("it is not a private key")]
    NoKey,
    /// It is a public key.
    #[error("it is a public key, and the private key is needed")]
    PublicKey,
    /// It is a private key in a format that is not read.
    #[error("it is a private key in {0}, which is not read")]
    Foreign(Foreign),
    /// The mark at the end is missing.
    #[error("it is cut short: its last line is missing")]
    NoEnd,
    /// What stands between the marks is not base64.
    #[error("what stands between its first and last line is not base64")]
    Base64,
    /// The container is not made as it should be.
    #[error("it is damaged")]
    Damaged,
    /// The passphrase does not decrypt it.
    #[error("the passphrase is wrong")]
    WrongPassphrase,
    /// It is encrypted in a way that is not known here.
    #[error("it is encrypted by \"{0}\", which is not supported")]
    Cipher(String),
    /// Its encryption asks for more rounds of hashing than anyone waits for.
    #[error("its encryption asks for {0} rounds of hashing, which is too many")]
    Rounds(u32),
    /// Its encryption asks for more memory or work than anyone has.
    #[error("its encryption asks for too much memory or work")]
    Memory,
    /// The public half is missing, which would have to be computed.
    #[error("its public half is missing")]
    NoPublicHalf,
    /// Its public half is written in a short form.
    #[error("its public half is compressed, which is not read")]
    Compressed,
    /// It is of a type that cannot be signed with here.
    #[error("it is of type \"{0}\", which is not supported")]
    KeyType(String),
    /// It is of a security key, which signs by itself.
    #[error("it is a key of a security key, which only an agent can sign with")]
    SecurityKey,
    /// It is an RSA key of a size that cannot be signed with here.
    #[error("it is an rsa key of {0} bits; those of 2048, 3072 and 4096 bits are supported")]
    RsaSize(usize),
    /// Its numbers do not belong together.
    #[error("its public and private parts do not belong together")]
    Mismatch,
    /// The system has no randomness to give.
    #[error("the system has no randomness to give")]
    Random,
}

impl Problem {
    /// What the user can do about it. `name` is the file's.
    pub fn hint(&self, name: &str) -> Option<String> {
        match self {
            Self::Permissions(_) => Some(format!("chmod 600 {name}")),
            Self::PublicKey => name
                .strip_suffix(".pub")
                .map(|private| format!("the private key is probably in {private}")),
            Self::Foreign(Foreign::Putty) => {
                Some(format!("convert it with: puttygen {name} -O private-openssh-new -o NEW"))
            }
            Self::Foreign(Foreign::Ssh2) => {
                Some(format!("convert it with: ssh-keygen -i -f {name} > NEW"))
            }
            Self::NoPublicHalf | Self::Compressed => Some(format!(
                "write it anew with: openssl ec -in {name} -conv_form uncompressed -out NEW"
            )),
            Self::Cipher(_) | Self::Rounds(_) | Self::Memory => {
                Some(format!("encrypt it anew with: ssh-keygen -p -f {name}"))
            }
            Self::SecurityKey => Some(format!("add it to the agent with: ssh-add {name}")),
            Self::KeyType(_) | Self::RsaSize(_) => {
                Some("add it to ssh-agent, or use an ed25519 key".to_owned())
            }
            _ => None,
        }
    }
}

/// Private key formats that are recognised and not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Foreign {
    /// PuTTY's `.ppk`.
    Putty,
    /// The format of the first Secure Shell, by ssh.com.
    Ssh2,
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Putty => "PuTTY's format",
            Self::Ssh2 => "the format of ssh.com",
        })
    }
}
