//! The options of a line,
//! [sshd(8)](https://man.openbsd.org/sshd.8#AUTHORIZED_KEYS_FILE_FORMAT).

/// An option that stands before a key.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyOption {
    /// `agent-forwarding` and `no-agent-forwarding`.
    AgentForwarding(Grant),
    /// `cert-authority`: the key signs certificates and does not log in.
    CertAuthority,
    /// `command`: what is run in place of what the client asks for.
    Command(String),
    /// `environment`: a variable for what is run.
    Environment(String),
    /// `expiry-time`: when the key ceases to be good.
    ExpiryTime(String),
    /// `from`: the addresses that the client must come from.
    From(String),
    /// `no-touch-required`: signatures are good that nobody confirmed by a touch.
    NoTouchRequired,
    /// `permitlisten`: where the client may have the server listen.
    PermitListen(String),
    /// `permitopen`: where the client may have the server connect to.
    PermitOpen(String),
    /// `port-forwarding` and `no-port-forwarding`.
    PortForwarding(Grant),
    /// `principals`: the names that a certificate must have one of.
    Principals(String),
    /// `pty` and `no-pty`.
    Pty(Grant),
    /// `restrict`: everything is denied that options after it do not allow.
    Restrict,
    /// `tunnel`: the number of a network interface.
    Tunnel(String),
    /// `user-rc` and `no-user-rc`.
    UserRc(Grant),
    /// `verify-required`: signatures must have been confirmed by a PIN.
    VerifyRequired,
    /// `x11-forwarding` and `no-x11-forwarding`.
    X11Forwarding(Grant),
    /// Any other, as it stands in the file: it may restrict the key in a way that is not known.
    Unknown(String),
}

/// Whether something is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grant {
    /// It is.
    Allowed,
    /// It is not.
    Denied,
}

impl KeyOption {
    /// Parses the options at the beginning of a line, up to the blank that ends them. The second
    /// value is what follows them.
    pub(super) fn parse_list(line: &str) -> Result<(Vec<Self>, &str), Bad> {
        let mut options = Vec::new();
        let mut rest = line;
        loop {
            let (option, after) = Self::parse(rest)?;
            options.push(option);
            match after.strip_prefix(',') {
                Some(next) => rest = next,
                None if after.is_empty() || after.starts_with([' ', '\t']) => {
                    return Ok((options, after));
                }
                None => return Err(Bad::Syntax),
            }
        }
    }

    /// Parses one option: a name, maybe with a value in quotation marks.
    fn parse(input: &str) -> Result<(Self, &str), Bad> {
        let is_name = |c: char| c.is_ascii_alphanumeric() || "-_.@".contains(c);
        let end = input.find(|c| !is_name(c)).unwrap_or(input.len());
        let (name, rest) = input.split_at(end);
        if name.is_empty() {
            return Err(Bad::Syntax);
        }
        let name = name.to_ascii_lowercase();
        match rest.strip_prefix('=') {
            None => Ok((Self::flag(&name), rest)),
            Some(value) => {
                let (value, rest) = quoted(value)?;
                Ok((Self::with_value(&name, value), rest))
            }
        }
    }

    fn flag(name: &str) -> Self {
        let (grant, positive) = match name.strip_prefix("no-") {
            Some(positive) => (Grant::Denied, positive),
            None => (Grant::Allowed, name),
        };
        match (name, positive) {
            ("cert-authority", _) => Self::CertAuthority,
            ("no-touch-required", _) => Self::NoTouchRequired,
            ("restrict", _) => Self::Restrict,
            ("verify-required", _) => Self::VerifyRequired,
            (_, "agent-forwarding") => Self::AgentForwarding(grant),
            (_, "port-forwarding") => Self::PortForwarding(grant),
            (_, "pty") => Self::Pty(grant),
            (_, "user-rc") => Self::UserRc(grant),
            (_, "x11-forwarding") => Self::X11Forwarding(grant),
            _ => Self::Unknown(name.to_owned()),
        }
    }

    fn with_value(name: &str, value: String) -> Self {
        match name {
            "command" => Self::Command(value),
            "environment" => Self::Environment(value),
            "expiry-time" => Self::ExpiryTime(value),
            "from" => Self::From(value),
            "permitlisten" => Self::PermitListen(value),
            "permitopen" => Self::PermitOpen(value),
            "principals" => Self::Principals(value),
            "tunnel" => Self::Tunnel(value),
            _ => Self::Unknown(format!("{name}=\"{value}\"")),
        }
    }
}

/// A value in quotation marks, in which `\"` stands for one, and what follows it.
fn quoted(input: &str) -> Result<(String, &str), Bad> {
    let mut value = String::new();
    let mut rest = input.strip_prefix('"').ok_or(Bad::Unquoted)?;
    loop {
        let end = rest.find('"').ok_or(Bad::Unfinished)?;
        let (part, after) = rest.split_at(end);
        rest = after.strip_prefix('"').unwrap_or(after);
        match part.strip_suffix('\\') {
            Some(part) => {
                value.push_str(part);
                value.push('"');
            }
            None => {
                value.push_str(part);
                return Ok((value, rest));
            }
        }
    }
}

/// Why options cannot be parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Bad {
    /// There is something that is no option where one should be.
    #[error("the options are malformed")]
    Syntax,
    /// A value does not begin with a quotation mark.
    #[error("the value of an option is not in quotation marks")]
    Unquoted,
    /// A value does not end with a quotation mark.
    #[error("the value of an option has no closing quotation mark")]
    Unfinished,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(line: &str) -> Vec<KeyOption> {
        let (options, rest) = KeyOption::parse_list(line).unwrap();
        assert_eq!(rest, "", "{line}");
        options
    }

    #[test]
    fn options_are_parsed_in_their_order() {
        assert_eq!(
            parse("restrict,port-forwarding,no-pty,PermitOpen=\"db:5432\""),
            [
                KeyOption::Restrict,
                KeyOption::PortForwarding(Grant::Allowed),
                KeyOption::Pty(Grant::Denied),
                KeyOption::PermitOpen("db:5432".to_owned()),
            ],
        );
    }

    #[test]
    fn options_end_at_the_first_blank_outside_of_quotation_marks() {
        let (options, rest) = KeyOption::parse_list("command=\"echo a, b\" ssh-rsa A").unwrap();
        assert_eq!(options, [KeyOption::Command("echo a, b".to_owned())]);
        assert_eq!(rest, " ssh-rsa A");
    }

    #[test]
    fn a_quotation_mark_within_a_value_is_escaped() {
        let value = |text: &str| match parse(text).as_slice() {
            [KeyOption::Command(value)] => value.clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!(value(r#"command="a \"b\" c""#), r#"a "b" c"#);
        assert_eq!(value(r#"command="\"""#), "\"");
        assert_eq!(value(r#"command="a\b""#), r"a\b");
        assert_eq!(value(r#"command="""#), "");
    }

    #[test]
    fn every_option_of_openssh_is_known() {
        let flags = "agent-forwarding,no-agent-forwarding,cert-authority,no-touch-required,\
            port-forwarding,no-port-forwarding,pty,no-pty,restrict,user-rc,no-user-rc,\
            verify-required,X11-forwarding,no-X11-forwarding";
        let values = "command=\"\",environment=\"\",expiry-time=\"\",from=\"\",permitlisten=\"\",\
            permitopen=\"\",principals=\"\",tunnel=\"\"";
        let options = parse(&format!("{flags},{values}"));
        assert_eq!(options.len(), 14 + 8);
        let unknown = |option: &KeyOption| matches!(option, KeyOption::Unknown(_));
        assert!(!options.iter().any(unknown), "{options:?}");
    }

    #[test]
    fn what_is_not_known_is_kept_by_its_name() {
        let unknown = |text: &str| KeyOption::Unknown(text.to_owned());
        for text in ["new", "no-restrict", "command", "restrict=\"x\"", "new@example.com=\"x\""] {
            assert_eq!(parse(text), [unknown(text)], "{text}");
        }
    }

    #[test]
    fn malformed_options_are_refused() {
        for (text, cause) in [
            ("", Bad::Syntax),
            (",restrict", Bad::Syntax),
            ("restrict,", Bad::Syntax),
            ("restrict,,pty", Bad::Syntax),
            ("restrict;pty", Bad::Syntax),
            ("command=\"a\"b", Bad::Syntax),
            ("command=a", Bad::Unquoted),
            ("command=", Bad::Unquoted),
            ("command=\"a", Bad::Unfinished),
            (r#"command="a\""#, Bad::Unfinished),
        ] {
            assert_eq!(KeyOption::parse_list(text), Err(cause), "{text}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_options_never_panic(text in "[a-z\"\\\\=, -]{0,40}") {
            let _ = KeyOption::parse_list(&text);
        }

        #[test]
        fn a_value_is_read_as_it_was_quoted(value in "[^\\\\]{0,30}") {
            let quoted = format!("command=\"{}\"", value.replace('"', "\\\""));
            prop_assert_eq!(parse(&quoted), [KeyOption::Command(value)]);
        }
    }
}
