//! `adit explain`: what the rules of a gateway make of a request, and why.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::SystemTime;

use adit_forward::target::Target;
use adit_gateway::ask::{Ask, Direction};
use adit_gateway::calendar::zone::Zone;
use adit_gateway::config::Config;
use adit_gateway::credential::Credential;
use adit_gateway::login::Login;
use adit_gateway::question::Question;
use adit_gateway::register::Denied;
use adit_gateway::terms::expiry;
use adit_gateway::user::{Privilege, User};
use adit_gateway::verdict::Reason;
use adit_transport::certificate::Certificate;
use adit_transport::public_key::PublicKey;

use crate::args;
use crate::failure::{Exit, Failure};
use crate::runtime;
use crate::serve::inquiry;
use crate::serve::source;
use crate::serve::world::Machine;

/// Explains, on standard output.
///
/// # Errors
/// Where the question is not one, or the configuration is wrong.
pub(crate) fn run(args: &args::Explain) -> Result<ExitCode, Failure> {
    let config = source::load(&args.config)?;
    let now = args.at.as_deref().map_or_else(|| Ok(SystemTime::now()), time)?;
    let login = match login(args, &config, now)? {
        Ok(login) => login,
        Err(why) => {
            say(&denied(args, Reason::Login.code(), &format!("is not let in: {why}")))?;
            return Ok(code(Answer::No));
        }
    };
    if let Some(service) = &args.session {
        let service = service
            .parse()
            .map_err(|unknown| Failure::new(Exit::Usage, format!("--session: {unknown}")))?;
        let explanation = config.policy.explain_session(&login, &service, now);
        let answer = if explanation.ruling.is_ok() { Answer::Yes } else { Answer::No };
        tell(args, &explanation.to_string(), serde_json::to_string(&explanation))?;
        return Ok(code(answer));
    }
    let (direction, target) = asked(args)?;
    let ask = match Ask::new(direction, &target) {
        Ok(ask) => ask,
        Err(unclear) => {
            let reason = Reason::Unclear(unclear);
            say(&denied(args, reason.code(), &format!("{direction} {target}: denied: {reason}")))?;
            return Ok(code(Answer::No));
        }
    };
    let question = Question { login: &login, ask: &ask, now };
    let wants = config.policy.wants(&question);
    let world = Arc::new(Machine::default());
    let answers = runtime::run(async { Ok(inquiry::answer(&world, wants).await) })?;
    let explanation = config.policy.explain(&question, &answers);
    tell(args, &explanation.to_string(), serde_json::to_string(&explanation))?;
    Ok(code(if explanation.verdict.is_allowed() { Answer::Yes } else { Answer::No }))
}

/// Whether it is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Yes,
    No,
}

fn code(answer: Answer) -> ExitCode {
    match answer {
        Answer::Yes => ExitCode::SUCCESS,
        Answer::No => ExitCode::FAILURE,
    }
}

fn tell(args: &args::Explain, text: &str, json: serde_json::Result<String>) -> Result<(), Failure> {
    if !args.json {
        return say(text);
    }
    say(&json.map_err(|error| Failure::new(Exit::Other, error))?)
}

fn say(text: &str) -> Result<(), Failure> {
    writeln!(std::io::stdout(), "{text}").map_err(|error| Failure::new(Exit::Other, error))
}

/// A denial that no rule had to be asked for.
fn denied(args: &args::Explain, reason: &str, text: &str) -> String {
    let (user, source) = (&args.user, args.from);
    if args.json {
        let data = serde_json::json!({
            "user": user,
            "source": source,
            "verdict": "deny",
            "rule": null,
            "reason": reason,
            "text": text,
        });
        return data.to_string();
    }
    format!("user {} from {source}, {text}", user.escape_debug())
}

fn time(text: &str) -> Result<SystemTime, Failure> {
    expiry::parse(text, Zone::UTC).ok_or_else(|| {
        Failure::new(Exit::Usage, format!("--at {text:?} is no time"))
            .hint("write YYYYMMDD, YYYYMMDDHHMM or YYYYMMDDHHMMSS, in UTC")
    })
}

/// Who asks, or why it is not let in.
fn login(
    args: &args::Explain,
    config: &Config,
    now: SystemTime,
) -> Result<Result<Login, Denied>, Failure> {
    if let Some(path) = &args.key {
        let credential = Arc::new(credential(path)?);
        return Ok(config.register.admit(&args.user, &credential, args.from, now));
    }
    let known = config.register.find(&args.user);
    if args.group.is_empty() {
        let login = known.map(|user| Login::supposed(user, args.from));
        return Ok(login.ok_or(Denied::User));
    }
    let stranger = || User {
        name: args.user.as_str().into(),
        groups: Vec::new(),
        keys: Vec::new(),
        authorities: Vec::new(),
        principals: Vec::new(),
        privilege: Privilege::Ordinary,
        account: None,
    };
    let mut user = known.map_or_else(stranger, Arc::unwrap_or_clone);
    user.groups = args.group.iter().map(|it| it.as_str().into()).collect();
    Ok(Ok(Login::supposed(Arc::new(user), args.from)))
}

/// What a file holds that a user logs in with.
fn credential(path: &Path) -> Result<Credential, Failure> {
    let wrong = |cause: &dyn std::fmt::Display| {
        Failure::new(Exit::Usage, format!("{}: {cause}", path.display())).hint(
            "--key takes the file of a public key, KEY.pub, or of a certificate, KEY-cert.pub",
        )
    };
    let text = fs::read_to_string(path).map_err(|error| wrong(&error))?;
    if let Ok((certificate, _comment)) = Certificate::parse(&text) {
        return Ok(Credential::Certificate(Box::new(certificate)));
    }
    let (key, _comment) = PublicKey::parse(text.trim()).map_err(|error| wrong(&error))?;
    Ok(Credential::Key(key))
}

/// What is asked for.
fn asked(args: &args::Explain) -> Result<(Direction, Target), Failure> {
    match (&args.target, &args.listen) {
        (Some(text), _) => Ok((Direction::Open, target("--target", text)?)),
        (None, Some(text)) => Ok((Direction::Listen, target("--listen", text)?)),
        (None, None) => Err(Failure::new(Exit::Usage, "nothing is asked for")),
    }
}

/// A place as a client sends it: a host without brackets and a port, or a path.
fn target(option: &str, text: &str) -> Result<Target, Failure> {
    if text.starts_with('/') {
        return Ok(Target::Unix(text.into()));
    }
    let (host, port) = text.rsplit_once(':').unwrap_or(("", text));
    let host = host.strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap_or(host);
    let port = port.parse().map_err(|_| {
        Failure::new(Exit::Usage, format!("{option} {text:?} has no port"))
            .hint("write host:port, [ipv6]:port or an absolute path")
    })?;
    Ok(Target::Tcp { host: host.to_owned(), port })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(host: &str, port: u16) -> Target {
        Target::Tcp { host: host.to_owned(), port }
    }

    #[test]
    fn a_place_is_read_as_a_client_sends_it() {
        for (text, expected) in [
            ("db:80", tcp("db", 80)),
            ("[::1]:80", tcp("::1", 80)),
            ("*:0", tcp("*", 0)),
            ("8080", tcp("", 8080)),
            (":8080", tcp("", 8080)),
            ("/run/app.sock", Target::Unix("/run/app.sock".into())),
        ] {
            assert_eq!(target("--target", text).unwrap(), expected, "{text}");
        }
        for text in ["", "db", "db:", "db:99999", "relative/path"] {
            assert!(target("--target", text).is_err(), "{text}");
        }
    }
}
