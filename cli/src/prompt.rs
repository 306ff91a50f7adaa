//! The user at the terminal.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};

use adit_transport::prompt::Prompt;
use adit_transport::secret::Secret;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};

use crate::prompt::askpass::Askpass;
use crate::talk::{self, Weight};

mod askpass;

/// Asks at the controlling terminal, whatever standard input and output are, or by the program that
/// `SSH_ASKPASS` names.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terminal {
    mode: Mode,
}

/// Whether anybody is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// The user is, where there is a terminal.
    Ask,
    /// Nobody is (`BatchMode`).
    Batch,
}

impl Terminal {
    /// A terminal that asks or does not.
    pub(crate) fn new(mode: Mode) -> Self {
        Self { mode }
    }

    /// The program that asks in the terminal's place.
    fn askpass(self) -> Option<Askpass> {
        if self.mode == Mode::Batch {
            return None;
        }
        let there = OpenOptions::new().read(true).write(true).open("/dev/tty").is_ok();
        Askpass::chosen(if there { askpass::Terminal::There } else { askpass::Terminal::Missing })
    }

    /// Runs what blocks on the user on another thread. `None` where it cannot be done.
    async fn blocking<T: Send + 'static>(
        self,
        words: &str,
        ask: fn(&str) -> std::io::Result<T>,
    ) -> Option<T> {
        if self.mode == Mode::Batch {
            return None;
        }
        let words = words.to_owned();
        let _restored = Restored::new();
        let asked = tokio::task::spawn_blocking(move || ask(&words)).await.ok()?;
        asked.inspect_err(|error| tracing::debug!(%error, "nobody can be asked")).ok()
    }
}

/// The terminal as it is now, which it becomes again: a question that is given up would leave
/// it without echo.
struct Restored(Option<(File, Termios)>);

impl Restored {
    fn new() -> Self {
        let terminal = OpenOptions::new().read(true).write(true).open("/dev/tty").ok();
        Self(terminal.and_then(|it| tcgetattr(&it).ok().map(|state| (it, state))))
    }
}

impl Drop for Restored {
    fn drop(&mut self) {
        if let Some((terminal, state)) = &self.0
            && let Err(error) = tcsetattr(terminal, OptionalActions::Now, state)
        {
            tracing::debug!(%error, "the terminal cannot be put back as it was");
        }
    }
}

impl Prompt for Terminal {
    async fn ask(&mut self, words: &str) -> Option<String> {
        if let Some(askpass) = self.askpass() {
            let answer = by_program(&askpass, words).await?;
            return String::from_utf8(answer.expose().to_vec()).ok();
        }
        self.blocking(words, read_line).await
    }

    async fn ask_secret(&mut self, words: &str) -> Option<Secret> {
        if let Some(askpass) = self.askpass() {
            return by_program(&askpass, words).await;
        }
        let secret =
            self.blocking(words, |words| rpassword::prompt_password(words).map(Secret::from));
        secret.await
    }

    fn tell(&mut self, words: &str) {
        talk::say(Weight::Note, words);
    }
}

/// Whether the user says yes to a question, by a program: the terminal may be in use. As with ssh,
/// to say nothing is to say yes.
pub(crate) async fn confirm(words: &str) -> bool {
    let Some(askpass) = Askpass::chosen(askpass::Terminal::Missing) else { return false };
    let answer = by_program(&askpass, words).await;
    answer.is_some_and(|it| it.expose().is_empty() || it.expose().eq_ignore_ascii_case(b"yes"))
}

async fn by_program(askpass: &Askpass, words: &str) -> Option<Secret> {
    let asked = askpass.ask(words).await;
    asked.inspect_err(|error| tracing::info!(%error, "the program that asks gave no answer")).ok()
}

fn read_line(words: &str) -> std::io::Result<String> {
    let mut terminal = OpenOptions::new().read(true).write(true).open("/dev/tty")?;
    terminal.write_all(words.as_bytes())?;
    terminal.flush()?;
    let mut line = String::new();
    if BufReader::new(terminal).read_line(&mut line)? == 0 {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    Ok(line)
}
