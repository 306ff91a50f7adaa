//! Login requests and answers that no well-meaning peer would send.

use adit_proto::Event;
use adit_proto::error::{Error, Violation};
use adit_proto::event::{Credential, Decision, LoginMethod, Proof};
use adit_proto::message::channel_close::ChannelEof;
use adit_proto::message::channel_id::ChannelId;
use adit_proto::message::disconnect::Reason;
use adit_proto::message::number::Number;
use adit_proto::message::service::{ServiceAccept, ServiceRequest, USERAUTH};
use adit_proto::message::userauth::{UserauthFailure, UserauthSuccess};
use adit_proto::message::userauth_interactive::{
    List, Prompt, UserauthInfoRequest, UserauthInfoResponse,
};
use adit_proto::message::userauth_publickey::UserauthPkOk;
use adit_proto::message::userauth_request::{Method, UserauthRequest};
use adit_proto::secret::Secret;
use adit_proto::signature;
use adit_proto::wire::{Rest, Text};
use bytes::Bytes;

use crate::pair::answers::{Signing, key, offer, password};
use crate::pair::peer::{Peer, encoded};
use crate::pair::setup::{Setup, names};
use crate::pair::side::Who;
use crate::pair::stage::{Stage, request};
use crate::toy;

const ALGORITHM: &str = "toy-signature";

/// A server that has granted the service of logins, and leaves what it is asked open.
fn server() -> Stage {
    let mut setup = Setup::new();
    setup.server_answers.afterwards = None;
    let mut stage = Stage::new(Who::Server, setup, Peer::new(Who::Client));
    stage.exchange();
    stage.service();
    stage
}

/// A client whose service was granted and that tries these.
fn client(credentials: impl IntoIterator<Item = Credential>) -> Stage {
    let mut setup = Setup::new();
    setup.client_answers.credentials = credentials.into_iter().collect();
    setup.client_answers.signing = Signing::Open;
    let mut stage = Stage::new(Who::Client, setup, Peer::new(Who::Server));
    stage.exchange();
    stage.service();
    stage.heard();
    stage
}

fn users(stage: &Stage) -> Vec<String> {
    stage.side.logins().into_iter().map(|it| it.user).collect()
}

fn by_key(user: &str, algorithm: &str, signature: Option<Bytes>) -> UserauthRequest {
    let (key, algorithm) = (toy::public_key("alice"), algorithm.to_owned());
    request(user, Method::PublicKey { algorithm, key, host_key: None, signature })
}

/// A request by the key of alice whose signature is for this user in this session.
fn signed(user: &str, session_id: &[u8]) -> UserauthRequest {
    let key = toy::public_key("alice");
    let data =
        UserauthRequest::signed_data(session_id, user, "ssh-connection", ALGORITHM, &key, None);
    by_key(user, ALGORITHM, Some(toy::sign(&key, &data)))
}

/// As [`signed`], bound to this host key.
fn bound(session_id: &[u8], host_key: Bytes) -> UserauthRequest {
    let (key, host_key) = (toy::public_key("alice"), Some(host_key));
    let bound_to = host_key.as_deref();
    let data = UserauthRequest::signed_data(
        session_id,
        "alice",
        "ssh-connection",
        ALGORITHM,
        &key,
        bound_to,
    );
    let signature = Some(toy::sign(&key, &data));
    let algorithm = ALGORITHM.to_owned();
    request("alice", Method::PublicKey { algorithm, key, host_key, signature })
}

#[test]
fn a_request_that_is_bound_to_another_host_key_is_refused() {
    for (host, verified) in [("host", true), ("another", false)] {
        let mut stage = server();
        let session_id = stage.side.connection.session_id().unwrap().clone();
        stage.peer.say(&bound(&session_id, toy::public_key(host)));
        stage.turn();
        assert_eq!(stage.side.logins().len(), usize::from(verified), "{host}");
        if verified {
            let proof = &stage.side.logins()[0].method;
            let verified =
                matches!(proof, LoginMethod::PublicKey { proof: Proof::Verified(None), .. });
            assert!(verified, "{proof:?}");
        } else {
            assert!(!stage.hear::<UserauthFailure>().partial_success);
        }
    }
}

fn password_request(user: &str) -> UserauthRequest {
    let password = Secret::from("swordfish".to_owned());
    request(user, Method::Password { password, new_password: None })
}

fn expect_end(stage: &mut Stage, error: impl Into<Error>, reason: Reason) {
    let (ended, told) = stage.ended();
    assert_eq!(ended, error.into());
    assert_eq!(told.reason, reason);
    assert!(!stage.side.is_connected());
}

fn expect_unexpected(stage: &mut Stage, number: Number, during: &'static str) {
    expect_end(stage, Error::Unexpected { number, during }, Reason::PROTOCOL_ERROR);
}

#[test]
fn pipelined_requests_are_decided_one_by_one() {
    let mut stage = server();
    for user in ["alice", "bob", "carol"] {
        stage.peer.say(&password_request(user));
    }
    stage.turn();
    assert_eq!(users(&stage), ["alice"]);
    for expected in [&["alice", "bob"][..], &["alice", "bob", "carol"]] {
        let refuse = Decision::Refuse { methods: names("password") };
        stage.side.connection.decide(stage.now, refuse).unwrap();
        assert!(!stage.hear::<UserauthFailure>().partial_success);
        assert_eq!(users(&stage), expected);
    }
    stage.side.connection.decide(stage.now, Decision::Accept).unwrap();
    stage.hear::<UserauthSuccess>();
    assert!(stage.side.is_connected());
}

#[test]
fn requests_behind_the_one_that_is_accepted_are_dropped() {
    let mut stage = server();
    for user in ["alice", "bob", "carol"] {
        stage.peer.say(&password_request(user));
    }
    stage.turn();
    stage.side.connection.decide(stage.now, Decision::Accept).unwrap();
    let heard = stage.heard();
    assert_eq!(heard, [encoded(&UserauthSuccess {})]);
    assert_eq!(users(&stage), ["alice"]);
    assert_eq!(stage.error(), None);
}

#[test]
fn nothing_of_the_connection_protocol_is_taken_before_the_decision() {
    let eof = ChannelEof { recipient: ChannelId(1) };
    for accept in [true, false] {
        let mut stage = server();
        stage.peer.say(&password_request("alice"));
        stage.peer.say(&eof);
        stage.turn();
        assert_eq!(stage.side.messages(), []);
        let refuse = Decision::Refuse { methods: names("password") };
        let decision = if accept { Decision::Accept } else { refuse };
        stage.side.connection.decide(stage.now, decision).unwrap();
        stage.turn();
        if accept {
            assert_eq!(stage.side.messages(), [eof.clone().into()]);
        } else {
            assert_eq!(stage.side.messages(), []);
            let number = Number::CHANNEL_EOF;
            expect_unexpected(&mut stage, number, "before the login");
        }
    }
}

#[test]
fn requests_need_not_wait_for_the_service() {
    let mut stage = Stage::server();
    stage.exchange();
    stage.peer.say(&ServiceRequest { service: USERAUTH.to_owned() });
    stage.peer.say(&request("alice", Method::None));
    stage.hear::<ServiceAccept>();
    stage.hear::<UserauthSuccess>();
}

#[test]
fn a_request_without_the_service_is_an_error() {
    let mut stage = Stage::server();
    stage.exchange();
    stage.say(&request("alice", Method::None));
    expect_unexpected(&mut stage, Number::USERAUTH_REQUEST, "during the login");
}

#[test]
fn no_service_but_that_of_logins_is_granted() {
    for service in ["ssh-connection", "ssh-userauth\0", ""] {
        let mut stage = Stage::server();
        stage.exchange();
        stage.say(&ServiceRequest { service: service.to_owned() });
        expect_end(&mut stage, Violation::Service, Reason::SERVICE_NOT_AVAILABLE);
    }
}

#[test]
fn no_service_but_that_of_channels_can_be_logged_in_to() {
    for service in ["ssh-userauth", "other", ""] {
        let mut stage = server();
        let method = Method::None;
        let (user, service) = ("alice".to_owned(), service.to_owned());
        stage.say(&UserauthRequest { user, service, method });
        expect_end(&mut stage, Violation::Service, Reason::SERVICE_NOT_AVAILABLE);
        assert_eq!(users(&stage), [""; 0]);
    }
}

#[test]
fn a_client_takes_no_other_service_than_it_asked_for() {
    let mut stage = Stage::client();
    stage.exchange();
    stage.say(&ServiceAccept { service: "ssh-connection".to_owned() });
    expect_end(&mut stage, Violation::Service, Reason::SERVICE_NOT_AVAILABLE);
}

#[test]
fn each_request_is_decided_for_the_user_that_it_names() {
    let mut stage = server();
    let session_id = stage.peer.session_id.clone();
    for user in ["alice", "bob"] {
        stage.say(&signed(user, &session_id));
        let decided = stage.side.logins().pop().unwrap();
        assert_eq!(decided.user, user);
        assert!(matches!(decided.method, LoginMethod::PublicKey { proof: Proof::Verified(_), .. }));
        let partial = Decision::Partial { methods: names("publickey") };
        stage.side.connection.decide(stage.now, partial).unwrap();
    }
}

#[test]
fn a_signature_counts_only_for_what_it_was_made() {
    let mut stage = server();
    let session_id = stage.peer.session_id.clone();
    let right = signed("alice", &session_id);
    let Method::PublicKey { signature: Some(signature), .. } = right.method else {
        panic!("another method");
    };
    let renamed = signature::encode("other", &signature[4 + ALGORITHM.len() + 4..]);
    let longer = Bytes::from([&signature[..], b"x"].concat());
    let shorter = signature.slice(..signature.len() - 1);
    let requests = [
        ("another user", by_key("bob", ALGORITHM, Some(signature.clone()))),
        ("another session", signed("alice", b"another session")),
        ("an algorithm that is not offered", by_key("alice", "other", Some(signature.clone()))),
        ("a signature by another name", by_key("alice", ALGORITHM, Some(renamed))),
        ("a signature with more behind it", by_key("alice", ALGORITHM, Some(longer))),
        ("a signature cut short", by_key("alice", ALGORITHM, Some(shorter))),
        ("no signature at all", by_key("alice", ALGORITHM, Some(Bytes::new()))),
    ];
    for (what, request) in requests {
        let mut stage = server();
        assert_eq!(stage.peer.session_id, session_id, "the seed does not make one session");
        stage.say(&request);
        assert_eq!(stage.hear::<UserauthFailure>().methods, names("publickey"), "{what}");
        assert_eq!(users(&stage), [""; 0], "{what}");
    }
    stage.say(&by_key("alice", ALGORITHM, Some(signature)));
    assert_eq!(users(&stage), ["alice"], "the right one is not refused");
}

#[test]
fn a_method_that_is_not_known_is_refused_without_a_question() {
    let mut stage = server();
    let (name, data) = ("hostbased".to_owned(), Rest(Bytes::from_static(b"anything")));
    stage.say(&request("alice", Method::Other { name, data }));
    assert_eq!(stage.hear::<UserauthFailure>().methods, names("publickey"));
    assert_eq!(users(&stage), [""; 0]);
}

fn questions(count: usize) -> UserauthInfoRequest {
    let prompt = Prompt { prompt: Text::from("word:"), echo: false };
    UserauthInfoRequest {
        name: Text::default(),
        instruction: Text::default(),
        language: Text::default(),
        prompts: List(vec![prompt; count]),
    }
}

/// A server that has asked so many questions.
fn asking(count: usize) -> Stage {
    let mut stage = server();
    let (language, submethods) = (String::new(), String::new());
    stage.say(&request("alice", Method::KeyboardInteractive { language, submethods }));
    stage.side.connection.decide(stage.now, Decision::Ask(questions(count))).unwrap();
    stage.hear::<UserauthInfoRequest>();
    stage
}

#[test]
fn there_must_be_as_many_answers_as_questions() {
    for (asked, answered) in [(0, 1), (1, 0), (2, 1), (2, 3)] {
        let mut stage = asking(asked);
        let responses = List(vec![Secret::from("x".to_owned()); answered]);
        stage.say(&UserauthInfoResponse { responses });
        expect_end(&mut stage, Violation::UnrelatedAnswer, Reason::PROTOCOL_ERROR);
    }
}

#[test]
fn answers_that_nobody_asked_for_are_an_error() {
    let mut stage = server();
    stage.say(&UserauthInfoResponse { responses: List(Vec::new()) });
    let number = Number::USERAUTH_INFO_RESPONSE;
    expect_unexpected(&mut stage, number, "during the login");
}

#[test]
fn a_new_request_gives_up_the_questions_of_the_old_one() {
    let mut stage = asking(1);
    stage.say(&password_request("bob"));
    assert_eq!(users(&stage), ["alice", "bob"]);
    let refuse = Decision::Refuse { methods: names("password") };
    stage.side.connection.decide(stage.now, refuse).unwrap();
    let responses = List(vec![Secret::from("x".to_owned())]);
    stage.say(&UserauthInfoResponse { responses });
    let number = Number::USERAUTH_INFO_RESPONSE;
    expect_unexpected(&mut stage, number, "during the login");
}

/// What a server can say that lets in, refuses or goes on.
fn answers() -> [Bytes; 3] {
    let (algorithm, key) = (ALGORITHM.to_owned(), toy::public_key("alice"));
    [
        encoded(&UserauthSuccess {}),
        encoded(&UserauthFailure { methods: names("password"), partial_success: false }),
        encoded(&UserauthPkOk { algorithm, key }),
    ]
}

#[test]
fn a_client_takes_no_answer_that_it_did_not_ask_for() {
    for answer in answers() {
        let nothing_tried = client([]);
        let still_signing = client([key("alice")]);
        for mut stage in [nothing_tried, still_signing] {
            stage.say_payload(&answer);
            expect_end(&mut stage, Violation::UnrelatedAnswer, Reason::PROTOCOL_ERROR);
        }
    }
}

#[test]
fn a_client_that_only_offered_a_key_cannot_be_let_in() {
    let mut stage = client([offer("alice")]);
    stage.say(&UserauthSuccess {});
    expect_end(&mut stage, Violation::UnrelatedAnswer, Reason::PROTOCOL_ERROR);
}

#[test]
fn the_key_that_is_accepted_must_be_the_one_that_was_offered() {
    let other_key = (ALGORITHM, toy::public_key("mallory"));
    let other_algorithm = ("other", toy::public_key("alice"));
    for (algorithm, key) in [other_key, other_algorithm] {
        let mut stage = client([offer("alice")]);
        stage.say(&UserauthPkOk { algorithm: algorithm.to_owned(), key });
        expect_end(&mut stage, Violation::UnrelatedAnswer, Reason::PROTOCOL_ERROR);
    }
}

#[test]
fn a_client_that_was_asked_questions_is_not_let_in_without_its_answers() {
    let mut stage = client([Credential::KeyboardInteractive]);
    stage.say(&questions(1));
    assert!(matches!(stage.side.events.last(), Some(Event::Asked(_))));
    stage.say(&UserauthSuccess {});
    expect_end(&mut stage, Violation::UnrelatedAnswer, Reason::PROTOCOL_ERROR);
}

#[test]
fn what_message_sixty_means_depends_on_what_was_tried() {
    // The same number asks for a new password, accepts a key, or asks questions. The first two
    // have the same form; all else is malformed where it is not expected.
    let [_, _, pk_ok] = answers();
    for (credential, payload) in [
        (Credential::KeyboardInteractive, pk_ok),
        (password("x"), encoded(&questions(1))),
        (offer("alice"), encoded(&questions(1))),
    ] {
        let mut stage = client([credential]);
        stage.say_payload(&payload);
        let (error, _) = stage.ended();
        assert!(matches!(error, Error::Malformed(_)), "{error:?}");
    }
}

#[test]
fn what_follows_the_success_in_the_same_breath_is_taken() {
    let eof = ChannelEof { recipient: ChannelId(1) };
    let mut stage = client([password("x")]);
    stage.peer.say(&UserauthSuccess {});
    stage.peer.say(&eof);
    stage.turn();
    assert_eq!(stage.error(), None);
    assert_eq!(stage.side.messages(), [eof.into()]);
}

#[test]
fn one_answer_answers_one_request() {
    let [success, failure, _] = answers();
    for second in [success, failure.clone()] {
        let mut stage = client([password("x")]);
        stage.say_payload(&failure);
        assert!(matches!(stage.side.events.last(), Some(Event::Authenticate(_))));
        stage.say_payload(&second);
        expect_end(&mut stage, Violation::UnrelatedAnswer, Reason::PROTOCOL_ERROR);
    }
}
