//! The core builds where there is no operating system to call.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::error::Result;
use crate::tidy::finding::Finding;
use crate::{process, workspace};

const TARGET: &str = "wasm32-unknown-unknown";
const PACKAGE: &str = "adit-proto";
const LIMIT: Duration = Duration::from_secs(300);

/// What came of it.
#[derive(Debug)]
pub(crate) enum Portable {
    Built,
    Broken(Finding),
    /// The target is not installed; the text names it.
    NotRun(String),
}

/// Builds the core for a target without files, sockets and threads, where rustc has that target.
pub(crate) fn check() -> Result<Portable> {
    if !is_installed()? {
        let text = format!("{PACKAGE} for {TARGET}: rustup target add {TARGET}");
        return Ok(Portable::NotRun(text));
    }
    let mut command = workspace::cargo();
    command.args(["check", "--quiet", "--package", PACKAGE, "--target", TARGET]);
    Ok(match process::succeed(command, LIMIT) {
        Ok(_) => Portable::Built,
        Err(error) => Portable::Broken(Finding::new(
            "proto/Cargo.toml",
            0,
            "portable",
            error.to_string(),
            format!("run cargo check -p {PACKAGE} --target {TARGET}"),
        )),
    })
}

fn is_installed() -> Result<bool> {
    let mut command = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    command.args(["--print", "target-libdir", "--target", TARGET]);
    let folder = process::succeed(command, Duration::from_secs(60))?;
    Ok(Path::new(folder.trim()).is_dir())
}
