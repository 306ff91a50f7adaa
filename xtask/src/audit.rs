//! `cargo xtask audit`: what `ssh-audit` finds wrong with what adit offers, as server and as client.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::error::{Context, Error, Result};
use crate::interop::Ending;
use crate::process::{self, Process};
use crate::workspace;

const BUILD_LIMIT: Duration = Duration::from_secs(30 * 60);
const INSTALL_LIMIT: Duration = Duration::from_secs(180);
const AUDIT_LIMIT: Duration = Duration::from_secs(120);
const READY_LIMIT: Duration = Duration::from_secs(20);

/// What is looked at, and what may be found there.
#[derive(Clone, Copy, Debug)]
struct Preset {
    name: &'static str,
    /// How a client is told to offer it.
    client: &'static [&'static str],
    /// Whether a note on an algorithm is none that counts.
    forgives: fn(algorithm: &str, note: &str) -> bool,
}

/// Methods without a post-quantum part are noted whatever they are, curve25519 among them.
const NOT_POST_QUANTUM: &str = "post-quantum";

const PRESETS: [Preset; 2] = [
    Preset {
        name: "strict",
        client: &["-o", "KexAlgorithms=-ecdh-*,diffie-*", "-o", "HostKeyAlgorithms=-*nistp*"],
        forgives: |algorithm, note| {
            algorithm.starts_with("curve25519-") && note.contains(NOT_POST_QUANTUM)
        },
    },
    Preset {
        name: "default",
        client: &[],
        forgives: |algorithm, note| algorithm.contains("nistp") || note.contains(NOT_POST_QUANTUM),
    },
];

/// Audits both roles with each preset; an error where anything is found.
pub(crate) fn run() -> Result<Ending> {
    let folder = workspace::metadata()?.target_directory.join("audit");
    let audit = match find(&folder) {
        Ok(audit) => audit,
        Err(error) => {
            process::check_interrupt()?;
            eprintln!("error: ssh-audit is not here and cannot be installed: {error}");
            return Ok(Ending::NothingRun);
        }
    };
    let mut command = workspace::cargo();
    command.args(["build", "--quiet", "--package", "adit"]);
    if !process::stream(command, BUILD_LIMIT)?.success() {
        return Err(Error::new("adit does not build"));
    }
    let adit = workspace::metadata()?.target_directory.join("debug/adit");
    let temporary = tempfile::tempdir().context("make a folder")?;
    let mut found = Vec::new();
    for preset in PRESETS {
        let report = server(&audit, &adit, preset, temporary.path())?;
        found.extend(judge("server", preset, &report)?);
        let report = client(&audit, &adit, preset)?;
        found.extend(judge("client", preset, &report)?);
    }
    if found.is_empty() {
        println!("audit: nothing that counts, in both roles, strict and default");
        return Ok(Ending::Passed);
    }
    Err(Error::new(format!("ssh-audit found:\n{}", found.join("\n"))))
}

/// `ssh-audit` of the path, or one of its own, from PyPI.
fn find(folder: &Path) -> Result<PathBuf> {
    let mut command = Command::new("ssh-audit");
    command.arg("--help");
    if process::run(command, &[], READY_LIMIT).is_ok() {
        return Ok("ssh-audit".into());
    }
    let program = folder.join("bin/ssh-audit");
    if !program.exists() {
        let mut command = Command::new("python3");
        command.args(["-m", "venv"]).arg(folder);
        process::succeed(command, INSTALL_LIMIT)?;
        let mut command = Command::new(folder.join("bin/pip"));
        command.args(["install", "--quiet", "ssh-audit"]);
        process::succeed(command, INSTALL_LIMIT)?;
    }
    Ok(program)
}

/// What is said of `adit serve`.
fn server(audit: &Path, adit: &Path, preset: Preset, folder: &Path) -> Result<Value> {
    let address = free_address()?;
    let authorized = folder.join("authorized_keys");
    std::fs::write(&authorized, "").context("write authorized_keys")?;
    let mut command = Command::new(adit);
    command.args(["serve", "--algorithms", preset.name, "--listen", &address.to_string()]);
    command.arg("--host-key").arg(folder.join("host")).arg("--authorized-keys").arg(authorized);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut serve = Process::spawn(command)?;
    let deadline = Instant::now() + READY_LIMIT;
    while TcpStream::connect(address).is_err() {
        if Instant::now() > deadline || serve.ended()?.is_some() {
            return Err(Error::new("adit serve does not listen"));
        }
        thread::sleep(Duration::from_millis(50));
    }
    let mut command = Command::new(audit);
    // How many connections a second there may be is a matter of its own.
    command.args(["-j", "--skip-rate-test", "-p", &address.port().to_string(), "127.0.0.1"]);
    let finished = process::run(command, &[], AUDIT_LIMIT)?;
    serve.stop()?;
    parse(&finished.stdout)
}

/// What is said of `adit open`.
fn client(audit: &Path, adit: &Path, preset: Preset) -> Result<Value> {
    let port = free_address()?.port().to_string();
    let mut command = Command::new(audit);
    command.args(["-c", "-j", "-t", "60", "-p", &port]);
    let listening = thread::spawn(move || process::run(command, &[], AUDIT_LIMIT));
    while !listening.is_finished() {
        // It is refused until the audit listens, and fails when that has heard enough.
        let mut command = Command::new(adit);
        command.args(["open", "-F", "none", "-o", "BatchMode=yes", "-p", &port]);
        command.args(["-o", "StrictHostKeyChecking=yes", "-o", "UserKnownHostsFile=none"]);
        command.args(preset.client).args(["-L", "127.0.0.1:0:localhost:1", "audit@127.0.0.1"]);
        process::run(command, &[], AUDIT_LIMIT)?;
        process::check_interrupt()?;
    }
    let finished = listening.join().map_err(|_| Error::new("the audit failed"))??;
    parse(&finished.stdout)
}

fn free_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("find a free port")?;
    listener.local_addr().context("find a free port")
}

fn parse(said: &[u8]) -> Result<Value> {
    serde_json::from_slice(said).context("read what ssh-audit says")
}

/// All that counts of a report.
fn judge(role: &str, preset: Preset, report: &Value) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for kind in ["kex", "key", "enc", "mac"] {
        let list = report.get(kind).and_then(Value::as_array);
        let list = list.filter(|list| !list.is_empty());
        let list = list.ok_or_else(|| Error::new(format!("ssh-audit told no {kind}")))?;
        for entry in list {
            let algorithm = entry.get("algorithm").and_then(Value::as_str).unwrap_or_default();
            let levels = ["fail", "warn"].map(|level| entry.pointer(&format!("/notes/{level}")));
            for note in levels.into_iter().flatten().filter_map(Value::as_array).flatten() {
                let note = note.as_str().unwrap_or_default();
                if !(preset.forgives)(algorithm, note) {
                    found.push(format!("{role}, {}: {algorithm}: {note}", preset.name));
                }
            }
        }
    }
    let cves = report.get("cves").and_then(Value::as_array);
    let cves = cves.into_iter().flatten();
    found.extend(cves.map(|cve| format!("{role}, {}: {cve}", preset.name)));
    let marker = |it: &Value| it.as_str().is_some_and(|it| it.contains("kex-strict-"));
    let notes = report.get("additional_notes").and_then(Value::as_array);
    let is_strict = notes.into_iter().flatten().any(marker);
    if !is_strict {
        found.push(format!("{role}, {}: strict key exchange was not noticed", preset.name));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn report(algorithm: &str, level: &str, note: &str) -> Value {
        let plain = json!([{"algorithm": "x", "notes": {"info": ["old"]}}]);
        let noted = json!([{"algorithm": algorithm, "notes": {level: [note]}}]);
        json!({
            "kex": noted, "key": plain, "enc": plain, "mac": plain, "cves": [],
            "additional_notes": ["supports kex-strict-?-v00@openssh.com"],
        })
    }

    #[test]
    fn a_note_counts_unless_the_preset_forgives_it() {
        let [strict, default] = PRESETS;
        let late = "does not provide protection against post-quantum attacks";
        for (preset, algorithm, note, counts) in [
            (strict, "curve25519-sha256", late, false),
            (strict, "curve25519-sha256", "is broken", true),
            (strict, "ecdh-sha2-nistp256", late, true),
            (default, "ecdh-sha2-nistp256", "suspected", false),
            (default, "diffie-hellman-group16-sha512", late, false),
            (default, "diffie-hellman-group14-sha256", "only 112 bits", true),
        ] {
            for level in ["fail", "warn"] {
                let found = judge("server", preset, &report(algorithm, level, note)).unwrap();
                assert_eq!(!found.is_empty(), counts, "{} {algorithm} {note}", preset.name);
            }
        }
    }

    #[test]
    fn vulnerabilities_and_a_missing_marker_count_and_an_empty_report_is_none() {
        let mut vulnerable = report("x", "info", "fine");
        vulnerable["cves"] = json!([{"name": "CVE-1"}]);
        assert_eq!(judge("client", PRESETS[1], &vulnerable).unwrap().len(), 1);
        vulnerable["cves"] = json!([]);
        vulnerable["additional_notes"] = json!([]);
        assert_eq!(judge("client", PRESETS[1], &vulnerable).unwrap().len(), 1);
        assert!(judge("client", PRESETS[1], &json!({})).is_err());
    }
}
