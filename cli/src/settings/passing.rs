//! What holds for servers on the way to the one that is meant.

use crate::settings::{Settings, StrictHostKeys};

impl Settings {
    /// What holds for a server that is only passed: keys, trust, questions and times, but not
    /// who and where the destination is, nor what is forwarded, nor its algorithms.
    pub(crate) fn for_passing(&self) -> Self {
        Self {
            alive_count_max: self.alive_count_max,
            alive_interval: self.alive_interval,
            batch_mode: self.batch_mode,
            connect_timeout: self.connect_timeout,
            global_known_hosts: self.global_known_hosts.clone(),
            hash_known_hosts: self.hash_known_hosts,
            identities_only: self.identities_only,
            identity_agent: self.identity_agent.clone(),
            identity_files: self.identity_files.clone(),
            keyboard_interactive: self.keyboard_interactive,
            password: self.password,
            password_prompts: self.password_prompts,
            pubkey: self.pubkey,
            // That any key of the destination will do says nothing of those before it.
            strict_host_keys: match self.strict_host_keys {
                Some(StrictHostKeys::No) => Some(StrictHostKeys::AcceptNew),
                strictness => strictness,
            },
            tcp_keep_alive: self.tcp_keep_alive,
            user_known_hosts: self.user_known_hosts.clone(),
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_and_where_the_destination_is_does_not_hold_on_the_way() {
        let mut settings = Settings::default();
        for option in
            ["User=root", "Port=7", "HostName=x", "HostKeyAlias=y", "Ciphers=-a", "IdentityFile=k"]
        {
            settings.set(option).unwrap();
        }
        let passing = settings.for_passing();
        assert_eq!((passing.user, passing.port, passing.host_name), (None, None, None));
        assert_eq!((passing.host_key_alias, passing.ciphers), (None, None));
        assert_eq!(passing.identity_files, ["k"]);
    }

    #[test]
    fn no_changed_key_is_taken_on_the_way() {
        let strictness = |value: &str| {
            let mut settings = Settings::default();
            settings.set(&format!("StrictHostKeyChecking={value}")).unwrap();
            settings.for_passing().strict_host_keys
        };
        assert_eq!(strictness("no"), Some(StrictHostKeys::AcceptNew));
        assert_eq!(strictness("yes"), Some(StrictHostKeys::Yes));
    }
}
