//! A display of the client's, as programs at the gateway find it.

use std::path::Path;
use std::time::Duration;

use adit_tests::message::channel_open::{Kind as Open, Reason};
use adit_tests::message::channel_request::{Kind, X11};
use adit_tests::message::connection::ConnectionMessage;
use bytes::Bytes;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::guest::{Guest, ann, bounded};
use crate::sessions::house;
use crate::sessions::raw::{ask, open};

const COOKIE: &str = "00112233445566778899aabbccddeeff";

fn x11(cookie: &str, single_connection: bool) -> Kind {
    Kind::X11Req(X11 {
        single_connection,
        protocol: "MIT-MAGIC-COOKIE-1".to_owned(),
        cookie: cookie.to_owned(),
        screen: 1,
    })
}

/// The first line that a program writes.
async fn line(guest: &mut Guest) -> String {
    let mut text = Vec::new();
    while !text.ends_with(b"\n") {
        if let ConnectionMessage::ChannelData(it) = guest.hear().await.unwrap() {
            text.extend_from_slice(&it.data);
        }
    }
    String::from_utf8(text).unwrap().trim().to_owned()
}

#[tokio::test]
async fn programs_find_a_display_and_its_cookie_and_both_go_with_the_session() {
    bounded(async {
        let house = house();
        let gateway = house.serve();
        let mut guest = ann(&house, &gateway).await;
        let session = open(&mut guest, 0).await;
        assert!(!ask(&mut guest, session, x11("no cookie", false)).await);
        assert!(ask(&mut guest, session, x11(COOKIE, false)).await);
        assert!(!ask(&mut guest, session, x11(COOKIE, false)).await, "there is one");
        let words = "echo $DISPLAY $XAUTHORITY $(od -An -tx1 $XAUTHORITY | tr -d ' \\n'); cat";
        let command = Bytes::from_static(words.as_bytes());
        assert!(ask(&mut guest, session, Kind::Exec { command }).await);
        let said = line(&mut guest).await;
        let [display, authority, entry] = said.split(' ').collect::<Vec<_>>()[..] else {
            panic!("{said}");
        };
        assert!(entry.ends_with(COOKIE), "{entry}");
        let number = display.strip_prefix("localhost:").and_then(|it| it.strip_suffix(".1"));
        let port = 6000 + number.unwrap().parse::<u16>().unwrap();
        assert!(port >= 6010, "{display}");
        let _program = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let (_, kind) = guest.grant(7).await;
        assert!(matches!(kind, Open::X11 { .. }), "{kind:?}");
        // Others than the session's owner find nothing there.
        assert!(Path::new(authority).exists());
        drop(guest);
        let gone = async {
            while Path::new(authority).exists()
                || TcpStream::connect(("127.0.0.1", port)).await.is_ok()
            {
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(Duration::from_secs(30), gone).await.expect("it goes with the session");
    })
    .await;
}

#[tokio::test]
async fn a_display_for_one_connection_takes_one() {
    bounded(async {
        let house = house();
        let gateway = house.serve();
        let mut guest = ann(&house, &gateway).await;
        let session = open(&mut guest, 0).await;
        assert!(ask(&mut guest, session, x11(COOKIE, true)).await);
        let command = Bytes::from_static(b"echo ${DISPLAY#localhost:}; cat");
        assert!(ask(&mut guest, session, Kind::Exec { command }).await);
        let number = line(&mut guest).await;
        let port = 6000 + number.split('.').next().unwrap().parse::<u16>().unwrap();
        let _program = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        guest.grant(7).await;
        assert!(TcpStream::connect(("127.0.0.1", port)).await.is_err());
    })
    .await;
}

#[tokio::test]
async fn a_client_opens_no_displays_and_agents_at_the_gateway() {
    bounded(async {
        let house = house();
        let gateway = house.serve();
        let mut guest = ann(&house, &gateway).await;
        let x11 = Open::X11 { originator: "127.0.0.1".to_owned(), originator_port: 1 };
        for kind in [x11, Open::AuthAgent] {
            let refused = guest.open(3, kind).await.unwrap_err();
            assert_eq!(refused.reason, Reason::ADMINISTRATIVELY_PROHIBITED);
        }
    })
    .await;
}
