//! What is measured, and the figures of one run.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The figures of one contestant in one round of one scenario.
pub(crate) type Sample = BTreeMap<Metric, f64>;

/// Something that is measured, with its unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Metric {
    /// MiB/s at the far end of the stream, all streams together.
    Rate,
    /// CPU-seconds of the client for a GiB.
    ClientCpu,
    /// CPU-seconds of the server for a GiB.
    ServerCpu,
    /// CPU-seconds of both for a GiB.
    Cpu,
    /// Connections or logins in a second.
    PerSecond,
    /// Microseconds of CPU of the client for a connection or login.
    ClientCpuEach,
    /// Microseconds of CPU of the server for a connection or login.
    ServerCpuEach,
    /// Microseconds of CPU of both for a connection or login.
    CpuEach,
    /// Milliseconds, the median.
    Median,
    /// Milliseconds, the 99th of a hundred.
    P99,
    /// The share of its speed that bulk keeps beside something else.
    BulkKept,
    /// Seconds until all idle channels were open.
    Opened,
    /// KiB that belong to the client alone.
    ClientPrivate,
    /// KiB that belong to the server alone.
    ServerPrivate,
    /// MiB resident in the client.
    ClientResident,
    /// MiB resident in the server.
    ServerResident,
    /// MiB by which both grew while readers stood still.
    Growth,
}

impl Metric {
    /// The heading of its column.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Rate => "MiB/s",
            Self::ClientCpu => "client s/GiB",
            Self::ServerCpu => "server s/GiB",
            Self::Cpu => "both s/GiB",
            Self::PerSecond => "1/s",
            Self::ClientCpuEach => "client us",
            Self::ServerCpuEach => "server us",
            Self::CpuEach => "both us",
            Self::Median => "p50 ms",
            Self::P99 => "p99 ms",
            Self::BulkKept => "bulk kept",
            Self::Opened => "open s",
            Self::ClientPrivate => "client KiB",
            Self::ServerPrivate => "server KiB",
            Self::ClientResident => "client RSS MiB",
            Self::ServerResident => "server RSS MiB",
            Self::Growth => "grown MiB",
        }
    }

    /// The figure with as many digits as mean something.
    pub(crate) fn show(figure: f64) -> String {
        match figure.abs() {
            size if size >= 100.0 => format!("{figure:.0}"),
            size if size >= 10.0 => format!("{figure:.1}"),
            size if size >= 0.1 => format!("{figure:.2}"),
            _ => format!("{figure:.3}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_the_digits_that_mean_something() {
        let shown = [676.4, 33.21, 1.186, 0.0831].map(Metric::show);
        assert_eq!(shown, ["676", "33.2", "1.19", "0.083"]);
    }
}
