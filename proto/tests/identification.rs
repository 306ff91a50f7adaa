//! What comes before the first packet.

use adit_proto::Event;
use adit_proto::error::{self, Error};
use adit_proto::message::disconnect::Reason;
use proptest::prelude::*;

use crate::pair::peer::Peer;
use crate::pair::setup::Setup;
use crate::pair::side::Who;
use crate::pair::stage::Stage;

/// A connection whose peer says this, in chunks of so many bytes.
fn hearing(who: Who, said: &[u8], chunk: usize) -> Stage {
    let mut stage = Stage::new(who, Setup::new(), Peer::new(who.other()));
    for chunk in said.chunks(chunk) {
        stage.peer.say_raw(chunk);
        stage.turn();
    }
    stage
}

/// Goes on with the exchange of a peer that has called itself so.
fn finish(mut stage: Stage, identification: &[u8]) {
    stage.peer.hear_identification();
    stage.peer.hear_offer();
    match stage.peer.who {
        Who::Client => stage.peer.said.v_c = identification.to_vec(),
        Who::Server => stage.peer.said.v_s = identification.to_vec(),
    }
    stage.offer();
    stage.share();
    stage.newkeys();
}

fn refusal(who: Who, said: &[u8], chunk: usize) -> error::Identification {
    match hearing(who, said, chunk).error() {
        Some(Error::Identification(why)) => why.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_line_may_have_any_bytes_behind_the_version_and_is_hashed_as_it_came() {
    let long = [b"SSH-2.0-", &[b'x'; 245][..]].concat();
    for line in [
        &b"SSH-2.0-x"[..],
        b"SSH-1.99-x",
        b"SSH-2.0-",
        b"SSH-2.0-x with a comment",
        b"SSH-2.0-\xff\xfe not utf-8",
        b"SSH-2.0-x\r",
        &long,
    ] {
        for who in Who::BOTH {
            for end in [&b"\r\n"[..], b"\n"] {
                // A line that ends with LF alone cannot end with CR.
                if end == b"\n" && line.ends_with(b"\r") {
                    continue;
                }
                finish(hearing(who, &[line, end].concat(), usize::MAX), line);
            }
        }
    }
}

#[test]
fn a_server_may_say_other_things_first() {
    for before in ["\r\n", "hello\r\n", "\n\n\n", "\u{fffd}\u{1b}[2J\r\n", " SSH-2.0-indented\r\n"]
    {
        for chunk in [1, 5, usize::MAX] {
            let said = [before.as_bytes(), b"\xff\n", b"SSH-2.0-x\r\n"].concat();
            finish(hearing(Who::Client, &said, chunk), b"SSH-2.0-x");
        }
    }
}

#[test]
fn a_client_may_not() {
    for before in ["\r\n", "hello\n", "GET / HTTP/1.1\r\n"] {
        let told = error::Identification::NotSsh(before.trim_end().to_owned());
        assert_eq!(refusal(Who::Server, before.as_bytes(), 1), told);
    }
}

#[test]
fn other_versions_are_refused_by_name() {
    for line in ["SSH-1.5-old", "SSH-3.0-new", "SSH-2.1-x", "SSH-", "SSH-2.0", "SSH-\u{1b}[2J"] {
        for who in Who::BOTH {
            let mut stage = hearing(who, format!("{line}\r\n").as_bytes(), usize::MAX);
            let shown = line.replace('\u{1b}', "\\x1b");
            let expected = Error::Identification(error::Identification::Version(shown));
            assert_eq!(stage.error(), Some(&expected));
            stage.peer.hear_identification();
            let (_, told) = stage.ended();
            assert_eq!(told.reason, Reason::PROTOCOL_VERSION_NOT_SUPPORTED);
            assert!(!told.description.0.contains('\u{1b}'));
        }
    }
}

#[test]
fn lines_too_long_and_nul_bytes_are_refused_wherever_they_are_cut() {
    let long = [b"SSH-2.0-", &[b'x'; 246][..], b"\r\n"].concat();
    let endless = [b"SSH-2.0-", &[b'x'; 5000][..]].concat();
    for said in [&long[..], &endless, b"SSH-2.0-a\0b\r\n"] {
        for who in Who::BOTH {
            for chunk in [1, 7, usize::MAX] {
                assert_eq!(refusal(who, said, chunk), error::Identification::Unusable);
            }
        }
    }
}

#[test]
fn endless_talk_is_refused_by_its_first_line_and_not_kept() {
    let lines = b"550 \x1b no ssh here\r\n".repeat(10_000);
    let line = vec![b'x'; 1_000_000];
    for (said, shown) in [(lines, "550 \\x1b no ssh here".to_owned()), (line, "x".repeat(120))] {
        let stage = hearing(Who::Client, &said, 1000);
        let told = error::Identification::NotSsh(shown);
        assert_eq!(stage.error(), Some(&Error::Identification(told)));
        let mut stage = Stage::client();
        let mut taken = 0;
        while stage.error().is_none() {
            stage.peer.say_raw(&said[taken..taken + 1000]);
            stage.turn();
            taken += 1000;
            assert!(stage.side.input.len() <= 17 * 1024);
        }
        assert!(taken <= 34 * 1024, "{taken} bytes were taken");
    }
}

#[test]
fn only_the_first_line_with_the_name_counts() {
    let stage = hearing(Who::Client, b"SSH-2.0-first\r\nSSH-2.0-second\r\n", usize::MAX);
    let Some(Event::Identified(it)) = stage.side.events.first() else {
        panic!("{:?}", stage.side.events);
    };
    assert_eq!(it.as_bytes(), b"SSH-2.0-first");
    assert!(matches!(stage.error(), Some(Error::Violation(_))), "the second is no packet");
}

#[test]
fn what_the_software_says_it_is_can_be_asked() {
    for (line, is_openssh) in [
        ("SSH-2.0-OpenSSH_9.9p1 Debian-3", true),
        ("SSH-2.0-OpenSSH", true),
        ("SSH-2.0-dropbear_2024.86", false),
        ("SSH-2.0-NotOpenSSH", false),
    ] {
        let stage = hearing(Who::Client, format!("{line}\r\n").as_bytes(), usize::MAX);
        let peer = stage.side.connection.peer_identification().unwrap();
        assert_eq!((peer.to_string().as_str(), peer.is_openssh()), (line, is_openssh));
    }
}

proptest! {
    #[test]
    fn a_split_anywhere_changes_nothing(cuts in proptest::collection::vec(1..30_usize, 0..9)) {
        let mut stage = Stage::client();
        let mut said = &b"first\r\n\r\nthird \xff\nSSH-2.0-peer 1.0\r\n"[..];
        for cut in cuts {
            let (now, later) = said.split_at(cut.min(said.len()));
            stage.peer.say_raw(now);
            stage.turn();
            said = later;
        }
        stage.peer.say_raw(said);
        stage.turn();
        finish(stage, b"SSH-2.0-peer 1.0");
    }
}
