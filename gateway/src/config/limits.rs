//! The tables of limits and penalties.

use std::time::Duration;

use toml::Spanned;

use crate::config::document;
use crate::config::length::Length;
use crate::config::report::Report;
use crate::config::size::Size;
use crate::config::text::Text;
use crate::limits::Limits;
use crate::limits::penalties::Scale;
use crate::limits::rate::Rate;

/// Fills in what the file leaves out.
pub(super) fn build(
    limits: &document::Limits,
    penalties: &document::Penalties,
    report: &mut Report,
) -> Limits {
    let default = Limits::default();
    let login_grace = length(limits.login_grace.as_ref(), default.login_grace, report);
    let mut at_least_one = |value: &Option<Spanned<u32>>, default: usize| match value {
        Some(value) if *value.get_ref() == 0 => {
            report.fault(value.span(), "with 0 nobody would come in");
            default
        }
        value => count(value, default),
    };
    let attempts = at_least_one(&limits.login_attempts, 6);
    let mut built = Limits {
        connections: at_least_one(&limits.connections, default.connections),
        connections_per_source: at_least_one(
            &limits.connections_per_source,
            default.connections_per_source,
        ),
        connections_per_user: at_least_one(
            &limits.connections_per_user,
            default.connections_per_user,
        ),
        half_open: at_least_one(&limits.half_open, default.half_open),
        half_open_per_source: at_least_one(
            &limits.half_open_per_source,
            default.half_open_per_source,
        ),
        login_attempts: u32::try_from(attempts).unwrap_or(u32::MAX),
        login_grace,
        channels: count(&limits.channels, default.channels),
        listeners: count(&limits.listeners, default.listeners),
        sessions: count(&limits.sessions, default.sessions),
        sources: at_least_one(&limits.sources, default.sources),
        ..Limits::default()
    };
    built.memory = memory(limits.memory.as_ref(), built.connections, report);
    built.arrivals = rate(limits.arrivals.as_ref(), report);
    built.opens = rate(limits.opens.as_ref(), report);
    built.bytes = rate(limits.bytes.as_ref(), report);
    built.penalties = scale(penalties, report);
    built
}

/// Less would not do for a few connections.
const LEAST_MEMORY: u64 = 16 << 20;

/// Each connection has a part of a quarter for itself, in which one channel should find room.
const LEAST_MEMORY_EACH: u64 = 4 * 8 * 1024;

fn memory(text: Option<&Text<Size>>, connections: usize, report: &mut Report) -> u64 {
    let default = Limits::default().memory;
    let Some(text) = text else { return default };
    let Some(Size(memory)) = report.value(text) else { return default };
    let wanted = u64::try_from(connections).unwrap_or(u64::MAX).saturating_mul(LEAST_MEMORY_EACH);
    if memory < LEAST_MEMORY {
        report.fault(text.span.clone(), "that is too little: 16M is the least");
    } else if memory < wanted {
        let message = "a connection may find no memory for a single channel";
        report.warn(text.span.clone(), message, "raise it, or lower `connections`");
    }
    memory
}

fn scale(penalties: &document::Penalties, report: &mut Report) -> Scale {
    let default = Scale::default();
    let mut length = |text: &Option<Text<Length>>, default| length(text.as_ref(), default, report);
    let scale = Scale {
        auth_failed: length(&penalties.authfail, default.auth_failed),
        no_auth: length(&penalties.noauth, default.no_auth),
        grace_exceeded: length(&penalties.grace_exceeded, default.grace_exceeded),
        crash: length(&penalties.crash, default.crash),
        threshold: length(&penalties.threshold, default.threshold),
        maximum: length(&penalties.maximum, default.maximum),
        exempt: report.values(&penalties.exempt),
    };
    if let Some(threshold) = &penalties.threshold
        && scale.threshold >= scale.maximum
    {
        report.fault_with_hint(
            threshold.span.clone(),
            "penalties never exceed this",
            "choose a threshold below `maximum`, or exempt all sources",
        );
    }
    scale
}

fn rate(rate: Option<&Spanned<document::Rate>>, report: &mut Report) -> Option<Rate> {
    let spanned = rate?;
    let rate = spanned.get_ref();
    let per = length(rate.per.as_ref(), Duration::from_secs(1), report);
    let burst = rate.burst.unwrap_or(rate.count);
    if rate.count == 0 || burst == 0 || per.is_zero() {
        report.fault(spanned.span(), "no part of a rate may be 0");
    }
    Some(Rate { count: rate.count, per, burst })
}

fn count(value: &Option<Spanned<u32>>, default: usize) -> usize {
    value.as_ref().map_or(default, |it| usize::try_from(*it.get_ref()).unwrap_or(usize::MAX))
}

/// A length of time, or the default.
pub(super) fn length(
    text: Option<&Text<Length>>,
    default: Duration,
    report: &mut Report,
) -> Duration {
    text.and_then(|text| report.value(text)).map_or(default, |length| length.0)
}
