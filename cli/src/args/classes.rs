//! The classes of tunnels, by their order among the words.

use adit_channels::mux::Class;
use clap::builder::PossibleValuesParser;
use clap::error::Error;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};

/// The classes of the tunnels that are asked for, each in the order of its flag: a `--class` holds
/// for those that follow it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Classes {
    /// Those of `-L`.
    pub(crate) local: Vec<Class>,
    /// Those of `-D`.
    pub(crate) dynamic: Vec<Class>,
    /// Those of `-R`.
    pub(crate) remote: Vec<Class>,
}

/// The flag.
const FLAG: &str = "class";

const WORDS: [(&str, Class); 3] =
    [("interactive", Class::Interactive), ("ordinary", Class::Ordinary), ("bulk", Class::Bulk)];

const HELP: &str = "What the tunnels that follow are for: the data of interactive ones go before, \
    those of bulk ones behind all others, and each class gets a part; with --connections both are \
    kept apart. It concerns what is sent from here; may be given more than once";

/// The class that holds at a place among the words, of those with their places in order.
fn at(place: usize, given: &[(usize, Class)]) -> Class {
    given.iter().rev().find(|(at, _)| *at < place).map_or(Class::default(), |(_, class)| *class)
}

impl FromArgMatches for Classes {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let named = |word: &String| WORDS.iter().find(|(name, _)| name == word).map(|it| it.1);
        let words = matches.get_many::<String>(FLAG).into_iter().flatten();
        let given: Vec<(usize, Class)> = matches
            .indices_of(FLAG)
            .into_iter()
            .flatten()
            .zip(words)
            .filter_map(|(place, word)| Some((place, named(word)?)))
            .collect();
        let of = |flag: &str| {
            let places = matches.indices_of(flag).into_iter().flatten();
            places.map(|place| at(place, &given)).collect()
        };
        Ok(Self { local: of("local"), dynamic: of("dynamic"), remote: of("remote") })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for Classes {
    fn augment_args(command: Command) -> Command {
        let words = PossibleValuesParser::new(WORDS.map(|(word, _)| word));
        let flag = Arg::new(FLAG).long(FLAG).value_name("CLASS").help(HELP);
        command.arg(flag.action(ArgAction::Append).value_parser(words).hide_possible_values(false))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args;

    fn classes(words: &[&str]) -> Classes {
        let words = ["adit", "open"].iter().chain(words).chain(&["host"]);
        match args::Args::parse_from(words).command {
            args::Command::Open(open) => {
                assert_eq!(open.local.len(), open.classes.local.len());
                assert_eq!(open.dynamic.len(), open.classes.dynamic.len());
                assert_eq!(open.remote.len(), open.classes.remote.len());
                open.classes
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_class_holds_for_the_tunnels_that_follow_it() {
        use Class::{Bulk, Interactive, Ordinary};

        let words = [
            "-L",
            "1:a:1",
            "--class",
            "bulk",
            "-L2:a:2",
            "-R",
            "3",
            "--class=interactive",
            "-D",
            "4",
            "-L",
            "5:a:5",
            "--class",
            "ordinary",
            "-D",
            "6",
        ];
        let expected = Classes {
            local: vec![Ordinary, Bulk, Interactive],
            dynamic: vec![Interactive, Ordinary],
            remote: vec![Bulk],
        };
        assert_eq!(classes(&words), expected);
        assert_eq!(classes(&["-L", "1:a:1"]).local, [Ordinary]);
    }

    #[test]
    fn a_class_that_is_none_is_refused() {
        let words = ["adit", "open", "--class", "fast", "-L", "1:a:1", "host"];
        let error = args::Args::try_parse_from(words).unwrap_err().to_string();
        assert!(error.contains("fast") && error.contains("interactive, ordinary, bulk"), "{error}");
    }
}
