use adit_proto::message::ext_info::SERVER_SIG_ALGS;
use bytes::Bytes;

use super::*;
use crate::identity::private_key::{Parsed, PrivateKey, parse};

/// Answers from a list.
#[derive(Default)]
struct Script(VecDeque<&'static str>);

impl Prompt for Script {
    async fn ask(&mut self, _: &str) -> Option<String> {
        self.0.pop_front().map(str::to_owned)
    }
    async fn ask_secret(&mut self, _: &str) -> Option<Secret> {
        self.0.pop_front().map(|answer| Secret::from(answer.as_bytes()))
    }
    fn tell(&mut self, _: &str) {}
}

fn config() -> Config {
    let signatures = NameList::parse("ssh-ed25519,rsa-sha2-512,rsa-sha2-256").unwrap();
    Config { destination: "alice@host".to_owned(), signatures, interactive: 3, password: 3 }
}

fn plain() -> Candidate {
    let key = PrivateKey::generate_ed25519("test").unwrap();
    Candidate::ready(Identity::from_key(key, "test"))
}

fn encrypted() -> Candidate {
    let text = include_bytes!("../../testdata/keys/encrypted_aes256-ctr");
    let Parsed::Encrypted(key) = parse(text, "test").unwrap() else { panic!("it is plain") };
    Candidate::encrypted(Arc::new(key), "test", None)
}

fn again(methods: &str) -> Invitation {
    Invitation::Again { methods: NameList::parse(methods).unwrap(), partial_success: false }
}

#[tokio::test]
async fn a_key_of_this_process_signs_without_being_offered() {
    let mut login = Login::new(config(), [plain()]);
    let first = login.credential(Invitation::First, &mut Script::default()).await;
    let Some(Credential::PublicKey { key, algorithm }) = first else { panic!("{first:?}") };
    let request = SignRequest { key, algorithm, data: Bytes::from_static(b"data") };
    let signed = login.sign(request, &mut Script::default()).await;
    assert!(matches!(signed, Signed::Signature(_)), "{signed:?}");
}

#[tokio::test]
async fn the_passphrase_is_asked_for_only_when_the_server_would_take_the_key() {
    let mut login = Login::new(config(), [encrypted()]);
    let mut script = Script(["wrong"].into());
    let first = login.credential(Invitation::First, &mut script).await;
    assert!(matches!(first, Some(Credential::Offer { .. })), "{first:?}");
    assert_eq!(script.0.len(), 1, "nothing was asked");
    let accepted = login.key_accepted(&mut script).await;
    assert!(accepted.is_some_and(|it| it == Credential::None), "nobody knows the passphrase");
    assert!(login.attempts()[0].to_string().contains("passphrase"), "{:?}", login.attempts());
}

#[tokio::test]
async fn methods_come_in_order_and_end() {
    let mut login = Login::new(config(), []);
    let mut script = Script(["a", "b", "c"].into());
    let mut tried = Vec::new();
    let mut invitation = Invitation::First;
    while let Some(credential) = login.credential(invitation, &mut script).await {
        tried.push(match credential {
            Credential::None => "none",
            Credential::KeyboardInteractive => "interactive",
            Credential::Password { .. } => "password",
            _ => "other",
        });
        invitation = again("password,keyboard-interactive");
    }
    let [i, p] = ["interactive", "password"];
    assert_eq!(tried, ["none", i, i, i, p, p, p]);
    assert_eq!(login.attempts().len(), 6);
}

#[tokio::test]
async fn a_key_whose_algorithms_the_server_does_not_take_is_not_sent() {
    let mut login = Login::new(config(), [plain()]);
    let algorithms = Bytes::from_static(b"rsa-sha2-512");
    login.learn(&ExtInfo { extensions: vec![(SERVER_SIG_ALGS.to_owned(), algorithms)] });
    let first = login.credential(Invitation::First, &mut Script::default()).await;
    assert_eq!(first, Some(Credential::None));
    assert!(matches!(login.attempts()[0].outcome, Outcome::Skipped(_)));
}

#[tokio::test]
async fn a_password_that_nobody_can_be_asked_for_ends_the_login() {
    let mut login = Login::new(Config { interactive: 0, ..config() }, []);
    let mut nobody = Script::default();
    assert_eq!(login.credential(Invitation::First, &mut nobody).await, Some(Credential::None));
    assert_eq!(login.credential(again("password"), &mut nobody).await, None);
    assert!(matches!(login.attempts()[0].outcome, Outcome::Skipped(_)));
}

#[tokio::test]
async fn questions_are_answered_one_by_one() {
    use adit_proto::message::userauth_interactive::{List, Prompt as Question};
    use adit_proto::wire::Text;

    let question = |prompt: &str, echo| Question { prompt: Text::from(prompt), echo };
    let questions = UserauthInfoRequest {
        name: Text::default(),
        instruction: Text::from("hello"),
        language: Text::default(),
        prompts: List(vec![question("code: ", true), question("pin: ", false)]),
    };
    let mut login = Login::new(config(), []);
    let answers = login.answer(questions.clone(), &mut Script(["123", "456"].into())).await;
    let expected: Vec<Secret> = vec![Secret::from(&b"123"[..]), Secret::from(&b"456"[..])];
    assert_eq!(answers, Some(expected));
    assert_eq!(login.answer(questions, &mut Script(["123"].into())).await, None);
}
