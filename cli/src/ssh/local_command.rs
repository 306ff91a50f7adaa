//! `LocalCommand`: a command that runs here after the login.

use tokio::process::Command;

/// Runs a command by the user's shell to its end. How it ends changes nothing.
pub(super) async fn run(command: &str) {
    let shell = std::env::var_os("SHELL").filter(|shell| !shell.is_empty());
    let mut running = Command::new(shell.unwrap_or_else(|| "/bin/sh".into()));
    let ended = running.arg("-c").arg(command).status().await;
    match ended {
        Ok(status) => tracing::debug!(%status, "the local command has ended"),
        Err(error) => tracing::warn!(%error, "no shell for LocalCommand"),
    }
}
