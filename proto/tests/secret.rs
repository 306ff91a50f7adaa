//! Passwords are shown to nobody, and do not stay in memory.

use std::fmt::Write;

use adit_proto::event::{Credential, Decision};
use adit_proto::message::channel_data::ChannelData;
use adit_proto::message::channel_id::ChannelId;
use adit_proto::message::userauth_interactive::{
    List, Prompt, UserauthInfoRequest, UserauthInfoResponse,
};
use adit_proto::message::userauth_request::Method;
use adit_proto::secret::Secret;
use adit_proto::wire::Text;
use bytes::Bytes;

use crate::pair::answers::password;
use crate::pair::joined::Pair;
use crate::pair::peer::Peer;
use crate::pair::setup::Setup;
use crate::pair::side::Who;
use crate::pair::stage::{Stage, request};

fn secret(text: &str) -> Secret {
    Secret::from(text.to_owned())
}

fn question() -> Decision {
    Decision::Ask(UserauthInfoRequest {
        name: Text::default(),
        instruction: Text::default(),
        language: Text::default(),
        prompts: List(vec![Prompt { prompt: Text::from("word:"), echo: false }]),
    })
}

#[test]
fn nothing_that_can_be_shown_shows_a_password() {
    let change =
        Credential::Password { password: secret("hunter2"), new_password: Some(secret("hunter3")) };
    let mut setup = Setup::new();
    let credentials = [password("hunter2"), change, Credential::KeyboardInteractive];
    setup.client_answers.credentials = credentials.into();
    setup.client_answers.responses = [vec![secret("hunter4")]].into();
    let methods = adit_proto::name::NameList::default();
    setup.server_answers.decisions =
        [Decision::ChangePassword("new".to_owned()), Decision::Refuse { methods }, question()]
            .into();
    let mut shown = format!("{:?}{:?}", setup.client_answers, setup.client);
    let pair = Pair::connected(setup);
    for who in Who::BOTH {
        let side = pair.side(who);
        write!(shown, "{:?}{:?}", side.events, side.connection).unwrap();
    }
    let responses = List(vec![secret("hunter4")]);
    write!(shown, "{:?}", UserauthInfoResponse { responses }).unwrap();
    let method = Method::Password { password: secret("hunter2"), new_password: None };
    write!(shown, "{:?}", request("alice", method)).unwrap();
    assert!(shown.contains("Secret(..)"), "the passwords are there");
    assert!(!shown.contains("hunter"), "{shown}");
    // The bytes as a list of numbers are no better.
    assert!(!shown.contains("104, 117, 110"), "{shown}");
}

/// A server that is asked to decide on a login by this password.
fn asked(password: &Secret) -> Stage {
    let mut setup = Setup::new();
    setup.server_answers.afterwards = None;
    let mut stage = Stage::new(Who::Server, setup, Peer::new(Who::Client));
    stage.exchange();
    stage.service();
    let method = Method::Password { password: password.clone(), new_password: None };
    stage.peer.say(&request("alice", method));
    stage
}

/// Looks into memory that was given up, which safe code can do on Linux only.
#[cfg(target_os = "linux")]
mod memory {
    use std::fs::{self, File};
    use std::os::unix::fs::FileExt;
    use std::sync::{Mutex, PoisonError};

    use super::*;

    /// How many bytes are looked through for the first one at a time, for speed.
    const STRIDE: usize = 256;

    /// What bytes are combined with, so that they are not found where they are searched for.
    const MASK: u8 = 0x55;

    /// A password that stands in memory only where its user has put it.
    struct Password {
        masked: Vec<u8>,
    }

    impl Password {
        fn new(text: &[u8]) -> Self {
            // The text is given masked, so that the program does not hold it.
            Self { masked: text.to_vec() }
        }

        fn secret(&self) -> Secret {
            Secret::new(self.masked.iter().map(|byte| byte ^ MASK).collect())
        }

        fn is_in(&self, bytes: &[u8]) -> bool {
            let first = self.masked[0] ^ MASK;
            let starts = (0..bytes.len()).step_by(STRIDE).filter(|start| {
                let end = bytes.len().min(start + STRIDE);
                bytes[*start..end].contains(&first)
            });
            starts
                .flat_map(|start| start..start + STRIDE)
                .any(|at| bytes.get(at) == Some(&first) && self.is_at(bytes, at))
        }

        fn is_at(&self, bytes: &[u8], at: usize) -> bool {
            let place = bytes.get(at..at + self.masked.len()).unwrap_or_default();
            let matches = |(byte, masked): (&u8, &u8)| *byte == masked ^ MASK;
            !place.is_empty() && place.iter().zip(&self.masked).all(matches)
        }
    }

    /// What memory holds at this place, whether or not anybody owns it.
    fn peek(start: usize, len: usize) -> Vec<u8> {
        let memory = File::open("/proc/self/mem").unwrap();
        let mut bytes = vec![0; len];
        memory.read_exact_at(&mut bytes, u64::try_from(start).unwrap()).unwrap();
        bytes
    }

    /// In how many places of the program's memory the password stands.
    fn count(password: &Password) -> usize {
        // What one thread has read of the memory of another must not be found by that one.
        static ALONE: Mutex<()> = Mutex::new(());
        let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let memory = File::open("/proc/self/mem").unwrap();
        let maps = fs::read_to_string("/proc/self/maps").unwrap();
        let mut found = 0;
        for line in maps.lines().filter(|line| line.contains(" rw-p ")) {
            let (start, end) = line.split_once(' ').unwrap().0.split_once('-').unwrap();
            let [start, end] = [start, end].map(|it| u64::from_str_radix(it, 16).unwrap());
            let mut bytes = vec![0; usize::try_from(end - start).unwrap()];
            // What another thread has unmapped meanwhile cannot be read.
            if memory.read_exact_at(&mut bytes, start).is_ok() {
                found += usize::from(password.is_in(&bytes));
            }
            bytes.fill(0);
        }
        found
    }

    #[test]
    fn the_input_does_not_keep_a_password() {
        let password = Password::new(b"\xa2\xa5\x03\x04in the input");
        let mut stage = asked(&password.secret());
        let packet = stage.peer.out.split();
        stage.side.input.reserve(packet.len());
        stage.side.input.extend_from_slice(&packet);
        let place = (stage.side.input.as_ptr().addr(), packet.len());
        stage.side.turn(stage.now);
        assert_eq!(stage.side.logins().len(), 1);
        assert!(stage.side.input.is_empty());
        assert!(!password.is_in(&peek(place.0, place.1)));
    }

    #[test]
    fn the_input_does_keep_what_is_no_secret() {
        // Else the check above would prove nothing.
        let text = Password::new(b"\xa2\xa5\x03\x04no secret...");
        let mut stage = Stage::server();
        stage.connect();
        let data = Bytes::copy_from_slice(text.secret().expose());
        stage.peer.say(&ChannelData { recipient: ChannelId(1), data });
        let packet = stage.peer.out.split();
        stage.side.input.reserve(packet.len());
        stage.side.input.extend_from_slice(&packet);
        let place = (stage.side.input.as_ptr().addr(), packet.len());
        stage.side.turn(stage.now);
        assert!(text.is_in(&peek(place.0, place.1)));
    }

    #[test]
    fn the_input_does_not_keep_a_password_that_came_too_late() {
        let password = Password::new(b"\xa2\xa5\x03\x04behind one..");
        let mut stage = asked(&Secret::default());
        let method = Method::Password { password: password.secret(), new_password: None };
        stage.peer.say(&request("alice", method));
        let packets = stage.peer.out.split();
        stage.side.input.reserve(packets.len());
        stage.side.input.extend_from_slice(&packets);
        let place = (stage.side.input.as_ptr().addr(), packets.len());
        stage.side.turn(stage.now);
        stage.side.connection.decide(stage.now, Decision::Accept).unwrap();
        stage.side.turn(stage.now);
        assert!(stage.side.input.is_empty() && stage.side.is_connected());
        assert!(!password.is_in(&peek(place.0, place.1)));
    }

    #[test]
    fn no_copy_of_a_password_is_left_when_the_login_is_over() {
        let password = Password::new(b"\xa2\xa5\x03\x04by any means");
        let answer = Password::new(b"\xa2\xa5\x03\x04an answer...");
        let mut setup = Setup::new();
        let credential = Credential::Password { password: password.secret(), new_password: None };
        setup.client_answers.credentials = [credential, Credential::KeyboardInteractive].into();
        setup.client_answers.responses = [vec![answer.secret()]].into();
        let methods = adit_proto::name::NameList::default();
        setup.server_answers.decisions = [Decision::Refuse { methods }, question()].into();
        assert!(count(&password) > 0 && count(&answer) > 0, "what is there is found");
        let mut pair = Pair::connected(setup);
        assert!(count(&password) > 0, "the events hold it");
        pair.server.events.clear();
        assert_eq!((count(&password), count(&answer)), (0, 0));
    }

    /// A login by a password of `len` bytes, which begins by `start`, and a new one behind it.
    fn long(start: &[u8], len: usize) -> (Password, Credential) {
        let mut text = start.to_vec();
        text.resize(len, b'x');
        let password = Password::new(&text);
        let new_password = Some(Secret::zeroed(100));
        let credential = Credential::Password { password: password.secret(), new_password };
        (password, credential)
    }

    /// The packet outgrows its buffer behind the password, or with it, or in front of it.
    fn lengths() -> impl Iterator<Item = usize> {
        (20..140).step_by(16).chain([500, 1000, 3000])
    }

    #[test]
    fn no_copy_of_a_password_is_left_where_a_buffer_grew() {
        for len in lengths() {
            let (password, credential) = long(b"\xa2\xa5\x03\x05sealed", len);
            let mut setup = Setup::new();
            setup.client_answers.credentials = [credential].into();
            let mut pair = Pair::connected(setup);
            pair.server.events.clear();
            assert_eq!(count(&password), 0, "of {len} bytes");
        }
    }

    #[test]
    fn no_copy_of_a_password_is_left_where_it_waited_for_new_keys() {
        for len in lengths() {
            let (password, credential) = long(b"\xa2\xa5\x03\x06held", len);
            let mut setup = Setup::new();
            setup.client_answers.credentials = [].into();
            let mut stage = Stage::new(Who::Client, setup, Peer::new(Who::Server));
            stage.exchange();
            stage.service();
            stage.begin_rekey();
            stage.side.connection.authenticate(stage.now, credential).unwrap();
            assert!(count(&password) > 0, "it is held");
            stage.share();
            stage.newkeys();
            assert_eq!(count(&password), 0, "of {len} bytes");
        }
    }
}
