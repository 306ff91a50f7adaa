//! What is wrong with a specification, and where.

use std::fmt;
use std::ops::Range;

use crate::escape::Foreign;

/// Most characters of a specification that a message repeats.
const SHOWN: usize = 300;

/// A specification could not be understood.
///
/// [`Display`](fmt::Display) is one line; its alternate form (`{:#}`) adds the specification
/// with the offending part pointed at, and the hint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    text: String,
    span: Range<usize>,
    fault: Fault,
}

/// What is wrong with a specification.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// There is nothing.
    #[error("nothing is specified")]
    Empty,
    /// It has a control character.
    #[error("a control character stands")]
    Control,
    /// An opening bracket has no closing one.
    #[error("a bracket is not closed")]
    Unclosed,
    /// Something other than a colon follows a closing bracket.
    #[error("only a colon may follow a closing bracket")]
    AfterBracket,
    /// It ends with a backslash.
    #[error("the backslash at the end escapes nothing")]
    EscapesNothing,
    /// It has more than four parts.
    #[error("there are more than four parts")]
    TooMany,
    /// There is a place to listen, but no target.
    #[error("the target is missing")]
    NoTarget,
    /// What was to be a place to listen is none.
    #[error("this is no place to listen")]
    NotAnEntry,
    /// What was to be a target is none.
    #[error("this is no target")]
    NotATarget,
    /// A part is neither a port number nor the name of a service.
    #[error("`{}` is not a port", shown(.0))]
    Port(String),
    /// A target has port 0.
    #[error("nothing can be reached on port 0")]
    PortZero,
    /// A target has no host.
    #[error("the host is missing")]
    NoHost,
    /// A part is neither a name nor an address.
    #[error("`{}` is not a host", shown(.0))]
    Host(String),
    /// A path stands where a host or a bind address is due.
    #[error("a socket path cannot have a port")]
    Misplaced,
    /// A path is longer, in bytes, than a socket's address holds.
    #[error("the path is longer than {0} bytes")]
    LongPath(usize),
}

impl Error {
    pub(super) fn new(text: &str, span: Range<usize>, fault: Fault) -> Self {
        Self { text: text.to_owned(), span, fault }
    }

    pub(super) fn whole(text: &str, fault: Fault) -> Self {
        Self::new(text, 0..text.len(), fault)
    }

    /// Where in the specification the mistake is, in bytes.
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// What is wrong.
    pub fn fault(&self) -> &Fault {
        &self.fault
    }

    /// What the user may do about it.
    pub fn hint(&self) -> &'static str {
        match self.fault {
            Fault::TooMany | Fault::Unclosed | Fault::AfterBracket => {
                "write an IPv6 address in brackets: [::1]:8080:host:80"
            }
            Fault::Control | Fault::EscapesNothing => {
                "a backslash makes the colon or backslash after it literal"
            }
            Fault::Port(_) => "a port is a number up to 65535, or a service name such as https",
            Fault::PortZero => "port 0 is for listening, where it lets the system choose",
            Fault::Misplaced => "a path takes the place of address and port: /run/app.sock",
            Fault::LongPath(_) => "choose a shorter path, or one relative to the current folder",
            Fault::NotATarget => "write host:port, [address]:port or /path/to/socket",
            Fault::NotAnEntry => "write port, address:port or /path/to/socket",
            Fault::Empty | Fault::NoTarget | Fault::NoHost | Fault::Host(_) => {
                "write [bind:]port:host:hostport, or /path in place of either pair"
            }
        }
    }
}

fn shown(text: &str) -> Foreign<'_> {
    Foreign { text, limit: SHOWN }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, in `{}`", self.fault, shown(&self.text))?;
        if !f.alternate() {
            return Ok(());
        }
        // Escaped or cut, the text would not have the columns that the pointer points at.
        if !self.text.contains(char::is_control) && self.text.len() <= SHOWN {
            let columns = |part: Option<&str>| part.unwrap_or_default().chars().count();
            let before = columns(self.text.get(..self.span.start));
            let below = columns(self.text.get(self.span.clone())).max(1);
            write!(f, "\n  {}\n  {:before$}{:^<below$}", self.text, "", "")?;
        }
        write!(f, "\nhint: {}", self.hint())
    }
}

impl std::error::Error for Error {}
