//! How a driver gets into a tunnel.

use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize};

use crate::traffic::endpoint::{Endpoint, Stream};
use crate::traffic::piped::Piped;

/// Version 5 of SOCKS, [RFC 1928](https://www.rfc-editor.org/rfc/rfc1928).
const VERSION: u8 = 5;

/// The way from the driver to the target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Way {
    /// A tunnel that begins there, and goes to the target by itself.
    Begin(Endpoint),
    /// A proxy there, which is asked by SOCKS 5 for this name and port.
    Proxy { at: Endpoint, host: String, port: u16 },
    /// A program whose standard input and output are the tunnel.
    Program(Vec<String>),
}

impl Way {
    pub(crate) fn connect(&self) -> io::Result<Stream> {
        match self {
            Self::Begin(endpoint) => endpoint.connect(),
            Self::Proxy { at, host, port } => {
                let stream = at.connect()?;
                ask(&stream, host, *port)?;
                Ok(stream)
            }
            Self::Program(words) => Piped::start(words).map(Stream::Piped),
        }
    }
}

impl std::fmt::Display for Way {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Begin(endpoint) => write!(f, "{endpoint}"),
            Self::Proxy { at, host, port } => write!(f, "{host}:{port} by {at}"),
            Self::Program(words) => f.write_str(&words.join(" ")),
        }
    }
}

/// Has a proxy connect to a name, [RFC 1928 section 4](https://www.rfc-editor.org/rfc/rfc1928#section-4).
fn ask(mut stream: &Stream, host: &str, port: u16) -> io::Result<()> {
    let length = u8::try_from(host.len()).map_err(io::Error::other)?;
    let [high, low] = port.to_be_bytes();
    stream.write_all(&[VERSION, 1, 0])?;
    expect(stream, &[VERSION, 0])?;
    let request = [&[VERSION, 1, 0, 3, length], host.as_bytes(), &[high, low]].concat();
    stream.write_all(&request)?;
    expect(stream, &[VERSION, 0, 0])?;
    let mut kind = [0; 1];
    stream.read_exact(&mut kind)?;
    // The address that the proxy uses, and its port; of no interest.
    let length = match kind {
        [1] => 4 + 2,
        [4] => 16 + 2,
        _ => return Err(io::Error::other(format!("the proxy's address is of kind {kind:?}"))),
    };
    stream.read_exact(&mut vec![0; length])
}

fn expect(mut stream: &Stream, expected: &[u8]) -> io::Result<()> {
    let mut answer = vec![0; expected.len()];
    stream.read_exact(&mut answer)?;
    if answer == expected {
        return Ok(());
    }
    Err(io::Error::other(format!("the proxy answers {answer:?}, not {expected:?}")))
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    /// A proxy that hears a request for `x:256` and gives this answer.
    fn ask_proxy(answer: &'static [u8]) -> io::Result<Vec<u8>> {
        let listener = "127.0.0.1:0".parse::<Endpoint>().unwrap().listen().unwrap();
        let at = listener.endpoint().unwrap();
        let proxy = thread::spawn(move || {
            let stream = listener.accept().unwrap();
            let mut heard = [0; 3 + 8];
            (&stream).read_exact(&mut heard[..3]).unwrap();
            (&stream).write_all(&[5, 0]).unwrap();
            (&stream).read_exact(&mut heard[3..]).unwrap();
            assert_eq!(heard[3..], [5, 1, 0, 3, 1, b'x', 1, 0]);
            // All at once: who asked goes away as soon as it has read of a refusal.
            (&stream).write_all(&[answer, b"hello"].concat()).unwrap();
        });
        let stream = Way::Proxy { at, host: "x".to_owned(), port: 256 }.connect();
        proxy.join().unwrap();
        let mut rest = Vec::new();
        (&stream?).read_to_end(&mut rest)?;
        Ok(rest)
    }

    #[test]
    fn nothing_of_the_target_is_lost_behind_the_answer_of_a_proxy() {
        assert_eq!(ask_proxy(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).unwrap(), b"hello");
        let long = [5, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(ask_proxy(Box::leak(Box::new(long))).unwrap(), b"hello");
    }

    #[test]
    fn a_refusal_of_a_proxy_is_an_error_with_its_code() {
        let error = ask_proxy(&[5, 2, 0, 1, 0, 0, 0, 0, 0, 0]).unwrap_err();
        assert!(error.to_string().contains("[5, 2, 0]"), "{error}");
    }
}
