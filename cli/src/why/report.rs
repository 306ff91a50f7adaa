//! What is told of the steps.

use std::fmt;
use std::io::{self, Write as _};

use adit_transport::client::Offers;
use serde_json::{Value, json};

use crate::failure::{Exit, Failure};

/// Tells the steps: people as they come, programs at the end.
#[derive(Debug)]
pub(super) struct Report {
    form: Form,
    /// The server that the steps are about.
    at: Option<String>,
    steps: Vec<Value>,
    /// Whether a step has failed.
    failed: bool,
    /// Why nothing more could be told.
    broken: Option<io::Error>,
}

/// Who reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// People: a line for each step.
    Text,
    /// Programs: one object of JSON.
    Json,
}

/// A step on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// What the command line and the files say.
    Settings,
    /// The name is looked up.
    Name,
    /// Something answers.
    Connection,
    /// It says who it is.
    Identification,
    /// Both sides come to terms.
    Algorithms,
    /// The host key is trusted.
    HostKey,
    /// The user is let in.
    Login,
    /// A tunnel can be used.
    Tunnel,
}

impl Report {
    /// Nothing is told yet.
    pub(super) fn new(form: Form) -> Self {
        Self { form, at: None, steps: Vec::new(), failed: false, broken: None }
    }

    /// What follows is about this server.
    pub(super) fn at(&mut self, server: String) {
        if self.form == Form::Text {
            self.say(&server);
        }
        self.at = Some(server);
    }

    /// A step that went well.
    pub(super) fn passed(&mut self, stage: Stage, text: &str) {
        self.step("ok", stage, text);
    }

    /// Something that was tried in vain, which is not the end.
    pub(super) fn refused(&mut self, stage: Stage, text: &str) {
        self.step("no", stage, text);
    }

    /// A step that failed.
    pub(super) fn failed(&mut self, stage: Stage, failure: &Failure) {
        self.failed = true;
        self.step("failed", stage, failure.message());
        if let (Form::Text, Some(hint)) = (self.form, failure.advice()) {
            self.say(&format!("  {:8}{:16}{hint}", "hint", ""));
        }
    }

    /// What became of a tunnel: words where it can be used.
    pub(super) fn tried(&mut self, tried: Result<String, Failure>) -> Result<(), Failure> {
        match tried {
            Ok(text) => {
                self.passed(Stage::Tunnel, &text);
                Ok(())
            }
            Err(failure) => {
                self.failed(Stage::Tunnel, &failure);
                Err(failure)
            }
        }
    }

    /// What both sides offer.
    pub(super) fn offers(&mut self, offers: &Offers) {
        for (what, ours, theirs) in offers.lists() {
            if self.form == Form::Text {
                self.say(&format!("  {:8}{what}", "offer"));
                self.say(&format!("  {:8}  adit    {ours}", ""));
                self.say(&format!("  {:8}  server  {theirs}", ""));
            } else {
                let names = |list: &adit_transport::name::NameList| -> Vec<String> {
                    list.iter().map(str::to_owned).collect()
                };
                let (ours, theirs) = (names(ours), names(theirs));
                self.steps.push(json!({
                    "at": self.at, "step": "offer", "outcome": "ok", "text": what,
                    "ours": ours, "theirs": theirs,
                }));
            }
        }
    }

    fn step(&mut self, outcome: &str, stage: Stage, text: &str) {
        match self.form {
            Form::Text => self.say(&format!("  {outcome:8}{:16}{text}", stage.to_string())),
            Form::Json => self.steps.push(json!({
                "at": self.at, "step": stage.to_string(), "outcome": outcome, "text": text,
            })),
        }
    }

    fn say(&mut self, line: &str) {
        let said = writeln!(io::stdout().lock(), "{line}");
        if let (Err(error), None) = (said, &self.broken) {
            self.broken = Some(error);
        }
    }

    /// Tells how it ended.
    ///
    /// # Errors
    /// Where standard output took nothing.
    pub(super) fn end(mut self, failure: Option<&Failure>) -> Result<(), Failure> {
        match (self.form, failure) {
            (Form::Text, Some(failure)) if !self.failed => failure.warn(),
            (Form::Text, _) => {}
            (Form::Json, failure) => {
                let told = json!({
                    "ok": failure.is_none(),
                    "exit": failure.map_or(0, |it| it.exit.code()),
                    "cause": failure.map(Failure::message),
                    "hint": failure.and_then(Failure::advice),
                    "steps": self.steps,
                });
                self.say(&told.to_string());
            }
        }
        self.broken.map_or(Ok(()), |error| {
            Err(Failure::new(Exit::Other, format!("cannot write to standard output: {error}")))
        })
    }
}

/// As people and programs read it.
impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Settings => "settings",
            Self::Name => "name",
            Self::Connection => "connection",
            Self::Identification => "identification",
            Self::Algorithms => "algorithms",
            Self::HostKey => "host key",
            Self::Login => "login",
            Self::Tunnel => "tunnel",
        })
    }
}
