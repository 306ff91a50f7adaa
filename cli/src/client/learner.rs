//! What a server announces of its host keys, learned.

use adit_channels::global_request::Kind;
use adit_channels::mux::Answer;
use adit_channels::session::{GlobalRequests, Handle};
use adit_transport::host_keys;
use adit_transport::prompt::Prompt;
use adit_transport::provider;
use adit_transport::trust::{News, Trust};
use bytes::Bytes;
use tokio::task::spawn_blocking;

use crate::prompt::Terminal;
use crate::settings::UpdateHostKeys;

/// Learns the further host keys of a server, once it has proved that it has them.
#[derive(Debug)]
pub(crate) struct Learner {
    trust: Trust,
    session_id: Bytes,
    update: UpdateHostKeys,
    terminal: Terminal,
}

impl Learner {
    /// One for a server that is trusted as `trust` knows, in the session of this identifier.
    pub(super) fn new(
        trust: Trust,
        session_id: &[u8],
        update: UpdateHostKeys,
        terminal: Terminal,
    ) -> Self {
        Self { trust, session_id: Bytes::copy_from_slice(session_id), update, terminal }
    }

    /// Learns from the first announcement, and refuses all that is asked besides and after it.
    /// It ends with the session at the latest.
    pub(crate) async fn run(self, mut requests: GlobalRequests, session: Handle) {
        while let Some(request) = requests.next().await {
            if let Kind::HostKeys { keys } = request.kind() {
                let news = self.trust.news(keys).filter(|news| !news.is_empty());
                if let (Some(news), false) = (news, self.update == UpdateHostKeys::No) {
                    self.learn(news, &session).await;
                }
                return;
            }
        }
    }

    async fn learn(mut self, news: News, session: &Handle) {
        let host = self.trust.host().to_string();
        if !self.is_proved(&news, session).await {
            return;
        }
        for key in &news.new {
            self.tell(&format!(
                "{host} has a new host key, {} {}",
                key.key_type(),
                key.fingerprint()
            ));
        }
        for key in &news.gone {
            self.tell(&format!("{host} has no more {} {}", key.key_type(), key.fingerprint()));
        }
        if self.update == UpdateHostKeys::Ask {
            let answer = self.terminal.ask("learn this (yes/no)? ").await;
            if answer.as_deref().map(str::trim) != Some("yes") {
                return;
            }
        }
        let Self { trust, mut terminal, .. } = self;
        let learned = spawn_blocking(move || trust.learn(&news)).await;
        match learned {
            Ok(Ok(())) => tracing::info!(%host, "the host keys were learned"),
            Err(defect) => tracing::error!(%defect, "the host keys were not learned"),
            Ok(Err(error)) => {
                terminal.tell(&format!("warning: host keys are not learned: {error}"));
            }
        }
    }

    /// Has the server prove the keys that are new.
    async fn is_proved(&mut self, news: &News, session: &Handle) -> bool {
        if news.new.is_empty() {
            return true;
        }
        let keys = news.new.iter().map(|key| key.wire().clone()).collect();
        match session.global_request(Kind::HostKeysProve { keys }).await {
            Ok(Answer::Granted(proofs)) => {
                let provider = provider::default();
                let proved = host_keys::verify(&provider, &self.session_id, &news.new, &proofs);
                if let Err(unproved) = &proved {
                    self.terminal.tell(&format!("warning: {unproved}"));
                }
                proved.is_ok()
            }
            Ok(_) => {
                tracing::info!("the server does not prove the host keys that it announces");
                false
            }
            Err(_) => false,
        }
    }

    /// Tells what is learned: loudly where the user is asked.
    fn tell(&mut self, words: &str) {
        if self.update == UpdateHostKeys::Ask {
            self.terminal.tell(words);
        } else {
            tracing::info!("{words}");
        }
    }
}
