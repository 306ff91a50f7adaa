//! Lists of algorithms as `ssh_config(5)` writes them: a list, or a change of the default one.

/// What is to become of a default list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Edit {
    /// It is replaced.
    Replace(Vec<String>),
    /// These are added behind it (`+`).
    Append(Vec<String>),
    /// These go to its head (`^`).
    Prefer(Vec<String>),
    /// These are taken from it (`-`), with `*` and `?` as wildcards.
    Remove(Vec<String>),
}

impl Edit {
    pub(crate) fn parse(value: &str) -> Result<Self, &'static str> {
        let expected = "names of algorithms with commas between them";
        let (edit, names): (fn(Vec<String>) -> Self, &str) = match value.split_at_checked(1) {
            Some(("+", names)) => (Self::Append, names),
            Some(("^", names)) => (Self::Prefer, names),
            Some(("-", names)) => (Self::Remove, names),
            _ => (Self::Replace, value),
        };
        let names: Vec<_> = names.split(',').map(str::to_owned).collect();
        let named =
            |name: &String| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic());
        if names.iter().all(named) { Ok(edit(names)) } else { Err(expected) }
    }

    /// Applies the edit to `default`, where `known` are all that adit has.
    ///
    /// # Errors
    /// A name that adit does not have; or nothing where no algorithm is left.
    pub(crate) fn apply(&self, default: &[&str], known: &[&str]) -> Result<Vec<String>, Unusable> {
        let unknown = |names: &[String]| match names.iter().find(|it| !known.contains(&it.as_str()))
        {
            Some(name) => Err(Unusable::Unknown(name.clone())),
            None => Ok(()),
        };
        let default = || default.iter().copied().map(str::to_owned);
        let edited: Vec<String> = match self {
            Self::Replace(names) => {
                unknown(names)?;
                names.clone()
            }
            Self::Append(names) => {
                unknown(names)?;
                default().chain(names.iter().cloned()).collect()
            }
            Self::Prefer(names) => {
                unknown(names)?;
                names.iter().cloned().chain(default()).collect()
            }
            Self::Remove(patterns) => default()
                .filter(|name| !patterns.iter().any(|pattern| matches(pattern, name)))
                .collect(),
        };
        let edited = without_repeats(edited);
        if edited.is_empty() { Err(Unusable::Empty) } else { Ok(edited) }
    }
}

/// Why a list of algorithms cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unusable {
    /// adit has no algorithm of this name.
    Unknown(String),
    /// No algorithm is left.
    Empty,
}

fn without_repeats(names: Vec<String>) -> Vec<String> {
    let mut kept: Vec<String> = Vec::with_capacity(names.len());
    for name in names {
        if !kept.contains(&name) {
            kept.push(name);
        }
    }
    kept
}

/// Whether `name` matches `pattern`, in which `*` stands for any characters and `?` for one.
fn matches(pattern: &str, name: &str) -> bool {
    let mut pattern = pattern.chars();
    match pattern.next() {
        None => name.is_empty(),
        Some('*') => {
            let rest = pattern.as_str();
            name.char_indices()
                .map(|(at, _)| at)
                .chain([name.len()])
                .any(|at| name.get(at..).is_some_and(|tail| matches(rest, tail)))
        }
        Some(wanted) => {
            let mut name = name.chars();
            name.next().is_some_and(|it| wanted == '?' || it == wanted)
                && matches(pattern.as_str(), name.as_str())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFAULT: [&str; 3] = ["aes128-gcm", "aes256-gcm", "chacha20"];
    const KNOWN: [&str; 4] = ["aes128-gcm", "aes256-gcm", "chacha20", "old"];

    fn apply(value: &str) -> Result<String, Unusable> {
        Edit::parse(value).unwrap().apply(&DEFAULT, &KNOWN).map(|names| names.join(","))
    }

    #[test]
    fn a_list_replaces_adds_prefers_and_removes() {
        assert_eq!(apply("chacha20,old").unwrap(), "chacha20,old");
        assert_eq!(apply("+old,chacha20").unwrap(), "aes128-gcm,aes256-gcm,chacha20,old");
        assert_eq!(apply("^chacha20").unwrap(), "chacha20,aes128-gcm,aes256-gcm");
        assert_eq!(apply("-aes*-gcm").unwrap(), "chacha20");
        assert_eq!(apply("-aes???-gcm,nothing").unwrap(), "chacha20");
    }

    #[test]
    fn what_is_unknown_or_leaves_nothing_is_refused() {
        assert_eq!(apply("rot13"), Err(Unusable::Unknown("rot13".to_owned())));
        assert_eq!(apply("-*"), Err(Unusable::Empty));
        assert!(Edit::parse("a,,b").is_err() && Edit::parse("+").is_err());
    }
}
