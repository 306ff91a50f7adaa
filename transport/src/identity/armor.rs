//! The text form of private key files: base64 between two marks,
//! [PROTOCOL.key](https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.key).

use adit_proto::secret::Secret;
use base64ct::{Base64, Encoding};
use zeroize::Zeroizing;

use crate::identity::problem::{Foreign, Problem};

const BEGIN: &str = "-----BEGIN OPENSSH PRIVATE KEY-----";
const END: &str = "-----END OPENSSH PRIVATE KEY-----";

/// How many characters of base64 stand in a line, as OpenSSH writes them.
const LINE: usize = 70;

/// Reads the bytes between the marks. White space does not matter.
pub(super) fn decode(text: &[u8]) -> Result<Secret, Problem> {
    let text = std::str::from_utf8(text).map_err(|_| Problem::NoKey)?.trim_ascii();
    let body = text.strip_prefix(BEGIN).ok_or_else(|| foreign(text))?;
    let (body, _) = body.split_once(END).ok_or(Problem::NoEnd)?;
    let mut base64 = Zeroizing::new(Vec::with_capacity(body.len()));
    base64.extend(body.bytes().filter(|byte| !byte.is_ascii_whitespace()));
    let bytes = Base64::decode_in_place(&mut base64).map_err(|_| Problem::Base64)?;
    Ok(Secret::from(bytes))
}

/// Writes bytes between the marks.
pub(super) fn encode(bytes: &[u8]) -> Secret {
    let base64 = Zeroizing::new(Base64::encode_string(bytes));
    let lines = base64.len().div_ceil(LINE);
    let capacity = BEGIN.len() + base64.len() + lines + END.len() + 2;
    let mut text = Vec::with_capacity(capacity);
    text.extend_from_slice(BEGIN.as_bytes());
    for line in base64.as_bytes().chunks(LINE) {
        text.push(b'\n');
        text.extend_from_slice(line);
    }
    text.push(b'\n');
    text.extend_from_slice(END.as_bytes());
    text.push(b'\n');
    Secret::new(text)
}

/// What a text is that is not an OpenSSH private key.
fn foreign(text: &str) -> Problem {
    const KNOWN: [(&str, Foreign); 7] = [
        ("-----BEGIN PRIVATE KEY-----", Foreign::Pem),
        ("-----BEGIN ENCRYPTED PRIVATE KEY-----", Foreign::Pem),
        ("-----BEGIN RSA PRIVATE KEY-----", Foreign::Pem),
        ("-----BEGIN EC PRIVATE KEY-----", Foreign::Pem),
        ("-----BEGIN DSA PRIVATE KEY-----", Foreign::Pem),
        ("PuTTY-User-Key-File-", Foreign::Putty),
        ("---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----", Foreign::Ssh2),
    ];
    let starts = |mark: &str| text.starts_with(mark);
    if let Some((_, format)) = KNOWN.iter().find(|(mark, _)| starts(mark)) {
        Problem::Foreign(*format)
    } else if ["ssh-", "ecdsa-", "sk-", "-----BEGIN PUBLIC KEY-----"].into_iter().any(starts) {
        Problem::PublicKey
    } else {
        Problem::NoKey
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_openssh_key_is_told_by_its_kind() {
        let cases = [
            ("", Problem::NoKey),
            ("hello", Problem::NoKey),
            ("ssh-ed25519 AAAA", Problem::PublicKey),
            ("-----BEGIN RSA PRIVATE KEY-----\nAAAA", Problem::Foreign(Foreign::Pem)),
            ("-----BEGIN PRIVATE KEY-----\nAAAA", Problem::Foreign(Foreign::Pem)),
            ("PuTTY-User-Key-File-3: ssh-ed25519", Problem::Foreign(Foreign::Putty)),
            ("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n", Problem::NoEnd),
        ];
        for (text, cause) in cases {
            let found = decode(text.as_bytes()).unwrap_err();
            assert_eq!(found.to_string(), cause.to_string(), "{text}");
        }
        assert!(matches!(decode(&[0xff]), Err(Problem::NoKey)));
        let text = format!("{BEGIN}\nA*==\n{END}");
        assert!(matches!(decode(text.as_bytes()), Err(Problem::Base64)));
    }

    #[test]
    fn lines_are_as_long_as_openssh_writes_them() {
        let text = encode(&[7; 100]);
        let text = std::str::from_utf8(text.expose()).unwrap();
        let lengths: Vec<_> = text.lines().map(str::len).collect();
        assert_eq!(lengths, [BEGIN.len(), 70, 66, END.len()]);
        assert!(text.ends_with("-----\n"));
    }

    #[test]
    fn white_space_does_not_matter() {
        let text = encode(&[7; 100]);
        let text = String::from_utf8(text.expose().to_vec()).unwrap();
        let text = format!("\n {} ", text.replace('\n', "\r\n"));
        assert_eq!(decode(text.as_bytes()).unwrap().expose(), [7; 100]);
    }

    proptest! {
        #[test]
        fn bytes_are_read_as_written(bytes in vec(any::<u8>(), 0..300)) {
            let read = decode(encode(&bytes).expose()).unwrap();
            prop_assert_eq!(read.expose(), &bytes);
        }

        #[test]
        fn arbitrary_text_never_panics(text in vec(any::<u8>(), 0..200)) {
            let _ = decode(&text);
            let _ = decode(&[BEGIN.as_bytes(), &text, END.as_bytes()].concat());
        }
    }
}
