//! Ansible's ssh connection with adit as its ssh: what is run, and what is copied both ways.

use std::fs;

use crate::error::{Context, Error, Result};
use crate::interop::ansible;
use crate::interop::leftover;
use crate::interop::server::Settings;
use crate::interop::stand_in::{HOST, StandIn};
use crate::interop::trial::{Stop, Trial};
use crate::traffic::pattern::Pattern;

const BYTES: usize = 1 << 20;

/// `%` stands for the folder here, `@` for that at the peer.
const PLAYBOOK: &str = "
- hosts: peer
  gather_facts: false
  tasks:
    - ping:
    - raw: echo raw-$((6*7))
      register: said
      failed_when: said.stdout | trim != 'raw-42'
    - copy: {src: %/sent, dest: @/copied, mode: '0600'}
    - fetch: {src: @/copied, dest: %/back, flat: true}
    - raw: rm -r @
";

pub(crate) fn run(trial: &mut Trial<'_, '_>) -> Result<(), Stop> {
    if trial.is_dropbear() {
        return Err(Stop::NotApplicable("of OpenSSH's servers; the client is the same".to_owned()));
    }
    let playbook = ansible::playbook()?.display().to_string();
    let server = trial.start_server(&Settings::default())?;
    let mut stand_in = StandIn::new(trial, &server)?;
    let wrapper = stand_in.wrapper();
    let inventory = format!(
        "{HOST} ansible_python_interpreter=/usr/bin/python3 ansible_ssh_executable={wrapper} \
         ansible_sftp_extra_args='-S {wrapper}'\n"
    );
    let (here, configuration) = (stand_in.word("ansible"), stand_in.word("ansible.cfg"));
    fs::write(&configuration, "").context("write a configuration")?;
    fs::create_dir(&here).context("make a folder")?;
    let mut bytes = vec![0; BYTES];
    Pattern::new(u64::from(leftover::serial())).fill(0, &mut bytes);
    fs::write(stand_in.path("ansible/sent"), &bytes).context("write a file")?;
    fs::write(stand_in.path("inventory"), inventory).context("write an inventory")?;
    for (name, value) in [
        ("ANSIBLE_HOME", here.as_str()),
        ("ANSIBLE_SSH_CONTROL_PATH_DIR", &here),
        ("ANSIBLE_NOCOLOR", "1"),
        ("ANSIBLE_CONFIG", &configuration),
    ] {
        stand_in.set(name, value);
    }
    let there = format!("/tmp/ansible-{}", leftover::serial());
    let text = PLAYBOOK.replace('%', &here).replace('@', &there);
    fs::write(stand_in.path("playbook.yml"), text).context("write a playbook")?;
    stand_in.output(trial, &[HOST, &format!("mkdir {there}")])?;
    let (inventory, file) = (stand_in.word("inventory"), stand_in.word("playbook.yml"));
    let played = stand_in.run(trial, &[&playbook, "-i", &inventory, &file]);
    let ended = end_masters(trial, &stand_in);
    played?;
    ended?;
    let back = fs::read(stand_in.path("ansible/back")).context("read what came back")?;
    if back != bytes {
        let text = format!("{} bytes came back that are not those of the file", back.len());
        return Err(Error::new(text).into());
    }
    Ok(())
}

/// Ansible leaves masters behind, which stay for a minute.
fn end_masters(trial: &mut Trial<'_, '_>, stand_in: &StandIn) -> Result<()> {
    use std::os::unix::fs::FileTypeExt;
    let entries = fs::read_dir(stand_in.path("ansible")).context("read a folder")?;
    let mut masters: usize = 0;
    for entry in entries.flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_socket()) {
            let option = format!("ControlPath={}", entry.path().display());
            stand_in.output(trial, &["-o", &option, "-O", "exit", HOST])?;
            masters += 1;
        }
    }
    trial.measure("masters", masters);
    Ok(())
}
