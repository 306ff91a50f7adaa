//! A client, as the master has it.

use std::pin::pin;
use std::process;
use std::sync::Arc;

use adit_channels::mux::Class;
use adit_forward::entry::Entry;
use adit_forward::target::Target;
use tokio::net::UnixStream;
use tokio::sync::mpsc;

use crate::control::hello::{Hello, VERSION};
use crate::control::malformed::Malformed;
use crate::control::message::{Answer, Ask};
use crate::control::service::{Client, Service};
use crate::control::wire::{self, Fault, Reader, Writer};
use crate::control::{program, report, spec};
use crate::failure::{Exit, Failure};
use crate::open::stdio;
use crate::session;
use crate::session::ends::Ends;
use crate::session::event::Event;
use crate::session::request::Request;
use crate::session::traffic::Traffic;
use crate::stdio::{Ending, Input, Output};

/// How many orders may wait for a session to take them.
const ORDERS: usize = 16;

/// How many events of a session may wait to be told.
const EVENTS: usize = 16;

/// A client, as the master has it.
pub(super) struct Visitor {
    reader: Reader,
    writer: Writer,
    service: Arc<Service>,
    of_user: bool,
}

impl Visitor {
    /// A client that has connected.
    pub(super) fn new(stream: UnixStream, service: Arc<Service>) -> Self {
        let of_user = wire::is_of_user(&stream).unwrap_or(false);
        let (reader, writer) = wire::split(stream);
        Self { reader, writer, service, of_user }
    }

    /// Does what the client asks for, until it goes.
    pub(super) async fn serve(mut self) {
        let done = if self.of_user { self.converse().await } else { self.turn_away().await };
        match done {
            Ok(()) => {}
            Err(Fault::Malformed(error)) => {
                tracing::warn!(%error, "a client is turned away");
                let failure = Failure::new(Exit::Usage, format!("the master was sent {error}"));
                let _ = self.fail(&failure).await;
            }
            Err(Fault::Socket(error)) => tracing::debug!(%error, "a client has gone"),
        }
    }

    /// Tells another user that there is nothing for it here. What it says is not read.
    async fn turn_away(&self) -> Result<(), Fault> {
        tracing::warn!("a client of another user is turned away");
        self.writer.send(&Hello::own()).await?;
        self.fail(&Failure::new(Exit::Other, "the master serves its own user only")).await
    }

    async fn converse(&mut self) -> Result<(), Fault> {
        self.writer.send(&Hello::own()).await?;
        match self.reader.greeted().await {
            Hello::Adit(VERSION) => {}
            Hello::Adit(version) => {
                let message = format!(
                    "the master speaks version {VERSION} of the protocol, and the client {version}"
                );
                let failure = Failure::new(Exit::Usage, message)
                    .hint("end the master by the adit that began it: -O exit");
                return self.fail(&failure).await;
            }
            Hello::OpenSsh(_) | Hello::Stranger => {
                tracing::info!("another program than adit has connected to the control socket");
                return Ok(());
            }
        }
        let service = Arc::clone(&self.service);
        let client = service.enter();
        while let Some(frame) = self.reader.next().await? {
            tracing::debug!(kind = frame.kind, "a client asks");
            let ask = Ask::decode(&frame)?;
            if let Err(failure) = self.answer(ask, &client).await? {
                self.fail(&failure).await?;
            }
        }
        Ok(())
    }

    /// Does what is asked for; the inner result is what the client is told.
    async fn answer(
        &mut self,
        ask: Ask,
        client: &Client<'_>,
    ) -> Result<Result<(), Failure>, Fault> {
        let service = Arc::clone(&self.service);
        let host = &service.facts.host;
        let done = match ask {
            Ask::Check {} => Ok(Answer::Running { pid: process::id() }),
            Ask::Forward { flag, words } => {
                let question = format!("Open -{flag} {words} on {host}? ");
                match self.allowed(&question).await {
                    Ok(()) => self.forward(&flag, &words).await,
                    Err(refused) => Err(refused),
                }
            }
            Ask::Cancel { flag, words } => self.cancel(&flag, &words),
            Ask::Stop {} => {
                let question = format!("Disable further sharing of the connection to {host}? ");
                self.allowed(&question).await.map(|()| {
                    service.order_stop();
                    Answer::Done {}
                })
            }
            Ask::Exit {} => {
                if let Err(refused) =
                    self.allowed(&format!("Terminate shared connection to {host}? ")).await
                {
                    return Ok(Err(refused));
                }
                self.say(&Answer::Done {}).await?;
                service.order_exit();
                return Ok(Ok(()));
            }
            Ask::Channels {} => Ok(Answer::Told { words: report::channels(&service) }),
            Ask::Conninfo {} => Ok(Answer::Told { words: report::conninfo(&service) }),
            Ask::Stay {} => {
                client.runs("tunnels only".to_owned(), None);
                Ok(Answer::Done {})
            }
            ask @ Ask::Session { reads, .. } => {
                let ends = self.ends(reads)?;
                let (mut request, wanted) = program::read(ask)?;
                if let Err(refused) =
                    self.allowed(&format!("Allow shared connection to {host}? ")).await
                {
                    return Ok(Err(refused));
                }
                client.runs(program::told(&request), Some(ends.traffic.clone()));
                // It is taken back when the program has ended.
                let lent = service.lender.lend(wanted).await;
                (request.agent, request.x11) = (lent.agent(), lent.display());
                return self.run(request, ends).await;
            }
            Ask::Stdio { words } => {
                let [input, output] = self.reader.descriptors()?;
                if let Err(refused) = self.allowed(&format!("Allow forward to {words}? ")).await {
                    return Ok(Err(refused));
                }
                client.runs(format!("stdio to {words}"), None);
                let joined = async {
                    let target: Target = spec::target(&words)?;
                    let session = service.through.session.clone();
                    let take = || Ok((Input::of(input)?, Output::of(output, Ending::Shutdown)?));
                    stdio::carry_over(target, session, take).await
                };
                let joined = tokio::select! {
                    joined = joined => joined,
                    // It has nothing to say any more.
                    gone = self.reader.next() => return gone.map(|_| Ok(())),
                };
                joined.map(|()| Answer::Over {})
            }
            Ask::Resize { .. } | Ask::Signal { .. } | Ask::Break { .. } => {
                return Err(Malformed::Value.into());
            }
        };
        match done {
            Ok(answer) => self.say(&answer).await.map(Ok),
            Err(failure) => Ok(Err(failure)),
        }
    }

    async fn forward(&self, flag: &str, words: &str) -> Result<Answer, Failure> {
        let tunnel = spec::tunnel(flag, words)?;
        let Service { through, tunnels, .. } = &*self.service;
        let place = tunnels.add(through, tunnel, Class::default()).await?;
        let port = match place {
            Entry::Tcp { port, .. } => Some(port.into()),
            Entry::Unix(_) => None,
        };
        Ok(Answer::Forwarded { port })
    }

    fn cancel(&self, flag: &str, words: &str) -> Result<Answer, Failure> {
        let tunnel = spec::tunnel(flag, words)?;
        self.service.tunnels.cancel(tunnel).map(|()| Answer::Done {})
    }

    async fn allowed(&self, question: &str) -> Result<(), Failure> {
        if self.service.consent.to(question).await {
            return Ok(());
        }
        Err(Failure::new(Exit::Other, "the master's user does not allow it")
            .hint("its ControlMaster asks, by the program that SSH_ASKPASS names"))
    }

    /// The descriptors that came with a session.
    fn ends(&mut self, reads: bool) -> Result<Ends, Malformed> {
        if reads {
            let [input, output, error] = self.reader.descriptors()?;
            return Ok(Ends { input: Some(input), output, error, traffic: Traffic::default() });
        }
        let [output, error] = self.reader.descriptors()?;
        Ok(Ends { input: None, output, error, traffic: Traffic::default() })
    }

    /// Runs a program to its end, or until the client goes.
    async fn run(&mut self, request: Request, ends: Ends) -> Result<Result<(), Failure>, Fault> {
        let (order, control) = mpsc::channel(ORDERS);
        let (tell, mut told) = mpsc::channel(EVENTS);
        let tell = move |event| {
            // There are fewer of them than there is room for.
            let _ = tell.try_send(event);
        };
        let session = self.service.through.session.clone();
        let mut running = pin!(session::run(&session, request, ends, control, tell));
        let outcome = loop {
            tokio::select! {
                biased;
                Some(event) = told.recv() => self.tell(event).await?,
                outcome = &mut running => break outcome,
                frame = self.reader.next(), if order.capacity() > 0 => {
                    // Without the client nobody needs the program.
                    let Some(frame) = frame? else { return Ok(Ok(())) };
                    let control = program::order(Ask::decode(&frame)?)?;
                    // There is room, and at the end it does not matter.
                    let _ = order.try_send(control);
                }
            }
        };
        while let Ok(event) = told.try_recv() {
            self.tell(event).await?;
        }
        match program::outcome(outcome) {
            Ok(answer) => self.say(&answer).await.map(Ok),
            Err(failure) => Ok(Err(failure)),
        }
    }

    async fn tell(&self, event: Event) -> Result<(), Fault> {
        match program::event(event) {
            Some(answer) => self.say(&answer).await,
            None => Ok(()),
        }
    }

    async fn say(&self, answer: &Answer) -> Result<(), Fault> {
        self.writer.send(&answer.encode()).await
    }

    async fn fail(&self, failure: &Failure) -> Result<(), Fault> {
        let hint = failure.advice().map(str::to_owned);
        let (exit, cause) = (failure.exit.code().into(), failure.message().to_owned());
        self.say(&Answer::Failed { exit, cause, hint }).await
    }
}
