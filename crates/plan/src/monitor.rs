//! What is watched while the load runs.

use serde::{Deserialize, Serialize};
use squall_core::Nanos;

use crate::Unit;

/// Something that is asked for its numbers at an interval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Monitor {
    /// Beginning of the names of its series: `process`, or `process.api` for one that was given a name.
    pub name: String,
    /// Time between two samples.
    pub interval: Nanos,
    /// What is asked.
    pub kind: MonitorKind,
}

/// What a [`Monitor`] asks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MonitorKind {
    /// This process and its control group: is the generator itself well? Every plan has one, called `generator`.
    Generator,
    /// A process on this machine.
    Process(ProcessTarget),
}

/// Which process is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProcessTarget {
    /// This one.
    Pid(u32),
    /// Whichever listens on this TCP port; looked up again when it is gone, so that a restart is followed.
    Port(u16),
}

/// A number that is sampled in time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeriesPlan {
    /// Full name, e.g. `process.rss`; what criteria and reports call it.
    pub name: String,
    /// Unit of its values.
    pub unit: Unit,
    /// Index into `Plan::monitors`.
    pub monitor: usize,
}

/// CPU time in use: 1.0 is one core. Memory in bytes.
const PROCESS: &[(&str, Unit)] =
    &[("cpu", Unit::Share), ("rss", Unit::Bytes), ("threads", Unit::Count), ("fds", Unit::Count)];
/// CPU here is a share of what this process may use; `throttled` is the share of time its control group was stopped.
const GENERATOR: &[(&str, Unit)] =
    &[("cpu", Unit::Share), ("rss", Unit::Bytes), ("fds", Unit::Count), ("throttled", Unit::Share)];

impl MonitorKind {
    /// Last parts of the names of its series and their units, in the order in which it delivers them.
    pub fn series(&self) -> &'static [(&'static str, Unit)] {
        match self {
            Self::Generator => GENERATOR,
            Self::Process(_) => PROCESS,
        }
    }
}

impl Monitor {
    /// The one that watches the generator itself.
    pub fn generator() -> Self {
        Self { name: "generator".to_owned(), interval: Nanos::SECOND, kind: MonitorKind::Generator }
    }
}
