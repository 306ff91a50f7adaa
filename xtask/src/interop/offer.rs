//! What a server offers, read from its first packet.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::error::{Context, Error, Result};

/// What we call ourselves; a server sends its offer after such a line.
pub(crate) const GREETING: &[u8] = b"SSH-2.0-offer\r\n";

/// SSH_MSG_KEXINIT, [RFC 4253 section 7.1](https://www.rfc-editor.org/rfc/rfc4253#section-7.1).
const KEXINIT: u8 = 20;

/// The random number at its start.
const COOKIE: usize = 16;

const LIMIT: Duration = Duration::from_secs(20);

/// The lists of names in a KEXINIT that matter here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Offer {
    pub(crate) key_exchanges: Vec<String>,
    pub(crate) host_keys: Vec<String>,
    /// From client to server, as those that follow.
    pub(crate) ciphers: Vec<String>,
    pub(crate) macs: Vec<String>,
    pub(crate) compressions: Vec<String>,
}

/// Asks a server by TCP. Not for OpenSSH 9.8 and later, which punishes who does not log in.
pub(crate) fn ask(address: SocketAddr) -> Result<Offer> {
    let mut stream = TcpStream::connect_timeout(&address, LIMIT).context("connect")?;
    stream.set_read_timeout(Some(LIMIT)).context("set a timeout")?;
    stream.write_all(GREETING).context("send a greeting")?;
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let length = stream.read(&mut buffer).context("read an offer")?;
        bytes.extend(buffer.iter().take(length));
        match (parse(&bytes), length) {
            (Some(offer), _) => return Ok(offer),
            (None, 0) => return Err(Error::new("the server closed without an offer")),
            (None, _) => {}
        }
    }
}

/// Reads the identification and the first packet; none if they are not all there.
pub(crate) fn parse(bytes: &[u8]) -> Option<Offer> {
    let mut rest = bytes;
    loop {
        let end = rest.iter().position(|byte| *byte == b'\n')?;
        let (line, after) = rest.split_at_checked(end + 1)?;
        rest = after;
        if line.starts_with(b"SSH-") {
            break;
        }
    }
    let length = take_length(&mut rest)?;
    let packet = rest.get(..length)?;
    // The length of the padding, then the number of the message.
    let mut fields =
        packet.strip_prefix(packet.get(..1)?)?.strip_prefix(&[KEXINIT])?.get(COOKIE..)?;
    let mut next = || {
        let length = take_length(&mut fields)?;
        let (names, after) = fields.split_at_checked(length)?;
        fields = after;
        let names = std::str::from_utf8(names).ok()?;
        Some(names.split(',').map(str::to_owned).collect())
    };
    let (key_exchanges, host_keys) = (next()?, next()?);
    let (ciphers, _) = (next()?, next()?);
    let (macs, _) = (next()?, next()?);
    Some(Offer { key_exchanges, host_keys, ciphers, macs, compressions: next()? })
}

fn take_length(bytes: &mut &[u8]) -> Option<usize> {
    let (length, after) = bytes.split_first_chunk::<4>()?;
    *bytes = after;
    usize::try_from(u32::from_be_bytes(*length)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet() -> Vec<u8> {
        let mut payload = vec![4, KEXINIT];
        payload.extend([7; COOKIE]);
        for names in ["kex-a,kex-b", "key-a", "cipher-a,cipher-b", "x", "mac-a", "y", "zip,none"] {
            payload.extend(u32::try_from(names.len()).unwrap().to_be_bytes());
            payload.extend(names.as_bytes());
        }
        let mut bytes = b"a banner\r\nSSH-2.0-x\r\n".to_vec();
        bytes.extend(u32::try_from(payload.len()).unwrap().to_be_bytes());
        bytes.extend(payload);
        bytes
    }

    #[test]
    fn the_lists_are_read_past_a_banner() {
        let offer = parse(&packet()).unwrap();
        assert_eq!(offer.key_exchanges, ["kex-a", "kex-b"]);
        assert_eq!(offer.host_keys, ["key-a"]);
        assert_eq!(offer.ciphers, ["cipher-a", "cipher-b"]);
        assert_eq!(
            (offer.macs, offer.compressions),
            (vec!["mac-a".into()], vec!["zip".into(), "none".into()])
        );
    }

    #[test]
    fn what_is_cut_short_is_no_offer() {
        let bytes = packet();
        for end in 0..bytes.len() {
            assert_eq!(parse(&bytes[..end]), None, "{end}");
        }
    }
}
