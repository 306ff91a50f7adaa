//! Logging to standard error.

use std::io::IsTerminal;
use std::sync::OnceLock;

use tracing_subscriber::{EnvFilter, reload};

use crate::args::{Log, LogFormat};
use crate::failure::{Exit, Failure};
use crate::talk::Limit;

/// How much is logged, and said, at a `LogLevel` of `ssh_config(5)`, in the spelling of `ssh -G`.
pub(crate) fn of_level(level: &str) -> (&'static str, Limit) {
    match level {
        "SILENT" => ("off", Limit::Nothing),
        "FATAL" | "ERROR" => ("error", Limit::Failures),
        "VERBOSE" | "DEBUG" => ("info", Limit::All),
        "DEBUG2" => ("debug", Limit::All),
        "DEBUG3" => ("trace", Limit::All),
        _ => ("warn", Limit::All),
    }
}

/// Begins to log what `-v` or `ADIT_LOG` asks for.
///
/// # Errors
/// Where `ADIT_LOG` is no filter.
pub(crate) fn start(log: &Log) -> Result<(), Failure> {
    let filter = match &log.filter {
        Some(filter) => EnvFilter::builder().parse(filter).map_err(|error| {
            Failure::new(Exit::Usage, format!("ADIT_LOG is no log filter: {error}"))
                .hint("for instance debug, or adit_transport=trace,info")
        })?,
        None => EnvFilter::new(match log.verbose {
            0 => "warn",
            1 => "info",
            2 => "debug",
            _ => "trace",
        }),
    };
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match log.format {
        LogFormat::Json => {
            let builder = builder.json().with_filter_reloading();
            keep(builder.reload_handle());
            builder.init();
        }
        LogFormat::Text => {
            let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
            let builder = builder.with_ansi(colours).with_filter_reloading();
            keep(builder.reload_handle());
            builder.init();
        }
    }
    Ok(())
}

/// Exchanges the filter.
type Exchange = Box<dyn Fn(EnvFilter) + Send + Sync>;

static EXCHANGE: OnceLock<Exchange> = OnceLock::new();

fn keep<S: 'static>(handle: reload::Handle<EnvFilter, S>) {
    let exchange = move |filter| {
        if let Err(error) = handle.reload(filter) {
            tracing::debug!(%error, "the log stays as it was");
        }
    };
    // The log begins once.
    let _ = EXCHANGE.set(Box::new(exchange));
}

/// Logs from now on what this filter says.
pub(crate) fn change(filter: &str) {
    if let Some(exchange) = EXCHANGE.get() {
        exchange(EnvFilter::new(filter));
    }
}
