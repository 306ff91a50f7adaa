//! The user asked by a program, as `SSH_ASKPASS` and `SSH_ASKPASS_REQUIRE` of
//! [ssh(1)](https://man.openbsd.org/ssh.1#ENVIRONMENT) say.

use std::env;
use std::ffi::OsString;
use std::io;
use std::process::Stdio;

use adit_transport::secret::Secret;
use tokio::io::AsyncReadExt;
use tokio::process::Command;

/// The program where none is named.
const USUAL: &str = "/usr/bin/ssh-askpass";

/// The longest answer that is read.
const LONGEST: u64 = 4096;

/// A program that asks the user in a window of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Askpass(OsString);

/// Whether there is a terminal to ask at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Terminal {
    There,
    Missing,
}

impl Askpass {
    /// The program that is to be asked in place of the terminal, by the environment.
    pub(super) fn chosen(terminal: Terminal) -> Option<Self> {
        Self::of(|name| env::var_os(name).filter(|value| !value.is_empty()), terminal)
    }

    fn of(environment: impl Fn(&str) -> Option<OsString>, terminal: Terminal) -> Option<Self> {
        let require = environment("SSH_ASKPASS_REQUIRE").unwrap_or_default();
        let screen = || environment("DISPLAY").or_else(|| environment("WAYLAND_DISPLAY"));
        let wanted = match require.to_str() {
            Some("force" | "prefer") => true,
            Some("never") => false,
            _ => terminal == Terminal::Missing && screen().is_some(),
        };
        let program = || environment("SSH_ASKPASS").unwrap_or_else(|| USUAL.into());
        wanted.then(|| Self(program()))
    }

    /// Asks. The answer is what the program prints, without the end of its line.
    ///
    /// # Errors
    /// Where it cannot be run, or the user has cancelled.
    pub(super) async fn ask(&self, words: &str) -> io::Result<Secret> {
        let mut child = Command::new(&self.0)
            .arg(words)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        // Room for all of it, so that no copy is left behind by growth.
        let mut answer = Vec::with_capacity(8192);
        if let Some(said) = child.stdout.take() {
            said.take(LONGEST).read_to_end(&mut answer).await?;
        }
        let answer = Secret::new(answer);
        let status = child.wait().await?;
        if !status.success() {
            return Err(io::Error::other(format!("{}: {status}", self.0.display())));
        }
        let line = answer.expose().split(|byte| matches!(byte, b'\n' | b'\r')).next();
        Ok(Secret::from(line.unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn chosen(environment: &[(&str, &str)], terminal: Terminal) -> Option<String> {
        let find = |name: &str| {
            let found = environment.iter().find(|(it, _)| *it == name);
            found.map(|(_, value)| OsString::from(value))
        };
        Askpass::of(find, terminal).map(|it| it.0.into_string().unwrap())
    }

    #[test]
    fn the_environment_says_when_a_program_asks() {
        use Terminal::{Missing, There};
        let program = ("SSH_ASKPASS", "ask");
        let screen = ("DISPLAY", ":0");
        let require = |value| ("SSH_ASKPASS_REQUIRE", value);
        assert_eq!(chosen(&[program, screen], There), None);
        assert_eq!(chosen(&[program, screen], Missing).as_deref(), Some("ask"));
        assert_eq!(chosen(&[program], Missing), None);
        assert_eq!(chosen(&[("WAYLAND_DISPLAY", "w")], Missing).as_deref(), Some(USUAL));
        for word in ["force", "prefer"] {
            assert_eq!(chosen(&[program, require(word)], There).as_deref(), Some("ask"));
        }
        assert_eq!(chosen(&[program, screen, require("never")], Missing), None);
    }

    async fn answer(script: &str) -> io::Result<Secret> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ask");
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
        Askpass(path.into()).ask("what? ").await
    }

    #[tokio::test]
    async fn the_first_line_is_the_answer_and_failure_is_none() {
        let said = answer("printf '%s: secret\\nmore\\n' \"$1\"").await.unwrap();
        assert_eq!(said.expose(), b"what? : secret");
        assert_eq!(answer("exit 0").await.unwrap().expose(), b"");
        assert!(answer("echo no; exit 1").await.is_err());
        let missing = Askpass("/nonexistent/ask".into());
        assert!(missing.ask("what? ").await.is_err());
    }
}
