//! `adit serve`: a gateway that only forwards, and only what its policy allows.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use adit_forward::stop::Switch;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::timeout;

use crate::args;
use crate::failure::{Exit, Failure};
use crate::runtime;
use crate::serve::charter::Charter;
use crate::serve::gateway::Gateway;
use crate::serve::ledger::{Book, Ledger};
use crate::serve::listeners::Listeners;
use crate::serve::source::Source;
use crate::serve::world::Machine;
use crate::stop::Stop;
use crate::workers::Workers;

mod account;
pub(crate) mod charter;
mod doorman;
mod gate;
pub(crate) mod gateway;
pub(crate) mod host_keys;
mod house;
pub(crate) mod inquiry;
mod landlord;
mod lease;
pub(crate) mod ledger;
pub(crate) mod listeners;
mod lobby;
mod paced;
pub(crate) mod permits;
mod place;
#[cfg(feature = "sessions")]
mod sessions;
pub(crate) mod source;
#[cfg(test)]
mod tests;
pub(crate) mod world;

/// The configuration that is checked and explained where none is named.
pub(crate) const DEFAULT_CONFIG: &str = "adit-serve.toml";

/// How much longer than their time of grace connections may take to end.
const LAST_WORDS: std::time::Duration = std::time::Duration::from_secs(5);

/// Serves until a signal.
///
/// # Errors
/// Where a file or an address cannot be used.
pub(crate) fn run(args: args::Serve) -> Result<(), Failure> {
    if args.check {
        return check(args);
    }
    let source = Source::new(args)?;
    let charter = source.load()?;
    warn(&charter);
    let book = open_book(&charter)?;
    let (ledger, scribe) = Ledger::begin(book).map_err(|error| Failure::new(Exit::Other, error))?;
    // What is cut off has its line in the flow log when it is dropped, with the runtime at last.
    let done = runtime::run(serve(source, charter, ledger));
    scribe.finish();
    done
}

/// Looks for mistakes in a configuration.
fn check(mut args: args::Serve) -> Result<(), Failure> {
    let path = args.config.take().unwrap_or_else(|| PathBuf::from(DEFAULT_CONFIG));
    let name = path.display().to_string();
    let charter = Source::new(args::Serve { config: Some(path), ..args })?.load()?;
    warn(&charter);
    let users = charter.config.register.users().count();
    let rules = charter.config.policy.rules().len();
    eprintln!("adit: {name} is in order; users: {users}, rules: {rules}");
    Ok(())
}

fn warn(charter: &Charter) {
    for warning in &charter.config.warnings {
        eprintln!("adit: warning: {warning}");
    }
}

fn open_book(charter: &Charter) -> Result<Book, Failure> {
    let place = charter.config.flow_log.as_ref();
    Book::open(place).map_err(|error| {
        Failure::new(Exit::Usage, format!("the flow log cannot be opened: {error}"))
            .hint("`flow-log` names a file that the gateway can write to")
    })
}

async fn serve(source: Source, charter: Charter, ledger: Ledger) -> Result<(), Failure> {
    let no_signals = |error: io::Error| Failure::new(Exit::Other, format!("no signals: {error}"));
    let mut stop = Stop::listen().map_err(no_signals)?;
    let mut hangup = signal(SignalKind::hangup()).map_err(no_signals)?;
    let addresses = charter.config.listen.clone();
    let gateway = Gateway::new(charter, Machine::default(), ledger.clone());
    let (switch, ended) = Switch::new();
    let workers = Workers::start().map_err(|error| Failure::new(Exit::Other, error))?;
    let mut listeners = Listeners::new(gateway.clone(), workers, ended);
    listeners.listen_on(&addresses).await?;
    let source = Arc::new(source);
    tokio::select! {
        () = stop.wait() => {}
        () = reload_for_ever(&source, &gateway, &mut listeners, &ledger, &mut hangup) => {}
    }
    let grace = gateway.charter().config.stop_grace;
    eprintln!("adit: stopping; what runs may take {} more seconds", grace.as_secs());
    switch.stop(grace);
    // A second signal ends it at once.
    tokio::select! {
        _ = timeout(grace + LAST_WORDS, listeners.ended()) => {}
        () = stop.wait() => {}
    }
    Ok(())
}

/// Reads the configuration again at each SIGHUP.
async fn reload_for_ever(
    source: &Arc<Source>,
    gateway: &Gateway<Machine>,
    listeners: &mut Listeners<Machine>,
    ledger: &Ledger,
    hangup: &mut Signal,
) {
    while hangup.recv().await.is_some() {
        match reload(source, gateway, listeners, ledger).await {
            Ok(()) => eprintln!("adit: the configuration was read again"),
            Err(failure) => {
                failure.warn();
                eprintln!("adit: the configuration stays as it was");
            }
        }
    }
}

/// Reads the configuration again, and goes by it from now on: all of it, or nothing.
async fn reload(
    source: &Arc<Source>,
    gateway: &Gateway<Machine>,
    listeners: &mut Listeners<Machine>,
    ledger: &Ledger,
) -> Result<(), Failure> {
    let source = Arc::clone(source);
    let loading = tokio::task::spawn_blocking(move || {
        let charter = source.load()?;
        let book = open_book(&charter)?;
        Ok((charter, book))
    });
    let died = |error| Err(Failure::new(Exit::Other, error));
    let (charter, book) = loading.await.unwrap_or_else(died)?;
    listeners.listen_on(&charter.config.listen).await?;
    warn(&charter);
    ledger.turn_to(book);
    gateway.set_charter(charter);
    Ok(())
}
