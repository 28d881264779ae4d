//! What happened in a run beside its criteria: how each phase went, how it recovered, whether something drifts.
//!
//! Pure functions of a record; reports show them as sections of their own.

mod disturbance;
mod drift;
mod faults;
mod hold;
mod parts;
mod recovery;
mod seconds;
mod stretch;

use serde::{Deserialize, Serialize};
use squall_core::Nanos;
use squall_plan::Unit;
use squall_record::Run;

pub(crate) use hold::{COURSES, FEWEST, holds};
pub(crate) use recovery::recoveries;
pub(crate) use seconds::seconds;

/// Everything there is to tell.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Analyses {
    /// Ramp and hold of every phase, in the order of time.
    pub parts: Vec<PhasePart>,
    /// One for each phase that disturbs (more load than before and after it), in the order of time.
    pub recoveries: Vec<Recovery>,
    /// What was looked at for drift in the longest steady part of the run; a run too short to tell has none.
    pub drifts: Vec<Drift>,
    /// One for each fault that was made.
    pub faults: Vec<FaultEffect>,
}

/// Which part of a phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartKind {
    /// Users are being started.
    RampUp,
    /// The asked number of users runs.
    Hold,
    /// Users are being stopped.
    RampDown,
}

/// A part of a phase and what it was like.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PhasePart {
    /// Name of the phase.
    pub phase: String,
    /// Which part of it.
    pub kind: PartKind,
    /// False for a warm-up, and for the ramps of a phase that holds: criteria do not look at it.
    pub measured: bool,
    /// What it was like.
    pub stretch: Stretch,
}

/// A stretch of time and what it was like. Times of responses in seconds, rates per second, shares from 0 to 1.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Stretch {
    /// Its begin.
    pub start: Nanos,
    /// Its end.
    pub end: Nanos,
    /// Most users that ran at once.
    pub users: u32,
    /// Requests completed in it.
    pub completed: u64,
    /// Successes per second.
    pub throughput: f64,
    /// Successes per second and user; `None` without users.
    pub throughput_per_user: Option<f64>,
    /// Task iterations.
    pub iterations: IterationRates,
    /// Median response time.
    pub p50: Option<f64>,
    /// 95th percentile of response time.
    pub p95: Option<f64>,
    /// 99th percentile of response time.
    pub p99: Option<f64>,
    /// Failed / (Ok + Failed).
    pub error_rate: Option<f64>,
    /// Share of rate-limited requests among all completed ones.
    pub rate_limited: Option<f64>,
}

/// Task iterations per second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct IterationRates {
    /// Due to start.
    pub offered: f64,
    /// Begun by a user.
    pub started: f64,
    /// Run to their end.
    pub completed: f64,
    /// Given up because no user was free in time.
    pub dropped: f64,
}

/// How requests came back to what they were before a disturbance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recovery {
    /// The phase or fault that disturbed.
    pub disturbance: String,
    /// Before it: what was compared with.
    pub baseline: Stretch,
    /// While it lasted.
    pub during: Stretch,
    /// From the end of the disturbance to the begin of the first window that was as before; `None` when there was none.
    pub time: Option<Nanos>,
    /// How long was looked for one.
    pub watched: Nanos,
    /// The result as a sentence, with what was still worse if it did not recover.
    pub sentence: String,
}

/// The trend of a measure in time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Drift {
    /// `p95`, `throughput`, or the full name of a series.
    pub of: String,
    /// Unit of its values; the slope is per hour.
    pub unit: Unit,
    /// Where it was looked at.
    pub start: Nanos,
    /// See `start`.
    pub end: Nanos,
    /// Theil–Sen slope, in the unit per hour.
    pub slope: f64,
    /// Its 95 % confidence interval.
    pub interval: (f64, f64),
    /// Mann–Kendall, two-sided, with the variance corrected for autocorrelation.
    pub p_value: f64,
    /// The trend is beyond chance and large enough to matter.
    pub significant: bool,
    /// A significant rise of something that should not rise.
    pub leak: bool,
    /// From the end of the run until a known limit is reached at this slope.
    pub time_to_limit: Option<Nanos>,
    /// The result as a sentence.
    pub sentence: String,
}

/// A fault that was made, and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FaultEffect {
    /// As the plan calls it.
    pub name: String,
    /// True when its commands did not do what they should.
    pub failed: bool,
    /// What came of its commands.
    pub outcome: String,
    /// After it, and how requests came back; `None` when the run ended before.
    pub after: Option<Stretch>,
    /// Before and during it, and the time it took to recover.
    pub recovery: Recovery,
}

/// Look at `run` in every way there is.
pub fn analyse(run: &Run) -> Analyses {
    let seconds = seconds(&run.windows, &run.phases, &|_| true);
    Analyses {
        parts: parts::parts(run, &seconds),
        recoveries: recovery::in_seconds(&run.plan.load, &seconds, &run.phases, 95.0),
        drifts: drift::drifts(run, &seconds),
        faults: faults::effects(run, &seconds),
    }
}
