//! An X server without a screen, and the cookie that opens it.

use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::interop::leftover;
use crate::interop::stand_in::StandIn;
use crate::interop::trial::Trial;
use crate::interop::watched::Watched;
use crate::process;
use crate::traffic::pattern::Pattern;

const LIMIT: Duration = Duration::from_secs(60);

const PAUSE: Duration = Duration::from_millis(100);

/// Where the cookie is, in the folder of the stand-in.
const AUTHORITY: &str = "authority";

/// The numbers of displays; lower ones are those of people.
const FIRST: u32 = 1000;
const NUMBERS: u32 = 20_000;

/// A running X server at home, which the stand-in's programs use; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Display {
    _process: Watched,
    /// What lets a client in; it must never leave this machine.
    pub(crate) cookie: String,
}

impl Display {
    /// Starts one, and names it to all that `stand_in` starts from now on.
    pub(crate) fn start(trial: &mut Trial<'_, '_>, stand_in: &mut StandIn) -> Result<Self> {
        let cookie = cookie();
        let authority = stand_in.word(AUTHORITY);
        // Its socket has a name on the whole machine; one that is taken is refused.
        let number = FIRST + (std::process::id() + leftover::serial()) % NUMBERS;
        let name = format!(":{number}");
        authorize(trial, stand_in, AUTHORITY, &name, &cookie)?;
        let words = ["Xvfb", &name, "-displayfd", "1", "-auth", &authority, "-nolisten", "tcp"];
        let more = ["-noreset", "-screen", "0", "640x480x24", "+extension", "SECURITY"];
        let log = trial.log("Xvfb");
        let command = stand_in.command(trial, &[&words[..], &more].concat())?;
        let process = Watched::start("Xvfb", command, &log)?;
        let is_ready = |line: &str| (line.trim() == number.to_string()).then_some(());
        process.wait_for("display", LIMIT, is_ready)?;
        stand_in.set("DISPLAY", &name);
        stand_in.set("XAUTHORITY", &authority);
        Ok(Self { _process: process, cookie })
    }

    /// Waits until there are as many windows of xclock.
    pub(crate) fn wait_for_clocks(
        &self,
        trial: &mut Trial<'_, '_>,
        stand_in: &StandIn,
        count: usize,
    ) -> Result<()> {
        let deadline = Instant::now() + LIMIT;
        loop {
            let windows = stand_in.run(trial, &["xwininfo", "-root", "-children"])?.stdout_text();
            let clocks = windows.lines().filter(|line| line.contains("\"XClock\"")).count();
            if clocks == count {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(Error::new(format!("{clocks} windows of xclock, expected {count}")));
            }
            process::check_interrupt()?;
            std::thread::sleep(PAUSE);
        }
    }
}

/// Puts a cookie for a display into a file in the folder of the stand-in.
pub(crate) fn authorize(
    trial: &mut Trial<'_, '_>,
    stand_in: &StandIn,
    file: &str,
    display: &str,
    cookie: &str,
) -> Result<()> {
    let file = stand_in.word(file);
    let words = ["xauth", "-q", "-f", &file, "add", display, "MIT-MAGIC-COOKIE-1", cookie];
    stand_in.run(trial, &words).map(drop)
}

/// One that no other display of this run has.
pub(crate) fn cookie() -> String {
    let mut bytes = [0; 16];
    let seed = u64::from(leftover::serial()) << 32 | u64::from(std::process::id());
    Pattern::new(seed).fill(0, &mut bytes);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_of_32_letters_and_differ() {
        let (first, second) = (cookie(), cookie());
        assert_eq!(first.len(), 32);
        assert_ne!(first, second);
    }
}
