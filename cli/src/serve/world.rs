//! What a gateway finds outside of itself: names, paths, targets, the time.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use adit_forward::refusal::Refusal;
use adit_forward::socket::Stream;
use adit_forward::{stream, tcp, unix};
use adit_gateway::answers::Answer;
use adit_gateway::host::Name;
use adit_gateway::socket_path::SocketPath;
use adit_gateway::subject::Pinned;
use tokio::net::lookup_host;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// Most questions that the system is asked at once, about names and paths.
const QUESTIONS: usize = 64;

/// How long the system may take to answer one.
const ANSWER: Duration = Duration::from_secs(10);

/// How long a target may take to answer.
const CONNECTION: Duration = Duration::from_secs(30);

/// Most links to things that there are not that are followed one after the other.
const LINKS: u8 = 8;

/// What a gateway finds outside of itself.
pub(crate) trait World: Send + Sync + 'static {
    /// A connection to a target.
    type Stream: stream::Stream;

    /// What time it is.
    fn now(&self) -> SystemTime;

    /// What a name means. It is asked once for each question that a user puts.
    fn look_up(&self, name: Name) -> impl Future<Output = Answer> + Send;

    /// Where a path leads when all links are followed, whether or not something is there; `None`
    /// where that cannot be found out.
    fn follow(&self, path: SocketPath) -> impl Future<Output = Option<SocketPath>> + Send;

    /// Connects to one of these, and to nothing else, and says to which.
    ///
    /// # Errors
    /// The cause, where none can be reached.
    fn connect(
        &self,
        ways: Vec<Pinned>,
    ) -> impl Future<Output = Result<(Self::Stream, Pinned), Refusal>> + Send;
}

/// This machine.
#[derive(Debug)]
pub(crate) struct Machine {
    questions: Arc<Semaphore>,
}

impl Default for Machine {
    fn default() -> Self {
        Self { questions: Arc::new(Semaphore::new(QUESTIONS)) }
    }
}

impl Machine {
    /// The answer to a question, where it comes in time.
    async fn ask<T, F>(&self, question: F) -> Option<T>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let questions = Arc::clone(&self.questions);
        let asked = async move {
            let place = questions.acquire_owned().await.ok()?;
            // A question that is given up keeps its place until the system is done with it.
            let answer = tokio::spawn(async move {
                let answer = question.await;
                drop(place);
                answer
            });
            answer.await.ok()
        };
        timeout(ANSWER, asked).await.ok().flatten()
    }
}

impl World for Machine {
    type Stream = Stream;

    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    async fn look_up(&self, name: Name) -> Answer {
        let asked = name.clone();
        let found = self.ask(async move {
            let found = lookup_host((asked.as_str(), 0)).await?;
            io::Result::Ok(found.map(|address| address.ip()).collect())
        });
        match found.await {
            Some(Ok(addresses)) => Answer::Addresses(addresses),
            // The system does not say whether there is no such name, or nobody knows.
            Some(Err(error)) => {
                tracing::debug!(%name, %error, "cannot resolve");
                Answer::Unknown
            }
            None => {
                tracing::warn!(%name, "not resolved in time");
                Answer::Unknown
            }
        }
    }

    async fn follow(&self, path: SocketPath) -> Option<SocketPath> {
        let found = self.ask(async move {
            let real = spawn_blocking(move || follow(path.as_path(), LINKS)).await.ok()?.ok()?;
            SocketPath::new(&real).ok()
        });
        found.await.flatten()
    }

    async fn connect(&self, ways: Vec<Pinned>) -> Result<(Stream, Pinned), Refusal> {
        let mut addresses = Vec::new();
        for way in ways {
            match way {
                Pinned::Tcp(address) => addresses.push(address),
                Pinned::Socket(path) => {
                    let connected = within(unix::connect(path.as_path())).await?;
                    return Ok((Stream::Unix(connected), Pinned::Socket(path)));
                }
            }
        }
        let connected = within(tcp::connect(addresses)).await?;
        let to = connected.peer_addr().map_err(Refusal::from)?;
        Ok((Stream::Tcp(connected), Pinned::Tcp(SocketAddr::new(to.ip(), to.port()))))
    }
}

async fn within<T>(connecting: impl Future<Output = Result<T, Refusal>>) -> Result<T, Refusal> {
    timeout(CONNECTION, connecting).await.unwrap_or(Err(Refusal::TimedOut))
}

/// Where a path leads, whether or not something is there.
fn follow(path: &Path, links: u8) -> io::Result<PathBuf> {
    match fs::canonicalize(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        found => return found,
    }
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::ErrorKind::NotFound.into());
    };
    match (fs::read_link(path), links.checked_sub(1)) {
        // A link to nothing leads there, and something may come to be there.
        (Ok(to), Some(links)) => follow(&folder.join(to), links),
        (Ok(_), None) => Err(io::Error::other("too many links")),
        (Err(_), _) => follow(folder, links).map(|folder| folder.join(name)),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use adit_gateway::host::Host;

    use super::*;

    #[test]
    fn a_path_leads_where_its_links_do_whether_or_not_something_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().canonicalize().unwrap();
        fs::create_dir(at.join("real")).unwrap();
        fs::write(at.join("real/there"), "").unwrap();
        symlink("real", at.join("folder")).unwrap();
        symlink("real/there", at.join("link")).unwrap();
        symlink("real/nothing", at.join("dangling")).unwrap();
        symlink("loop", at.join("loop")).unwrap();
        for (path, leads) in [
            ("link", "real/there"),
            ("folder/there", "real/there"),
            ("folder/new", "real/new"),
            ("folder/new/er", "real/new/er"),
            ("dangling", "real/nothing"),
        ] {
            assert_eq!(follow(&at.join(path), LINKS).unwrap(), at.join(leads), "{path}");
        }
        assert!(follow(&at.join("loop"), LINKS).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn questions_that_nobody_answers_take_places_and_no_more_than_their_time() {
        let machine = Machine::default();
        for _ in 0..QUESTIONS + 1 {
            assert_eq!(machine.ask(std::future::pending::<()>()).await, None);
        }
        assert_eq!(machine.questions.available_permits(), 0);
    }

    #[tokio::test]
    async fn this_machine_knows_itself() {
        let machine = Machine::default();
        let Ok(Host::Name(name)) = "localhost".parse() else { panic!() };
        let Answer::Addresses(found) = machine.look_up(name).await else { panic!() };
        assert!(found.iter().all(|it| it.is_loopback()), "{found:?}");
    }
}
