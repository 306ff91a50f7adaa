//! Users who are let in, and then ask too much of their sessions, or in the wrong order.

use adit_tests::message::channel_close::ChannelClose;
use adit_tests::message::channel_open::{Kind as Open, Reason};
use adit_tests::message::channel_request::{Kind, Pty, Size};
use adit_tests::message::connection::ConnectionMessage;
use adit_tests::raw;
use bytes::Bytes;

use crate::guest::{ann, bounded};
use crate::sessions::house;
use crate::sessions::raw::{answer, ask, exit, open, say};

const SIZE: Size = Size { columns: 80, rows: 24, width: 0, height: 0 };

fn exec(line: &'static str) -> Kind {
    Kind::Exec { command: Bytes::from_static(line.as_bytes()) }
}

fn pty() -> Kind {
    Kind::PtyReq(Pty { term: "vt100".to_owned(), size: SIZE, modes: Bytes::from_static(&[0]) })
}

#[tokio::test]
async fn what_comes_in_the_wrong_order_is_refused_and_the_session_goes_on() {
    bounded(async {
        let house = house();
        let gateway = house.serve();
        let mut guest = ann(&house, &gateway).await;
        let session = open(&mut guest, 0).await;
        let signal = || Kind::Signal { name: "KILL".to_owned() };
        for early in [Kind::WindowChange(SIZE), signal(), Kind::Break { length: 0 }] {
            assert!(!ask(&mut guest, session, early).await);
        }
        assert!(ask(&mut guest, session, pty()).await);
        assert!(!ask(&mut guest, session, pty()).await, "there is one");
        assert!(ask(&mut guest, session, exec("cat")).await);
        let env = Kind::Env { name: "LANG".into(), value: "C".into() };
        for late in [pty(), exec("id"), Kind::Shell, env, Kind::AuthAgentReq] {
            assert!(!ask(&mut guest, session, late).await);
        }
        assert!(ask(&mut guest, session, Kind::WindowChange(SIZE)).await);
        assert!(ask(&mut guest, session, Kind::Break { length: 500 }).await);
        assert!(!ask(&mut guest, session, Kind::Signal { name: "SIGKILL".to_owned() }).await);
        say(&mut guest, session, signal());
        match exit(&mut guest, session.ours).await {
            Kind::ExitSignal(it) => assert_eq!((it.name.as_str(), it.core_dumped), ("KILL", false)),
            other => panic!("{other:?}"),
        }
    })
    .await;
}

#[tokio::test]
async fn a_flood_of_sessions_gets_as_many_as_there_may_be() {
    bounded(async {
        const FLOOD: u32 = 2_000;
        let house = house();
        let mut gateway = house.serve();
        gateway.drain();
        let mut guest = ann(&house, &gateway).await;
        for number in 0..FLOOD {
            guest.say(raw::open(number, Open::Session));
        }
        let (mut granted, mut refused) = (Vec::new(), 0);
        while u32::try_from(granted.len()).unwrap() + refused < FLOOD {
            match guest.hear().await.unwrap() {
                ConnectionMessage::ChannelOpenConfirmation(it) => granted.push(it.sender),
                ConnectionMessage::ChannelOpenFailure(it) => {
                    assert_eq!(it.reason, Reason::RESOURCE_SHORTAGE, "{it:?}");
                    refused += 1;
                }
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(granted.len(), 10);
        // The places come back with the channels.
        let mut open = granted.len();
        for recipient in granted {
            guest.say(ChannelClose { recipient });
        }
        while open > 0 {
            match guest.hear().await.unwrap() {
                ConnectionMessage::ChannelClose(_) => open -= 1,
                other => panic!("{other:?}"),
            }
        }
        let session = self::open(&mut guest, FLOOD).await;
        assert!(ask(&mut guest, session, exec("true")).await);
    })
    .await;
}

#[tokio::test]
async fn variables_are_bounded_in_number_and_in_size() {
    bounded(async {
        let house = house();
        let gateway = house.serve();
        let mut guest = ann(&house, &gateway).await;
        let session = open(&mut guest, 0).await;
        let mut taken = 0;
        for number in 0..200 {
            let name = Bytes::from(format!("LC_{number}"));
            taken +=
                usize::from(ask(&mut guest, session, Kind::Env { name, value: "x".into() }).await);
        }
        assert_eq!(taken, 128);
        let session = open(&mut guest, 1).await;
        let huge = Kind::Env { name: "LC_ALL".into(), value: Bytes::from(vec![b'x'; 100_000]) };
        assert!(!ask(&mut guest, session, huge).await);
        let bad = Kind::Env { name: "LC_A=B".into(), value: "\0".into() };
        ask(&mut guest, session, bad).await;
        assert!(ask(&mut guest, session, exec("exit 3")).await, "and it goes on");
        assert_eq!(exit(&mut guest, session.ours).await, Kind::ExitStatus { status: 3 });
    })
    .await;
}

#[tokio::test]
async fn a_flood_of_sizes_holds_nobody_up() {
    bounded(async {
        const FLOOD: usize = 20_000;
        let house = house();
        let gateway = house.serve();
        let mut guest = ann(&house, &gateway).await;
        let session = open(&mut guest, 0).await;
        assert!(ask(&mut guest, session, pty()).await);
        assert!(ask(&mut guest, session, exec("stty size; read line; stty size")).await);
        for batch in 0..FLOOD / 100 {
            for _ in 0..100 {
                let columns = u32::try_from(batch).unwrap();
                say(&mut guest, session, Kind::WindowChange(Size { columns, ..SIZE }));
            }
            for _ in 0..100 {
                assert!(answer(&mut guest, session.ours).await);
            }
        }
        assert!(ask(&mut guest, session, Kind::Signal { name: "TERM".to_owned() }).await);
    })
    .await;
}
