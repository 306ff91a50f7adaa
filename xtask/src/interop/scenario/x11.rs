//! Windows of programs at the peer on a display here; the real cookie never gets there.

use std::time::Duration;

use crate::error::{Error, Result};
use crate::interop::caller;
use crate::interop::display::{self, Display};
use crate::interop::server::{Server, Settings};
use crate::interop::stage::Side;
use crate::interop::stand_in::{HOST, StandIn};
use crate::interop::trial::{Stop, Trial};
use crate::interop::watched::Watched;
use crate::process::{self, Finished};
use crate::tools::FOR_DISPLAYS;

const CLOCKS: usize = 20;

const LIMIT: Duration = Duration::from_secs(60);

/// Debian's ssh trusts those of `-X` as well.
const UNTRUSTED: [&str; 3] = ["-X", "-o", "ForwardX11Trusted=no"];

/// The files with what a client at the peer shows.
const SEEN: &str = "seen";
const WRONG: &str = "wrong";

pub(crate) fn run(trial: &mut Trial<'_, '_>) -> Result<(), Stop> {
    caller::need(&FOR_DISPLAYS)?;
    let server = trial.start_server(&Settings::with_line("X11Forwarding yes"))?;
    let mut stand_in = StandIn::new(trial, &server)?;
    let screen = Display::start(trial, &mut stand_in)?;
    let trusted = session(trial, &stand_in, &screen, &server, &["-Y"])?;
    let untrusted = session(trial, &stand_in, &screen, &server, &UNTRUSTED)?;
    if untrusted >= trusted {
        let (all, some) = (trusted, untrusted);
        let text = format!("an untrusted client sees {some} extensions, a trusted one {all}");
        return Err(Error::new(text).into());
    }
    trial.measure("extensions, trusted and not", format!("{trusted}, {untrusted}"));
    Ok(())
}

/// One session with a display; how many extensions of it a client sees.
fn session(
    trial: &mut Trial<'_, '_>,
    stand_in: &StandIn,
    screen: &Display,
    server: &Server,
    flags: &[&str],
) -> Result<usize, Stop> {
    let mut shell = stand_in.start(trial, &[flags, &[HOST, "sh"]].concat())?;
    let flag = flags.first().copied().unwrap_or_default();
    let seen = Seen::ask(&mut shell)?;
    if seen.display.is_empty() {
        let reason = "the peer's server forwards no displays";
        return if trial.is_dropbear() {
            Err(Stop::NotApplicable(reason.to_owned()))
        } else {
            Err(Error::new(format!("{reason}: {}", shell.last_words())).into())
        };
    }
    let by_flag = |error: Error| error.context(flag);
    let count = use_display(trial, stand_in, screen, &mut shell, &seen).map_err(by_flag)?;
    let leaked = shell.said(&screen.cookie) || server.process.said(&screen.cookie);
    if leaked || seen.cookie == screen.cookie {
        return Err(Error::new("the real cookie came to the server").into());
    }
    shell.tell("exit 7")?;
    let status = shell.wait(LIMIT)?;
    if status.code() != Some(7) {
        return Err(Error::new(format!("{flag}: the session ended with {status}")).into());
    }
    let after = look(trial, stand_in, &seen.display, SEEN)?;
    if after.status.success() {
        return Err(Error::new("the display stays after its session").into());
    }
    Ok(count)
}

/// What a session at the peer knows of the display.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) display: String,
    pub(crate) cookie: String,
}

impl Seen {
    /// Asks a shell at the peer.
    pub(crate) fn ask(shell: &mut Watched) -> Result<Self> {
        shell.tell("echo \"display=$DISPLAY.\"; xauth list 2>&1; env; echo all-told")?;
        let display = |line: &str| line.strip_prefix("display=").map(str::to_owned);
        let display = shell.wait_for("display", LIMIT, display)?.trim_end_matches('.').to_owned();
        shell.wait_for("environment", LIMIT, |line| (line == "all-told").then_some(()))?;
        if display.is_empty() {
            return Ok(Self { display, cookie: String::new() });
        }
        // localhost:10.0 is kept as host/unix:10.
        let number = display.rsplit(':').next().unwrap_or_default();
        let number = number.split('.').next().unwrap_or_default();
        let entry = format!(":{number} ");
        let cookie = |line: &str| {
            let is_entry = line.contains(&entry) && line.contains("MIT-MAGIC-COOKIE-1");
            is_entry.then(|| line.split_whitespace().last().map(str::to_owned))?
        };
        let cookie = shell.wait_for("cookie", LIMIT, cookie)?;
        Ok(Self { display: format!("localhost:{number}.0"), cookie })
    }

    /// What xauth calls the display.
    fn name(&self) -> String {
        let number = self.display.trim_start_matches("localhost:").trim_end_matches(".0");
        format!("unix:{number}")
    }
}

/// A program of this machine in the network of the peer, on the display that a session has there.
pub(crate) fn look(
    trial: &mut Trial<'_, '_>,
    stand_in: &StandIn,
    display: &str,
    authority: &str,
) -> Result<Finished> {
    let (display, authority) = (format!("DISPLAY={display}"), stand_in.path(authority));
    let authority = format!("XAUTHORITY={}", authority.display());
    let words = ["env", &display, &authority, "xdpyinfo"];
    process::run(stand_in.command_at(trial, Side::Peer, &words)?, &[], LIMIT)
}

/// As [`look`], with the session's own cookie; how many extensions there are.
pub(crate) fn look_well(
    trial: &mut Trial<'_, '_>,
    stand_in: &StandIn,
    seen: &Seen,
) -> Result<usize> {
    display::authorize(trial, stand_in, SEEN, &seen.name(), &seen.cookie)?;
    let there = look(trial, stand_in, &seen.display, SEEN)?;
    let line = |text: &str, start: &str| {
        text.lines().find_map(|line| line.strip_prefix(start).map(|rest| rest.trim().to_owned()))
    };
    let here = stand_in.run(trial, &["xdpyinfo"])?.stdout_text();
    let said = there.stdout_text();
    let vendor = line(&said, "vendor string:");
    if !there.status.success() || vendor.is_none() || vendor != line(&here, "vendor string:") {
        return Err(Error::new(format!("xdpyinfo: {}", there.stderr_text().trim())));
    }
    let count = line(&said, "number of extensions:").and_then(|count| count.parse().ok());
    count.ok_or_else(|| Error::new("xdpyinfo counts no extensions"))
}

fn use_display(
    trial: &mut Trial<'_, '_>,
    stand_in: &StandIn,
    screen: &Display,
    shell: &mut Watched,
    seen: &Seen,
) -> Result<usize> {
    let count = look_well(trial, stand_in, seen)?;
    shell.tell(&format!(
        "i=0; while [ $i -lt {CLOCKS} ]; do xclock & all=\"$all $!\"; i=$((i+1)); done"
    ))?;
    screen.wait_for_clocks(trial, stand_in, CLOCKS)?;
    shell.tell("kill $all; wait; echo all-gone")?;
    shell.wait_for("end of the clocks", LIMIT, |line| (line == "all-gone").then_some(()))?;
    screen.wait_for_clocks(trial, stand_in, 0)?;
    display::authorize(trial, stand_in, WRONG, &seen.name(), &display::cookie())?;
    for authority in [WRONG, "/dev/null"] {
        if look(trial, stand_in, &seen.display, authority)?.status.success() {
            return Err(Error::new(format!("a client with the cookies of {authority} is let in")));
        }
    }
    shell.tell("XAUTHORITY=/dev/null xclock; echo refused=$?")?;
    let code = |line: &str| line.strip_prefix("refused=")?.parse::<i32>().ok();
    match shell.wait_for("refusal", LIMIT, code)? {
        0 => Err(Error::new("xclock without a cookie is let in")),
        _ => Ok(count),
    }
}
