//! Every way to log in, between a client and a server that mean well.

use std::time::Duration;

use adit_proto::error::{Deadline, Error, Violation};
use adit_proto::event::{Credential, Decision, Invitation, LoginMethod, Proof};
use adit_proto::message::disconnect::Reason;
use adit_proto::message::userauth_interactive::{List, Prompt, UserauthInfoRequest};
use adit_proto::secret::Secret;
use adit_proto::wire::Text;
use adit_proto::{ClientConfig, Event};

use crate::pair::answers::{Signing, key, offer, password};
use crate::pair::joined::Pair;
use crate::pair::setup::{Setup, names};
use crate::pair::side::Side;
use crate::toy;

fn secret(text: &str) -> Secret {
    Secret::from(text.to_owned())
}

fn refuse(methods: &str) -> Decision {
    Decision::Refuse { methods: names(methods) }
}

fn setup(
    credentials: impl IntoIterator<Item = Credential>,
    decisions: impl IntoIterator<Item = Decision>,
) -> Setup {
    let mut setup = Setup::new();
    setup.client_answers.credentials = credentials.into_iter().collect();
    setup.server_answers.decisions = decisions.into_iter().collect();
    setup
}

fn methods(server: &Side) -> Vec<LoginMethod> {
    server.logins().into_iter().map(|request| request.method).collect()
}

fn by_key(name: &str, proof: Proof) -> LoginMethod {
    let (key, algorithm) = (toy::public_key(name), "toy-signature".to_owned());
    LoginMethod::PublicKey { key, algorithm, proof }
}

fn invitations(client: &Side) -> Vec<Invitation> {
    let invitation = |event: &Event| match event {
        Event::Authenticate(invitation) => Some(invitation.clone()),
        _ => None,
    };
    client.events.iter().filter_map(invitation).collect()
}

fn again(methods: &str, partial_success: bool) -> Invitation {
    Invitation::Again { methods: names(methods), partial_success }
}

fn questions(prompts: &[&str]) -> UserauthInfoRequest {
    let prompt = |words: &&str| Prompt { prompt: Text::from(*words), echo: words.ends_with('?') };
    UserauthInfoRequest {
        name: Text::from("name"),
        instruction: Text::from("instruction"),
        language: Text::default(),
        prompts: List(prompts.iter().map(prompt).collect()),
    }
}

fn asked(client: &Side) -> Vec<UserauthInfoRequest> {
    let asked = |event: &Event| match event {
        Event::Asked(request) => Some(request.clone()),
        _ => None,
    };
    client.events.iter().filter_map(asked).collect()
}

#[test]
fn a_user_may_be_let_in_without_any_proof() {
    let pair = Pair::connected(setup([Credential::None], []));
    assert_eq!(methods(&pair.server), [LoginMethod::None]);
    assert_eq!(pair.server.logins()[0].user, "alice");
}

#[test]
fn none_tells_the_methods_and_another_one_goes_on() {
    let pair = Pair::connected(setup([Credential::None, key("alice")], [refuse("publickey,x")]));
    assert_eq!(invitations(&pair.client), [Invitation::First, again("publickey,x", false)]);
    assert_eq!(methods(&pair.server), [LoginMethod::None, by_key("alice", Proof::Verified(None))]);
}

#[test]
fn a_key_may_be_offered_before_it_signs() {
    let pair = Pair::connected(setup([offer("alice"), key("alice")], []));
    assert!(pair.client.story().contains(&"KeyAccepted".to_owned()));
    assert_eq!(
        methods(&pair.server),
        [by_key("alice", Proof::None), by_key("alice", Proof::Verified(None))]
    );
}

#[test]
fn a_key_that_is_offered_and_refused_does_not_sign() {
    let credentials = [offer("old"), offer("alice"), key("alice")];
    let pair = Pair::connected(setup(credentials, [refuse("publickey")]));
    let signed = pair.client.events.iter().filter(|it| matches!(it, Event::Sign(_))).count();
    assert_eq!(signed, 1);
    assert_eq!(pair.server.logins().len(), 3);
}

#[test]
fn a_key_may_sign_at_once() {
    let pair = Pair::connected(setup([key("alice")], []));
    assert_eq!(methods(&pair.server), [by_key("alice", Proof::Verified(None))]);
}

#[test]
fn a_wrong_signature_is_refused_without_a_question() {
    let mut setup = setup([key("alice")], []);
    setup.client_answers.signing = Signing::Wrong;
    let mut pair = Pair::new(setup);
    pair.run();
    assert!(!pair.client.is_connected() && !pair.server.is_connected());
    assert_eq!(methods(&pair.server), []);
    assert_eq!(invitations(&pair.client), [Invitation::First, again("publickey", false)]);
}

#[test]
fn another_credential_may_take_the_place_of_a_signature() {
    let mut setup = setup([key("alice")], []);
    setup.client_answers.signing = Signing::Open;
    let mut pair = Pair::new(setup);
    pair.run();
    assert!(matches!(pair.client.events.last(), Some(Event::Sign(_))));
    let now = pair.now;
    pair.client.connection.authenticate(now, password("swordfish")).unwrap();
    pair.run();
    pair.expect_connected();
}

#[test]
fn a_password_lets_in() {
    let pair = Pair::connected(setup([password("swordfish")], []));
    let expected = LoginMethod::Password { password: secret("swordfish"), new_password: None };
    assert_eq!(methods(&pair.server), [expected]);
}

#[test]
fn a_password_may_have_to_be_changed() {
    let change = Credential::Password {
        password: secret("swordfish"),
        new_password: Some(secret("marlin")),
    };
    let wanted = Decision::ChangePassword("too\u{7} old".to_owned());
    let pair = Pair::connected(setup([password("swordfish"), change], [wanted]));
    let words: Vec<&Event> = pair.client.events.iter().collect();
    let told =
        words.iter().any(|it| matches!(it, Event::ChangePassword(it) if it == "too\\u{7} old"));
    assert!(told, "{words:?}");
    let changed = LoginMethod::Password {
        password: secret("swordfish"),
        new_password: Some(secret("marlin")),
    };
    assert_eq!(methods(&pair.server)[1], changed);
}

#[test]
fn the_user_may_have_to_answer_any_number_of_questions() {
    for (prompts, answers) in [
        (&[][..], &[][..]),
        (&["word:"][..], &["one"][..]),
        (&["name?", "word:", "code:"][..], &["alice", "", "3"][..]),
    ] {
        let ask = Decision::Ask(questions(prompts));
        let mut setup = setup([Credential::KeyboardInteractive], [ask]);
        let answers: Vec<Secret> = answers.iter().map(|it| secret(it)).collect();
        setup.client_answers.responses.push_back(answers.clone());
        let pair = Pair::connected(setup);
        assert_eq!(asked(&pair.client), [questions(prompts)]);
        let expected = [LoginMethod::KeyboardInteractive, LoginMethod::Answers(answers)];
        assert_eq!(methods(&pair.server), expected);
        assert_eq!(pair.server.logins()[1].user, "alice");
    }
}

#[test]
fn a_question_without_an_answer_is_a_misuse() {
    for answers in [&[][..], &["one", "two"]] {
        let mut setup =
            setup([Credential::KeyboardInteractive], [Decision::Ask(questions(&["word:"]))]);
        let answers = answers.iter().map(|it| secret(it)).collect();
        setup.client_answers.responses.push_back(answers);
        let mut pair = Pair::new(setup);
        pair.run_to_end();
        assert!(matches!(pair.client.error(), Some(Error::Misuse(_))), "{:?}", pair.client.error());
        assert_eq!(methods(&pair.server), [LoginMethod::KeyboardInteractive]);
    }
}

#[test]
fn questions_may_come_in_rounds() {
    let rounds = [&["word:"][..], &["code:", "again:"]];
    let asks = rounds.map(|prompts| Decision::Ask(questions(prompts)));
    let mut setup = setup([Credential::KeyboardInteractive], asks);
    let answers = [vec![secret("a")], vec![secret("b"), secret("c")]];
    setup.client_answers.responses.extend(answers.clone());
    let pair = Pair::connected(setup);
    assert_eq!(asked(&pair.client), rounds.map(questions));
    let [first, second] = answers.map(LoginMethod::Answers);
    assert_eq!(methods(&pair.server), [LoginMethod::KeyboardInteractive, first, second]);
}

#[test]
fn answers_may_be_refused_and_another_method_goes_on() {
    let decisions = [Decision::Ask(questions(&["word:"])), refuse("publickey")];
    let mut setup = setup([Credential::KeyboardInteractive, key("alice")], decisions);
    setup.client_answers.responses.push_back(vec![secret("wrong")]);
    let pair = Pair::connected(setup);
    assert_eq!(invitations(&pair.client), [Invitation::First, again("publickey", false)]);
    assert_eq!(pair.server.logins().len(), 3);
}

#[test]
fn one_method_may_not_be_enough() {
    let partial = Decision::Partial { methods: names("password") };
    let pair = Pair::connected(setup([key("alice"), password("swordfish")], [partial]));
    assert_eq!(invitations(&pair.client), [Invitation::First, again("password", true)]);
    assert_eq!(pair.server.logins().len(), 2);
}

#[test]
fn partial_success_is_possible_after_answers_and_passwords() {
    let partial = || Decision::Partial { methods: names("publickey") };
    let credentials = [password("x"), Credential::KeyboardInteractive, key("alice")];
    let decisions = [partial(), Decision::Ask(questions(&[])), partial()];
    let mut setup = setup(credentials, decisions);
    setup.client_answers.responses.push_back(Vec::new());
    let pair = Pair::connected(setup);
    let again = again("publickey", true);
    assert_eq!(invitations(&pair.client), [Invitation::First, again.clone(), again]);
}

#[test]
fn too_many_attempts_end_the_connection_and_the_client_is_told() {
    let mut setup = setup(vec![password("guess"); 20], vec![refuse("password"); 20]);
    setup.server.max_login_attempts = 3;
    let mut pair = Pair::new(setup);
    pair.run();
    let expected = Error::Violation(Violation::TooManyLoginAttempts);
    assert_eq!(pair.server.error(), Some(&expected));
    assert_eq!(pair.server.logins().len(), 3);
    let told = Error::Disconnected {
        reason: Reason::NO_MORE_AUTH_METHODS_AVAILABLE,
        description: expected.to_string(),
    };
    assert_eq!(pair.client.error(), Some(&told));
    assert!(!pair.client.is_connected());
}

#[test]
fn only_the_first_question_for_the_methods_is_no_attempt() {
    let mut setup = setup(vec![Credential::None; 20], vec![refuse("password"); 20]);
    setup.server.max_login_attempts = 3;
    let mut pair = Pair::new(setup);
    pair.run();
    let expected = Error::Violation(Violation::TooManyLoginAttempts);
    assert_eq!(pair.server.error(), Some(&expected));
    assert_eq!(pair.server.logins().len(), 4);
}

#[test]
fn wrong_signatures_are_attempts_too() {
    let mut setup = setup(vec![key("alice"); 20], []);
    setup.client_answers.signing = Signing::Wrong;
    let mut pair = Pair::new(setup);
    pair.run();
    let expected = Error::Violation(Violation::TooManyLoginAttempts);
    assert_eq!(pair.server.error(), Some(&expected));
    assert_eq!(invitations(&pair.client).len(), 6, "the default is six attempts");
}

#[test]
fn a_login_has_a_deadline_whoever_is_slow() {
    let slow_client = setup([], []);
    let mut slow_server = setup([key("alice")], []);
    slow_server.server_answers.afterwards = None;
    let mut slow_user = setup([key("alice")], []);
    slow_user.client_answers.signing = Signing::Open;
    for setup in [slow_client, slow_server, slow_user] {
        let time = setup.server.login_timeout;
        let mut pair = Pair::new(setup);
        pair.run_for(time - Duration::from_millis(1));
        assert_eq!(pair.server.error(), None);
        pair.run_for(Duration::from_millis(1));
        assert_eq!(pair.server.error(), Some(&Error::TimedOut(Deadline::Login)));
        let told = matches!(pair.client.error(), Some(Error::Disconnected { .. }));
        assert!(told, "{:?}", pair.client.error());
    }
}

#[test]
fn the_deadline_of_the_login_ends_with_it() {
    let setup = setup([key("alice")], []);
    let time = setup.server.login_timeout;
    let mut pair = Pair::connected(setup);
    pair.run_for(time * 2);
    pair.expect_connected();
}

#[test]
fn a_banner_comes_before_the_answer_and_cannot_steer_a_terminal() {
    let mut setup = setup([key("alice")], []);
    setup.server.banner = "wel\u{1b}[2Jcome\r\n".to_owned();
    let pair = Pair::connected(setup);
    let shown =
        |it: &Event| matches!(it, Event::Banner(words) if words == "wel\\u{1b}[2Jcome\\r\n");
    let at = pair.client.events.iter().position(shown).expect("a banner");
    let end = pair.client.events.iter().position(|it| matches!(it, Event::Authenticated));
    assert!(Some(at) < end);
}

#[test]
fn names_of_users_may_have_any_letters() {
    for user in ["", "ünï", "with space\n", &"x".repeat(10_000)] {
        let mut setup = setup([key("alice")], []);
        setup.client = ClientConfig { user: user.to_owned(), ..setup.client };
        let pair = Pair::connected(setup);
        assert_eq!(pair.server.logins()[0].user, user);
    }
}
