//! The words of a command, with its tokens replaced.

use crate::failure::{Exit, Failure};

/// What a shell makes something of, so that it must not come from a name. OpenSSH refuses them
/// since its release 9.6, for CVE-2023-51385.
const SPECIAL: &str = "'`\"$\\;&<>|(){}";

/// What the tokens of `ProxyCommand` stand for, see `ssh_config(5)`, "TOKENS".
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tokens<'a> {
    /// `%h`: the host to connect to.
    pub(crate) host: &'a str,
    /// `%n`: the host as the user named it.
    pub(crate) given: &'a str,
    /// `%p`: the port.
    pub(crate) port: u16,
    /// `%r`: who logs in.
    pub(crate) user: &'a str,
}

/// Replaces the tokens of a command.
///
/// # Errors
/// Where there is another token, or a name that a shell would make something of.
pub(crate) fn expand(command: &str, tokens: Tokens<'_>) -> Result<String, Failure> {
    let mut words = String::with_capacity(command.len());
    let mut rest = command.chars();
    while let Some(character) = rest.next() {
        if character != '%' {
            words.push(character);
            continue;
        }
        match rest.next() {
            Some('%') => words.push('%'),
            Some('h') => words.push_str(harmless("host", tokens.host)?),
            Some('n') => words.push_str(harmless("host", tokens.given)?),
            Some('p') => words.push_str(&tokens.port.to_string()),
            Some('r') => words.push_str(harmless("user", tokens.user)?),
            token => {
                let token = token.map(String::from).unwrap_or_default();
                return Err(Failure::new(
                    Exit::Usage,
                    format!("ProxyCommand has the unknown token \"%{token}\""),
                )
                .hint("there are %h, %n, %p, %r and %%"));
            }
        }
    }
    Ok(words)
}

fn harmless<'a>(what: &str, name: &'a str) -> Result<&'a str, Failure> {
    let odd = |it: char| it.is_whitespace() || it.is_control() || SPECIAL.contains(it);
    if name.starts_with('-') || name.contains(odd) {
        let message = format!("the {what} \"{}\" cannot be given to a shell", name.escape_debug());
        return Err(Failure::new(Exit::Usage, message)
            .hint("it has characters that the shell of ProxyCommand would act on"));
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKENS: Tokens<'_> = Tokens { host: "fe80::1%eth0", given: "db", port: 2222, user: "me" };

    #[test]
    fn tokens_are_replaced_once() {
        let words = expand("nc %h %p # %n %r 100%%h", TOKENS).unwrap();
        assert_eq!(words, "nc fe80::1%eth0 2222 # db me 100%h");
    }

    #[test]
    fn an_unknown_token_is_refused() {
        for command in ["nc %x", "nc %", "nc %H"] {
            assert!(expand(command, TOKENS).is_err(), "{command}");
        }
    }

    #[test]
    fn no_name_makes_a_shell_do_anything() {
        for name in ["a;b", "`id`", "$(id)", "a b", "a\nb", "-oX", "a'b", "a|b", "a&b", "a\\"] {
            assert!(expand("nc %h", Tokens { host: name, ..TOKENS }).is_err(), "{name}");
            assert!(expand("nc %n", Tokens { given: name, ..TOKENS }).is_err(), "{name}");
            assert!(expand("nc %r", Tokens { user: name, ..TOKENS }).is_err(), "{name}");
            assert!(expand("nc %p", Tokens { host: name, ..TOKENS }).is_ok(), "{name}");
        }
    }
}
