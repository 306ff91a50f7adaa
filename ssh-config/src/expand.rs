//! What is put in for `%` and a letter, `${NAME}` and `~`.

use std::path::Path;

use crate::fault::Expansion;
use crate::world::World;

/// What letters after `%` stand for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Tokens(Vec<(char, String)>);

impl Tokens {
    /// Those of a list.
    pub(crate) fn new(tokens: impl IntoIterator<Item = (char, String)>) -> Self {
        Self(tokens.into_iter().collect())
    }

    /// Adds one.
    pub(crate) fn with(mut self, letter: char, text: impl Into<String>) -> Self {
        self.0.push((letter, text.into()));
        self
    }

    /// Only those of these letters.
    pub(crate) fn only(&self, letters: &str) -> Self {
        Self(self.0.iter().filter(|(letter, _)| letters.contains(*letter)).cloned().collect())
    }

    fn get(&self, letter: char) -> Option<&str> {
        self.0.iter().find(|(it, _)| *it == letter).map(|(_, text)| text.as_str())
    }
}

/// Puts in tokens.
///
/// # Errors
/// Where a token means nothing.
pub(crate) fn tokens(text: &str, tokens: &Tokens) -> Result<String, Expansion> {
    expand(text, Some(tokens), None)
}

/// Puts in variables of the environment.
///
/// # Errors
/// Where a variable is not set.
pub(crate) fn variables(text: &str, world: &dyn World) -> Result<String, Expansion> {
    expand(text, None, Some(world))
}

/// Puts in tokens and variables; in what is put in nothing is looked for again.
///
/// # Errors
/// Where a token means nothing or a variable is not set.
pub(crate) fn both(text: &str, tokens: &Tokens, world: &dyn World) -> Result<String, Expansion> {
    expand(text, Some(tokens), Some(world))
}

fn expand(
    text: &str,
    tokens: Option<&Tokens>,
    world: Option<&dyn World>,
) -> Result<String, Expansion> {
    let mut out = String::new();
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        match (character, tokens, world) {
            ('$', _, Some(world)) if rest.as_str().starts_with('{') => {
                let inner = rest.as_str().get(1..).unwrap_or_default();
                let variable = || Expansion::Variable(text.to_owned());
                let (name, left) = inner.split_once('}').ok_or_else(variable)?;
                if !is_name(name) {
                    return Err(variable());
                }
                let unset = || Expansion::Unset(name.to_owned());
                out.push_str(&world.variable(name).ok_or_else(unset)?);
                rest = left.chars();
            }
            ('%', Some(tokens), _) => match rest.next() {
                None => return Err(Expansion::NoToken),
                Some('%') => out.push('%'),
                Some(letter) => out.push_str(tokens.get(letter).ok_or(Expansion::Token(letter))?),
            },
            _ => out.push(character),
        }
    }
    Ok(out)
}

/// Whether a text is the name of a variable.
pub(crate) fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|it| it.is_ascii_alphanumeric() || it == '_')
}

/// Puts in the home folder for `~/`, and that of another user for `~user/`.
///
/// # Errors
/// Where there is no such user.
pub(crate) fn home(text: &str, world: &dyn World) -> Result<String, Expansion> {
    let Some(rest) = text.strip_prefix('~') else { return Ok(text.to_owned()) };
    let (name, path) = rest.split_once('/').map_or((rest, None), |(name, it)| (name, Some(it)));
    let home = match name {
        "" => world.user().home.clone(),
        _ => world.home_of(name).ok_or_else(|| Expansion::User(name.to_owned()))?,
    };
    Ok(path.map_or_else(|| shown(&home), |path| joined(&home, path)))
}

fn joined(home: &Path, path: &str) -> String {
    let home = shown(home);
    let home = home.strip_suffix('/').unwrap_or(&home);
    format!("{home}/{path}")
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
