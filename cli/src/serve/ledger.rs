//! The flow log, written behind the back of what it tells of.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::mem;
use std::os::unix::fs::OpenOptionsExt;
use std::pin::pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use adit_gateway::flow::{Place, Record};
use tokio::sync::Notify;

/// So many bytes may wait to be written before nothing new is begun that would add to them.
const FULL: usize = 1024 * 1024;

/// Takes lines at once, and writes them by a thread of its own.
///
/// What runs always gets its line in, so that none is lost. What is new waits for room first
/// ([`room`](Self::room)): all that waits to be written is bounded by that and by what runs.
#[derive(Debug, Clone)]
pub(crate) struct Ledger {
    desk: Arc<Desk>,
}

/// The thread that writes. It has to be [finished](Self::finish).
#[derive(Debug)]
pub(crate) struct Scribe {
    desk: Arc<Desk>,
    thread: JoinHandle<()>,
}

/// Where lines are written to.
#[derive(Debug)]
pub(crate) enum Book {
    /// Nowhere.
    Nowhere,
    /// A file.
    File(File),
    /// Standard error.
    StandardError,
}

#[derive(Debug)]
struct Desk {
    pile: Mutex<Pile>,
    /// There is work for the thread.
    work: Condvar,
    /// Something was written.
    room: Notify,
}

/// What lies on the desk.
#[derive(Debug, Default)]
struct Pile {
    lines: Vec<u8>,
    /// Where to write from now on.
    book: Option<Book>,
    wanted: bool,
    finished: bool,
}

impl Book {
    /// Opens it, to write at its end; a file that is made is for its owner only. It blocks on the
    /// file system.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn open(place: Option<&Place>) -> io::Result<Self> {
        match place {
            None => Ok(Self::Nowhere),
            Some(Place::StandardError) => Ok(Self::StandardError),
            Some(Place::File(path)) => {
                let mut options = OpenOptions::new();
                options.append(true).create(true).mode(0o600).open(path).map(Self::File)
            }
        }
    }

    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        match self {
            Self::Nowhere => Ok(()),
            Self::File(file) => file.write_all(lines),
            Self::StandardError => io::stderr().lock().write_all(lines),
        }
    }
}

impl Ledger {
    /// A ledger that nobody keeps.
    pub(crate) fn none() -> Self {
        let desk = Desk { pile: Mutex::default(), work: Condvar::new(), room: Notify::new() };
        Self { desk: Arc::new(desk) }
    }

    /// A ledger that writes into `book`.
    ///
    /// # Errors
    /// Where the system gives no thread.
    pub(crate) fn begin(book: Book) -> io::Result<(Self, Scribe)> {
        let ledger = Self::none();
        ledger.turn_to(book);
        let desk = Arc::clone(&ledger.desk);
        let work = Arc::clone(&ledger.desk);
        let builder = std::thread::Builder::new().name("flow log".to_owned());
        let thread = builder.spawn(move || work.write())?;
        Ok((ledger, Scribe { desk, thread }))
    }

    /// Writes into another book from now on. What waits goes there too.
    pub(crate) fn turn_to(&self, book: Book) {
        let mut pile = self.desk.lock();
        pile.wanted = !matches!(book, Book::Nowhere);
        pile.book = Some(book);
        self.desk.work.notify_one();
    }

    /// Takes a line. It does not wait.
    pub(crate) fn enter(&self, record: &Record) {
        if !self.desk.lock().wanted {
            return;
        }
        let line = record.line();
        self.desk.lock().lines.extend_from_slice(line.as_bytes());
        self.desk.work.notify_one();
    }

    /// Waits until there is room for more.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub(crate) async fn room(&self) {
        loop {
            let mut written = pin!(self.desk.room.notified());
            // From here on nothing that is written goes unnoticed.
            written.as_mut().enable();
            if self.desk.lock().lines.len() < FULL {
                return;
            }
            written.await;
        }
    }
}

impl Scribe {
    /// Has all lines written that were taken, and ends the thread. It blocks until then.
    pub(crate) fn finish(self) {
        self.desk.lock().finished = true;
        self.desk.work.notify_one();
        if self.thread.join().is_err() {
            tracing::error!("the flow log died of a defect");
        }
    }
}

impl Desk {
    fn lock(&self) -> MutexGuard<'_, Pile> {
        // A pile is whole whoever died beside it.
        self.pile.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what comes until all is finished.
    fn write(&self) {
        let mut book = Book::Nowhere;
        let mut failing = false;
        loop {
            let mut pile = self.lock();
            while pile.lines.is_empty() && pile.book.is_none() {
                if pile.finished {
                    return;
                }
                pile = self.work.wait(pile).unwrap_or_else(PoisonError::into_inner);
            }
            book = pile.book.take().unwrap_or(book);
            let lines = mem::take(&mut pile.lines);
            drop(pile);
            let written = book.write(&lines);
            self.room.notify_waiters();
            match &written {
                // A disk that is full must not keep anybody from working.
                Err(error) if !failing => tracing::error!(%error, "lines of the flow log are lost"),
                Ok(()) if failing => tracing::warn!("the flow log is written again"),
                _ => {}
            }
            failing = written.is_err();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Read;
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::net::UnixStream;
    use std::time::{Duration, UNIX_EPOCH};

    use adit_forward::target::Target;
    use adit_gateway::ask::Direction;
    use adit_gateway::login::Login;
    use adit_gateway::user::{Privilege, User};
    use adit_gateway::verdict::{Reason, Verdict};
    use tokio::time::timeout;

    use super::*;

    fn record(connection: u64) -> Record {
        let user = User {
            name: "ann".into(),
            groups: Vec::new(),
            keys: Vec::new(),
            authorities: Vec::new(),
            principals: Vec::new(),
            privilege: Privilege::Ordinary,
            account: None,
        };
        let login = Login::supposed(Arc::new(user), [127, 0, 0, 1].into());
        let source = "127.0.0.1:1".parse().unwrap();
        let target = Target::Tcp { host: "db".to_owned(), port: 1 };
        let verdict = Verdict::Deny(Reason::NoRule);
        Record::new(connection, &login, source, Direction::Open, &target, &verdict, UNIX_EPOCH)
    }

    fn open(path: &std::path::Path) -> Book {
        Book::open(Some(&Place::File(path.to_owned()))).unwrap()
    }

    #[test]
    fn every_line_is_there_in_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("flow.jsonl");
        fs::write(&path, "before\n").unwrap();
        let (ledger, scribe) = Ledger::begin(open(&path)).unwrap();
        let writers: Vec<_> = (0..4)
            .map(|_| {
                let ledger = ledger.clone();
                std::thread::spawn(move || (0..1000).for_each(|at| ledger.enter(&record(at))))
            })
            .collect();
        writers.into_iter().for_each(|it| it.join().unwrap());
        scribe.finish();
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 4001);
        assert!(text.starts_with("before\n"));
        assert_eq!(text.matches("\"reason\":\"no-rule\"").count(), 4000);
    }

    #[test]
    fn another_book_is_begun_and_is_for_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (folder.path().join("one"), folder.path().join("two"));
        let (ledger, scribe) = Ledger::begin(open(&one)).unwrap();
        ledger.enter(&record(1));
        while fs::metadata(&one).unwrap().len() == 0 {
            std::thread::yield_now();
        }
        ledger.turn_to(open(&two));
        ledger.enter(&record(2));
        scribe.finish();
        assert_eq!(fs::read_to_string(&one).unwrap(), record(1).line());
        assert_eq!(fs::read_to_string(&two).unwrap(), record(2).line());
        assert_eq!(fs::metadata(&two).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[tokio::test]
    async fn what_is_new_waits_while_nothing_is_written() {
        let (mut reader, writer) = UnixStream::pair().unwrap();
        // What is not read is not written either, sooner or later.
        let file = File::from(std::os::fd::OwnedFd::from(writer));
        let (ledger, scribe) = Ledger::begin(Book::File(file)).unwrap();
        let mut lines = 0;
        while timeout(Duration::from_millis(200), ledger.room()).await.is_ok() {
            for _ in 0..1000 {
                ledger.enter(&record(lines));
                lines += 1;
            }
        }
        let read = std::thread::spawn(move || {
            let mut text = String::new();
            reader.read_to_string(&mut text).unwrap();
            text
        });
        ledger.room().await;
        drop(ledger);
        scribe.finish();
        assert_eq!(read.join().unwrap().lines().count(), usize::try_from(lines).unwrap());
    }

    #[test]
    fn a_book_that_cannot_be_opened_is_told() {
        let place = Place::File("/nonexistent/flow.jsonl".into());
        assert!(Book::open(Some(&place)).is_err());
        assert!(matches!(Book::open(None), Ok(Book::Nowhere)));
    }
}
