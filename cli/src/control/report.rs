//! What is told of a connection.

use std::fmt::Write as _;
use std::process;

use crate::control::hello;
use crate::control::service::Service;

/// What the connection is, a line for each fact.
pub(super) fn conninfo(service: &Service) -> String {
    let facts = &service.facts;
    let mut text = String::new();
    let mut line = |name: &str, value: &dyn std::fmt::Display| {
        // A string takes all that it is given.
        let _ = writeln!(text, "{name:<18}  {value}");
    };
    line("connection", &facts.way);
    line("reached", &facts.reached);
    for (name, value) in &facts.agreed {
        line(name, value);
    }
    let traffic = service.through.session.traffic();
    line("sent", &format_args!("{} bytes", traffic.sent));
    line("received", &format_args!("{} bytes", traffic.received));
    line("open", &format_args!("{} s", facts.since.elapsed().as_secs()));
    line("socket", &facts.socket.display());
    let (pid, version) = (process::id(), hello::VERSION);
    line(
        "master",
        &format_args!("adit {}, pid {pid}, protocol {version}", env!("CARGO_PKG_VERSION")),
    );
    text
}

/// The tunnels, and what goes through the connection, a line each.
pub(super) fn channels(service: &Service) -> String {
    let mut text = String::new();
    for told in service.tunnels.list() {
        let state = match told.place {
            Some(place) => format!("listening on {place}"),
            None => "not open".to_owned(),
        };
        let (kind, asked) = (told.tunnel.kind(), told.tunnel.asked());
        let _ = writeln!(text, "tunnel   {kind:<14}  {asked}  ({state})");
    }
    for session in service.sessions() {
        let age = session.began.elapsed().as_secs();
        let bytes = match &session.traffic {
            Some(it) => format!("{} bytes forth, {} bytes back, ", it.read(), it.said()),
            None => String::new(),
        };
        let _ = writeln!(text, "session  {:<14}  {}  ({bytes}{age} s)", "", session.words);
    }
    for (kind, flow) in service.tunnels.flows().list() {
        let (traffic, age) = (flow.traffic(), flow.age().as_secs());
        let (forth, back) = (traffic.a_to_b, traffic.b_to_a);
        let _ = writeln!(
            text,
            "channel  {kind:<14}  {} -> {}  ({forth} bytes forth, {back} bytes back, {age} s)",
            flow.origin, flow.target
        );
    }
    text
}
