//! What this program says to its user on standard error, beside what it logs.

use std::fmt::Display;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

/// How much something weighs that is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weight {
    /// It is the end.
    Failure,
    /// Something is not as it was asked for.
    Warning,
    /// It is good to know.
    Note,
}

/// How much is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limit {
    /// Nothing.
    Nothing,
    /// What is the end, and nothing else.
    Failures,
    /// All.
    All,
}

/// The rank of the lightest that is said; it is of the whole process, as standard error is.
static LIGHTEST: AtomicU8 = AtomicU8::new(Weight::Note.rank());

/// Whether the terminal wants both characters of the end of a line.
static RAW: AtomicBool = AtomicBool::new(false);

impl Weight {
    const fn rank(self) -> u8 {
        match self {
            Self::Failure => 1,
            Self::Warning => 2,
            Self::Note => 3,
        }
    }
}

/// Says no more than this from now on.
pub(crate) fn limit(limit: Limit) {
    let lightest = match limit {
        Limit::Nothing => 0,
        Limit::Failures => Weight::Failure.rank(),
        Limit::All => Weight::Note.rank(),
    };
    LIGHTEST.store(lightest, Ordering::Relaxed);
}

/// The terminal is raw from now on, or is not any more.
pub(crate) fn set_raw(raw: bool) {
    RAW.store(raw, Ordering::Relaxed);
}

/// Says something in this program's name.
pub(crate) fn say(weight: Weight, words: impl Display) {
    line(weight, format_args!("adit: {words}"));
}

/// Says a line as it is.
pub(crate) fn line(weight: Weight, words: impl Display) {
    if weight.rank() <= LIGHTEST.load(Ordering::Relaxed) {
        let end = if RAW.load(Ordering::Relaxed) { "\r\n" } else { "\n" };
        eprint!("{words}{end}");
    }
}
