//! The text form of private key files: base64 between two marks,
//! [RFC 7468](https://www.rfc-editor.org/rfc/rfc7468) and
//! [PROTOCOL.key](https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.key).

use adit_proto::secret::Secret;
use base64ct::{Base64, Encoding};
use zeroize::Zeroizing;

use crate::identity::problem::{Foreign, Problem};

const BEGIN: &str = "-----BEGIN OPENSSH PRIVATE KEY-----";
const END: &str = "-----END OPENSSH PRIVATE KEY-----";

/// How many characters of base64 stand in a line, as OpenSSH writes them.
const LINE: usize = 70;

/// A private key file without its text form.
#[derive(Debug)]
pub(super) struct Armored {
    /// What the marks say.
    pub(super) label: Label,
    /// How the bytes are encrypted, `DEK-Info` of
    /// [RFC 1421 section 4.6.1.3](https://www.rfc-editor.org/rfc/rfc1421#section-4.6.1.3).
    pub(super) encryption: Option<String>,
    /// The bytes.
    pub(super) bytes: Secret,
}

/// What the marks of a private key say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Label {
    OpenSsh,
    Pkcs1,
    Sec1,
    Pkcs8,
    EncryptedPkcs8,
}

impl Label {
    /// The marks at the beginning and at the end.
    fn marks(self) -> (&'static str, &'static str) {
        match self {
            Self::OpenSsh => (BEGIN, END),
            Self::Pkcs1 => ("-----BEGIN RSA PRIVATE KEY-----", "-----END RSA PRIVATE KEY-----"),
            Self::Sec1 => ("-----BEGIN EC PRIVATE KEY-----", "-----END EC PRIVATE KEY-----"),
            Self::Pkcs8 => ("-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----"),
            Self::EncryptedPkcs8 => {
                ("-----BEGIN ENCRYPTED PRIVATE KEY-----", "-----END ENCRYPTED PRIVATE KEY-----")
            }
        }
    }
}

/// Reads the bytes between the marks. White space does not matter; what OpenSSL writes before a
/// key, as its parameters, is passed over.
pub(super) fn decode(text: &[u8]) -> Result<Armored, Problem> {
    const ALL: [Label; 5] =
        [Label::OpenSsh, Label::Pkcs1, Label::Sec1, Label::Pkcs8, Label::EncryptedPkcs8];
    let text = std::str::from_utf8(text).map_err(|_| Problem::NoKey)?;
    let found = ALL.into_iter().find_map(|label| {
        let (_, body) = text.split_once(label.marks().0)?;
        Some((label, body))
    });
    let (label, body) = found.ok_or_else(|| foreign(text.trim_ascii()))?;
    let (body, _) = body.split_once(label.marks().1).ok_or(Problem::NoEnd)?;
    let (encryption, body) = headers(body)?;
    let mut base64 = Zeroizing::new(Vec::with_capacity(body.len()));
    base64.extend(body.bytes().filter(|byte| !byte.is_ascii_whitespace()));
    let bytes = Base64::decode_in_place(&mut base64).map_err(|_| Problem::Base64)?;
    Ok(Armored { label, encryption, bytes: Secret::from(bytes) })
}

/// What the headers say of the encryption, and what follows them,
/// [RFC 1421 section 4.4](https://www.rfc-editor.org/rfc/rfc1421#section-4.4).
fn headers(body: &str) -> Result<(Option<String>, &str), Problem> {
    let (mut rest, mut encryption, mut encrypted) = (body.trim_ascii_start(), None, false);
    loop {
        let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
        let Some((name, value)) = line.split_once(':') else { break };
        match name.trim_ascii() {
            "Proc-Type" => encrypted = value.trim_ascii() == "4,ENCRYPTED",
            "DEK-Info" => encryption = Some(value.trim_ascii().to_owned()),
            _ => {}
        }
        rest = after;
    }
    if encrypted == encryption.is_some() { Ok((encryption, rest)) } else { Err(Problem::Damaged) }
}

/// Writes bytes between the marks of OpenSSH.
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

/// What a text is that is no private key that is read here.
fn foreign(text: &str) -> Problem {
    let starts = |mark: &str| text.starts_with(mark);
    if starts("PuTTY-User-Key-File-") {
        Problem::Foreign(Foreign::Putty)
    } else if starts("---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----") {
        Problem::Foreign(Foreign::Ssh2)
    } else if starts("-----BEGIN DSA PRIVATE KEY-----") {
        Problem::KeyType("ssh-dss".to_owned())
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
    fn what_is_no_private_key_is_told_by_its_kind() {
        let cases = [
            ("", Problem::NoKey),
            ("hello", Problem::NoKey),
            ("ssh-ed25519 AAAA", Problem::PublicKey),
            ("-----BEGIN DSA PRIVATE KEY-----\nAAAA", Problem::KeyType("ssh-dss".to_owned())),
            ("PuTTY-User-Key-File-3: ssh-ed25519", Problem::Foreign(Foreign::Putty)),
            ("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n", Problem::NoEnd),
            ("-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----", Problem::NoEnd),
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
    fn white_space_and_what_stands_before_the_key_do_not_matter() {
        let text = encode(&[7; 100]);
        let text = String::from_utf8(text.expose().to_vec()).unwrap();
        let text = format!("\n {} ", text.replace('\n', "\r\n"));
        assert_eq!(decode(text.as_bytes()).unwrap().bytes.expose(), [7; 100]);
        let parameters =
            "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----";
        let key = "-----BEGIN EC PRIVATE KEY-----\nBwcH\n-----END EC PRIVATE KEY-----";
        let found = decode(format!("{parameters}\n{key}\n").as_bytes()).unwrap();
        assert_eq!((found.label, found.bytes.expose()), (Label::Sec1, &[7; 3][..]));
    }

    #[test]
    fn headers_say_how_a_key_is_encrypted() {
        let file = |headers: &str| {
            let (begin, end) = Label::Pkcs1.marks();
            decode(format!("{begin}\n{headers}BwcH\n{end}\n").as_bytes())
        };
        let found = file("Proc-Type: 4,ENCRYPTED\r\nDEK-Info: AES-128-CBC,00FF\r\n\r\n").unwrap();
        assert_eq!(found.encryption.as_deref(), Some("AES-128-CBC,00FF"));
        assert_eq!(found.bytes.expose(), [7; 3]);
        for bad in ["Proc-Type: 4,ENCRYPTED\n\n", "DEK-Info: AES-128-CBC,00FF\n\n"] {
            assert!(matches!(file(bad), Err(Problem::Damaged)), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn bytes_are_read_as_written(bytes in vec(any::<u8>(), 0..300)) {
            let read = decode(encode(&bytes).expose()).unwrap();
            prop_assert_eq!(read.bytes.expose(), &bytes);
            prop_assert_eq!(read.label, Label::OpenSsh);
        }

        #[test]
        fn arbitrary_text_never_panics(text in vec(any::<u8>(), 0..200)) {
            let _ = decode(&text);
            let _ = decode(&[BEGIN.as_bytes(), &text, END.as_bytes()].concat());
        }
    }
}
