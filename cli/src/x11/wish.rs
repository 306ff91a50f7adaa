//! What the user says of X11.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use adit_forward::x11::display::Display;
use adit_ssh_config::config::Config;
use adit_ssh_config::keyword::Keyword;

use crate::failure::{Exit, Failure};

/// Which display is forwarded, and what programs may do there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wish {
    /// `DISPLAY`.
    pub(crate) display: Display,
    /// `ForwardX11Trusted`, and `ForwardX11Timeout`.
    pub(crate) trust: Trust,
    /// `XAuthLocation`.
    pub(crate) xauth: PathBuf,
}

/// What programs at the server may do with a display.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trust {
    /// All that programs here may.
    Full,
    /// What the display lets untrusted programs do, and for no longer than this.
    Limited(Option<Duration>),
}

impl Wish {
    /// What is set for a server. Where X11 is asked for and there is no display to forward, this is
    /// told and nothing is, as with ssh.
    pub(crate) fn of(config: &Config) -> Option<Self> {
        Self::with(config, std::env::var_os("DISPLAY"))
    }

    fn with(config: &Config, display: Option<OsString>) -> Option<Self> {
        if !config.is_yes(Keyword::ForwardX11) {
            return None;
        }
        let without = |why: String| {
            Failure::new(Exit::Other, format!("X11 is not forwarded: {why}")).warn();
            None
        };
        let Some(words) = display.filter(|it| !it.is_empty()) else {
            return without("DISPLAY is not set".to_owned());
        };
        let words = words.to_string_lossy();
        let display = match words.parse::<Display>() {
            Ok(display) => display,
            Err(fault) => {
                return without(format!("DISPLAY is \"{}\": {fault}", words.escape_debug()));
            }
        };
        let trust = if config.is_yes(Keyword::ForwardX11Trusted) {
            Trust::Full
        } else {
            let seconds = config.number(Keyword::ForwardX11Timeout).filter(|it| *it > 0);
            Trust::Limited(seconds.map(|it| Duration::from_secs(it.into())))
        };
        let xauth = config.text(Keyword::XauthLocation).unwrap_or("/usr/bin/xauth");
        Some(Self { display, trust, xauth: xauth.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::sources::tests::config;

    fn wish(options: &[&str], display: &str) -> Option<Wish> {
        Wish::with(&config("me@host", options), Some(display.into()))
    }

    #[test]
    fn nothing_is_forwarded_that_nobody_asked_for() {
        assert_eq!(wish(&[], ":0"), None);
        assert_eq!(wish(&["ForwardX11=no"], ":0"), None);
        assert_eq!(wish(&["ForwardX11=yes"], ""), None);
        assert_eq!(wish(&["ForwardX11=yes"], "nonsense"), None);
    }

    #[test]
    fn the_trust_is_limited_where_it_is_said_and_for_as_long() {
        let trust =
            |options: &[&str]| wish(&[&["ForwardX11=yes"], options].concat(), ":0").unwrap().trust;
        assert_eq!(trust(&["ForwardX11Trusted=yes"]), Trust::Full);
        let limited = |seconds| Trust::Limited(Some(Duration::from_secs(seconds)));
        assert_eq!(trust(&["ForwardX11Trusted=no"]), limited(1200));
        assert_eq!(trust(&["ForwardX11Trusted=no", "ForwardX11Timeout=5m"]), limited(300));
        let none = ["ForwardX11Trusted=no", "ForwardX11Timeout=0"];
        assert_eq!(trust(&none), Trust::Limited(None));
    }
}
