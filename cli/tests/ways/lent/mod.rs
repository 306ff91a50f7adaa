//! What `adit ssh` lends to programs at the server: a display, and the agent; beside tunnels.

use std::fs;

use crate::server::{Server, settings, user};

mod agent;
mod display;
mod gateway;
mod together;
mod x11;

/// The words of `adit ssh` to the last of these servers through those before it, with `more`
/// before all others, and this command.
fn ssh(servers: &[&Server], more: &[&str], command: &str) -> Vec<String> {
    let (last, jumps) = servers.split_last().unwrap();
    let mut words = vec!["ssh".to_owned(), "-Fnone".to_owned()];
    words.extend(more.iter().copied().map(str::to_owned));
    if !jumps.is_empty() {
        let jumps: Vec<_> = jumps.iter().map(|server| server.hop()).collect();
        words.extend(["-J".to_owned(), jumps.join(",")]);
    }
    let file = last.file("known_hosts");
    fs::write(&file, known(servers)).unwrap();
    for server in servers {
        words.extend(["-i".to_owned(), server.file("user")]);
    }
    words.extend(settings(&file));
    words.extend(["-p".to_owned(), last.address.port().to_string()]);
    words.push(format!("{}@127.0.0.1", user()));
    words.push(command.to_owned());
    words
}

/// The lines of these servers in a file of known hosts.
fn known(servers: &[&Server]) -> String {
    servers.iter().map(|server| server.known()).collect()
}
