//! X11 between two sessions joined in memory: only who shows the cookie that was announced gets to
//! the display, which sees its own cookie and the other side never does.

#![cfg(test)]

use std::io::ErrorKind;
use std::path::PathBuf;
use std::time::Duration;

use adit_channels::channel_open::{Kind, Reason};
use adit_channels::memory::{self, Path};
use adit_channels::session::{Channel, Config, Handle, OpenError, Session};
use adit_forward::channel::{Router, Routes, X11};
use adit_forward::fixed::Fixed;
use adit_forward::relay::{Limits, relay};
use adit_forward::target::Target;
use adit_forward::x11::cookie::Cookie;
use adit_forward::x11::{Connections, Dialer, Displays, Listener, Permit, Served, Shown};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixListener};
use tokio::time::{Instant, timeout};

/// How long anything may take that should come at once.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a set-up may take here.
const OPENING: Duration = Duration::from_secs(7);

const ANNOUNCED: [u8; 16] = [0xAA; 16];
const REAL: [u8; 16] = [0x11; 16];

/// A client with a display, and its server.
struct Rig {
    displays: Displays,
    display: UnixListener,
    place: PathBuf,
    server: Handle,
    _folder: TempDir,
}

impl Rig {
    fn new() -> Self {
        let (here, there) = memory::pair(Path::default());
        let (client, server) =
            (Session::new(here, Config::default()), Session::new(there, Config::default()));
        tokio::spawn(client.driver);
        tokio::spawn(server.driver);
        let routes = Routes::default();
        tokio::spawn(Router::new(client.openings, routes.clone()).run());
        let (listener, displays) = Listener::new(&routes);
        let limits = Limits { opening: OPENING, ..Limits::default() };
        let session = client.handle;
        tokio::spawn(async move {
            let ended = relay(listener, Dialer::default(), limits).await;
            drop(session);
            ended
        });
        let folder = TempDir::new().unwrap();
        let place = folder.path().join("display");
        let display = UnixListener::bind(&place).unwrap();
        Self { displays, display, place, server: server.handle, _folder: folder }
    }

    fn shown(&self) -> Shown {
        Shown {
            announced: Cookie::new(ANNOUNCED),
            real: Cookie::new(REAL),
            target: Target::Unix(self.place.clone()),
            until: None,
            connections: Connections::Any,
        }
    }

    fn show(&self) -> Permit {
        self.displays.show(self.shown())
    }

    /// A program at the server opens a channel.
    async fn open(&self) -> Result<Channel, OpenError> {
        self.server.open(Kind::X11 { originator: "10.0.0.1".to_owned(), originator_port: 7 }).await
    }

    async fn is_refused(&self) {
        let Err(OpenError::Refused(refusal)) = self.open().await else { panic!("it is open") };
        assert_eq!(refusal.reason, Reason::ADMINISTRATIVELY_PROHIBITED);
    }

    /// What the display sees of the next connection until the end, when it has said so much.
    async fn seen(&self, says: &[u8]) -> Vec<u8> {
        let (mut stream, _) = timeout(PATIENCE, self.display.accept()).await.unwrap().unwrap();
        stream.write_all(says).await.unwrap();
        let mut seen = Vec::new();
        stream.read_to_end(&mut seen).await.unwrap();
        seen
    }
}

fn setup(cookie: &[u8]) -> Vec<u8> {
    let len = u8::try_from(cookie.len()).unwrap();
    let mut out = b"l\0\x0b\0\0\0\x12\0".to_vec();
    out.extend([len, 0, 0, 0]);
    out.extend(b"MIT-MAGIC-COOKIE-1\0\0");
    out.extend(cookie);
    out
}

async fn end_of(mut channel: impl AsyncReadExt + Unpin) -> Vec<u8> {
    let mut heard = Vec::new();
    timeout(PATIENCE, channel.read_to_end(&mut heard)).await.unwrap().unwrap();
    heard
}

#[tokio::test]
async fn the_display_sees_its_own_cookie_wherever_the_set_up_is_split() {
    let rig = Rig::new();
    let _permit = rig.show();
    let said = [setup(&ANNOUNCED), b"requests".to_vec()].concat();
    for at in [0, 1, 11, 12, 30, 47, 48, 50] {
        let mut channel = rig.open().await.unwrap();
        let (first, second) = said.split_at(at);
        channel.write_all(first).await.unwrap();
        tokio::task::yield_now().await;
        channel.write_all(second).await.unwrap();
        channel.shutdown().await.unwrap();
        let seen = rig.seen(b"welcome").await;
        assert_eq!(seen, [setup(&REAL), b"requests".to_vec()].concat(), "split at {at}");
        assert_eq!(end_of(channel).await, b"welcome");
    }
}

#[tokio::test]
async fn a_wrong_cookie_is_told_and_gets_to_no_display() {
    let rig = Rig::new();
    let _permit = rig.show();
    let mut others = [[0xAA; 16], REAL];
    others[0][15] ^= 1;
    for said in [setup(&others[0]), setup(&others[1]), setup(&[]), setup(&ANNOUNCED[..12])] {
        let mut channel = rig.open().await.unwrap();
        channel.write_all(&said).await.unwrap();
        let heard = {
            let mut heard = vec![0; 8 + 28];
            timeout(PATIENCE, channel.read_exact(&mut heard)).await.unwrap().unwrap();
            heard
        };
        assert_eq!(&heard[..2], [0, 25], "Failed");
        assert!(heard[8..].starts_with(b"adit: the cookie is wrong"), "{heard:?}");
        channel.shutdown().await.unwrap();
        assert_eq!(end_of(channel).await, b"");
    }
    assert!(timeout(Duration::from_millis(1), rig.display.accept()).await.is_err());
}

#[tokio::test]
async fn what_is_no_x11_is_cut_off() {
    let rig = Rig::new();
    let _permit = rig.show();
    let long = [&b"B\0\0\x0b\0\0\xff\xff\xff\xff\0\0"[..], &[7; 70_000]].concat();
    for said in [&b"SSH-2.0-hostile\r\n"[..], &long, b"l\0\x0b\0\0\0\xff\xff"] {
        let mut channel = rig.open().await.unwrap();
        channel.write_all(&said[..said.len().min(1000)]).await.unwrap();
        let cut = timeout(PATIENCE, channel.read_u8()).await.unwrap().unwrap_err();
        assert_eq!(cut.kind(), ErrorKind::ConnectionReset);
    }
}

#[tokio::test(start_paused = true)]
async fn a_set_up_that_does_not_come_is_not_waited_for_for_good() {
    let rig = Rig::new();
    let _permit = rig.show();
    let begun = Instant::now();
    let mut channel = rig.open().await.unwrap();
    channel.write_all(&setup(&ANNOUNCED)[..40]).await.unwrap();
    let cut = channel.read_u8().await.unwrap_err();
    assert_eq!(cut.kind(), ErrorKind::ConnectionReset);
    assert!(begun.elapsed() >= OPENING && begun.elapsed() < OPENING * 2);
}

#[tokio::test]
async fn a_channel_that_nobody_asked_for_is_refused() {
    let rig = Rig::new();
    rig.is_refused().await;
    let permit = rig.show();
    drop(rig.open().await.unwrap());
    drop(permit);
    rig.is_refused().await;
}

#[tokio::test]
async fn of_a_single_connection_there_is_one() {
    let rig = Rig::new();
    let _permit = rig.displays.show(Shown { connections: Connections::One, ..rig.shown() });
    // One that shows no cookie does not count.
    let mut wrong = rig.open().await.unwrap();
    wrong.write_all(&setup(&REAL)).await.unwrap();
    wrong.shutdown().await.unwrap();
    assert_eq!(end_of(wrong).await.first(), Some(&0));
    let mut channel = rig.open().await.unwrap();
    channel.write_all(&setup(&ANNOUNCED)).await.unwrap();
    channel.shutdown().await.unwrap();
    assert_eq!(rig.seen(b"").await, setup(&REAL));
    rig.is_refused().await;
}

#[tokio::test(start_paused = true)]
async fn after_the_time_nothing_new_is_taken_and_what_is_open_goes_on() {
    let rig = Rig::new();
    let until = Some(Instant::now() + Duration::from_secs(60));
    let _permit = rig.displays.show(Shown { until, ..rig.shown() });
    let mut channel = rig.open().await.unwrap();
    channel.write_all(&setup(&ANNOUNCED)).await.unwrap();
    let (mut display, _) = rig.display.accept().await.unwrap();
    let mut late = rig.open().await.unwrap();
    late.write_all(&setup(&ANNOUNCED)[..20]).await.unwrap();
    // The limit of an opening is shorter, so this is seen as late only where it says all in time.
    tokio::time::advance(Duration::from_secs(61)).await;
    let _ = late.write_all(&setup(&ANNOUNCED)[20..]).await;
    rig.is_refused().await;
    display.write_all(b"still here").await.unwrap();
    let mut heard = [0; 10];
    channel.read_exact(&mut heard).await.unwrap();
    assert_eq!(heard, *b"still here");
}

#[tokio::test]
async fn each_cookie_leads_to_its_own_display() {
    let rig = Rig::new();
    let _one = rig.show();
    let place = rig.place.with_extension("other");
    let other = UnixListener::bind(&place).unwrap();
    let _two = rig.displays.show(Shown {
        announced: Cookie::new([0xBB; 16]),
        real: Cookie::new([0x22; 16]),
        target: Target::Unix(place),
        ..rig.shown()
    });
    let mut channel = rig.open().await.unwrap();
    channel.write_all(&setup(&[0xBB; 16])).await.unwrap();
    let (mut display, _) = timeout(PATIENCE, other.accept()).await.unwrap().unwrap();
    let mut seen = vec![0; 48];
    display.read_exact(&mut seen).await.unwrap();
    assert_eq!(seen, setup(&[0x22; 16]));
}

#[tokio::test]
async fn a_display_that_is_not_there_is_told_in_the_words_of_x11() {
    let rig = Rig::new();
    let target = Target::Unix("/nonexistent/display".into());
    let _permit = rig.displays.show(Shown { target, ..rig.shown() });
    let mut channel = rig.open().await.unwrap();
    channel.write_all(&setup(&ANNOUNCED)).await.unwrap();
    channel.shutdown().await.unwrap();
    let heard = end_of(channel).await;
    assert_eq!(heard[0], 0);
    assert!(String::from_utf8_lossy(&heard).contains("cannot reach the display"));
}

#[tokio::test]
async fn a_program_at_the_server_gets_through_from_end_to_end() {
    let rig = Rig::new();
    let _permit = rig.show();
    let served = Served::bind(42_000, Connections::Any).await.unwrap();
    let port = served.number() + 6000;
    let target = Target::Tcp { host: "localhost".to_owned(), port };
    let dialer = X11::new(rig.server.clone());
    tokio::spawn(relay(Fixed::new(served, target), dialer, Limits::default()));
    for host in ["127.0.0.1", "::1"] {
        let mut program = TcpStream::connect((host, port)).await.unwrap();
        program.write_all(&setup(&ANNOUNCED)).await.unwrap();
        program.shutdown().await.unwrap();
        assert_eq!(rig.seen(b"welcome").await, setup(&REAL));
        assert_eq!(end_of(program).await, b"welcome");
    }
}
