//! The load over time.

use serde::{Deserialize, Serialize};
use squall_core::Nanos;

/// Phases in order, and how the run ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Load {
    /// At least one.
    pub phases: Vec<PhasePlan>,
    /// At the end, how long users may take to finish their current task; zero cuts them at once.
    pub stop_timeout: Nanos,
}

/// One step of the load: a number of users, reached at a rate, held for a time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PhasePlan {
    /// Shown in reports; unique within the run.
    pub name: String,
    /// Users at the end of the ramp.
    pub users: u32,
    /// Users started (or stopped) per second; finite and above zero.
    pub spawn_rate: f64,
    /// From the start of the phase, ramp included; `None` runs until it is stopped (last phase only).
    pub run_time: Option<Nanos>,
    /// False for a warm-up: recorded and shown, but not judged.
    pub measured: bool,
}

impl Load {
    /// The whole run time, or `None` when it is open-ended.
    pub fn run_time(&self) -> Option<Nanos> {
        self.phases.iter().try_fold(Nanos::ZERO, |sum, phase| Some(sum + phase.run_time?))
    }

    /// The largest number of users of any phase.
    pub fn peak_users(&self) -> u32 {
        self.phases.iter().map(|phase| phase.users).max().unwrap_or(0)
    }
}
