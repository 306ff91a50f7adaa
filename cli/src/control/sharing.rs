//! Whether a connection is shared.

use std::path::{Path, PathBuf};
use std::time::Duration;

use adit_ssh_config::config::Config;
use adit_ssh_config::keyword::Keyword;
use adit_ssh_config::value::{Persist, Value};

use crate::control::client::{Client, Found, Why};
use crate::control::consent::Consent;
use crate::control::master::Master;
use crate::control::socket;
use crate::failure::{Exit, Failure};

/// Whether a connection is shared: `ControlMaster`, `ControlPath` and `ControlPersist`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sharing {
    /// Where the socket is.
    pub(crate) path: PathBuf,
    mastering: Mastering,
    persist: Persist,
}

/// `ControlMaster`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mastering {
    No,
    Yes,
    Ask,
    Auto,
    AutoAsk,
}

/// How long a master outlives its last client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lasting {
    /// As long as it does not end for another reason.
    Forever,
    /// For so long.
    For(Duration),
}

impl Sharing {
    /// What is set for a host; nothing where it has no `ControlPath`.
    ///
    /// # Errors
    /// Where the path is too long.
    pub(crate) fn of(config: &Config) -> Result<Option<Self>, Failure> {
        let Some(path) = config.text(Keyword::ControlPath).filter(|it| !it.is_empty()) else {
            return Ok(None);
        };
        let mastering = match config.choice(Keyword::ControlMaster) {
            Some("true" | "yes") => Mastering::Yes,
            Some("ask") => Mastering::Ask,
            Some("auto") => Mastering::Auto,
            Some("autoask") => Mastering::AutoAsk,
            _ => Mastering::No,
        };
        let persist = match config.value(Keyword::ControlPersist) {
            Some(Value::Persist(persist)) => *persist,
            _ => Persist::No,
        };
        Ok(Some(Self { path: socket::checked(Path::new(path))?, mastering, persist }))
    }

    /// Whether this connection is to be shared with others.
    pub(crate) fn begins(&self) -> bool {
        self.mastering != Mastering::No
    }

    /// Whether the user is asked before others may use it.
    pub(crate) fn consent(&self) -> Consent {
        match self.mastering {
            Mastering::Ask | Mastering::AutoAsk => Consent::Asked,
            Mastering::No | Mastering::Yes | Mastering::Auto => Consent::Given,
        }
    }

    /// How long the master outlives its clients, where it goes to the background for that.
    pub(crate) fn lasting(&self) -> Option<Lasting> {
        match self.persist {
            _ if !self.begins() => None,
            Persist::No => None,
            Persist::Yes | Persist::Seconds(0) => Some(Lasting::Forever),
            Persist::Seconds(seconds) => Some(Lasting::For(Duration::from_secs(seconds.into()))),
        }
    }

    /// The master that there is already, where one is looked for; what is in its way is told.
    pub(crate) async fn find(&self) -> Option<Client> {
        if matches!(self.mastering, Mastering::Yes | Mastering::Ask) {
            return None;
        }
        self.reach().await
    }

    /// The master that there is; what is in its way is told.
    pub(crate) async fn reach(&self) -> Option<Client> {
        match Client::find(&self.path).await {
            Found::Master(client) => Some(client),
            Found::Nobody(Why::Missing) => None,
            Found::Nobody(Why::Dead) => {
                tracing::debug!(path = %self.path.display(), "a master has left its socket");
                None
            }
            Found::Other(failure) => {
                failure.at("the connection is not shared").warn();
                None
            }
        }
    }

    /// A master of a connection, at the path; nothing where the connection is not to be shared, or
    /// something else is there, which is told.
    ///
    /// # Errors
    /// Where there cannot be a socket.
    pub(crate) fn begin(&self) -> Result<Option<Master>, Failure> {
        if !self.begins() {
            return Ok(None);
        }
        let master = Master::at(&self.path)?;
        let path = self.path.display();
        match &master {
            Some(_) => tracing::info!("the connection is shared at {path}"),
            None => {
                Failure::new(
                    Exit::Other,
                    format!("ControlPath {path}: something is there already"),
                )
                .at("the connection is not shared")
                .warn();
            }
        }
        Ok(master)
    }
}

#[cfg(test)]
mod tests {
    use adit_ssh_config::destination::Destination;

    use super::*;
    use crate::settings::sources::tests::words;

    fn sharing(options: &[&str]) -> Option<Sharing> {
        let host = Destination::parse("host").unwrap();
        Sharing::of(&words(options).destination(host).unwrap().0).unwrap()
    }

    #[test]
    fn without_a_path_nothing_is_shared() {
        assert_eq!(sharing(&["ControlMaster=auto"]), None);
        assert_eq!(sharing(&["ControlMaster=auto", "ControlPath=none"]), None);
        let only = sharing(&["ControlPath=/tmp/%h"]).unwrap();
        assert_eq!(only.path, Path::new("/tmp/host"));
        assert!(!only.begins() && only.lasting().is_none());
    }

    #[test]
    fn the_words_say_who_begins_and_who_is_asked() {
        for (word, begins, consent) in [
            ("no", false, Consent::Given),
            ("yes", true, Consent::Given),
            ("ask", true, Consent::Asked),
            ("auto", true, Consent::Given),
            ("autoask", true, Consent::Asked),
        ] {
            let it = sharing(&["ControlPath=/s", &format!("ControlMaster={word}")]).unwrap();
            assert_eq!((it.begins(), it.consent()), (begins, consent), "{word}");
        }
    }

    #[test]
    fn a_master_outlives_its_clients_where_that_is_said() {
        for (words, lasting) in [
            ("no", None),
            ("yes", Some(Lasting::Forever)),
            ("0", Some(Lasting::Forever)),
            ("2m", Some(Lasting::For(Duration::from_secs(120)))),
        ] {
            let persist = format!("ControlPersist={words}");
            let it = sharing(&["ControlPath=/s", "ControlMaster=auto", &persist]).unwrap();
            assert_eq!(it.lasting(), lasting, "{words}");
        }
        assert_eq!(sharing(&["ControlPath=/s", "ControlPersist=yes"]).unwrap().lasting(), None);
    }
}
