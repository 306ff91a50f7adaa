//! The programs that call ssh to move files: git, rsync, scp and sftp, with adit as the ssh command.

use std::fs;
use std::path::Path;

use crate::error::{Context, Error, Result};
use crate::interop::caller;
use crate::interop::leftover;
use crate::interop::server::Settings;
use crate::interop::stand_in::{HOST, StandIn};
use crate::interop::trial::{Stop, Trial};
use crate::tools::FOR_CALLERS;
use crate::traffic::pattern::Pattern;

/// Of the large one of two files, more than a window.
const BYTES: usize = 5 << 20;

const NAMES: [&str; 2] = ["large", "with a space"];

type Part = fn(&mut Trial<'_, '_>, &StandIn, &str) -> Result<()>;

pub(crate) fn run(trial: &mut Trial<'_, '_>) -> Result<(), Stop> {
    caller::need(&FOR_CALLERS)?;
    let server = trial.start_server(&Settings::default())?;
    let mut stand_in = StandIn::new(trial, &server)?;
    stand_in.set("GIT_SSH", &stand_in.wrapper());
    stand_in.set("GIT_CONFIG_NOSYSTEM", "1");
    let here = stand_in.path("here");
    fs::create_dir(&here).context("make a folder")?;
    for (name, length) in NAMES.into_iter().zip([BYTES, 1]) {
        let mut bytes = vec![0; length];
        Pattern::new(u64::from(leftover::serial())).fill(0, &mut bytes);
        fs::write(here.join(name), bytes).context("write a file")?;
    }
    let there = format!("/tmp/callers-{}", leftover::serial());
    stand_in.output(trial, &[HOST, &format!("mkdir {there}")])?;
    let parts: [(&str, Part); 4] = [("git", git), ("rsync", rsync), ("scp", scp), ("sftp", sftp)];
    for (name, part) in parts {
        let there = format!("{there}/{name}");
        part(trial, &stand_in, &there).map_err(|error| error.context(name))?;
    }
    stand_in.output(trial, &[HOST, &format!("rm -r {there}")]).map(drop)?;
    Ok(())
}

/// The files of a folder must be those that went out.
fn compare(stand_in: &StandIn, folder: &Path) -> Result<()> {
    for name in NAMES {
        let read = |path: &Path| fs::read(path).context(format!("read {}", path.display()));
        let (sent, back) = (read(&stand_in.path("here").join(name))?, read(&folder.join(name))?);
        if sent != back {
            let (is, should) = (back.len(), sent.len());
            return Err(Error::new(format!(
                "{name}: {is} bytes came back that are not the {should}"
            )));
        }
    }
    Ok(())
}

fn git(trial: &mut Trial<'_, '_>, stand_in: &StandIn, there: &str) -> Result<()> {
    stand_in.output(trial, &[HOST, &format!("git init --quiet --bare {there}")])?;
    let url = format!("{HOST}:{there}");
    let (work, back) = (stand_in.word("work"), stand_in.word("git-back"));
    fs::create_dir(&work).context("make a folder")?;
    for name in NAMES {
        let copy = fs::copy(stand_in.path("here").join(name), Path::new(&work).join(name));
        copy.context("copy a file")?;
    }
    let who = ["-c", "user.name=adit", "-c", "user.email=adit@interop.test"];
    let steps: [&[&str]; 6] = [
        &["init", "--quiet", &work],
        &["-C", &work, "add", "."],
        &["-C", &work, "commit", "--quiet", "--message", "files"],
        &["-C", &work, "push", "--quiet", &url, "HEAD:refs/heads/main"],
        &["clone", "--quiet", "--branch", "main", &url, &back],
        &["-C", &back, "fetch", "--quiet", "origin"],
    ];
    for step in steps {
        stand_in.run(trial, &[&["git"], &who[..], step].concat())?;
    }
    let listed = stand_in.run(trial, &["git", "ls-remote", &url])?.stdout_text();
    if !listed.contains("refs/heads/main") {
        return Err(Error::new(format!("no such branch: {listed}")));
    }
    compare(stand_in, Path::new(&back))
}

fn rsync(trial: &mut Trial<'_, '_>, stand_in: &StandIn, there: &str) -> Result<()> {
    let (wrapper, remote) = (stand_in.wrapper(), format!("{HOST}:{there}/"));
    let (here, back) = (stand_in.word("here") + "/", stand_in.word("rsync-back") + "/");
    for (from, to) in [(&here, &remote), (&remote, &back)] {
        stand_in.run(trial, &["rsync", "--archive", "-e", &wrapper, from, to])?;
    }
    compare(stand_in, Path::new(&back))
}

/// By the protocol of sftp, and by that of old, whose programs stand at both ends.
fn scp(trial: &mut Trial<'_, '_>, stand_in: &StandIn, there: &str) -> Result<()> {
    let (wrapper, here) = (stand_in.wrapper(), stand_in.word("here"));
    for flags in [&["-q"][..], &["-q", "-O"]] {
        let name = flags.concat();
        let (remote, back) =
            (format!("{HOST}:{there}{name}"), stand_in.word(&format!("scp{name}")));
        for (from, to) in [(&here, &remote), (&remote, &back)] {
            let words = [&["scp", "-S", &wrapper, "-r"], flags, &[from, to]].concat();
            stand_in.run(trial, &words)?;
        }
        compare(stand_in, Path::new(&back))?;
    }
    Ok(())
}

fn sftp(trial: &mut Trial<'_, '_>, stand_in: &StandIn, there: &str) -> Result<()> {
    let (wrapper, here) = (stand_in.wrapper(), stand_in.word("here"));
    let (batch, back) = (stand_in.word("batch"), stand_in.word("sftp-back"));
    let lines = [
        format!("mkdir {there}"),
        format!("put \"{here}/\"* {there}"),
        format!("rename {there}/large {there}/renamed"),
        format!("rename {there}/renamed {there}/large"),
        format!("ls -l {there}"),
        format!("get -r {there} {back}"),
    ];
    fs::write(&batch, lines.join("\n") + "\n").context("write a batch")?;
    stand_in.run(trial, &["sftp", "-S", &wrapper, "-b", &batch, HOST])?;
    compare(stand_in, Path::new(&back))
}
