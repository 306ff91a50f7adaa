//! What one end of a connection does, step by step, as a value that can be sent to the other end.

use serde::{Deserialize, Serialize};

/// One thing to do. Numbers are bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Step {
    /// Send the next bytes of one's own pattern.
    Send(u64),
    /// Receive exactly so many bytes of the other's pattern.
    Receive(u64),
    /// Send and receive at the same time; finish as soon as all is sent.
    Duplex { send: u64, receive: u64 },
    /// Give back what comes.
    Echo(u64),
    /// Send and, at the same time, receive the very same bytes.
    SendEchoed(u64),
    /// End the sending direction.
    Finish,
    /// The other end finishes here, and not a byte sooner or later.
    ExpectEnd,
    /// Receive bytes of the other's pattern until the end, of whatever kind.
    ReceiveUntilEnd,
    /// Send until that fails, which it must.
    SendUntilError,
    /// Send and receive until either fails or the other end finishes, which one of them must.
    SendUntilEnd,
    /// Close so that the other end sees a reset.
    Reset,
    /// Wait until every connection of this run is here.
    Meet,
    /// Say on standard output that this point is reached.
    Note,
    /// Do nothing for good, the connection open.
    Hold,
}

/// What the driver asks of the target, as the first line through the tunnel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Order {
    /// Comes back in the account, so that the two halves are put together.
    pub(crate) id: u64,
    /// Of the bytes that the driver sends; the target sends those of the next seed.
    pub(crate) seed: u64,
    /// The longest wait for a byte, in milliseconds.
    pub(crate) patience: u64,
    pub(crate) steps: Vec<Step>,
}

/// How the receiving direction ended, or the sending one where that is what was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum End {
    /// An orderly end of the stream.
    Finished,
    /// A reset, or a broken pipe.
    Reset,
}

/// What came of a script.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Account {
    pub(crate) id: u64,
    pub(crate) sent: u64,
    pub(crate) sent_digest: String,
    pub(crate) received: u64,
    pub(crate) received_digest: String,
    /// How many of the sent bytes came back, or of the received ones went back.
    pub(crate) echoed: u64,
    pub(crate) end: Option<End>,
    pub(crate) milliseconds: u64,
    /// Why the script was not followed to its end.
    pub(crate) error: Option<String>,
}

impl Account {
    /// MiB per second of all that was sent and received.
    pub(crate) fn speed(&self) -> u64 {
        let mebibytes = (self.sent + self.received + self.echoed) >> 20;
        mebibytes.saturating_mul(1000) / self.milliseconds.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_survives_the_way_to_the_target() {
        let order = Order {
            id: 3,
            seed: u64::MAX,
            patience: 1000,
            steps: vec![Step::Duplex { send: 1, receive: 2 }, Step::Finish, Step::Echo(5)],
        };
        let line = serde_json::to_string(&order).unwrap();
        assert!(!line.contains('\n'));
        assert_eq!(serde_json::from_str::<Order>(&line).unwrap(), order);
    }

    #[test]
    fn speed_is_in_mebibytes_a_second() {
        let account =
            Account { sent: 64 << 20, received: 64 << 20, milliseconds: 500, ..Account::default() };
        assert_eq!(account.speed(), 256);
        assert_eq!(Account::default().speed(), 0);
    }
}
