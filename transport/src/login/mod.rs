//! How a client logs in: which credentials it tries, in which order.
//!
//! Keys come first, in the order in which they were given; then keyboard-interactive, then a
//! password, each only where the server offers the method and the user can be asked.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::SystemTime;

use adit_proto::event::{Credential, HostProof, Invitation, SignRequest};
use adit_proto::message::ext_info::ExtInfo;
use adit_proto::message::userauth_interactive::UserauthInfoRequest;
use adit_proto::message::userauth_request::{KEYBOARD_INTERACTIVE, PASSWORD, PUBLICKEY};
use adit_proto::name::NameList;
use adit_proto::secret::Secret;

use crate::connect::Signed;
use crate::identity::Identity;
use crate::identity::private_key::Encrypted;
use crate::identity::problem::Problem;
use crate::login::attempt::{Attempt, Outcome};
use crate::login::candidate::{Candidate, Holder, signature_algorithm};
use crate::prompt::Prompt;

pub mod attempt;
pub mod candidate;
mod doubt;

/// How often a passphrase may be mistyped.
const PASSPHRASES: usize = 3;

/// The login of a client, and what has become of it so far.
#[derive(Debug)]
pub struct Login {
    config: Config,
    candidates: VecDeque<Candidate>,
    /// The key that is being tried.
    current: Option<(Candidate, String)>,
    /// What is being tried, in words.
    trying: Option<String>,
    attempts: Vec<Attempt>,
    /// The signature algorithms that the server takes, where it has said.
    server_signatures: Option<NameList>,
    /// How the server has proved who it is.
    server: Option<HostProof>,
    /// The methods that the server offers, once it has said.
    server_methods: Option<NameList>,
    interactive_left: u32,
    password_left: u32,
}

/// What may be tried.
#[derive(Debug, Clone)]
pub struct Config {
    /// The user and the server, as `user@host`, for prompts.
    pub destination: String,
    /// The signature algorithms that may be used.
    pub signatures: NameList,
    /// How often keyboard-interactive may be tried.
    pub interactive: u32,
    /// How often a password may be tried.
    pub password: u32,
}

impl Login {
    /// A login by these keys, in this order, and then as `config` says.
    pub fn new(config: Config, candidates: impl IntoIterator<Item = Candidate>) -> Self {
        Self {
            candidates: candidates.into_iter().collect(),
            current: None,
            trying: None,
            attempts: Vec::new(),
            server_signatures: None,
            server: None,
            server_methods: None,
            interactive_left: config.interactive,
            password_left: config.password,
            config,
        }
    }

    /// What was tried so far.
    pub fn attempts(&self) -> &[Attempt] {
        &self.attempts
    }

    /// What is being tried, in words; at the end, what let the user in.
    pub fn trying(&self) -> Option<&str> {
        self.trying.as_deref()
    }

    /// The server has ended the connection: what was being tried was in vain.
    pub fn end(&mut self) {
        self.conclude(Outcome::Refused);
    }

    /// The methods that the server offered last.
    pub fn server_methods(&self) -> Option<&NameList> {
        self.server_methods.as_ref()
    }

    /// Learns which server it is that is logged in to, for agents to know.
    pub fn bind(&mut self, server: HostProof) {
        self.server = Some(server);
    }

    /// The server that is logged in to, for agents to know.
    pub fn server(&self) -> Option<&HostProof> {
        self.server.as_ref()
    }

    /// The keys that were not tried, in their order.
    pub fn untried(&self) -> impl Iterator<Item = String> {
        self.candidates.iter().map(ToString::to_string)
    }

    /// Learns which signature algorithms the server takes.
    pub fn learn(&mut self, extensions: &ExtInfo) {
        self.server_signatures = extensions.server_sig_algs().or(self.server_signatures.take());
    }

    /// The next credential to try; `None` where nothing is left.
    pub async fn credential(
        &mut self,
        invitation: Invitation,
        prompt: &mut impl Prompt,
    ) -> Option<Credential> {
        if let Invitation::Again { methods, partial_success } = invitation {
            let outcome = if partial_success { Outcome::Partial } else { Outcome::Refused };
            self.conclude(outcome);
            self.server_methods = Some(methods);
        }
        self.next(prompt).await
    }

    async fn next(&mut self, prompt: &mut impl Prompt) -> Option<Credential> {
        if self.offers(PUBLICKEY)
            && let Some(credential) = self.next_key(prompt).await
        {
            return Some(credential);
        }
        if self.server_methods.is_none() {
            return Some(Credential::None);
        }
        if self.interactive_left > 0 && self.offers(KEYBOARD_INTERACTIVE) {
            self.interactive_left -= 1;
            self.trying = Some(KEYBOARD_INTERACTIVE.to_owned());
            return Some(Credential::KeyboardInteractive);
        }
        if self.password_left > 0 && self.offers(PASSWORD) {
            self.password_left -= 1;
            return self.password(prompt).await;
        }
        None
    }

    /// Whether the server offers a method, or has not said.
    fn offers(&self, method: &str) -> bool {
        self.server_methods.as_ref().is_none_or(|methods| methods.contains(method))
    }

    async fn next_key(&mut self, prompt: &mut impl Prompt) -> Option<Credential> {
        while let Some(candidate) = self.candidates.pop_front() {
            let what = candidate.to_string();
            let ready = match candidate.public_key() {
                Some(_) => Ok(candidate),
                // What is to be offered stands in the encrypted part.
                None => open(candidate, prompt).await,
            };
            let candidate = match ready {
                Ok(candidate) => candidate,
                Err(why) => {
                    self.skip(what, why);
                    continue;
                }
            };
            let accepted = &self.config.signatures;
            let algorithm = candidate.algorithm(accepted, self.server_signatures.as_ref());
            let (Some(algorithm), Some(key)) = (algorithm, candidate.shown()) else {
                let why = "its signature algorithms are not accepted".to_owned();
                self.skip(candidate.to_string(), why);
                continue;
            };
            let at_once = candidate.signs_at_once();
            self.trying = Some(candidate.to_string());
            self.current = Some((candidate, algorithm.clone()));
            return Some(if at_once {
                Credential::PublicKey { key, algorithm }
            } else {
                Credential::Offer { key, algorithm }
            });
        }
        None
    }

    async fn password(&mut self, prompt: &mut impl Prompt) -> Option<Credential> {
        let words = format!("{}'s password: ", self.config.destination);
        let Some(password) = prompt.ask_secret(&words).await else {
            self.skip(PASSWORD.to_owned(), "nobody could be asked for it".to_owned());
            return None;
        };
        self.trying = Some(PASSWORD.to_owned());
        Some(Credential::Password { password, new_password: None })
    }

    /// What follows when the server would take the key that was offered.
    pub async fn key_accepted(&mut self, prompt: &mut impl Prompt) -> Option<Credential> {
        let (candidate, algorithm) = self.current.take()?;
        match open(candidate, prompt).await {
            Ok(candidate) => {
                let key = candidate.shown()?;
                self.current = Some((candidate, algorithm.clone()));
                Some(Credential::PublicKey { key, algorithm })
            }
            Err(why) => {
                self.conclude(Outcome::Skipped(why));
                self.next(prompt).await
            }
        }
    }

    /// Signs, or where that fails, goes on with the next credential.
    pub async fn sign(&mut self, request: SignRequest, prompt: &mut impl Prompt) -> Signed {
        let holder = self.current.as_ref().map(|(candidate, _)| candidate.holder());
        let signed = match holder {
            Some(Holder::Ready(identity)) => {
                let algorithm = signature_algorithm(&request.algorithm);
                identity
                    .sign_for(self.server.as_ref(), algorithm, &request.data)
                    .await
                    .map_err(|it| it.to_string())
            }
            _ => Err("it is not at hand".to_owned()),
        };
        match signed {
            Ok(signature) => Signed::Signature(signature),
            Err(why) => {
                self.conclude(Outcome::Skipped(why));
                Signed::Instead(self.next(prompt).await)
            }
        }
    }

    /// Asks the user what the server asks.
    pub async fn answer(
        &mut self,
        questions: UserauthInfoRequest,
        prompt: &mut impl Prompt,
    ) -> Option<Vec<Secret>> {
        for words in [questions.name.sanitized(), questions.instruction.sanitized()] {
            if !words.is_empty() {
                prompt.tell(&words);
            }
        }
        let mut answers = Vec::with_capacity(questions.prompts.0.len());
        for question in questions.prompts.0 {
            let words = format!("({}) {}", self.config.destination, question.prompt.sanitized());
            let answer = if question.echo {
                prompt.ask(&words).await.map(Secret::from)
            } else {
                prompt.ask_secret(&words).await
            };
            let Some(answer) = answer else {
                self.conclude(Outcome::Skipped("nobody could be asked".to_owned()));
                return None;
            };
            answers.push(answer);
        }
        Some(answers)
    }

    /// Asks for the old password and a new one.
    pub async fn change_password(
        &mut self,
        words: &str,
        prompt: &mut impl Prompt,
    ) -> Option<Credential> {
        prompt.tell(words);
        let destination = self.config.destination.clone();
        let password = prompt.ask_secret(&format!("{destination}'s old password: ")).await?;
        loop {
            let new = prompt.ask_secret(&format!("{destination}'s new password: ")).await?;
            let again = prompt.ask_secret(&format!("{destination}'s new password again: ")).await?;
            if new == again {
                return Some(Credential::Password { password, new_password: Some(new) });
            }
            prompt.tell("the two do not match");
        }
    }

    fn conclude(&mut self, outcome: Outcome) {
        let shown = self.current.take();
        let certificate = shown.as_ref().and_then(|(candidate, _)| candidate.certificate());
        if let Some(what) = self.trying.take() {
            tracing::debug!(what, ?outcome, "tried to log in");
            let user = self.config.destination.rsplit_once('@').map_or("", |(user, _)| user);
            let doubt = certificate
                .filter(|_| outcome == Outcome::Refused)
                .and_then(|certificate| doubt::of(certificate, user, SystemTime::now()));
            self.attempts.push(Attempt { what, outcome, doubt });
        }
    }

    fn skip(&mut self, what: String, why: String) {
        self.attempts.push(Attempt { what, outcome: Outcome::Skipped(why), doubt: None });
    }
}

/// Decrypts a key that is encrypted.
async fn open(candidate: Candidate, prompt: &mut impl Prompt) -> Result<Candidate, String> {
    let Holder::Encrypted { key, name, public } = candidate.holder() else { return Ok(candidate) };
    let identity = decrypt(key, name, prompt).await?;
    if public.as_ref().is_some_and(|public| public != identity.public_key()) {
        return Err(format!("the public key beside {name} is another key's"));
    }
    Ok(candidate.opened(identity))
}

/// Asks for the passphrase of a key until it is right. The work is done on another thread,
/// since it is meant to take long.
async fn decrypt(
    encrypted: &Arc<Encrypted>,
    name: &str,
    prompt: &mut impl Prompt,
) -> Result<Identity, String> {
    for _ in 0..PASSPHRASES {
        let words = format!("passphrase for key {name}: ");
        let passphrase =
            prompt.ask_secret(&words).await.ok_or("nobody could be asked for its passphrase")?;
        let encrypted = Arc::clone(encrypted);
        let decrypted = tokio::task::spawn_blocking(move || encrypted.decrypt(&passphrase)).await;
        match decrypted.map_err(|error| error.to_string())? {
            Ok(key) => return Ok(Identity::from_key(key, name)),
            Err(error) if matches!(error.problem(), Problem::WrongPassphrase) => {}
            Err(error) => return Err(error.to_string()),
        }
    }
    Err("its passphrase was wrong".to_owned())
}

#[cfg(test)]
mod tests;
